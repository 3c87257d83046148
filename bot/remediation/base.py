"""The contract of a remediation: one change we offer, and its way back.

``before`` and ``after`` are the recorded states of the target; ``observe`` reads the present one in the same words.
Only ``bot.remediation.run`` calls ``execute`` and ``undo``. A remediation raises what boto3 raises and
:class:`bot.aws.NoWayIn`; it neither retries, stores, audits nor asks for permission.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from bot.aws import Aws
from bot.model import Kind, Refusal

State = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Permissions:
    """The IAM actions a remediation calls: by the reading role, and by the acting one."""

    read: frozenset[str]
    act: frozenset[str]


@dataclass(frozen=True, slots=True)
class Draft:
    """What a plan is made from: the state AWS has just shown, and the one wanted."""

    account: str
    title: str
    before: State
    after: State
    warnings: tuple[str, ...]


class Remediation(Protocol):
    """A change we offer."""

    name: str
    title: str
    takes: Kind
    service: str
    permissions: Permissions

    def plan(self, target: str, aws: Aws) -> Draft | Refusal:
        """Read AWS and say what would change. Raises ``ClientError``, ``BotoCoreError``, ``NoWayIn``."""

    def plan_undo(self, target: str, account: str, before: State, after: State, aws: Aws) -> Draft | Refusal:
        """Read AWS and say how ``after`` would become ``before`` again. Raises as :meth:`plan`."""

    def observe(self, target: str, account: str, before: State, aws: Aws) -> State:
        """The present state; an empty one if the target is gone. Raises as :meth:`plan`."""

    def execute(self, target: str, after: State, client: Any) -> None:
        """Make ``after`` so, in one call. Raises ``ClientError``, ``BotoCoreError``."""

    def undo(self, target: str, before: State, client: Any) -> None:
        """Make the recorded ``before`` so again, in one call. Raises ``ClientError``, ``BotoCoreError``."""

    def resources(self, partition: str, account: str, state: State) -> tuple[str, ...]:
        """The ARNs (patterns) the change is confined to; ``partition`` is ``aws``, ``aws-cn`` or ``aws-us-gov``."""

    def lookups(self, target: str) -> tuple[str, ...]:
        """What a person can type to see what ``plan`` would have read."""

    def commands(self, target: str, state: State) -> tuple[str, ...]:
        """What a person with rights of their own can type to make ``state`` so, quoted for a shell."""


def policy(remediations: Iterable[Remediation], *, act: bool, also: frozenset[str] = frozenset()) -> dict[str, Any]:
    """The least IAM policy document for planning and verifying (``act=False``) or carrying out ``remediations``.

    ``also`` are actions that others need of the same role.
    """
    declared = [remediation.permissions for remediation in remediations]
    actions = sorted(also.union(*(each.act if act else each.read for each in declared)))
    statement = {"Effect": "Allow", "Action": actions, "Resource": "*"}
    return {"Version": "2012-10-17", "Statement": [statement] if actions else []}
