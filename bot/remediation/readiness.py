"""May the acting role do what it will be asked, before anybody asks? AWS is asked, and nothing is changed.

``iam:SimulatePrincipalPolicy`` judges every declared call as AWS would, the organisation's policies included:
https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bot.aws import Aws, Condition
from bot.remediation.base import Remediation, resources_of
from bot.remediation.wording import AwsError, why

if TYPE_CHECKING:
    from mypy_boto3_iam.client import IAMClient

PERMISSIONS = frozenset({"iam:SimulatePrincipalPolicy"})
ABOUT = "About"
"""Beside what AWS says of a call: the thing it was asked about."""
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
    resources = resources_of(declared, role.split(":")[1])
    own = frozenset[str]().union(*(each.roles for each in declared))
    try:
        iam: IAMClient = aws.reader("iam", account)
        acting = _asked(iam, role, actions, conditions, resources)
        beside = _asked(iam, third, own, {}, {}) if third else []
    except AwsError as error:
        return Checked(account, (), (f"{account}: {role} could not be checked: {why(error)}.",))
    judged = [("the acting role", each) for each in acting] + [("the third role", each) for each in beside]
    allowed = {result["EvalActionName"] for _, result in judged if result["EvalDecision"] == "allowed"}
    refused = [_problem(account, who, result) for who, result in judged if result["EvalDecision"] != "allowed"]
    return Checked(account, tuple(sorted(allowed)), tuple(refused))


def _asked(
    iam: IAMClient,
    role: str,
    actions: Collection[str],
    conditions: Mapping[str, Condition],
    resources: Mapping[str, Sequence[str]],
) -> list[Mapping[str, Any]]:
    """What AWS says of each action; one narrowed by a condition or to things is asked about as it will be used."""
    plain = sorted(action for action in actions if action not in conditions and action not in resources)
    asked: list[tuple[list[str], Condition | None, str | None]] = [
        (plain[start : start + AT_ONCE], None, None) for start in range(0, len(plain), AT_ONCE)
    ]
    for action in sorted(set(actions) - set(plain)):
        asked += [([action], conditions.get(action), arn) for arn in resources.get(action, (None,))]
    return [result for some, narrowed, arn in asked for result in _simulated(iam, role, some, narrowed, arn)]


def _simulated(
    iam: IAMClient, role: str, actions: Sequence[str], narrowed: Condition | None, arn: str | None
) -> list[Mapping[str, Any]]:
    """``arn``: of the thing it will be done to, where that is known; what is not known of it is made up."""
    context = [
        {"ContextKeyName": key, "ContextKeyValues": _values(wanted), "ContextKeyType": "string"}
        for keys in (narrowed or {}).values()
        for key, wanted in keys.items()
    ]
    pages = iam.get_paginator("simulate_principal_policy").paginate(
        PolicySourceArn=role,
        ActionNames=list(actions),
        ContextEntries=context,  # type: ignore[arg-type]
        ResourceArns=[_filled(arn, role)] if arn else ["*"],
    )
    about = {ABOUT: arn} if arn else {}
    return [{**result, **about} for page in pages for result in page["EvaluationResults"]]


def _filled(arn: str, role: str) -> str:
    """An ARN the simulator takes: the account of ``role`` where none is known, and some name for every other ``*``."""
    return arn.replace(":*:", f":{role.split(':')[4]}:").replace("*", "o-made0up000")


def _values(wanted: str | tuple[str, ...]) -> list[str]:
    """Values that satisfy a condition: a pattern is filled in."""
    given = (wanted,) if isinstance(wanted, str) else wanted
    return [each.replace("arn:aws*:", "arn:aws:").replace("*", "x") for each in given]


def _problem(account: str, who: str, result: Mapping[str, Any]) -> str:
    about = f" on {result[ABOUT]}" if ABOUT in result else ""
    action, decision = f"{result['EvalActionName']}{about}", result["EvalDecision"]
    organisation = result.get("OrganizationsDecisionDetail") or {}
    if organisation.get("AllowedByOrganizations") is False:
        return f"{account}: {action} is refused by a policy of the organisation."
    told = {"explicitDeny": "a policy denies it", "implicitDeny": "no policy allows it"}.get(decision, decision)
    prints = "triage permissions --act --roles" if who == "the third role" else "triage permissions --act"
    return f"{account}: {who} may not call {action}: {told}. `{prints}` prints what it needs."
