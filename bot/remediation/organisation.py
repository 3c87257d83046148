"""Service control policies that were deployed before: whom one binds, and the list one of its statements holds.

A list is written whole (``UpdatePolicy`` has no lock), so changes of the same policy are carried out one after the
other, and every one is read back. A list that would be empty keeps one entry that is nobody's: the grammar of
conditions asks for a value.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from bot.aws import Allowed, Aws, Fault, Grant, NoWayIn, fault
from bot.by_hand import typed
from bot.model import Refusal
from bot.remediation.base import State

REGION = "us-east-1"
"""Where Organizations and its quotas are (its endpoints page)."""
SIZE = 5120
"""Characters an SCP may have (Organizations quotas), where Service Quotas does not say."""
READ = frozenset({"organizations:DescribePolicy", "organizations:ListTargetsForPolicy"})
READ_SIZE = frozenset({"servicequotas:ListServiceQuotas"})
READ_BINDING = READ | {"organizations:DescribeOrganization", "organizations:ListParents"}
ACT = frozenset({"organizations:DescribePolicy", "organizations:UpdatePolicy"})


class NotDeployed(NoWayIn):
    """The policy is there, but does not hold the list it should; the text is a sentence for people."""


@dataclass(frozen=True, slots=True)
class DenyList:
    """The values one Deny statement of an SCP holds under one condition key."""

    key: str
    nobody: str
    """The value of an otherwise empty list; it never matches anybody."""

    def values(self, content: str) -> tuple[str, ...]:
        """What ``content`` lists. Raises :class:`NotDeployed`."""
        return tuple(value for value in self._held(json.loads(content))[1] if value != self.nobody)

    def changed(self, content: str, value: str, *, listed: bool) -> str:
        """``content`` with ``value`` in the list, or without it, as short as JSON can be. Raises as :meth:`values`."""
        document = json.loads(content)
        condition, held = self._held(document)
        kept = [each for each in held if each not in {value, self.nobody}]
        condition[self._name_in(condition)] = [*kept, value] if listed else kept or [self.nobody]
        return json.dumps(document, separators=(",", ":"))

    def _held(self, document: Any) -> tuple[dict[str, Any], list[str]]:
        found = [condition for condition in _denials(document) if self._name_in(condition)]
        if len(found) != 1:
            raise NotDeployed(
                f"The service control policy should have one Deny statement with a condition on {self.key}, and has "
                f"{len(found)}: deploy it as docs/remediations.md says."
            )
        held = found[0][self._name_in(found[0])]
        return found[0], [held] if isinstance(held, str) else list(held)

    def _name_in(self, condition: Mapping[str, Any]) -> str:
        """The key as the policy writes it: IAM takes any case."""
        return next((name for name in condition if name.lower() == self.key.lower()), "")

    def jq(self, value: str, *, listed: bool) -> str:
        """The same change as a program for jq, for people."""
        key = json.dumps(self.key)
        change = f". + [{json.dumps(value)}] | unique" if listed else f". - [{json.dumps(value)}]"
        return f"(.Statement[].Condition[]? | select(has({key})) | .[{key}]) |= ([.] | flatten | {change})"


def _denials(document: Any) -> Iterator[dict[str, Any]]:
    """The conditions under each operator of each statement that denies."""
    statements = document.get("Statement", []) if isinstance(document, dict) else []
    for statement in statements if isinstance(statements, list) else [statements]:
        if statement.get("Effect") == "Deny":
            yield from (each for each in statement.get("Condition", {}).values() if isinstance(each, dict))


def denies_tag(content: str, tag: str) -> bool:
    """Whether an SCP denies something to principals that carry ``tag``."""
    wanted = f"aws:principaltag/{tag}".lower()
    return any(name.lower() == wanted for condition in _denials(json.loads(content)) for name in condition)


def read(aws: Aws, account: str, policy: str) -> str:
    """The content of an SCP. Raises ``ClientError``, ``BotoCoreError``, ``NoWayIn``."""
    return _content(aws.reader("organizations", account, REGION), policy)


def _content(client: Any, policy: str) -> str:
    content: str = client.describe_policy(PolicyId=policy)["Policy"]["Content"]
    return content


def targets_of(aws: Aws, account: str, policy: str) -> tuple[str, ...]:
    """The roots, units and accounts an SCP is attached to. Raises as :func:`read`."""
    client = aws.reader("organizations", account, REGION)
    pages = client.get_paginator("list_targets_for_policy").paginate(PolicyId=policy)
    return tuple(target["TargetId"] for page in pages for target in page["Targets"])


def why_unbound(aws: Aws, management: str, policy: str, account: str) -> str | None:
    """Why an SCP does not bind ``account``, as half a sentence; ``None`` if it does. Raises as :func:`read`."""
    client = aws.reader("organizations", management, REGION)
    if client.describe_organization()["Organization"]["MasterAccountId"] == account:
        return "is the organisation's management account, which no service control policy binds"
    targets, child = set(targets_of(aws, management, policy)), account
    while True:
        if child in targets:
            return None
        parents = client.list_parents(ChildId=child)["Parents"]
        if not parents:
            return "is not under anything the policy is attached to"
        child = parents[0]["Id"]
        if parents[0]["Type"] == "ROOT":
            return None if child in targets else "is not under anything the policy is attached to"


def too_big(aws: Aws, account: str, content: str) -> Refusal | None:
    """A refusal if ``content`` is more than an SCP may hold. Raises as :func:`read`."""
    most = _most(aws, account)
    if len(content) <= most:
        return None
    return Refusal(
        f"The service control policy would have {len(content)} characters, and may have {most}: take old entries out "
        "of its list first."
    )


def _most(aws: Aws, account: str) -> int:
    """The quota has no code that lasts (Organizations quotas), so it is known by its name."""
    client = aws.reader("service-quotas", account, REGION)
    try:
        pages = client.get_paginator("list_service_quotas").paginate(ServiceCode="organizations")
        quotas = [(quota["QuotaName"].lower(), quota["Value"]) for page in pages for quota in page["Quotas"]]
    except (ClientError, BotoCoreError) as error:
        if isinstance(error, ClientError) and fault(error) is Fault.DENIED:
            raise
        return SIZE
    sizes = [value for name, value in quotas if "service control" in name and ("size" in name or "character" in name)]
    return int(min(sizes)) if sizes else SIZE


# ---------------------------------------------------------------------------------- one entry of a list


def update(client: Any, deny: DenyList, state: State) -> None:
    """Make the list hold the entry of ``state``, or not, in one write. Raises as :func:`read`."""
    content = _content(client, state["policy"])
    listed = state["listed"] == "yes"
    if (state["entry"] in deny.values(content)) != listed:
        changed = deny.changed(content, state["entry"], listed=listed)
        client.update_policy(PolicyId=state["policy"], Content=changed)


def grant(policy: str, partition: str) -> Grant:
    """An SCP's ARN holds the organisation's id, which no state here records: the policy's own id is enough."""
    return Grant("organizations", (Allowed(tuple(sorted(ACT)), (arn_of(policy, partition),)),), REGION)


def arn_of(policy: str, partition: str = "aws") -> str:
    """The ARN of an SCP as far as its id tells it."""
    return f"arn:{partition}:organizations::*:policy/*/service_control_policy/{policy}"


def attaching(policy: str) -> tuple[str, ...]:
    """Attach a policy to the organisation's root; ``policy`` stands in a shell as it is."""
    root = typed("organizations", "list-roots", "--query", "Roots[0].Id", "--output", "text")
    return (f'{typed("organizations", "attach-policy")} --policy-id {policy} --target-id "$({root})"',)


def deploying(name: str, statement: Mapping[str, Any]) -> tuple[str, ...]:
    """Make a service control policy of one statement, and attach it to the organisation's root."""
    content = json.dumps({"Version": "2012-10-17", "Statement": [statement]}, separators=(",", ":"))
    words = ("--name", name, "--description", name, "--type", "SERVICE_CONTROL_POLICY", "--content", content)
    asked = ("--query", "Policy.PolicySummary.Id", "--output", "text")
    return attaching(f'"$({typed("organizations", "create-policy", *words, *asked)})"')


def commands(deny: DenyList, state: State) -> tuple[str, ...]:
    """Read the policy, change its list with jq, write it back."""
    look = typed("organizations", "describe-policy", "--policy-id", state["policy"], "--query", "Policy.Content")
    program = shlex.quote(deny.jq(state["entry"], listed=state["listed"] == "yes"))
    write = typed("organizations", "update-policy", "--policy-id", state["policy"], "--content", "file://policy.json")
    return (f"{look} --output text | jq -c {program} > policy.json", write)
