"""A contained theft hunted again: daily, then weekly, and only what is new is news."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from bot.hunts.hunting import Source, hunt
from bot.hunts.library import Playbook
from bot.hunts.result import Hit, Hunted
from bot.model import Event, Kind, Observable, Outcome, Span

DAYS = (*range(1, 15), *range(21, 90, 7), 90)
"""Days after containment: daily for two weeks, weekly to day 90, as far as ``LookupEvents`` reaches back."""
SETTLED = timedelta(minutes=5)
"""IAM takes some time to have a change everywhere: success right after containment proves nothing."""


class History(Source, Protocol):
    """What hunting again asks of a history."""

    def newest(self) -> datetime | None: ...

    def events(self, observable: Observable, span: Span, *, limit: int = 1000) -> Iterable[Event]: ...


@dataclass(frozen=True, slots=True)
class Looked:
    """What one look brought. ``hunted`` is of the time since the look before."""

    hunted: Hunted
    strangers: tuple[Hit, ...]
    """Principals outside the case, with what is no habit of theirs."""
    working: Mapping[str, int]
    """Contained keys that AWS still answered, with the number of calls."""

    @property
    def is_news(self) -> bool:
        return bool(self.strangers or self.working)


def due(began: datetime, look: int) -> datetime | None:
    """When the ``look``-th look (from 0) is due; ``None`` after the last."""
    return began + timedelta(days=DAYS[look]) if look < len(DAYS) else None


def look(
    history: History,
    span: Span,
    playbooks: Iterable[Playbook],
    *,
    inside: Collection[str],
    told: Collection[str],
    contained: Mapping[str, datetime],
) -> Looked:
    """Hunt ``playbooks`` in ``span``. ``inside`` are the case's own principals, ``told`` what was news before
    (:func:`mark`), ``contained`` since when each key should be refused. The history's own errors pass through.
    """
    hunted = hunt(history, span, enumeration=False, playbooks=playbooks)
    strangers = tuple(
        hit
        for hit in hunted.hits
        if hit.severity != "low" and not set(hit.principals) <= set(inside) and mark(hit) not in told
    )
    return Looked(hunted, strangers, _working(history, span, contained))


def mark(hit: Hit) -> str:
    """What a hit is known by: the same principal with the same playbook is no news."""
    return f"{hit.hunt} {' '.join(hit.principals)}"


def _working(history: History, span: Span, contained: Mapping[str, datetime]) -> dict[str, int]:
    found = {}
    for key, at in sorted(contained.items()):
        since = max(span.since, at + SETTLED)
        if since > span.until:
            continue
        events = history.events(Observable(Kind.ACCESS_KEY, key), Span(since, span.until))
        if count := sum(event.outcome is Outcome.OK and not event.by_service for event in events):
            found[key] = count
    return found
