"""A history file as a search for keys in the same hands asks it: ``bot.scope.source.Source``.

A trace that many left is only counted. Whether a manner was seen inside a span is told by its roll-ups alone; only
where the whole span lies in the midst of one day, single events are looked at.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence

from bot.history import packing
from bot.history.chunks import Chunks
from bot.history.moments import Seconds
from bot.history.selecting import Selection, with_trace
from bot.history.sqlite import SqliteHistory
from bot.model import MANY_USERS, Coverage, Event, Habit, Holder, Kind, Observable, Span, Trace, Users
from bot.scope.source import Source

_OWN = "NOT m.copy AND NOT m.by_service"
_PAIRS = f"""SELECT DISTINCT m.key, m.principal FROM manner m WHERE {{where}} AND {_OWN} AND m.block BETWEEN ? AND ?
    AND EXISTS (SELECT 1 FROM use u WHERE u.manner = m.id AND u.day BETWEEN ? AND ?
        AND (u.day > ? OR u.last >= ?) AND (u.day < ? OR u.first <= ?))"""  # noqa: S608 - our own words
_OF_DAY = f"""SELECT m.key, m.principal, m.id, u.first, u.last FROM manner m CROSS JOIN use u ON u.manner = m.id
    WHERE {{where}} AND {_OWN} AND m.block = ? AND u.day = ? AND u.first <= ? AND u.last >= ?"""  # noqa: S608 - same
_DAYS = f"""SELECT count(*) FROM (SELECT DISTINCT day FROM place_day WHERE day BETWEEN ? AND ?) d
    WHERE EXISTS (SELECT 1 FROM use u CROSS JOIN manner m ON m.id = u.manner
        WHERE u.place IN (SELECT id FROM place) AND u.day = d.day AND {_OWN}
        AND (u.day > ? OR u.last >= ?) AND (u.day < ? OR u.first <= ?))"""  # noqa: S608 - same
_NUMBERS = "SELECT id FROM principal WHERE value IN (SELECT value FROM json_each(?))"
_NAMED = "SELECT id, value FROM {table} WHERE id IN (SELECT value FROM json_each(?))"

_Pair = tuple[int | None, int]
"""The numbers of a key and its principal."""


class Everyone(Source):
    """Safe from any thread, as the history is. Every question raises what its questions raise."""

    def __init__(self, history: SqliteHistory) -> None:
        self._history = history
        self._chunks = Chunks(history.rows)

    def coverage(self, span: Span) -> Coverage | None:
        return self._history.coverage(span)

    def population(self, span: Span) -> int:
        return self._history.population(span)

    def days(self, span: Span) -> int:
        """On how many UTC days of ``span``, which is longer than one, anybody did anything."""
        return int(self._history.rows(_DAYS, _edges(Seconds.of(span)))[0][0])

    def users(self, trace: Trace, span: Span) -> Users:
        """Which principals left ``trace`` inside ``span``."""
        found = {principal for _, principal in self._pairs(trace, span)}
        named = self._named("principal", found) if len(found) <= MANY_USERS else {}
        return Users(len(found), tuple(sorted(named.values())))

    def holders(self, trace: Trace, span: Span) -> Sequence[Holder]:
        """Every key that left ``trace`` inside ``span``, with its principal."""
        return self._spelt(self._pairs(trace, span))

    def newcomers(self, event: str, span: Span, before: Span, doubted: Sequence[str]) -> Sequence[Holder]:
        """Those keys that called ``event`` in ``span`` whose principals did not in ``before`` or are ``doubted``."""
        trace = Trace("event", event)
        known = {principal for _, principal in self._pairs(trace, before)}
        known -= {number for (number,) in self._history.rows(_NUMBERS, [json.dumps(doubted)])}
        return self._spelt({pair for pair in self._pairs(trace, span) if pair[1] not in known})

    def habits(self, principal: str, span: Span) -> Sequence[Habit]:
        """What ``principal`` (an id) did on each UTC day of ``span``, and from where."""
        return self._history.habits(principal, span)

    def calls(self, key: str, span: Span) -> Sequence[Event]:
        """Everything done with ``key`` inside ``span``."""
        return self._history.events(Observable(Kind.ACCESS_KEY, key), span, limit=None)

    def _pairs(self, trace: Trace, span: Span) -> set[_Pair]:
        selected, seconds = with_trace(self._history.rows, trace), Seconds.of(span)
        if seconds.days[0] == seconds.days[1]:
            return self._pairs_of_day(selected, seconds)
        values = [*selected.values, *seconds.blocks, *_edges(seconds)]
        return set(self._history.rows(_PAIRS.format(where=selected.where), values))

    def _pairs_of_day(self, selected: Selection, span: Seconds) -> set[_Pair]:
        day, (low, high) = span.days[0], span.of_day(span.days[0])
        values = [*selected.values, span.blocks[0], day, high, low]
        rows = self._history.rows(_OF_DAY.format(where=selected.where), values)
        around = [manner for _, _, manner, first, last in rows if first < low and last > high]
        inside = self._chunks.of(day, around) if around else {}
        outside = {manner for manner in around if not any(packing.between(inside.get(manner, ()), low, high))}
        return {(key, principal) for key, principal, manner, *_ in rows if manner not in outside}

    def _spelt(self, pairs: Collection[_Pair]) -> Sequence[Holder]:
        keys = self._named("text", {key for key, _ in pairs if key is not None})
        principals = self._named("principal", {principal for _, principal in pairs})
        return tuple(sorted(Holder(keys[key], principals[principal]) for key, principal in pairs if key is not None))

    def _named(self, table: str, numbers: Collection[int]) -> Mapping[int, str]:
        return dict(self._history.rows(_NAMED.format(table=table), [json.dumps(sorted(numbers))]))


def _edges(span: Seconds) -> list[int]:
    first, last = span.days
    return [first, last, first, span.of_day(first)[0], last, span.of_day(last)[1]]
