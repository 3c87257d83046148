"""Access keys and users that were made in the incident."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from bot.aws import Allowed, Aws, Grant
from bot.by_hand import typed
from bot.made import kinds
from bot.made.makings import Makings, told
from bot.model import Refusal
from bot.remediation.base import Draft, State
from bot.remediation.created.thing import KIND, too_old
from bot.remediation.disable_access_key import DisableAccessKey
from bot.remediation.principals import keys_of, principal_named, user_arns
from bot.remediation.quarantine_user import QuarantineUser

if TYPE_CHECKING:
    from mypy_boto3_iam.client import IAMClient

KEY = "key "
"""Before each access key's id in the state of a user."""


class CreatedKey:
    """Set Inactive, as any stolen key."""

    kind = kinds.KEY.name

    def __init__(self, keys: DisableAccessKey, makings: Makings) -> None:
        self._keys = keys
        self._makings = makings

    def plan(self, target: str, aws: Aws) -> Draft | Refusal:
        draft = self._keys.plan(target, aws)
        if isinstance(draft, Refusal):
            return draft
        iam: IAMClient = aws.reader("iam", draft.account)
        pages = iam.get_paginator("list_access_keys").paginate(UserName=draft.before["user"])
        made_at = next(
            key["CreateDate"] for page in pages for key in page["AccessKeyMetadata"] if key["AccessKeyId"] == target
        )
        if not self._makings.is_recent(made_at):
            return too_old(target, made_at, "If it was stolen, disable it as such (disable_access_key).")
        before, after = {KIND: self.kind, **draft.before}, {KIND: self.kind, **draft.after}
        warnings = (told(self._makings.key(target)), *draft.warnings)
        return replace(draft, before=before, after=after, warnings=warnings)

    def observe(self, target: str, account: str, before: State, aws: Aws) -> State:
        present = self._keys.observe(target, account, before, aws)
        return {KIND: self.kind, **present} if present else {}

    def grant(self, target: str, account: str, state: State, partition: str) -> Grant:
        return self._keys.grant(target, account, state, partition)

    def make_so(self, target: str, state: State, client: Any, *, back: bool) -> None:
        (self._keys.undo if back else self._keys.execute)(target, state, client)

    def commands(self, target: str, state: State) -> tuple[str, ...]:
        return self._keys.commands(target, state)


class CreatedUser:
    """Denied everything, and each of its keys set Inactive: several calls, the denial first."""

    kind = kinds.USER.name

    def __init__(self, users: QuarantineUser, makings: Makings) -> None:
        self._users = users
        self._makings = makings

    def plan(self, target: str, aws: Aws) -> Draft | Refusal:
        draft = self._users.plan(target, aws)
        if isinstance(draft, Refusal):
            return draft
        user = draft.before["user"]
        iam: IAMClient = aws.reader("iam", draft.account)
        made_at = iam.get_user(UserName=user)["User"]["CreateDate"]
        if not self._makings.is_recent(made_at):
            return too_old(draft.target, made_at, "If it was stolen, quarantine it (quarantine_user).")
        keys = {f"{KEY}{key}": status for key, status in sorted(keys_of(iam, user).items())}
        before = {KIND: self.kind, **draft.before, **keys}
        after = {KIND: self.kind, **draft.after, **dict.fromkeys(keys, "Inactive")}
        making = self._makings.of(user, kinds.USER)
        warnings = (told(making[0] if making else None), *draft.warnings)
        title = f"Disable user {user}, who was made in the incident"
        return replace(draft, title=title, before=before, after=after, warnings=warnings)

    def observe(self, target: str, account: str, before: State, aws: Aws) -> State:
        present = dict(self._users.observe(target, account, before, aws))
        statuses = keys_of(aws.reader("iam", account), before["user"])
        named = [name for name in before if name.startswith(KEY)]
        return present | {name: statuses.get(name.removeprefix(KEY), "gone") for name in named}

    def grant(self, target: str, account: str, state: State, partition: str) -> Grant:
        denying = self._users.grant(target, account, state, partition)
        keys = Allowed(("iam:UpdateAccessKey",), user_arns(partition, account, state["user"]))
        return replace(denying, allowed=(*denying.allowed, keys))

    def make_so(self, target: str, state: State, client: Any, *, back: bool) -> None:
        (self._users.undo if back else self._users.execute)(target, state, client)
        iam: IAMClient = client
        for name, status in state.items():
            if name.startswith(KEY):
                wanted = "Active" if status == "Active" else "Inactive"
                key = name.removeprefix(KEY)
                iam.update_access_key(UserName=state["user"], AccessKeyId=key, Status=wanted)  # type: ignore[arg-type]

    def commands(self, target: str, state: State) -> tuple[str, ...]:
        words = ("iam", "update-access-key", "--user-name", state["user"], "--access-key-id")
        keys = [
            typed(*words, name.removeprefix(KEY), "--status", status)
            for name, status in state.items()
            if name.startswith(KEY)
        ]
        return (*self._users.commands(target, state), *keys)


def is_user(target: str) -> bool:
    named = principal_named(target, "000000000000")
    return not isinstance(named, Refusal) and named.kind == "user"
