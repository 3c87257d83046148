"""The days of each place (account and region) in a history file: when there were events, to the second.

It is asked for the newest event before a moment in the midst of a day; the events of a place and day would have to be
looked through otherwise. A day's seconds are a bit each, those in which there was an event are set, least significant
first, and all of them are compressed: some 11 KB of a day with an event in every second, some bytes of a quiet one.
"""

from __future__ import annotations

import struct
import zlib
from collections import defaultdict
from collections.abc import Iterable

from bot.database import Database
from bot.history import packing
from bot.history.moments import Seconds
from bot.history.schema import DAY
from bot.history.selecting import Rows

_BEGINNINGS = struct.Struct(f">I{packing.ENTRY - 4}x")
_LEVEL = 1

_DAYS = """SELECT day, last FROM place_day WHERE place = ? AND day BETWEEN ? AND ? ORDER BY day DESC LIMIT 2"""
_SECONDS = "SELECT seconds FROM place_seconds WHERE place = ? AND day = ?"
_WITH_EITHER = "SELECT packed FROM event WHERE place = ? AND day = ? AND (instr(packed, ?) OR instr(packed, ?))"

_Day = tuple[int, int]
"""A place and one of its days."""


class PlaceDays:
    """Kept right by what a transaction adds to the file and takes from it."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._added: defaultdict[_Day, set[tuple[int]]] = defaultdict(set)
        self._removed: defaultdict[_Day, set[int]] = defaultdict(set)

    def begin(self) -> None:
        """To be called first in a transaction."""
        self._added.clear()
        self._removed.clear()

    def add(self, place: int, day: int, packed: bytes) -> None:
        """``packed`` are entries of events that are now held."""
        self._added[place, day].update(_BEGINNINGS.iter_unpack(packed))

    def remove(self, place: int, day: int, entry: bytes) -> None:
        """``entry`` is of an event that is no longer held."""
        self._removed[place, day].add(packing.second_of(entry))

    def finish(self) -> None:
        """To be called last in a transaction, when the events are in the file, or gone from it."""
        for place, day in sorted(self._added.keys() | self._removed.keys()):
            self._write(place, day, self._held(place, day))

    def _held(self, place: int, day: int) -> int:
        found = self._db.execute(_SECONDS, [place, day]).fetchone()
        held = _bits(found[0]) if found else 0
        held |= _bits_of({beginning >> 1 for (beginning,) in self._added.get((place, day), ())})
        for second in self._removed.get((place, day), ()):
            if not self._still(place, day, second):
                held &= ~(1 << second)
        return held

    def _still(self, place: int, day: int, second: int) -> bool:
        """Whether any event is left in a second."""
        either = [packing.beginning(second, uuid=uuid) for uuid in (False, True)]
        rows = self._db.execute(_WITH_EITHER, [place, day, *either]).fetchall()
        return any(packing.second_of(each) == second for (packed,) in rows for each in packing.entries(packed))

    def _write(self, place: int, day: int, held: int) -> None:
        if not held:
            for table in ("place_day", "place_seconds"):
                self._db.execute(f"DELETE FROM {table} WHERE place = ? AND day = ?", [place, day])  # noqa: S608 - ours
            return
        first, last = (held & -held).bit_length() - 1, _last(held, DAY - 1)
        self._db.execute("INSERT OR REPLACE INTO place_day VALUES (?, ?, ?, ?)", [place, day, first, last])
        self._db.execute("INSERT OR REPLACE INTO place_seconds VALUES (?, ?, ?)", [place, day, _compressed(held)])


def newest(rows: Rows, place: int, span: Seconds) -> int | None:
    """When a place had its newest event inside the span, in Unix seconds; ``None`` if it had none.

    Raises what ``rows`` raises.
    """
    for day, last in rows(_DAYS, [place, *span.days]):
        low, high = span.of_day(day)
        found = last if last <= high else _last(_bits(rows(_SECONDS, [place, day])[0][0]), high)
        if found >= low:
            return int(day * DAY + found)
    return None


def _last(held: int, until: int) -> int:
    """The last second up to ``until`` (inclusive); -1 if there is none."""
    return (held & ((2 << until) - 1)).bit_length() - 1


def _bits_of(seconds: Iterable[int]) -> int:
    bits = bytearray(DAY // 8)
    for second in seconds:
        bits[second >> 3] |= 1 << (second & 7)
    return int.from_bytes(bits, "little")


def _compressed(bits: int) -> bytes:
    return zlib.compress(bits.to_bytes(DAY // 8, "little"), _LEVEL)


def _bits(seconds: bytes) -> int:
    return int.from_bytes(zlib.decompress(seconds), "little")
