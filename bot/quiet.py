"""Which cases get a card, which a line, which nothing but their place in the digest.

A channel that shows every harmless alert is read by nobody. What is judged `low` or `expected` is counted in the
digest; what is snoozed, too, unless it is grave. What a person asked for, or has touched, is always shown.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum

from bot.assessment import findings_with_floor
from bot.model import Case, Conclusion, Verdict
from bot.snoozes import PEOPLE
from bot.weights import Weights, shipped

CALM = frozenset({Verdict.LOW, Verdict.EXPECTED, Verdict.INCONCLUSIVE})
"""Verdicts that may still change while questions are open, and wake nobody until then."""


class Manner(Enum):
    """How a case stands in the channel."""

    CARD = "card"
    LINE = "line"
    """It has a card already, which shrinks: nobody deletes what somebody may have seen."""
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Quiet:
    """What is kept out of the channel: cases of ``verdicts``; a first card is held for ``hold`` while it looks calm."""

    verdicts: frozenset[Verdict] = frozenset()
    hold: timedelta = timedelta(0)
    weights: Weights = field(default_factory=shipped)

    def manner(self, case: Case, *, shown: bool, waited: bool = False) -> Manner:
        """How ``case`` stands in the channel now. ``shown``: it has a card; ``waited``: the hold is over."""
        if case.subject is None or is_touched(case):
            return Manner.CARD
        if case.snoozed and not self.is_grave(case):
            return Manner.LINE if shown else Manner.NOTHING
        triage = case.triage
        judged = triage.assessment.verdict if triage is not None else None
        if triage is not None and not triage.pending:
            return self._settled(judged in self.verdicts, shown=shown)
        if judged is not None and judged not in CALM:
            return Manner.CARD
        if case.quiet:
            return self._settled(quiet=True, shown=shown)
        return Manner.CARD if shown or waited or not self.hold else Manner.NOTHING

    @staticmethod
    def _settled(quiet: bool, *, shown: bool) -> Manner:
        if not quiet:
            return Manner.CARD
        return Manner.LINE if shown else Manner.NOTHING

    def is_grave(self, case: Case) -> bool:
        """Whether no snooze holds it: an incident, or something that sets a least score by itself."""
        if case.triage is None:
            return False
        judged = case.triage.assessment
        floors = {kind for kind, weight in self.weights.signals.items() if weight.floor or weight.floor_beside}
        fired = any(reason.signal in floors and not reason.excused for reason in judged.reasons)
        return judged.verdict is Verdict.INCIDENT or fired or findings_with_floor(case.alerts, self.weights)

    def is_settled(self, case: Case) -> bool:
        """Whether ``case`` is judged, and calm enough for the digest."""
        triage = case.triage
        return triage is not None and not triage.pending and triage.assessment.verdict in self.verdicts


def is_touched(case: Case) -> bool:
    """Whether a person asked for it or has done something about it."""
    asked = any(alert.source in PEOPLE for alert in case.alerts)
    done = case.owner or case.declared or case.changes or case.waiting or case.handovers or case.tasks or case.thread
    real = any(closing.conclusion is Conclusion.TRUE for closing in case.closings)
    return bool(asked or done or real)
