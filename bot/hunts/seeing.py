"""What the detections cannot see: said beside what they found, and by ``triage doctor --detections`` beforehand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from bot.hunts.keys import DORMANT
from bot.model import Coverage, Event, Gap, Span, rfc3339
from bot.scope.rules import shipped

READING = ("Get", "List", "Describe")
"""How the names of read-only calls begin."""
STALE = timedelta(hours=1)
"""CloudTrail is five minutes late on average; what is an hour late is stuck."""
_DAY = timedelta(hours=24)


class Source(Protocol):
    def newest(self) -> datetime | None: ...

    def coverage(self, span: Span) -> Coverage | None: ...

    def everyones_events(self, span: Span) -> Sequence[Event]: ...


def unseen(events: Sequence[Event]) -> Iterator[Gap]:
    """What ``events`` (everybody's of a day) lack: without read-only calls nobody can be seen looking around."""
    names = {event.name.partition(":")[2] for event in events}
    if events and not any(name.startswith(READING) for name in names):
        yield Gap(
            "Is anybody trying keys?",
            "the history holds no read-only calls of this time: an EventBridge rule must be in the state "
            "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS to pass them on, a trail must log read events",
        )


def blind_spots(history: Source, now: datetime) -> tuple[Gap, ...]:
    """Everything that the detections need and the history does not have. The history's own errors pass through."""
    newest = history.newest()
    if newest is None:
        return (Gap("Can anything be seen?", "the history is empty: load the last weeks with `triage ingest`"),)
    return tuple(_blind_spots(history, newest, now))


def _blind_spots(history: Source, newest: datetime, now: datetime) -> Iterator[Gap]:
    if now - newest > STALE:
        why = f"the newest record is of {rfc3339(newest)}: nothing has come in since"
        yield Gap("Is what happens now seen?", why)
    yield from unseen(history.everyones_events(Span(newest - _DAY, newest)))
    covered = history.coverage(Span(newest - DORMANT, newest))
    days = (newest - covered.since).days if covered is not None else 0
    usual = shipped().habits.baseline_days
    if days < usual:
        why = f"the history goes back {days} days of the {usual} that new is told from: load more with `triage ingest`"
        yield Gap("What was usual before?", why)
    elif days < DORMANT.days:
        why = f"the history goes back {days} days of the {DORMANT.days} a key must have slept"
        yield Gap("Has a sleeping key woken up?", why)
    yield from (Gap("What do the logs miss?", sentence) for sentence in (covered.missing if covered else ()))
