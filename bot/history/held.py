"""The uses a load is adding to, kept in memory until its transaction ends.

CloudTrail's logs come by account, region and day, and an event comes again only in the same ones. So a load keeps those
parts of the history at hand that it touched last: their uses, and the ids of their events.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from bot.database import Database
from bot.history import packing, practice
from bot.history.numbers import ACCOUNT_AT, DAY_AT, FIELDS, REGION_AT, Fields
from bot.history.schema import DAY

_REMEMBERED = 400_000
"""Event ids kept at hand, about 110 bytes each; a single part is always kept whole."""

_COLUMNS = ", ".join(FIELDS)
_USES_OF_PART = f"""SELECT id, count, chunks, first, last, newest, {_COLUMNS} FROM use
    WHERE account = ? AND region = ? AND day = ?"""  # noqa: S608 - our own column names
_USE = f"SELECT {_COLUMNS} FROM use WHERE id = ?"  # noqa: S608 - same
_CHUNKS_OF_PART = """SELECT packed FROM event WHERE use IN
    (SELECT id FROM use WHERE account = ? AND region = ? AND day = ?)"""
_INSERT = f"""INSERT INTO use (id, count, chunks, first, last, newest, {_COLUMNS})
    VALUES ({", ".join("?" * (len(FIELDS) + 6))})"""  # noqa: S608 - same
_UPDATE = "UPDATE use SET count = ?, chunks = ?, first = ?, last = ?, newest = ? WHERE id = ?"


@dataclass(slots=True)
class Held:
    """One use. ``newest`` are the sorting parts of its newest two events, the newest first."""

    id: int
    fields: Fields
    count: int = 0
    chunks: int = 0
    first: int = 0
    last: int = 0
    newest: list[bytes] = field(default_factory=list)
    stored: bool = False

    def count_in(self, keys: Sequence[bytes]) -> None:
        """Add events by the sorting parts of their entries, oldest first; at least one."""
        start = (self.fields[DAY_AT] or 0) * DAY
        first, last = start + packing.second_of(keys[0]), start + packing.second_of(keys[-1])
        if not self.count or first < self.first:
            self.first = first
        if not self.count or last > self.last:
            self.last = last
        # Logs come by time: mostly these are newer than all before.
        if len(keys) > 1 and (not self.newest or keys[-2] > self.newest[0]):
            self.newest = [keys[-1], keys[-2]]
        elif self.newest:
            self.newest = sorted([*self.newest, *keys[-2:]], reverse=True)[:2]
        else:
            self.newest = [keys[0]]
        self.count += len(keys)

    def recount(self, keys: Sequence[bytes]) -> None:
        """Start over from all its events."""
        self.count, self.newest = 0, []
        if keys:
            self.count_in(keys)

    def row(self) -> tuple[object, ...]:
        return (self.id, self.count, self.chunks, self.first, self.last, b"".join(self.newest), *self.fields)


@dataclass(slots=True)
class Part:
    """One account, region and UTC day of the history."""

    uses: dict[Fields, Held] = field(default_factory=dict)
    ids: set[bytes] = field(default_factory=set)


PartKey = tuple[int, int, int]


def part_of(fields: Fields) -> PartKey:
    """The account, region and day of a use."""
    return fields[ACCOUNT_AT] or 0, fields[REGION_AT] or 0, fields[DAY_AT] or 0


class Parts:
    """The parts at hand, and what of them is still to be written. Keeps ``practice`` right, too."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._parts: OrderedDict[PartKey, Part] = OrderedDict()
        self._last: tuple[PartKey | None, Part] = None, Part()
        self._made: list[Fields] = []
        self._touched: dict[int, Held] = {}
        self._chunks: list[tuple[int, int, bytes]] = []
        self._next_id = 0

    def begin(self) -> None:
        """To be called first in a transaction."""
        self._next_id = int(self._db.execute("SELECT coalesce(max(id), 0) + 1 FROM use").fetchone()[0])

    def forget(self) -> None:
        """Drop everything: another process wrote, or the transaction was rolled back."""
        self._parts.clear()
        self._last = None, Part()
        self._made.clear()
        self._touched.clear()
        self._chunks.clear()

    def of(self, fields: Fields) -> Part:
        key = part_of(fields)
        if key == self._last[0]:
            return self._last[1]
        part = self._parts.get(key)
        if part is None:
            self._make_room()
            part = self._parts[key] = self._read(key)
        self._parts.move_to_end(key)
        self._last = key, part
        return part

    def held(self, fields: Fields) -> Held:
        """The use with these fields, an empty new one if there is none."""
        uses = self.of(fields).uses
        held = uses.get(fields)
        if held is None:
            held = uses[fields] = Held(self._next_id, fields)
            self._next_id += 1
            self._made.append(fields)
        return held

    def with_id(self, use: int) -> Held:
        """Raises ``LookupError`` if there is no such use."""
        if use in self._touched:
            return self._touched[use]
        fields = self._db.execute(_USE, [use]).fetchone()
        if fields is None:
            raise LookupError(use)
        return self.held(tuple(fields))

    def add(self, held: Held, entries: Sequence[bytes]) -> None:
        """Add events, sorted by time, that are not yet held."""
        held.count_in([each[: packing.KEY] for each in entries])
        self._chunks.append((held.id, held.chunks, b"".join(entries)))
        held.chunks += 1
        self._touched[held.id] = held
        self.of(held.fields).ids.update([each[4 : packing.KEY] for each in entries])

    def remove(self, held: Held, event_id: bytes) -> bytes | None:
        """Take one event out again; returns its entry."""
        self.write()
        rows = self._db.execute("SELECT chunk, packed FROM event WHERE use = ?", [held.id]).fetchall()
        left: list[bytes] = []
        removed = None
        for chunk, packed in rows:
            kept = [each for each in packing.entries(packed) if packing.id_of(each) != event_id]
            removed = next((each for each in packing.entries(packed) if packing.id_of(each) == event_id), removed)
            if len(kept) * packing.ENTRY != len(packed):
                self._replace(held.id, chunk, kept)
            left += kept
        held.recount(sorted(each[: packing.KEY] for each in left))
        self._touched[held.id] = held
        self.of(held.fields).ids.discard(event_id)
        return removed

    def finish(self) -> None:
        """To be called last in a transaction."""
        self.write()
        practice.note(self._db, self._made)
        self._made.clear()

    def write(self) -> None:
        """Bring the file up to date with what is at hand."""
        run = self._db.conn.executemany
        touched, self._touched = list(self._touched.values()), {}
        run(_INSERT, [held.row() for held in touched if not held.stored and held.count])
        run(_UPDATE, [(*held.row()[1:6], held.id) for held in touched if held.stored and held.count])
        run("INSERT INTO event VALUES (?, ?, ?)", self._chunks)
        self._chunks.clear()
        for held in touched:
            held.stored = True
        self._drop([held for held in touched if not held.count])

    def _drop(self, empty: Sequence[Held]) -> None:
        self._db.conn.executemany("DELETE FROM use WHERE id = ?", [(held.id,) for held in empty])
        gone = {held.fields for held in empty}
        if gone:
            practice.note(self._db, self._made)
            practice.drop(self._db, gone)
            self._made.clear()
        for held in empty:
            self.of(held.fields).uses.pop(held.fields, None)

    def _make_room(self) -> None:
        size = sum(len(part.ids) for part in self._parts.values())
        if size > _REMEMBERED:
            self.write()
        while self._parts and size > _REMEMBERED:
            _, gone = self._parts.popitem(last=False)
            self._last = None, Part()
            size -= len(gone.ids)

    def _replace(self, use: int, chunk: int, entries: Sequence[bytes]) -> None:
        if entries:
            self._db.execute("UPDATE event SET packed = ? WHERE use = ? AND chunk = ?", [b"".join(entries), use, chunk])
        else:
            self._db.execute("DELETE FROM event WHERE use = ? AND chunk = ?", [use, chunk])

    def _read(self, key: PartKey) -> Part:
        part = Part()
        for row in self._db.execute(_USES_OF_PART, list(key)):
            held = _held(row)
            part.uses[held.fields] = held
        for (packed,) in self._db.execute(_CHUNKS_OF_PART, list(key)):
            part.ids.update(packing.id_of(each) for each in packing.entries(packed))
        return part


def _held(row: tuple[Any, ...]) -> Held:
    number, count, chunks, first, last, newest, *fields = row
    keys: Iterable[int] = range(0, len(newest), packing.KEY)
    parts = [newest[start : start + packing.KEY] for start in keys]
    return Held(number, tuple(fields), count, chunks, first, last, parts, stored=True)
