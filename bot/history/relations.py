"""Records that bear on other records: copies of one action in several accounts, and corrections.

Of the copies the caller's own account's counts, else that of the lowest account. A correction takes the place of what
it corrects, whichever is read first; of two corrections the one with the greater id stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.database import Database
from bot.history import packing
from bot.history.adding import Adding
from bot.history.manners import Known, Manners
from bot.history.parts import Parts

_COPIES = """SELECT r.event_id, r.account, r.manner, r.day FROM relation r JOIN text a ON a.id = r.account
    WHERE r.shared = ? ORDER BY r.home DESC, a.value, r.event_id"""
_HELD = "SELECT manner, day, shared, amended_by FROM relation WHERE event_id = ? AND account = ?"
_KEEP = "INSERT OR REPLACE INTO relation VALUES (?, ?, ?, ?, ?, ?, ?)"
_MOVE = "UPDATE relation SET manner = ? WHERE event_id = ? AND account = ?"
_SOMEWHERE = """SELECT manner, day, packed FROM event
    WHERE place IN (SELECT id FROM place WHERE account = ?) AND instr(packed, ?)"""


@dataclass(frozen=True, slots=True)
class Relative:
    """An event that other records bear on. ``entry`` has the number of its file."""

    day: int
    known: Known
    entry: bytes
    shared: str | None
    amended_by: str | None
    home: bool

    @property
    def id(self) -> bytes:
        return packing.id_of(self.entry)


@dataclass(frozen=True, slots=True)
class _Found:
    """Where an event is held that a record speaks of."""

    manner: int
    day: int
    shared: str | None = None
    amended_by: str | None = None


class Relations:
    """Keeps copies and corrections right inside the transactions of a load."""

    def __init__(self, db: Database, manners: Manners, parts: Parts, adding: Adding) -> None:
        self._db = db
        self._manners = manners
        self._parts = parts
        self._adding = adding

    def amended(self) -> set[tuple[bytes, int]]:
        """The (id, account) of every event that a correction stands for."""
        return set(self._db.execute("SELECT event_id, account FROM relation WHERE amended_by IS NOT NULL").fetchall())

    def add(self, relatives: Sequence[Relative]) -> int:
        """Take in the relatives; returns of how many the event was not yet held."""
        return sum(self._take(each) for each in relatives)

    def _take(self, relative: Relative) -> bool:
        found = self._found(relative)
        if self._is_held(relative, found):
            return False
        if found is not None:
            self._adding.remove(found.day, self._manners.with_id(found.manner), relative.id)
        self._put(relative.day, relative.known, relative.entry)
        row = [relative.id, relative.known.account, relative.shared, relative.amended_by, int(relative.home)]
        self._db.execute(_KEEP, [*row, relative.known.id, relative.day])
        for shared in {relative.shared, found.shared if found else None} - {None}:
            self._mark_copies(str(shared))
        return found is None

    def _is_held(self, relative: Relative, found: _Found | None) -> bool:
        if found is None:
            held = self._parts.ids(relative.known.place, relative.day)
            return relative.amended_by is None and relative.id in held
        if relative.amended_by is None:
            return True
        return found.amended_by is not None and found.amended_by >= relative.amended_by

    def _found(self, relative: Relative) -> _Found | None:
        known = self._db.execute(_HELD, [relative.id, relative.known.account]).fetchone()
        if known is not None:
            return _Found(*known)
        return self._elsewhere(relative) if relative.amended_by else None

    def _elsewhere(self, relative: Relative) -> _Found | None:
        """An event that was stored as if nothing bore on it, and is now corrected.

        A correction need not be of the day and region of what it corrects: all of its account's are looked through.
        """
        for manner, day, packed in self._db.execute(_SOMEWHERE, [relative.known.account, relative.id]).fetchall():
            if relative.id in packing.ids_of(packed):
                return _Found(manner, day)
        return None

    def _mark_copies(self, shared: str) -> None:
        for rank, (event_id, account, manner, day) in enumerate(self._db.execute(_COPIES, [shared]).fetchall()):
            known = self._manners.with_id(manner)
            if known.copy == int(rank > 0):
                continue
            entry = self._adding.remove(day, known, event_id)
            if entry is not None:
                marked = self._manners.marked(manner, copy=rank > 0)
                self._put(day, marked, entry)
                self._db.execute(_MOVE, [marked.id, event_id, account])

    def _put(self, day: int, known: Known, entry: bytes) -> None:
        self._parts.ids(known.place, day).add(packing.id_of(entry))
        self._adding.add([(day, known, entry)], base=0)
