"""What asking again has brought: the difference of two triages of one case, in a line.

CloudTrail delivers minutes late (about five on average, without a guarantee: AWS CloudTrail user guide, "How CloudTrail
works"), so a case is looked at again by itself after ``LATE``.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, timedelta

from bot.history.coverage import DELIVERY
from bot.model import Coverage, Triage
from bot.weights import shipped

LATE = (timedelta(minutes=5), timedelta(minutes=15), timedelta(minutes=60))
"""How long after an alert its case is asked again."""


def news(before: Triage | None, after: Triage) -> str | None:
    """What is different in ``after``; ``None`` if there is no finished triage to compare it with."""
    if before is None or before.pending:
        return None
    differences = (
        "; ".join(_differences(before, after)) or f"nothing new since {before.window.until.astimezone(UTC):%H:%M} UTC"
    )
    return f"{after.window.until.astimezone(UTC):%Y-%m-%d %H:%M} UTC: {differences}; {_complete(after.searched)}"


def _complete(searched: Coverage | None) -> str:
    """Up to when nothing more is to be expected: what is newer than a delivery takes may still come."""
    if searched is None:
        return "nothing of CloudTrail is in yet"
    newest = max(searched.regions.values(), default=searched.until)
    return f"CloudTrail is complete up to about {(newest - DELIVERY).astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _differences(before: Triage, after: Triage) -> Iterator[str]:
    was, now = before.assessment, after.assessment
    if (was.verdict, was.score) != (now.verdict, now.score):
        yield f"{was.verdict} ({was.score}/100) became {now.verdict} ({now.score}/100)"
    calls = after.activity.events - before.activity.events
    if calls > 0:
        yield "1 more call" if calls == 1 else f"{calls} more calls"
    made = len(_made(after) - _made(before))
    if made:
        yield f"{made} more thing{'s' if made > 1 else ''} made or changed by these keys"
    known = {reason.signal for reason in was.reasons}
    found = [reason.signal for reason in now.reasons if reason.signal not in known]
    if found:
        yield f"new: {', '.join(_name(signal) for signal in found)}"


def _made(triage: Triage) -> set[tuple[str, str, str, str]]:
    things = triage.scope.sweep.things if triage.scope and triage.scope.sweep else ()
    return {(each.kind, each.name, each.account, each.region) for each in things}


def _name(signal: str) -> str:
    weight = shipped().signals.get(signal)
    return weight.name if weight is not None else signal
