"""Hunts over a history: what is asked of it, and how often an event is used."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from bot.hunts.enumeration import enumerations
from bot.hunts.library import Playbook
from bot.hunts.matching import matches
from bot.hunts.result import SEVERITIES, Hunted
from bot.hunts.roots import lineage_of
from bot.hunts.usual import Before
from bot.model import Coverage, Doubted, Event, Gap, Habit, Kind, Observable, Span, Use, trusted_habits

BASELINE = timedelta(days=14)
WINDOW = timedelta(hours=24)
LONGEST_SESSION = timedelta(hours=36)
"""A federation token lives no longer: the call that gave a key out lies no further back (AWS STS API reference)."""
_SECOND = timedelta(seconds=1)


class Source(Protocol):
    """What hunts ask of a history."""

    def coverage(self, span: Span) -> Coverage | None: ...

    def everyones_events(self, span: Span) -> Sequence[Event]: ...

    def everyones_habits(self, span: Span) -> Sequence[Habit]: ...


class Usage(Protocol):
    """What the prevalence of events is told from."""

    def coverage(self, span: Span) -> Coverage | None: ...

    def population(self, span: Span) -> int: ...

    def uses(self, observable: Observable, span: Span) -> Sequence[Use]: ...


def hunt(
    history: Source,
    window: Span,
    *,
    enumeration: bool = True,
    playbooks: Iterable[Playbook] = (),
    own_networks: Sequence[str] = (),
    doubted: Doubted | None = None,
) -> Hunted:
    """Hunt in ``window``, against what was usual in the 14 days before it. The history's own errors pass through."""
    playbooks = tuple(playbooks)
    baseline = Span(window.since - BASELINE, window.since - _SECOND)
    before = Before(trusted_habits(history.everyones_habits(baseline), doubted or {}))
    reach = history.everyones_events(Span(window.since - LONGEST_SESSION, window.until))
    events = [event for event in reach if event.at in window]
    hits = list(enumerations(events, before, lineage_of(reach), own_networks)) if enumeration else []
    for playbook in playbooks:
        hits += matches(playbook, events, before.rarity, before.used)
    hits.sort(key=lambda hit: SEVERITIES.index(hit.severity))
    searched = history.coverage(window)
    return Hunted(window, searched, tuple(hits), tuple(_gaps(searched, before, playbooks)))


def _gaps(searched: Coverage | None, before: Before, playbooks: Iterable[Playbook]) -> Iterator[Gap]:
    if searched is None:
        yield Gap("Did anyone do this?", "the history holds nothing of this time")
        return
    yield from (Gap("What did the logs miss?", sentence) for sentence in searched.missing)
    if before.thin:
        why = f"insufficient history: {before.days} days of the 14 before; nothing can be called new"
        yield Gap("What was usual before?", why)
    if any(playbook.data for playbook in playbooks):
        yield Gap("What was done with the data itself?", "only CloudTrail's data events would tell, where they are on")


@dataclass(frozen=True, slots=True)
class Prevalence:
    """How often an event was used, and by how many principals. What services did for them is not counted."""

    event: str
    count: int
    principals: tuple[str, ...]
    first_seen: datetime | None


@dataclass(frozen=True, slots=True)
class Prevalences:
    window: Span
    searched: Coverage | None
    population: int
    """How many principals did anything at all on the days of the window; AWS's own services do not count."""
    events: tuple[Prevalence, ...]


def prevalence(history: Usage, events: Iterable[str], window: Span) -> Prevalences:
    """Who used each of ``events`` (``service:Name`` or a bare name) inside ``window``."""
    found = tuple(_prevalence(history, event, window) for event in dict.fromkeys(events))
    return Prevalences(window, history.coverage(window), history.population(window), found)


def _prevalence(history: Usage, event: str, window: Span) -> Prevalence:
    uses = [use for use in history.uses(Observable(Kind.EVENT, event), window) if not use.by_service]
    names = {use.event for use in uses}
    return Prevalence(
        event=names.pop() if len(names) == 1 else event,
        count=sum(use.count for use in uses),
        principals=tuple(sorted({use.principal for use in uses})),
        first_seen=min((use.first_seen for use in uses), default=None),
    )
