"""Events into their uses, many at a time, and one by one where records bear on each other."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from bot.database import Database
from bot.history import packing, practice
from bot.history.manners import Known
from bot.history.parts import Parts
from bot.history.place_days import PlaceDays

# Of the newest two of a use and of what is added to it, the newest two stay.
_USE = """INSERT INTO use VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (manner, day) DO UPDATE
    SET count = count + excluded.count, first = min(first, excluded.first), last = max(last, excluded.last),
        newest = max(newest, excluded.newest),
        before = max(min(newest, excluded.newest), before, excluded.before)"""
_EVENT = "INSERT INTO event VALUES (?, ?, ?, ?, ?, ?)"
_CHUNKS = "SELECT chunk, base, packed FROM event WHERE place = ? AND day = ? AND manner = ?"
_CHUNK = "place = ? AND day = ? AND manner = ? AND chunk = ?"

_ENTRY, _KEY = packing.ENTRY, packing.KEY
UseRow = tuple[int, int, int, int, int, int, bytes, bytes]


class Adding:
    """Adds and removes events inside the transactions of a load."""

    def __init__(self, db: Database, parts: Parts) -> None:
        self._db = db
        self._parts = parts
        self._place_days = PlaceDays(db)
        self._chunk = 0

    def begin(self) -> None:
        """To be called first in a transaction."""
        self._chunk = int(self._db.execute("SELECT chunk FROM stored").fetchone()[0])
        self._place_days.begin()

    def finish(self) -> None:
        """To be called last in a transaction."""
        self._db.execute("UPDATE stored SET chunk = ?", [self._chunk])
        self._place_days.finish()

    def add(self, uses: Iterable[tuple[int, Known, bytes]], base: int) -> None:
        """Add the packed entries, which are not yet held, to the use of each day and manner."""
        self._chunk += 1
        rows, chunks, noted, chunk = [], [], defaultdict[tuple[int, int, int], int](int), self._chunk
        for day, known, packed in uses:
            rows.append(_row(day, known, packed))
            chunks.append((known.place, day, known.id, chunk, base, packed))
            self._place_days.add(known.place, day, packed)
            if not known.copy:
                block, bit = practice.bit_of(day)
                noted[block, known.name, known.principal] |= bit
        # In the order of their tables, which SQLite fills faster so.
        self._db.conn.executemany(_USE, sorted(rows))
        self._db.conn.executemany(_EVENT, sorted(chunks))
        practice.note(self._db, noted)

    def remove(self, day: int, known: Known, event_id: bytes) -> bytes | None:
        """Take one event out again; returns its entry, with the number of its file."""
        where, left, removed = [known.place, day, known.id], list[bytes](), None
        for chunk, base, packed in self._db.execute(_CHUNKS, where).fetchall():
            entries = packing.entries(packed)
            kept = [each for each in entries if packing.id_of(each) != event_id]
            left += kept
            if len(kept) < len(entries):
                found = next(each for each in entries if packing.id_of(each) == event_id)
                removed = packing.in_file(found, packing.place_of(found, base)[0])
                self._place_days.remove(known.place, day, found)
                self._replace([*where, chunk], kept)
        self._recount(day, known, sorted(left))
        self._parts.ids(known.place, day).discard(event_id)
        return removed

    def _replace(self, where: Sequence[int], entries: Sequence[bytes]) -> None:
        if entries:
            self._db.execute(f"UPDATE event SET packed = ? WHERE {_CHUNK}", [b"".join(entries), *where])  # noqa: S608 - ours
        else:
            self._db.execute(f"DELETE FROM event WHERE {_CHUNK}", list(where))  # noqa: S608 - same

    def _recount(self, day: int, known: Known, entries: Sequence[bytes]) -> None:
        """Make a use anew from all its events; without any it is no more."""
        self._db.execute("DELETE FROM use WHERE manner = ? AND day = ?", [known.id, day])
        if entries:
            self._db.execute(_USE, list(_row(day, known, b"".join(entries))))
        elif not known.copy:
            practice.drop(self._db, day, known)


def _row(day: int, known: Known, packed: bytes) -> UseRow:
    newest, before = packed[-_ENTRY:][:_KEY], packed[-2 * _ENTRY : -_ENTRY][:_KEY]
    first, last = packing.second_of(packed), packing.second_of(newest)
    return known.id, day, known.place, len(packed) // _ENTRY, first, last, newest, before
