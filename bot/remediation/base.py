"""The contract of a remediation: one change we offer, and its way back.

``before`` and ``after`` are the recorded states of the target; ``observe`` reads the present one in the same words.
Only ``bot.remediation.run`` calls ``execute`` and ``undo``. A remediation raises what boto3 raises and
:class:`bot.aws.NoWayIn`; it neither retries, stores, audits nor asks for permission.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Protocol

from botocore.exceptions import ClientError

from bot.aws import Aws, Condition, Fault, Grant, fault
from bot.model import Kind, Observable, Refusal
from bot.partitions import in_partition

State = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Permissions:
    """The IAM actions a remediation calls: by the reading role, by the acting one, and by the optional third."""

    read: frozenset[str]
    act: frozenset[str]
    roles: frozenset[str] = frozenset()
    conditions: Mapping[str, Condition] = field(default_factory=dict)
    """What the acting role's right to an action is narrowed to, beyond its resource."""
    resources: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """The ARNs, with ``*`` for what is not known, that the acting role's right to an action is narrowed to."""


@dataclass(frozen=True, slots=True)
class Draft:
    """What a plan is made from: the state AWS has just shown, and the one wanted."""

    target: str
    """As everybody writes it from here on, however it was typed."""
    account: str
    """The account the change is made in."""
    title: str
    before: State
    after: State
    warnings: tuple[str, ...]
    stops: Observable | None = None
    """Whose calls AWS refuses from then on; ``None`` where it gives something back, or nobody's calls can be told."""
    breaks: Observable | None = None
    """Whose calls the change breaks where others of the same may go on, as new sessions of a role do."""
    principal: str = ""
    """The id of the user or role it is about; empty if it is about none."""
    shares: str = ""
    """The thing in AWS that other changes write too, whole, so that two at once would lose one of them."""


class Remediation(Protocol):
    """A change we offer."""

    name: str
    title: str
    takes: frozenset[Kind]
    target_form: str
    """What a person types as its target."""
    permissions: Permissions

    def plan(self, target: str, aws: Aws) -> Draft | Refusal:
        """Read AWS and say what would change. Raises ``ClientError``, ``BotoCoreError``, ``NoWayIn``."""

    def plan_undo(self, target: str, account: str, before: State, after: State, aws: Aws) -> Draft | Refusal:
        """Read AWS and say how ``after`` would become ``before`` again. Raises as :meth:`plan`."""

    def observe(self, target: str, account: str, before: State, aws: Aws) -> State:
        """The present state; an empty one if the target is gone. Raises as :meth:`plan`."""

    def meanwhile(self, target: str, account: str, before: State, since: datetime, aws: Aws) -> tuple[str, ...]:
        """Sentences: what has appeared since the change was made that gives the same access again. As :meth:`plan`."""

    def grant(self, target: str, account: str, state: State, partition: str) -> Grant:
        """All that making ``state`` so may do in AWS; ``partition`` is ``aws``, ``aws-cn`` or ``aws-us-gov``."""

    def execute(self, target: str, after: State, client: Any) -> None:
        """Make ``after`` so, in as few calls as it takes; made again, each leaves things as they are.

        Raises ``ClientError``, ``BotoCoreError``.
        """

    def undo(self, target: str, before: State, client: Any) -> None:
        """Make the recorded ``before`` so again. As :meth:`execute`."""

    def lookups(self, target: str) -> tuple[str, ...]:
        """What a person can type to see what ``plan`` would have read."""

    def commands(self, target: str, state: State) -> tuple[str, ...]:
        """What a person with rights of their own can type to make ``state`` so, quoted for a shell."""


def take_away(call: Callable[..., object], **asked: Any) -> None:
    """Make ``call``, which takes something off or out: what AWS does not find is gone, which was wanted.

    So it may be made again after a crash, or after an earlier one of several calls. Raises as ``Remediation.execute``.
    """
    try:
        call(**asked)
    except ClientError as error:
        if fault(error) is not Fault.MISSING:
            raise


def is_part_way(present: State, before: State, after: State) -> bool:
    """Whether ``present`` lies between two states: each thing as it was or as it shall be, and not all one or other."""
    if not present or present.keys() != after.keys() or present in (before, after):
        return False
    return all(present[name] in {before.get(name), after[name]} for name in present)


def taken_back(undo: Draft, present: State) -> Draft | Refusal:
    """``undo``, from what the change left (its ``before``) to what was there before it, as AWS stands ``present``.

    A refusal if AWS shows something else now: taking that back would undo somebody else's change.
    """
    left, wanted = undo.before, undo.after
    if not present:
        return Refusal(f"{undo.target} no longer exists, so there is nothing to take back.")
    if present == wanted:
        return Refusal(
            f"{undo.target} is as it was before the change: somebody changed it since. Nothing to take back."
        )
    if present == left or is_part_way(present, wanted, left):
        return replace(undo, before=present)
    differs = ", ".join(
        f"{name} is {value}, not {left.get(name, 'absent')}"
        for name, value in present.items()
        if left.get(name) != value
    )
    return Refusal(
        f"{undo.target} is not as the bot left it: {differs}. Somebody changed it since, so taking it back would undo "
        "their change."
    )


def policy(
    remediations: Iterable[Remediation],
    *,
    act: bool,
    roles: bool = False,
    also: frozenset[str] = frozenset(),
    partition: str = "aws",
) -> dict[str, Any]:
    """The least IAM policy document for planning and verifying (``act=False``) or carrying out ``remediations``.

    ``roles`` is that of the optional third role. ``also`` are actions that others need of the same role. ``partition``
    is that of the ARNs in it.
    """
    declared = [remediation.permissions for remediation in remediations]
    named = also.union(*((each.roles if roles else each.act) if act else each.read for each in declared))
    acting = act and not roles
    conditions = {action: narrowed for each in declared for action, narrowed in each.conditions.items()}
    resources = resources_of(declared, partition)
    narrow = {action: (resources.get(action, ()), conditions.get(action)) for action in sorted(named) if acting}
    plain = sorted(action for action in named if narrow.get(action, ((), None)) == ((), None))
    grouped = {json.dumps(how): how for how in narrow.values() if how != ((), None)}
    statements = [
        _statement(plain),
        *(_statement([action for action in narrow if narrow[action] == how], *how) for how in grouped.values()),
    ]
    return {"Version": "2012-10-17", "Statement": [each for each in statements if each["Action"]]}


def resources_of(declared: Iterable[Permissions], partition: str) -> dict[str, tuple[str, ...]]:
    """The ARNs, in ``partition``, of each action that all who call it have narrowed to some."""
    declared = list(declared)
    anywhere = {action for each in declared for action in each.act if action not in each.resources}
    named = sorted({(action, arn) for each in declared for action, arns in each.resources.items() for arn in arns})
    found: dict[str, tuple[str, ...]] = {}
    for action, arn in named:
        if action not in anywhere:
            found[action] = (*found.get(action, ()), in_partition(arn, partition))
    return found


def _statement(
    actions: list[str], resources: tuple[str, ...] = (), condition: Condition | None = None
) -> dict[str, Any]:
    narrowed = {"Condition": {operator: dict(keys) for operator, keys in condition.items()}} if condition else {}
    return {"Effect": "Allow", "Action": actions, "Resource": list(resources) or "*"} | narrowed
