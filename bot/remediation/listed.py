"""What the changes have in common that add one entry to the list of a service control policy.

The state of such a change is whether the entry is listed, and nothing of the other entries: they come and go with other
changes, which wait for each other (``Draft.shares``).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from bot.aws import Aws, Grant
from bot.by_hand import typed
from bot.model import Observable, Refusal
from bot.remediation import organisation
from bot.remediation.base import Draft, Permissions, State, taken_back
from bot.remediation.organisation import DenyList

AGAIN = "AWS answers these calls again, also the thief's."


class Listed:
    """A change of one entry of ``deny`` in ``policy``, an empty one where none is configured."""

    def __init__(self, deny: DenyList, account: str, policy: str, reads: frozenset[str]) -> None:
        self._deny = deny
        self._account = account
        self._policy = policy
        read, act = organisation.READ | organisation.READ_SIZE | reads, organisation.ACT
        narrowed = dict.fromkeys(act, (organisation.arn_of(policy),))
        allowed = Permissions(read, act, resources=narrowed)
        self.permissions = allowed if policy else Permissions(frozenset(), frozenset())

    def drafted(
        self,
        target: str,
        entry: str,
        title: str,
        aws: Aws,
        warnings: tuple[str, ...],
        *,
        stops: Observable | None,
        principal: str = "",
    ) -> Draft | Refusal:
        """The change that lists ``entry``; a refusal if that is so already, or if the policy is full."""
        content = organisation.read(aws, self._account, self._policy)
        if entry in self._deny.values(content):
            return Refusal(f"{entry} is already in the list of {self._policy}.", settled=True)
        if refusal := organisation.too_big(aws, self._account, self._deny.changed(content, entry, listed=True)):
            return refusal
        before = {"policy": self._policy, "entry": entry, "listed": "no"}
        after = before | {"listed": "yes"}
        shares = f"policy {self._policy}"
        return Draft(target, self._account, title, before, after, warnings, stops, principal=principal, shares=shares)

    def plan_undo(self, target: str, account: str, before: State, after: State, aws: Aws) -> Draft | Refusal:
        title = f"Take {before['entry']} out of the list of {before['policy']}"
        undo = Draft(target, account, title, after, before, (AGAIN,), shares=f"policy {before['policy']}")
        return taken_back(undo, self.observe(target, account, before, aws))

    def observe(self, target: str, account: str, before: State, aws: Aws) -> State:
        listed = before["entry"] in self._deny.values(organisation.read(aws, account, before["policy"]))
        return {**before, "listed": "yes" if listed else "no"}

    def meanwhile(self, target: str, account: str, before: State, since: datetime, aws: Aws) -> tuple[str, ...]:
        return ()

    def grant(self, target: str, account: str, state: State, partition: str) -> Grant:
        return organisation.grant(state["policy"], partition)

    def execute(self, target: str, after: State, client: Any) -> None:
        organisation.update(client, self._deny, after)

    def undo(self, target: str, before: State, client: Any) -> None:
        organisation.update(client, self._deny, before)

    def lookups(self, target: str) -> tuple[str, ...]:
        return (typed("organizations", "describe-policy", "--policy-id", self._policy or "p-…"),)

    def commands(self, target: str, state: State) -> tuple[str, ...]:
        return organisation.commands(self._deny, state)
