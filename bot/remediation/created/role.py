"""Roles: one made in the incident trusts nobody any more, one whose trust was changed gets the earlier one back."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from bot.aws import NO_ROLES_ROLE, Allowed, Aws, Grant
from bot.by_hand import typed
from bot.made.kinds import ROLE, TRUST
from bot.made.makings import Making, Makings, told
from bot.model import Refusal, rfc3339
from bot.remediation.base import Draft, State
from bot.remediation.created.thing import KIND
from bot.remediation.principals import PrincipalName, principal_named, role_arns, untouchable
from bot.remediation.revoke_sessions import RevokeSessions

if TYPE_CHECKING:
    from mypy_boto3_iam.client import IAMClient
    from mypy_boto3_iam.type_defs import RoleTypeDef

NOBODY = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Deny", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}],
    },
    separators=(",", ":"),
)
"""A trust policy that lets nobody in."""


class CreatedRole:
    """Its trust replaced by one that trusts nobody, and its sessions ended: two calls, the trust first."""

    kind = ROLE.name

    def __init__(self, sessions: RevokeSessions, makings: Makings) -> None:
        self._sessions = sessions
        self._makings = makings

    def plan(self, target: str, aws: Aws) -> Draft | Refusal:
        draft = self._sessions.plan(target, aws)
        if isinstance(draft, Refusal):
            return draft
        role = draft.before["role"]
        described = _role(draft.account, role, aws)
        making = self._makings.of(role, ROLE)
        trust = canonical(described["AssumeRolePolicyDocument"])
        before = {KIND: self.kind, **draft.before, "trust": trust}
        after = {KIND: self.kind, **draft.after, "trust": NOBODY}
        warnings = (told(making[0] if making else None), *draft.warnings)
        title = f"Let nobody into role {role}, which was made in the incident"
        return replace(draft, title=title, before=before, after=after, warnings=warnings)

    def observe(self, target: str, account: str, before: State, aws: Aws) -> State:
        described = _role(account, before["role"], aws)
        present = self._sessions.observe(target, account, before, aws)
        return {**present, "trust": canonical(described["AssumeRolePolicyDocument"])}

    def grant(self, target: str, account: str, state: State, partition: str) -> Grant:
        ending = self._sessions.grant(target, account, state, partition)
        return replace(ending, allowed=(*ending.allowed, *_trusting(partition, account, state)))

    def make_so(self, target: str, state: State, client: Any, *, back: bool) -> None:
        client.update_assume_role_policy(RoleName=state["role"], PolicyDocument=state["trust"])
        (self._sessions.undo if back else self._sessions.execute)(target, state, client)

    def commands(self, target: str, state: State) -> tuple[str, ...]:
        return (_command(state), *self._sessions.commands(target, state))


class ChangedTrust:
    """The trust policy from before the incident, as the record of the call that wrote it has it."""

    kind = TRUST.name

    def __init__(self, makings: Makings) -> None:
        self._makings = makings

    def plan(self, target: str, aws: Aws) -> Draft | Refusal:
        role = _named(target, aws)
        if isinstance(role, Refusal):
            return role
        described = _role(role.account, role.name, aws)
        present = canonical(described["AssumeRolePolicyDocument"])
        written = self._makings.of(role.name, TRUST, ROLE)
        recent = [each for each in written if self._makings.is_recent(each.event.at)]
        changed = [each for each in recent if each.event.name in TRUST.calls]
        earlier = _before(written, changed)
        if earlier is None:
            return _not_known(role, bool(changed))
        before = {KIND: self.kind, "role": role.name, "trust": present}
        after = before | {"trust": canonical(_document(earlier))}
        if present == after["trust"]:
            return Refusal(f"{role.id} has the trust policy of {rfc3339(earlier.event.at)} already.", settled=True)
        if not aws.has_roles_role:
            return Refusal(NO_ROLES_ROLE, self.commands(target, after))
        warnings = (
            f"Changed by {changed[0].sentence}",
            f"It gets back the trust policy that {earlier.event.name} wrote at {rfc3339(earlier.event.at)}.",
            "Sessions that were taken in between go on until they expire: end them too (revoke_sessions).",
        )
        title = f"Put the earlier trust policy of role {role.name} back"
        return Draft(role.id, role.account, title, before, after, warnings, principal=role.id)

    def observe(self, target: str, account: str, before: State, aws: Aws) -> State:
        described = _role(account, before["role"], aws)
        return {**before, "trust": canonical(described["AssumeRolePolicyDocument"])}

    def grant(self, target: str, account: str, state: State, partition: str) -> Grant:
        return Grant("iam", _trusting(partition, account, state), by_roles_role=True)

    def make_so(self, target: str, state: State, client: Any, *, back: bool) -> None:
        client.update_assume_role_policy(RoleName=state["role"], PolicyDocument=state["trust"])

    def commands(self, target: str, state: State) -> tuple[str, ...]:
        return (_command(state),)


def is_new(target: str, aws: Aws, makings: Makings) -> bool | Refusal:
    """Whether a role was made in the incident, as AWS dates it. Raises as ``Remediation.plan``."""
    role = _named(target, aws)
    if isinstance(role, Refusal):
        return role
    return makings.is_recent(_role(role.account, role.name, aws)["CreateDate"])


def canonical(document: Any) -> str:
    """A policy as short as JSON can be, however IAM or a record wrote it."""
    if isinstance(document, str):
        document = json.loads(unquote(document) if document.startswith("%") else document)
    return json.dumps(document, separators=(",", ":"))


def _named(target: str, aws: Aws) -> PrincipalName | Refusal:
    role = principal_named(target, aws.identity().account, bare="role")
    return role if isinstance(role, Refusal) else untouchable(role, aws) or role


def _role(account: str, name: str, aws: Aws) -> RoleTypeDef:
    iam: IAMClient = aws.reader("iam", account)
    return iam.get_role(RoleName=name)["Role"]


def _before(written: Iterable[Making], changed: list[Making]) -> Making | None:
    """The newest call that wrote the trust before the first change in the incident."""
    if not changed:
        return None
    first = min(each.event.at for each in changed)
    return next((each for each in written if each.event.at < first and _document(each)), None)


def _document(making: Making) -> Any:
    return making.parameters.get("policyDocument") or making.parameters.get("assumeRolePolicyDocument")


def _not_known(role: PrincipalName, changed: bool) -> Refusal:
    why = "no record holds its trust policy from before" if changed else "no record shows that its trust was changed"
    words = ("iam", "update-assume-role-policy", "--role-name", role.name, "--policy-document", "file://trust.json")
    return Refusal(
        f"{role.id} is older than the incident, and {why}: write the trust policy anew from where it is kept. Its "
        "sessions can be ended meanwhile (revoke_sessions).",
        (typed("iam", "get-role", "--role-name", role.name), typed(*words)),
    )


def _trusting(partition: str, account: str, state: State) -> tuple[Allowed, ...]:
    return (Allowed(("iam:UpdateAssumeRolePolicy",), role_arns(partition, account, state["role"])),)


def _command(state: State) -> str:
    words = ("iam", "update-assume-role-policy", "--role-name", state["role"])
    return typed(*words, "--policy-document", state["trust"])
