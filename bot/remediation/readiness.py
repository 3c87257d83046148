"""May the acting role do what it will be asked, before anybody asks? AWS is asked, and nothing is changed.

``iam:SimulatePrincipalPolicy`` judges every declared call as AWS would, the organisation's policies included:
https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bot.aws import Aws, Condition
from bot.remediation.base import Remediation
from bot.remediation.wording import AwsError, why

if TYPE_CHECKING:
    from mypy_boto3_iam.client import IAMClient

PERMISSIONS = frozenset({"iam:SimulatePrincipalPolicy"})
AT_ONCE = 50
"""Actions in one request."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What came of one account: ``allowed`` are the calls AWS would take, ``problems`` sentences about the others."""

    account: str
    allowed: tuple[str, ...]
    problems: tuple[str, ...]


def check(
    account: str, role: str, remediations: Iterable[Remediation], aws: Aws, *, third: str | None = None
) -> Checked:
    """Whether ``role`` (an ARN) may make every call the ``remediations`` declare, in ``account``. Never raises.

    ``third`` is the ARN of the optional third role, where there is one: it is asked about those calls that are its own.
    """
    declared = [each.permissions for each in remediations]
    actions = frozenset[str]().union(*(each.act for each in declared))
    conditions = {action: narrowed for each in declared for action, narrowed in each.conditions.items()}
    own = frozenset[str]().union(*(each.roles for each in declared))
    try:
        iam: IAMClient = aws.reader("iam", account)
        acting = _asked(iam, role, actions, conditions)
        beside = _asked(iam, third, own, {}) if third else []
    except AwsError as error:
        return Checked(account, (), (f"{account}: {role} could not be checked: {why(error)}.",))
    judged = [("the acting role", each) for each in acting] + [("the third role", each) for each in beside]
    allowed = {result["EvalActionName"] for _, result in judged if result["EvalDecision"] == "allowed"}
    refused = [_problem(account, who, result) for who, result in judged if result["EvalDecision"] != "allowed"]
    return Checked(account, tuple(sorted(allowed)), tuple(refused))


def _asked(
    iam: IAMClient, role: str, actions: Collection[str], conditions: Mapping[str, Condition]
) -> list[Mapping[str, Any]]:
    """What AWS says of each action; one narrowed by a condition is asked about as it will be used."""
    plain = sorted(action for action in actions if action not in conditions)
    asked: list[tuple[list[str], Condition | None]] = [
        (plain[start : start + AT_ONCE], None) for start in range(0, len(plain), AT_ONCE)
    ]
    asked += [([action], conditions[action]) for action in sorted(actions) if action in conditions]
    return [result for some, narrowed in asked for result in _simulated(iam, role, some, narrowed)]


def _simulated(
    iam: IAMClient, role: str, actions: Sequence[str], narrowed: Condition | None
) -> list[Mapping[str, Any]]:
    context = [
        {"ContextKeyName": key, "ContextKeyValues": _values(wanted), "ContextKeyType": "string"}
        for keys in (narrowed or {}).values()
        for key, wanted in keys.items()
    ]
    pages = iam.get_paginator("simulate_principal_policy").paginate(
        PolicySourceArn=role,
        ActionNames=list(actions),
        ContextEntries=context,  # type: ignore[arg-type]
    )
    return [result for page in pages for result in page["EvaluationResults"]]


def _values(wanted: str | tuple[str, ...]) -> list[str]:
    """Values that satisfy a condition: a pattern is filled in."""
    given = (wanted,) if isinstance(wanted, str) else wanted
    return [each.replace("arn:aws*:", "arn:aws:").replace("*", "x") for each in given]


def _problem(account: str, who: str, result: Mapping[str, Any]) -> str:
    action, decision = result["EvalActionName"], result["EvalDecision"]
    organisation = result.get("OrganizationsDecisionDetail") or {}
    if organisation.get("AllowedByOrganizations") is False:
        return f"{account}: {action} is refused by a policy of the organisation."
    told = {"explicitDeny": "a policy denies it", "implicitDeny": "no policy allows it"}.get(decision, decision)
    prints = "triage permissions --act --roles" if who == "the third role" else "triage permissions --act"
    return f"{account}: {who} may not call {action}: {told}. `{prints}` prints what it needs."
