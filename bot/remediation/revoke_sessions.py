"""End every session of a role, or of a user, that was issued before now.

A role: the inline policy ``AWSRevokeOlderSessions``, as the console writes it, denies everything to credentials issued
before a moment. All of them: the workloads' too. Writing inline policies is power over everything, so that right is in
a role of its own.

A user: denied everything, as quarantine does. A deny by issue time would end the sessions and leave the stolen key
itself working: requests signed with a long-term key carry no issue time (IAM user guide, aws:TokenIssueTime).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from bot.aws import NO_ROLES_ROLE, Allowed, Aws, Fault, Grant, fault
from bot.by_hand import typed
from bot.model import Kind, Refusal, rfc3339
from bot.remediation.base import Draft, Permissions, State, take_away, taken_back
from bot.remediation.offer import PLAIN, Offer
from bot.remediation.principals import PrincipalName, principal_named, role_arns, untouchable
from bot.remediation.quarantine_user import QuarantineUser
from bot.remediation.root import root_refusal

if TYPE_CHECKING:
    from mypy_boto3_iam.client import IAMClient

POLICY = "AWSRevokeOlderSessions"
"""The name the console gives it, so that both overwrite one policy and not add two."""
NONE = "none"
NOT_OURS = ("/aws-service-role/", "/aws-reserved/")
"""Paths of roles that IAM lets nobody change (IAM user guide, service-linked roles; IAM Identity Center)."""

EVERYBODY = (
    "Every session of the role issued before the change ends within seconds, the workloads' own included: instances, "
    "functions and containers fetch new ones by themselves, a laptop's cached ones must be cleared."
)
NOT_THE_KEY = (
    "A deny by issue time would leave the stolen key itself working, because its requests carry no issue time: so the "
    "user is denied everything, and with it every session."
)
AGAIN = "Sessions issued before the change work again until they expire, also the thief's."


class RevokeSessions:
    """``PutRolePolicy``, undone by ``DeleteRolePolicy`` or the policy there was; for a user as ``QuarantineUser``."""

    name = "revoke_sessions"
    title = "Revoke sessions"
    takes = frozenset({Kind.PRINCIPAL})
    target_form = "111122223333:role/deploy, 111122223333:user/alice, or an ARN, also of a session"

    def __init__(self, offer: Offer = PLAIN, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._organisation = offer.organisation
        self._clock = clock
        self._users = QuarantineUser(offer)
        of_users = self._users.permissions
        self.permissions = Permissions(
            read=of_users.read | {"iam:GetRole", "iam:GetRolePolicy"},
            act=of_users.act,
            roles=of_users.roles | {"iam:PutRolePolicy", "iam:DeleteRolePolicy"},
            conditions=of_users.conditions,
        )

    def plan(self, target: str, aws: Aws) -> Draft | Refusal:
        principal = principal_named(target, aws.identity().account, bare="role")
        if isinstance(principal, Refusal):
            return principal
        if principal.kind == "root":
            return root_refusal(principal.account, self._organisation.account)
        if principal.kind == "user":
            return self._of_user(principal, aws)
        if refusal := untouchable(principal, aws):
            return refusal
        return self._of_role(principal, aws)

    def _of_user(self, user: PrincipalName, aws: Aws) -> Draft | Refusal:
        draft = self._users.plan(user.id, aws)
        if isinstance(draft, Refusal):
            return draft
        title = f"End every session of user {user.name}, by denying them everything"
        return replace(draft, title=title, warnings=(NOT_THE_KEY, *draft.warnings))

    def _of_role(self, role: PrincipalName, aws: Aws) -> Draft | Refusal:
        iam: IAMClient = aws.reader("iam", role.account)
        described = iam.get_role(RoleName=role.name)["Role"]
        if described["Path"].startswith(NOT_OURS):
            return Refusal(f"{role.id} is a role of an AWS service ({described['Path']}): only that can change it.")
        trust = _document(described["AssumeRolePolicyDocument"])
        earlier, at = _policy(iam, role.name), rfc3339(self._clock())
        before = {"role": role.name, "earlier policy": earlier, "sessions older than": at, "are": "answered"}
        after = before | {"are": "refused"}
        if not aws.has_roles_role:
            return Refusal(NO_ROLES_ROLE, self.commands(role.id, after))
        title = f"End every session of role {role.name} that was issued before now"
        warnings = (EVERYBODY, _comes_back(role.name, trust), *_overwrites(earlier))
        return Draft(role.id, role.account, title, before, after, warnings, breaks=role.observable, principal=role.id)

    def plan_undo(self, target: str, account: str, before: State, after: State, aws: Aws) -> Draft | Refusal:
        if "role" not in before:
            return self._users.plan_undo(target, account, before, after, aws)
        title = f"Answer the older sessions of role {before['role']} again"
        undo = Draft(target, account, title, after, before, (AGAIN,), principal=target)
        return taken_back(undo, self.observe(target, account, before, aws))

    def observe(self, target: str, account: str, before: State, aws: Aws) -> State:
        if "role" not in before:
            return self._users.observe(target, account, before, aws)
        ended = _ended_before(_policy(aws.reader("iam", account), before["role"]))
        return {**before, "are": "refused" if ended >= before["sessions older than"] else "answered"}

    def meanwhile(self, target: str, account: str, before: State, since: datetime, aws: Aws) -> tuple[str, ...]:
        return () if "role" in before else self._users.meanwhile(target, account, before, since, aws)

    def grant(self, target: str, account: str, state: State, partition: str) -> Grant:
        if "role" not in state:
            return self._users.grant(target, account, state, partition)
        both = ("iam:PutRolePolicy", "iam:DeleteRolePolicy")
        return Grant("iam", (Allowed(both, role_arns(partition, account, state["role"])),), by_roles_role=True)

    def execute(self, target: str, after: State, client: Any) -> None:
        if "role" not in after:
            self._users.execute(target, after, client)
            return
        at = max(rfc3339(self._clock()), after["sessions older than"])
        client.put_role_policy(RoleName=after["role"], PolicyName=POLICY, PolicyDocument=revoking(at))

    def undo(self, target: str, before: State, client: Any) -> None:
        if "role" not in before:
            self._users.undo(target, before, client)
        elif before["earlier policy"] == NONE:
            take_away(client.delete_role_policy, RoleName=before["role"], PolicyName=POLICY)
        else:
            document = before["earlier policy"]
            client.put_role_policy(RoleName=before["role"], PolicyName=POLICY, PolicyDocument=document)

    def lookups(self, target: str) -> tuple[str, ...]:
        return (typed("iam", "get-role", "--role-name", target.rpartition("/")[2] or target),)

    def commands(self, target: str, state: State) -> tuple[str, ...]:
        if "role" not in state:
            return self._users.commands(target, state)
        policy = ("--role-name", state["role"], "--policy-name", POLICY)
        document = revoking(state["sessions older than"]) if state["are"] == "refused" else state["earlier policy"]
        if document == NONE:
            return (typed("iam", "delete-role-policy", *policy),)
        return (typed("iam", "put-role-policy", *policy, "--policy-document", document),)


def revoking(at: str) -> str:
    """The policy that denies everything to credentials issued before ``at`` (RFC 3339, UTC)."""
    condition = {"DateLessThan": {"aws:TokenIssueTime": at}}
    statement = {"Effect": "Deny", "Action": ["*"], "Resource": ["*"], "Condition": condition}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]}, separators=(",", ":"))


def _policy(iam: IAMClient, role: str) -> str:
    """The present policy of our name, as short as JSON can be; ``none`` if there is none."""
    try:
        document = iam.get_role_policy(RoleName=role, PolicyName=POLICY)["PolicyDocument"]
    except ClientError as error:
        if fault(error) is Fault.MISSING:
            return NONE
        raise
    return json.dumps(_document(document), separators=(",", ":"))


def _document(document: Any) -> Any:
    """boto3 decodes the documents of IAM, but not where what it gets is not encoded as IAM does it."""
    return json.loads(document) if isinstance(document, str) else document


def _ended_before(policy: str) -> str:
    """The moment before which ``policy`` ends sessions, RFC 3339 in UTC; empty if it ends none."""
    if policy == NONE:
        return ""
    found = [
        str(statement.get("Condition", {}).get("DateLessThan", {}).get("aws:TokenIssueTime", ""))
        for statement in _statements(json.loads(policy))
        if statement.get("Effect") == "Deny"
    ]
    return max((rfc3339(datetime.fromisoformat(at)) for at in found if at), default="")


def _statements(document: Any) -> list[dict[str, Any]]:
    statements = document.get("Statement", [])
    return statements if isinstance(statements, list) else [statements]


def _comes_back(role: str, trust: Any) -> str:
    trusted = [
        value
        for statement in _statements(trust)
        if statement.get("Effect") == "Allow"
        for value in _trusted(statement.get("Principal", {}))
    ]
    named = ", ".join(sorted(set(trusted))) or "nobody"
    return f"Whoever may assume {role} can take a new session at once: contain them too. It trusts {named}."


def _trusted(principal: Any) -> list[str]:
    values = [principal] if isinstance(principal, str) else list(principal.values())
    return [each for value in values for each in (value if isinstance(value, list) else [value])]


def _overwrites(earlier: str) -> tuple[str, ...]:
    return () if earlier == NONE else (f"It replaces an older policy {POLICY}, which is recorded for the way back.",)
