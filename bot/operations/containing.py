"""Contain all: what people do about everything a thief holds, in one preview and one approval."""

from __future__ import annotations

from collections.abc import Sequence

from bot import cases
from bot.made.containing import to_contain
from bot.model import Actor, Change, Containment, Refusal, Scope
from bot.operations.permitted import Permitted
from bot.remediation.contain import Wanted
from bot.remediation.run import Remediations


class Containing(Permitted):
    """Every method asks ``bot.remediation`` whether the person may; what was denied goes on record there."""

    _remediations: Remediations

    def plan_containment(
        self, keys: Sequence[str], actor: Actor, *, addresses: Sequence[str] = (), case: int | None = None
    ) -> Containment | Refusal:
        """Preview everything that stops a thief who holds ``keys``; without any, who the scope of ``case`` confirms.

        Raises ``LookupError`` if there is no such case.
        """
        wanted = Wanted(tuple(dict.fromkeys(keys)), tuple(dict.fromkeys(addresses)))
        if not wanted.keys and not wanted.addresses and case is not None:
            found = self._scope_of(case)
            if isinstance(found, Refusal):
                return found
            wanted = wanted_of(found)
        return self._remediations.contain.plan(wanted, actor, case)

    def plan_containment_undo(self, containment: str, actor: Actor) -> Containment | Refusal:
        """Preview taking back all of a containment that was made."""
        return self._remediations.contain.plan_undo(containment, actor)

    def approve_containment(
        self, containment: str, actor: Actor, reason: str, *, again: bool = False, break_glass: bool = False
    ) -> Containment | Refusal:
        """Approve every row at once; each is queued as a change of its own, in order."""
        contain = self._remediations.contain
        return contain.approve(containment, actor, reason, again=again, break_glass=break_glass)

    def containment(self, containment: str) -> Containment | Refusal:
        """A containment as it stands now: how far each row has come."""
        return self._remediations.contain.show(containment)

    def carry_out_containment(self, containment: str) -> Containment | Refusal:
        """Carry out here and now what is approved of it and not finished, row by row: for the day no bot serves.

        What fails hides no other row; called again, it goes on where it stopped.
        """
        found = self.containment(containment)
        if isinstance(found, Refusal):
            return found
        for change in changes_of(found):
            self._remediations.execute(change.execution)
        return self.containment(containment)

    def _scope_of(self, case: int) -> Scope | Refusal:
        triage = cases.load(self._state.read(), case).triage
        if triage is None or triage.scope is None:
            return Refusal(f"Case #{case} has no scope yet: name the keys, or ask its questions again.")
        return triage.scope


def wanted_of(scope: Scope) -> Wanted:
    """The confirmed keys of a scope, the addresses they were used from by the thief, and what they made to stay."""
    keys = tuple(each.key for each in scope.confirmed)
    return Wanted(keys, scope.attacker.ips, to_contain(scope.sweep))


def changes_of(containment: Containment) -> tuple[Change, ...]:
    """The changes of its rows, in order."""
    return tuple(row.change for row in containment.rows if row.change is not None)
