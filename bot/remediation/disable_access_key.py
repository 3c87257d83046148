"""Set a user's long-term access key to Inactive. Milder than deleting it: the way back is one call.

``iam:UpdateAccessKey`` without UserName acts on the caller's own keys (IAM API reference), so it is always given.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Any

from bot.aws import Allowed, Aws, Grant, Identity
from bot.by_hand import typed
from bot.history.access_key import EXAMPLE_IDS, account_of
from bot.model import Kind, Observable, Refusal, rfc3339
from bot.remediation.base import Draft, Permissions, State, taken_back
from bot.remediation.offer import PLAIN, Offer
from bot.remediation.principals import keys_of, new_keys, user_arns
from bot.remediation.root import root_refusal

if TYPE_CHECKING:
    from mypy_boto3_iam.client import IAMClient
    from mypy_boto3_iam.type_defs import AccessKeyLastUsedTypeDef

KEY = re.compile(r"A[A-Z]{3}[A-Z0-9]{16}")
ROOT = "<root_account>"
"""How IAM names the root user where it lists it among users (credential report)."""

SESSIONS = (
    "This does not end sessions already minted from the key: GetSessionToken and GetFederationToken sessions live up "
    "to 36 hours, and assumed roles until they expire."
)
SMTP = "If the key is used as an Amazon SES SMTP user name, sending mail with it stops too."
AGAIN = "The key works again for everybody who holds it, also for whoever stole it."


class DisableAccessKey:
    """``UpdateAccessKey`` to Inactive; undone by restoring the recorded status."""

    name = "disable_access_key"
    title = "Disable access key"
    takes = frozenset({Kind.ACCESS_KEY})
    target_form = "AKIA…"
    permissions = Permissions(
        read=frozenset({"iam:GetAccessKeyLastUsed", "iam:ListAccessKeys"}),
        act=frozenset({"iam:UpdateAccessKey"}),
    )

    def __init__(self, offer: Offer = PLAIN) -> None:
        self._organisation = offer.organisation

    def plan(self, target: str, aws: Aws) -> Draft | Refusal:
        if why := malformed(target):
            return Refusal(why)
        own = aws.identity()
        if target == own.key:
            told = f"{target} is the bot's own key: disabling it would leave the bot unable to undo anything."
            return Refusal(told, self.commands(target, {"user": own.user, "status": "Inactive"}) if own.user else ())
        account = account_of(target) or own.account
        iam: IAMClient = aws.reader("iam", account)
        answer = iam.get_access_key_last_used(AccessKeyId=target)
        user = answer.get("UserName", "")
        if user == ROOT:
            return root_refusal(account, self._organisation.account, target)
        if refusal := _not_to_be_touched(target, user, account, own):
            return refusal
        return _draft(target, account, user, keys_of(iam, user), answer["AccessKeyLastUsed"])

    def plan_undo(self, target: str, account: str, before: State, after: State, aws: Aws) -> Draft | Refusal:
        title = f"Set access key {target} of {before['user']} to {before['status']} again"
        undo = Draft(target, account, title, after, before, (AGAIN,), principal=_owner(account, before))
        return taken_back(undo, self.observe(target, account, before, aws))

    def observe(self, target: str, account: str, before: State, aws: Aws) -> State:
        iam: IAMClient = aws.reader("iam", account)
        statuses = keys_of(iam, before["user"])
        return {"user": before["user"], "status": statuses[target]} if target in statuses else {}

    def execute(self, target: str, after: State, client: Any) -> None:
        _set_status(client, target, after)

    def undo(self, target: str, before: State, client: Any) -> None:
        _set_status(client, target, before)

    def meanwhile(self, target: str, account: str, before: State, since: datetime, aws: Aws) -> tuple[str, ...]:
        return new_keys(aws.reader("iam", account), before["user"], since)

    def grant(self, target: str, account: str, state: State, partition: str) -> Grant:
        return Grant("iam", (Allowed(("iam:UpdateAccessKey",), user_arns(partition, account, state["user"])),))

    def lookups(self, target: str) -> tuple[str, ...]:
        return (typed("iam", "get-access-key-last-used", "--access-key-id", target),)

    def commands(self, target: str, state: State) -> tuple[str, ...]:
        words = ("iam", "update-access-key", "--user-name", state["user"], "--access-key-id", target)
        return (typed(*words, "--status", state["status"]),)


def malformed(target: str) -> str | None:
    """Why ``target`` cannot be disabled, as far as its id tells; ``None`` if it may be looked up."""
    if not KEY.fullmatch(target):
        return "This is not an access key id: 20 capital letters and digits, beginning with AKIA."
    if target in EXAMPLE_IDS:
        return f"{target} is an example from the AWS documentation; no such key exists."
    if target.startswith("ASIA"):
        return (
            f"{target} is a temporary key: it cannot be disabled. End the sessions of the role or user it was "
            "issued to, and disable the long-term key it was minted from."
        )
    if not target.startswith("AKIA"):
        return f"{target} is not a long-term access key: those begin with AKIA."
    return None


def _not_to_be_touched(target: str, user: str, account: str, own: Identity) -> Refusal | None:
    if not user:
        return Refusal(f"AWS does not say who owns {target}, so it is not touched: look it up in the IAM console.")
    if account == own.account and user == own.user:
        words = ("iam", "update-access-key", "--user-name", user, "--access-key-id", target, "--status", "Inactive")
        told = f"{target} belongs to {user}, the user the bot itself runs as: disable it by hand."
        return Refusal(told, (typed(*words),))
    return None


def _draft(
    target: str, account: str, user: str, statuses: dict[str, str], used: AccessKeyLastUsedTypeDef
) -> Draft | Refusal:
    status = statuses.get(target)
    if status is None:
        return Refusal(f"AWS names {user} as the owner of {target} but does not list it among their keys: plan again.")
    if status == "Inactive":
        return Refusal(f"{target} of {user} is already inactive.", settled=True)
    others = tuple(_other(user, key, state) for key, state in sorted(statuses.items()) if key != target)
    before = {"user": user, "status": status}
    warnings = (_last_used(target, used), SESSIONS, *others, SMTP)
    title, after = f"Disable access key {target} of {user}", before | {"status": "Inactive"}
    stops = Observable(Kind.ACCESS_KEY, target)
    return Draft(target, account, title, before, after, warnings, stops, principal=_owner(account, before))


def _last_used(target: str, used: AccessKeyLastUsedTypeDef) -> str:
    at = used.get("LastUsedDate")
    if at is None:
        return f"AWS has no record of {target} being used."
    return (
        f"Last used at {rfc3339(at)} for {used['ServiceName']} in {used['Region']}: whatever still works with it "
        "stops within seconds."
    )


def _other(user: str, key: str, status: str) -> str:
    if status == "Inactive":
        return f"{user} has another key, {key}, which is inactive."
    return f"{user}'s other key, {key}, is active and goes on working."


def _owner(account: str, state: State) -> str:
    return f"{account}:user/{state['user']}"


def _set_status(iam: IAMClient, target: str, state: State) -> None:
    user, status = state.get("user"), state.get("status")
    if not user:
        raise ValueError("UpdateAccessKey without UserName would act on the caller's own keys")
    iam.update_access_key(UserName=user, AccessKeyId=target, Status="Active" if status == "Active" else "Inactive")
