"""Take a user's console password out of a thief's hands.

The default removes the login profile. Where the configuration says so, the password is replaced by a random one that
nobody is ever shown, and must be changed at the next sign-in: the user's administrator hands out a new one. Either way
the old password is gone for good: nobody knows it, so nothing could restore it.
"""

from __future__ import annotations

import secrets
import string
from datetime import datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from bot.aws import Allowed, Aws, Fault, Grant, fault
from bot.by_hand import typed
from bot.model import Kind, Refusal
from bot.remediation.base import Draft, Permissions, State, take_away
from bot.remediation.offer import PLAIN, Offer
from bot.remediation.principals import PrincipalName, user_arns
from bot.remediation.users import READ, USER_FORM, look_up, user_named

if TYPE_CHECKING:
    from mypy_boto3_iam.client import IAMClient

SYMBOLS = "!@#$%^&*()_+-=[]{}|'"
"""What IAM counts as symbols in a password policy (IAM user guide, password policy)."""
LENGTH = 64

OPEN_SESSIONS = (
    "New sign-ins fail. A console session that is open goes on, up to 12 hours: quarantine the user to end it."
)
KEYS = "The user's access keys are not touched by it."
NO_UNDO = (
    "There is no way back: nobody knows the present password. A new one is given to the user, with them present, by an "
    "administrator of theirs."
)
UNSEEN = "The random password is kept, shown and logged nowhere."


class ResetConsolePassword:
    """``DeleteLoginProfile``, or ``UpdateLoginProfile`` with a password nobody knows."""

    name = "reset_console_password"
    title = "Reset console password"
    takes = frozenset({Kind.PRINCIPAL, Kind.ACCESS_KEY})
    target_form = USER_FORM

    def __init__(self, offer: Offer = PLAIN) -> None:
        self._organisation = offer.organisation
        self._removes = offer.sign_in == "remove"
        act = "iam:DeleteLoginProfile" if self._removes else "iam:UpdateLoginProfile"
        self.permissions = Permissions(read=READ | {"iam:GetLoginProfile"}, act=frozenset({act}))

    def plan(self, target: str, aws: Aws) -> Draft | Refusal:
        user = user_named(target, aws, self._organisation.account)
        if isinstance(user, Refusal):
            return user
        if user.kind == "role":
            return Refusal(f"{user.id} is a role: it has no password.", settled=True)
        must_change = _must_change(aws.reader("iam", user.account), user.name)
        if must_change is None:
            return Refusal(f"{user.name} has no console password: there is nothing to reset.", settled=True)
        if self._removes:
            before = {"user": user.name, "password": "set"}
            title, after = f"Remove the console password of {user.name}", before | {"password": "none"}
            return _draft(user, title, before, after)
        if must_change:
            return Refusal(
                f"{user.name} must change the password at the next sign-in already, and whoever knows it can be the "
                "one who does. Remove it instead.",
                self.commands(user.id, {"user": user.name, "password": "none"}),
            )
        before = {"user": user.name, "must be changed": "no"}
        title, after = f"Replace the console password of {user.name}", before | {"must be changed": "yes"}
        return _draft(user, title, before, after, UNSEEN)

    def plan_undo(self, target: str, account: str, before: State, after: State, aws: Aws) -> Draft | Refusal:
        create = "create-login-profile" if after.get("password") == "none" else "update-login-profile"
        words = ("iam", create, "--user-name", before["user"], "--password-reset-required")
        return Refusal(
            "A password that is gone cannot be taken back: nobody kept it. When the user is safe, give them a new one, "
            "with them present.",
            (typed(*words, "--password", "NEW-PASSWORD"),),
        )

    def observe(self, target: str, account: str, before: State, aws: Aws) -> State:
        must_change = _must_change(aws.reader("iam", account), before["user"])
        if "password" in before:
            return {"user": before["user"], "password": "none" if must_change is None else "set"}
        if must_change is None:
            return {}
        return {"user": before["user"], "must be changed": "yes" if must_change else "no"}

    def meanwhile(self, target: str, account: str, before: State, since: datetime, aws: Aws) -> tuple[str, ...]:
        return ()

    def grant(self, target: str, account: str, state: State, partition: str) -> Grant:
        return Grant("iam", (Allowed(tuple(self.permissions.act), user_arns(partition, account, state["user"])),))

    def execute(self, target: str, after: State, client: Any) -> None:
        iam: IAMClient = client
        if "password" not in after:
            iam.update_login_profile(UserName=after["user"], Password=unknown(), PasswordResetRequired=True)
        else:
            take_away(iam.delete_login_profile, UserName=after["user"])

    def undo(self, target: str, before: State, client: Any) -> None:
        raise NotImplementedError("plan_undo refuses: there is no way back")

    def lookups(self, target: str) -> tuple[str, ...]:
        return look_up(target)

    def commands(self, target: str, state: State) -> tuple[str, ...]:
        user = ("--user-name", state["user"])
        if "password" in state:
            return (typed("iam", "delete-login-profile", *user),)
        words = ("iam", "update-login-profile", *user, "--password-reset-required", "--password", "NEW-PASSWORD")
        return (typed(*words),)


def unknown() -> str:
    """A password that satisfies any policy an account can set, and that nobody will ever see."""
    kinds = (string.ascii_lowercase, string.ascii_uppercase, string.digits, SYMBOLS)
    drawn = [secrets.choice(kinds[number % len(kinds)]) for number in range(LENGTH)]
    secrets.SystemRandom().shuffle(drawn)
    return "".join(drawn)


def _draft(user: PrincipalName, title: str, before: State, after: State, *notes: str) -> Draft:
    warnings = (NO_UNDO, OPEN_SESSIONS, KEYS, *notes)
    return Draft(user.id, user.account, title, before, after, warnings, principal=user.id)


def _must_change(iam: IAMClient, user: str) -> bool | None:
    """Whether the password must be changed at the next sign-in; ``None`` if there is none."""
    try:
        return iam.get_login_profile(UserName=user)["LoginProfile"].get("PasswordResetRequired", False)
    except ClientError as error:
        if fault(error) is Fault.MISSING:
            return None
        raise
