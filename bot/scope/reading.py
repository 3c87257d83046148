"""Scoping over a history: what is asked of it, and where the window begins."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

from bot.model import AddressClass, Event, Kind, Observable, Scope, Span
from bot.networks import parse_address
from bot.scope.findings import Searched, scope_of
from bot.scope.ground import Ground, Known
from bot.scope.rounds import Search, search
from bot.scope.source import Source
from bot.scope.usual import pivot_of

WINDOW = timedelta(hours=24)
_MOVES = 2
"""How often the window may be moved to an earlier start: the second is for what the first brought to light."""


def scope(
    history: Source,
    leads: Iterable[Observable],
    at: datetime,
    *,
    since: datetime | None = None,
    known: Known | None = None,
    told: Iterable[Event] = (),
) -> Scope:
    """Every key in the same hands as ``leads`` (access keys, addresses) between ``since`` and ``at``.

    ``since`` is 24 hours before ``at`` if not given, and moves earlier where the attacker proves to have been there
    before: what he did must not pass for usual. ``told`` are events that only an alert tells of. The history's own
    errors pass through.
    """
    leads, told = tuple(sorted(set(leads))), tuple(told)
    return history.settle(lambda source: _scoped(source, leads, Span(since or at - WINDOW, at), known or Known(), told))


def _scoped(history: Source, leads: Sequence[Observable], window: Span, known: Known, told: Sequence[Event]) -> Scope:
    since, at = window.since, window.until
    for move in range(_MOVES + 1):
        ground = Ground(history, Span(since, at), known, told)
        found = search(ground, _keys(leads), _places(leads))
        earlier = _arrival(ground, found, since, history) if move < _MOVES else None
        if earlier is None:
            break
        since = earlier
    of_window, of_baseline = history.coverage(ground.window), history.coverage(ground.baseline)
    searched = Searched(ground.window, ground.baseline, of_window, of_baseline)
    return replace(scope_of(ground, found, leads, searched), cost=history.cost())


def _keys(leads: Iterable[Observable]) -> list[str]:
    return [lead.value for lead in leads if lead.kind is Kind.ACCESS_KEY]


def _places(leads: Iterable[Observable]) -> set[str]:
    addresses = (parse_address(lead.value) for lead in leads if lead.kind is Kind.IP)
    return {place for each in addresses if each and (place := pivot_of(str(each), AddressClass.PUBLIC))}


def _arrival(ground: Ground, found: Search, since: datetime, history: Source) -> datetime | None:
    """When the attacker first came, if that was before ``since``: the first day a confirmed key was used from one of
    the hosting addresses he uses now. ``None`` where the history does not reach far enough back to say what was usual.
    """
    days = [
        day
        for key in sorted(found.confirmed)
        for event in ground.calls(key)
        if not ground.is_familiar(event)
        and (place := pivot_of(event.ip, event.address_class))
        and ground.hosting_network(place)
        and (day := ground.own(event.principal.id).first_day(key, place))
    ]
    if not days:
        return None
    first = datetime.combine(min(days), time(), UTC)
    span = Span(first - timedelta(days=ground.rules.habits.familiar_spread_days), first)
    covered = history.coverage(span)
    reaches = covered is not None and covered.since - span.since < timedelta(days=1)
    return first if reaches and first < since else None
