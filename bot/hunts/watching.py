"""Detections over what the loader brings in, again and again: each story becomes one alert, like any other.

An alert's id is made of the story and its day, so the same story found again joins its case and adds nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from bot.hunts.enumeration import HUNT as ENUMERATION
from bot.hunts.hunting import hunt
from bot.hunts.keys import keys_of
from bot.hunts.result import SEVERITIES, Hit, Hunted
from bot.hunts.seeing import unseen
from bot.hunts.stories import day_of, detect
from bot.model import Alert, Event, HistoryUnavailableError, Kind, Observable, Span
from bot.scope.ground import Ground, Known
from bot.scope.whole import Complete, Whole

WINDOW = timedelta(hours=24)
SOURCE = "detection"
_MOST_KEYS = 10

log = structlog.get_logger()


class Searched(Complete, Protocol):
    """What the detections ask of a history."""

    def events(self, observable: Observable, span: Span, *, limit: int = 1000) -> Sequence[Event]: ...


class Watched(Searched, Protocol):
    """What the watch asks of a history."""

    def newest(self) -> datetime | None: ...


def watch(history: Searched, until: datetime, known: Known) -> Hunted:
    """Everything that stands out in the 24 hours before ``until``; the history's own errors pass through."""
    window = Span(until - WINDOW + timedelta(seconds=1), until)
    events = history.everyones_events(window)
    whole = Whole(history, {window: events})
    ground = Ground(whole, window, known)
    keys, unknown = keys_of(history, ground.trusted(whole.everyones_habits), events, window)
    tried = hunt(history, window, own_networks=known.own_networks, doubted=known.doubted)
    hits = [*tried.hits, *detect(ground, events, keys)]
    hits.sort(key=lambda hit: SEVERITIES.index(hit.severity))
    gaps = dict.fromkeys([*tried.gaps, *unknown, *unseen(events)])
    return Hunted(window, tried.searched, tuple(hits), tuple(gaps))


def alert_of(hit: Hit) -> Alert:
    """A story as an alert: a tried address is the case of the address, everything else that of its keys."""
    address = Observable(Kind.IP, hit.source_ip) if hit.source_ip else None
    tried = hit.hunt == ENUMERATION and address is not None
    if tried and address is not None:
        about: tuple[Observable, ...] = (address,)
    else:
        keys = tuple(Observable(Kind.ACCESS_KEY, key) for key in hit.keys[:_MOST_KEYS])
        who = tuple(Observable(Kind.PRINCIPAL, each) for each in hit.principals)
        about = (*keys, *who, *((address,) if address else ()))
    whose = hit.source_ip if hit.hunt == ENUMERATION else hit.principals[0]
    return Alert(
        id=f"{SOURCE}:{ENUMERATION if hit.hunt == ENUMERATION else 'story'}:{whose}:{day_of(hit)}",
        source=SOURCE,
        title=hit.sentence,
        severity=hit.severity,
        at=hit.last_seen,
        observables=about,
        notes=_notes(hit),
        beside=tuple(Observable(Kind.ACCESS_KEY, key) for key in hit.keys[:_MOST_KEYS]) if tried else (),
    )


def _notes(hit: Hit) -> tuple[str, ...]:
    keys = f"Keys: {', '.join(hit.keys[:_MOST_KEYS])}." if hit.hunt == ENUMERATION and hit.keys else ""
    return (f"Found by {hit.hunt.replace('+', ', ')}.", *([keys] if keys else []))


class Watch:
    """Looks again whenever the history has grown. One thread calls :meth:`step`."""

    def __init__(
        self,
        history: Watched,
        known: Callable[[], Known],
        clock: Callable[[], datetime],
        open_cases: Callable[[Iterable[Alert]], None],
        every: timedelta,
    ) -> None:
        self._history = history
        self._known = known
        self._clock = clock
        self._open_cases = open_cases
        self._every = every
        self._due: datetime | None = None
        self._seen: datetime | None = None

    def step(self) -> bool:
        """Look if it is time and there is something new. Always ``False``: there is no hurry."""
        now = self._clock()
        if self._due is None or now >= self._due:
            self._due = now + self._every
            try:
                self._look(now)
            except HistoryUnavailableError as error:
                log.warning("detections could not look at the history; trying again later", why=str(error))
        return False

    def _look(self, now: datetime) -> None:
        newest = self._history.newest()
        if newest is None or newest == self._seen:
            return
        found = watch(self._history, min(newest, now), self._known())
        self._open_cases(alert_of(hit) for hit in found.hits)
        self._seen = newest
