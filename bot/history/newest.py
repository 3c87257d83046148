"""Single events, the newest first: read only as far back as a question needs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from bot.history import packing
from bot.history.chunks import Chunks
from bot.history.moments import Seconds, moment
from bot.history.normal import mints
from bot.history.schema import DAY
from bot.history.selecting import Rows, Selection
from bot.history.spelling import Spelling, Spelt
from bot.model import Event

_COLUMNS = "u.day, u.manner, u.first, u.last, u.newest, u.before"
_BLOCK = "SELECT max(m.block) FROM manner m WHERE {where} AND m.block BETWEEN ? AND ?"
_DAY_OF_BLOCK = """SELECT max((SELECT max(u.day) FROM use u WHERE u.manner = m.id AND u.day BETWEEN ? AND ?))
    FROM manner m WHERE {where} AND m.block = ?"""
_BY_MANNER = f"""SELECT {_COLUMNS} FROM manner m CROSS JOIN use u ON u.manner = m.id
    WHERE {{where}} AND m.block = ? AND u.day BETWEEN ? AND ? ORDER BY u.day DESC"""  # noqa: S608 - our own column names
_DAYS = "SELECT DISTINCT u.day FROM place_day u WHERE u.day BETWEEN ? AND ? AND {where} ORDER BY u.day DESC"
_BY_PLACE = f"""SELECT {_COLUMNS} FROM use u CROSS JOIN manner m ON m.id = u.manner
    WHERE {{where}} AND u.day = ?"""  # noqa: S608 - same
_EVIDENCE = 2
_NO_LIMIT = 2**62

_Uses = Sequence[tuple[Any, ...]]
_Found = tuple[int, int, bytes]
"""The day, manner and sorting part of an event."""


class Newest:
    """Questions over the events that a selection names. Raises what ``rows`` raises."""

    def __init__(self, rows: Rows, spelling: Spelling, chunks: Chunks) -> None:
        self._rows = rows
        self._spelling = spelling
        self._chunks = chunks

    def events(self, wanted: Selection, span: Seconds, limit: int | None) -> tuple[Event, ...]:
        """The newest ``limit`` (default: all) inside the span, the newest first."""
        found = self._newest(wanted, span, _NO_LIMIT if limit is None else limit)
        spelt = self._spelling.of({manner for _, manner, _ in found})
        found = _in_order(found, spelt)[:limit]
        odd = self._chunks.odd_ids(key for _, _, key in found)
        minted = self._chunks.minted(
            (day, packing.id_of(key)) for day, manner, key in found if mints(spelt[manner].name)
        )
        return tuple(_event(day, key, spelt[manner], odd, minted) for day, manner, key in found)

    def newest(self, wanted: Selection, span: Seconds) -> tuple[Spelt, int] | None:
        """The manner and the moment of the newest event; ``None`` if there is none."""
        found = self._newest(wanted, span, 1)
        if not found:
            return None
        spelt = self._spelling.of({manner for _, manner, _ in found})
        day, manner, key = _in_order(found, spelt)[0]
        return spelt[manner], day * DAY + packing.second_of(key)

    def _newest(self, wanted: Selection, span: Seconds, limit: int) -> list[_Found]:
        """The newest ``limit`` events, the newest first.

        More than ``limit`` if the last of them stands in the logs of several accounts.
        """
        found: list[_Found] = []
        for day, uses in self._day_by_day(wanted, span):
            keys = self._keys_of(day, uses, span, limit - len(found))
            found += [(day, manner, key) for key, manner in _first(limit - len(found), sorted(keys, reverse=True))]
            if len(found) >= limit:
                break
        return found

    def _day_by_day(self, wanted: Selection, span: Seconds) -> Iterator[tuple[int, _Uses]]:
        """The uses of each day, the newest day first; most questions end with that."""
        if wanted.by_place:
            days = self._rows(_DAYS.format(where=wanted.places), [*span.days, *wanted.values])
            for (day,) in days:
                yield day, self._rows(_BY_PLACE.format(where=wanted.where), [*wanted.values, day])
            return
        first, last = span.blocks
        while (block := self._rows(_BLOCK.format(where=wanted.where), [*wanted.values, first, last])[0][0]) is not None:
            yield from self._days_of_block(wanted, span, block)
            last = block - 1

    def _days_of_block(self, wanted: Selection, span: Seconds, block: int) -> Iterator[tuple[int, _Uses]]:
        since, until = span.days
        query = _DAY_OF_BLOCK.format(where=wanted.where)
        newest = self._rows(query, [since, until, *wanted.values, block])[0][0]
        if newest is not None:
            query = _BY_MANNER.format(where=wanted.where)
            yield newest, self._rows(query, [*wanted.values, block, newest, newest])
            rest = self._rows(query, [*wanted.values, block, since, newest - 1])
            yield from ((int(day), list(uses)) for day, uses in groupby(rest, key=lambda row: row[0]))

    def _keys_of(self, day: int, uses: _Uses, span: Seconds, limit: int) -> list[tuple[bytes, int]]:
        """The (sorting part, manner) of the events of one day; the newest ``limit`` of them are among these."""
        low, high = span.of_day(day)
        uses = [use for use in uses if use[3] >= low and use[2] <= high]
        found, cut = [], [use[1] for use in uses]
        if limit <= _EVIDENCE:
            # A use that does not go on after the span tells its newest events itself.
            told = [(manner, newest) for _, manner, _, last, *newest in uses if last <= high]
            found = [(key, manner) for manner, keys in told for key in keys if key and packing.second_of(key) >= low]
            cut = [manner for _, manner, _, last, _, _ in uses if last > high]
        chunks = self._chunks.of(day, cut) if cut else {}
        parts = ((manner, part) for manner, packed in chunks.items() for part in packing.between(packed, low, high))
        ends = ((manner, packing.entries(part[-packing.ENTRY * limit :])) for manner, part in parts)
        return found + [(each[: packing.KEY], manner) for manner, entries in ends for each in entries]


def _first(count: int, keys: Sequence[tuple[bytes, int]]) -> Sequence[tuple[bytes, int]]:
    """The first ``count``, and what has the same sorting part as the last of them."""
    while 0 < count < len(keys) and keys[count][0] == keys[count - 1][0]:
        count += 1
    return keys[:count]


def _in_order(found: Sequence[_Found], spelt: Mapping[int, Spelt]) -> list[_Found]:
    """The newest first; of an event that several accounts logged, by account."""
    ordered = sorted(found, key=lambda each: spelt[each[1]].account)
    return sorted(ordered, key=lambda each: (each[0], each[2]), reverse=True)


def _event(day: int, key: bytes, spelt: Spelt, odd: Mapping[bytes, str], minted: Mapping[bytes, str]) -> Event:
    access_key, _, ip, address_class, agent, family, name, outcome, error, region, account, by_service = spelt.told
    return Event(
        id=packing.id_text(key, odd),
        at=moment(day * DAY + packing.second_of(key)),
        name=name,
        outcome=outcome,
        error_code=error,
        key=access_key,
        principal=spelt.who,
        session=spelt.session,
        ip=ip,
        address_class=address_class,
        user_agent=agent,
        family=family,
        region=region,
        account=account,
        by_service=by_service,
        minted=minted.get(packing.id_of(key)) if mints(name) else None,
        detail=spelt.detail,
    )
