"""Roll-ups → uses and habits: whole days from the roll-up alone, a day cut by a span from its events, too."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from bot.history import packing
from bot.history.chunks import Chunks
from bot.history.details import text_of
from bot.history.moments import Seconds, date_of
from bot.history.schema import DAY, OUTCOMES
from bot.history.selecting import Rows, Selection
from bot.history.spelling import Spelling, Spelt
from bot.model import Habit, Use

_COLUMNS = "u.manner, u.day, u.count, u.first, u.last, u.newest, u.before"
_BY_MANNER = f"""SELECT {_COLUMNS} FROM manner m CROSS JOIN use u ON u.manner = m.id
    WHERE {{where}} AND m.block BETWEEN ? AND ? AND u.day BETWEEN ? AND ?"""  # noqa: S608 - our own column names
_BY_PLACE = f"""SELECT {_COLUMNS} FROM use u CROSS JOIN manner m ON m.id = u.manner
    WHERE {{where}} AND u.day BETWEEN ? AND ?"""  # noqa: S608 - same


_Row = tuple[int, int, int, int, int, bytes, bytes]
"""What of a use lies inside a span: its manner, day and count, its first and last second of the day, and the sorting
parts of its newest two events, the second empty if there is but one."""


class Rolled:
    """Questions over the uses that a selection names. Raises what ``rows`` raises."""

    def __init__(self, rows: Rows, spelling: Spelling, chunks: Chunks) -> None:
        self._rows = rows
        self._spelling = spelling
        self._chunks = chunks

    def uses(self, wanted: Selection, span: Seconds) -> tuple[Use, ...]:
        """What is inside the span, the oldest first."""
        found = self._found(wanted, span)
        spelt = self._spelling.of({row[0] for row in found})
        found = _merged(found, spelt)
        odd = self._chunks.odd_ids(key for row in found for key in row[5:] if key)
        ranks = _ranks({row[0] for row in found}, spelt)
        found.sort(key=lambda row: ((row[1] * DAY + row[3]) << 32) + ranks[row[0]])
        return tuple(_spelt(found, spelt, odd))

    def habits(self, wanted: Selection, span: Seconds) -> tuple[Habit, ...]:
        """What was done on each day by hand or program, not by a service, and from where."""
        found = self._found(wanted, span)
        spelt = self._spelling.of({row[0] for row in found})
        counts = Counter[Any]()
        for row in found:
            of = spelt[row[0]]
            if not of.by_service:
                counts[row[1], of.told[:7]] += row[2]
        return tuple(Habit(*(date_of(day), *told, count)) for (day, told), count in counts.items())

    def _found(self, wanted: Selection, span: Seconds) -> list[_Row]:
        if wanted.by_place:
            found: list[Any] = self._rows(_BY_PLACE.format(where=wanted.where), [*wanted.values, *span.days])
        else:
            found = self._rows(_BY_MANNER.format(where=wanted.where), [*wanted.values, *span.blocks, *span.days])
        cut = [row for row in found if row[1] in span.days and _reaches_out(row, span)]
        if not cut:
            return found
        out = {row[:2] for row in cut}
        return [*(row for row in found if row[:2] not in out), *self._inside(cut, span)]

    def _inside(self, cut: Sequence[_Row], span: Seconds) -> list[_Row]:
        """What lies inside ``span`` of those uses that reach out of it; those with nothing inside are missing."""
        inside: list[_Row] = []
        for day in {row[1] for row in cut}:
            low, high = span.of_day(day)
            for manner, packed in self._chunks.of(day, [row[0] for row in cut if row[1] == day]).items():
                parts = list(packing.between(packed, low, high))
                if parts:
                    count = sum(map(len, parts)) // packing.ENTRY
                    ends = (each for part in parts for each in packing.entries(part[-2 * packing.ENTRY :]))
                    newest, before = (*sorted((each[: packing.KEY] for each in ends), reverse=True), b"")[:2]
                    first = packing.second_of(min(parts))
                    inside.append((manner, day, count, first, packing.second_of(newest), newest, before))
        return inside


def _reaches_out(row: _Row, span: Seconds) -> bool:
    low, high = span.of_day(row[1])
    return row[3] < low or row[4] > high


def _merged(found: list[_Row], spelt: Mapping[int, Spelt]) -> list[_Row]:
    """Uses that tell the same of the same day, as those of two sessions may, made one."""
    first_of: dict[tuple[Any, ...], int] = {}
    manners = {row[0] for row in found}
    same = {each: first_of.setdefault((spelt[each].told, spelt[each].detail), each) for each in manners}
    if len(first_of) == len(same):
        return found
    merged: dict[tuple[int, int], _Row] = {}
    for row in found:
        alike = same[row[0]], row[1]
        merged[alike] = _together(merged[alike], row) if alike in merged else (alike[0], *row[1:])
    return list(merged.values())


def _together(one: _Row, other: _Row) -> _Row:
    newest, before = sorted((*one[5:], *other[5:]), reverse=True)[:2]
    return one[0], one[1], one[2] + other[2], min(one[3], other[3]), max(one[4], other[4]), newest, before


def _ranks(manners: set[int], spelt: Mapping[int, Spelt]) -> Mapping[int, int]:
    """The order among uses that began in the same second."""
    ordered = sorted(manners, key=lambda manner: spelt[manner].order)
    return {manner: rank for rank, manner in enumerate(ordered)}


def _spelt(found: Sequence[_Row], spelt: Mapping[int, Spelt], odd: Mapping[bytes, str]) -> Iterator[Use]:
    # Of the busiest key these are thousands, and somebody waits: what costs a call each is written out.
    dates = {day: date_of(day) for day in {row[1] for row in found}}
    make, at, text_of_id = Use._make, datetime.fromtimestamp, packing.id_text
    for manner, day, count, first, last, newest, before in found:
        of, start = spelt[manner], day * DAY
        evidence = (text_of_id(newest, odd), text_of_id(before, odd)) if before else (text_of_id(newest, odd),)
        yield make((dates[day], *of.told, count, at(start + first, UTC), at(start + last, UTC), evidence, of.detail))


def oldest_first(uses: Iterable[Use]) -> tuple[Use, ...]:
    """The oldest first; those that began in the same second always come in the same order."""
    return tuple(sorted(uses, key=_order))


def _order(use: Use) -> tuple[Any, ...]:
    return (
        *(use.first_seen, use.event, use.key is not None, use.key or "", use.principal, use.ip is not None),
        *(use.ip or "", use.user_agent, OUTCOMES.index(use.outcome), use.error_code is not None),
        *(use.error_code or "", use.region, use.account, use.by_service, text_of(use.detail) or ""),
    )
