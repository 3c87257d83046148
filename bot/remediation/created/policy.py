"""Customer managed policies: one made in the incident is detached from all, one changed in it gets its version back."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Any

from bot.aws import NO_ROLES_ROLE, Allowed, Aws, Condition, Grant
from bot.by_hand import typed
from bot.made.kinds import POLICY, POLICY_VERSION
from bot.made.makings import Making, Makings, told
from bot.model import Refusal
from bot.remediation.base import Draft, State, take_away
from bot.remediation.created.thing import KIND, too_old

if TYPE_CHECKING:
    from mypy_boto3_iam.client import IAMClient

ARN = re.compile(r"arn:aws[a-z-]*:iam::(\d{12}):policy/((?:[\x21-\x7e]*/)?[\w+=,.@-]{1,128})", re.ASCII)
HOLDERS = ("user", "role", "group")
ATTACHED, DETACHED = "attached", "detached"

NOT_RECORDED = (
    "IAM does not record which version was the default before: {version} is the newest made before the change."
)


class CreatedPolicy:
    """Detached from every user, role and group it is attached to, each recorded: as many calls as there are."""

    kind = POLICY.name

    def __init__(self, makings: Makings) -> None:
        self._makings = makings

    def plan(self, target: str, aws: Aws) -> Draft | Refusal:
        account, name = _named(target)
        iam: IAMClient = aws.reader("iam", account)
        made_at = iam.get_policy(PolicyArn=target)["Policy"]["CreateDate"]
        if not self._makings.is_recent(made_at):
            return too_old(target, made_at, "If it was changed in the incident, its version is put back instead.")
        holders = _holders(iam, target)
        if not holders:
            return Refusal(f"{target} is attached to nobody: it grants nothing.", settled=True)
        started = {KIND: self.kind, "policy": target}
        before = started | dict.fromkeys(holders, ATTACHED)
        after = started | dict.fromkeys(holders, DETACHED)
        if not aws.has_roles_role:
            return Refusal(NO_ROLES_ROLE, self.commands(target, after))
        making = self._makings.of(name.rpartition("/")[2], POLICY)
        warnings = (told(making[0] if making else None), f"It is taken from {', '.join(holders)}.")
        return Draft(target, account, f"Detach policy {name} from everybody", before, after, warnings)

    def observe(self, target: str, account: str, before: State, aws: Aws) -> State:
        held = _holders(aws.reader("iam", account), before["policy"])
        return {
            name: value if name in {KIND, "policy"} else ATTACHED if name in held else DETACHED
            for name, value in before.items()
        }

    def grant(self, target: str, account: str, state: State, partition: str) -> Grant:
        only: Condition = {"ArnEquals": {"iam:PolicyARN": state["policy"]}}
        allowed = [
            Allowed(
                (f"iam:Attach{kind.capitalize()}Policy", f"iam:Detach{kind.capitalize()}Policy"),
                (f"arn:{partition}:iam::{account}:{kind}/*",),
                only,
            )
            for kind in HOLDERS
        ]
        return Grant("iam", tuple(allowed), by_roles_role=True)

    def make_so(self, target: str, state: State, client: Any, *, back: bool) -> None:
        for holder, wanted in _changes(state):
            kind, _, name = holder.partition(" ")
            asked = {f"{kind.capitalize()}Name": name, "PolicyArn": state["policy"]}
            if wanted == ATTACHED:
                getattr(client, f"attach_{kind}_policy")(**asked)
            else:
                take_away(getattr(client, f"detach_{kind}_policy"), **asked)

    def commands(self, target: str, state: State) -> tuple[str, ...]:
        return tuple(
            typed(
                *("iam", f"{'attach' if wanted == ATTACHED else 'detach'}-{holder.partition(' ')[0]}-policy"),
                *(f"--{holder.partition(' ')[0]}-name", holder.partition(" ")[2], "--policy-arn", state["policy"]),
            )
            for holder, wanted in _changes(state)
        )


class ChangedPolicy:
    """``SetDefaultPolicyVersion`` to the newest version that was made before the incident."""

    kind = POLICY_VERSION.name

    def __init__(self, makings: Makings) -> None:
        self._makings = makings

    def plan(self, target: str, aws: Aws) -> Draft | Refusal:
        account, name = _named(target)
        iam: IAMClient = aws.reader("iam", account)
        pages = iam.get_paginator("list_policy_versions").paginate(PolicyArn=target)
        versions = [version for page in pages for version in page["Versions"]]
        present = next(version for version in versions if version["IsDefaultVersion"])
        if not self._makings.is_recent(present["CreateDate"]):
            return too_old(f"The version {present['VersionId']} of {target}", present["CreateDate"], "")
        older = [each for each in versions if not self._makings.is_recent(each["CreateDate"])]
        if not older:
            return Refusal(
                f"{target} has no version from before the incident: write the policy anew from where it is kept, or "
                "take it from whom it serves.",
                (typed("iam", "list-policy-versions", "--policy-arn", target),),
            )
        earlier = max(older, key=lambda each: (each["CreateDate"], int(each["VersionId"][1:])))["VersionId"]
        before = {KIND: self.kind, "policy": target, "default version": present["VersionId"]}
        after = before | {"default version": earlier}
        if not aws.has_roles_role:
            return Refusal(NO_ROLES_ROLE, self.commands(target, after))
        changed = self._makings.of(target, POLICY_VERSION)
        warnings = (_changed_by(changed), NOT_RECORDED.format(version=earlier))
        title = f"Put version {earlier} of policy {name} back"
        return Draft(target, account, title, before, after, warnings)

    def observe(self, target: str, account: str, before: State, aws: Aws) -> State:
        iam: IAMClient = aws.reader("iam", account)
        return {**before, "default version": iam.get_policy(PolicyArn=target)["Policy"]["DefaultVersionId"]}

    def grant(self, target: str, account: str, state: State, partition: str) -> Grant:
        setting = Allowed(("iam:SetDefaultPolicyVersion",), (state["policy"],))
        return Grant("iam", (setting,), by_roles_role=True)

    def make_so(self, target: str, state: State, client: Any, *, back: bool) -> None:
        client.set_default_policy_version(PolicyArn=state["policy"], VersionId=state["default version"])

    def commands(self, target: str, state: State) -> tuple[str, ...]:
        words = ("iam", "set-default-policy-version", "--policy-arn", state["policy"])
        return (typed(*words, "--version-id", state["default version"]),)


def is_policy(target: str) -> bool:
    return bool(ARN.fullmatch(target))


def made_at(target: str, aws: Aws) -> datetime:
    """When AWS says the policy was made. Raises ``ClientError``, ``BotoCoreError``, ``NoWayIn``."""
    iam: IAMClient = aws.reader("iam", _named(target)[0])
    return iam.get_policy(PolicyArn=target)["Policy"]["CreateDate"]


def _named(target: str) -> tuple[str, str]:
    found = ARN.fullmatch(target)
    assert found  # noqa: S101 - is_policy was asked before
    return found[1], found[2]


def _holders(iam: IAMClient, arn: str) -> list[str]:
    """``user alice``, ``role deploy``, ``group developers``: whom the policy is attached to."""
    pages = list(iam.get_paginator("list_entities_for_policy").paginate(PolicyArn=arn))
    users = [f"user {each['UserName']}" for page in pages for each in page["PolicyUsers"]]
    roles = [f"role {each['RoleName']}" for page in pages for each in page["PolicyRoles"]]
    groups = [f"group {each['GroupName']}" for page in pages for each in page["PolicyGroups"]]
    return sorted([*users, *roles, *groups])


def _changes(state: State) -> list[tuple[str, str]]:
    return [(name, value) for name, value in state.items() if name not in {KIND, "policy"}]


def _changed_by(changed: tuple[Making, ...]) -> str:
    if not changed:
        return "Who changed it is not known: the CloudTrail history holds no record of it."
    return f"Changed by {changed[0].sentence}"
