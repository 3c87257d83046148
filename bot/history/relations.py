"""Records that bear on other records: copies of one action in several accounts, and corrections.

Of the copies the caller's own account's counts, else that of the lowest account. A correction takes the place of what
it corrects, whichever is read first; of two corrections the one with the greater id stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.database import Database
from bot.history import packing
from bot.history.held import Held, Parts
from bot.history.numbers import ACCOUNT_AT, COPY_AT, Fields

_COPIES = """SELECT r.event_id, r.use FROM relation r JOIN text a ON a.id = r.account WHERE r.shared = ?
    ORDER BY r.home DESC, a.value, r.event_id"""
_HELD = "SELECT shared, amended_by, use FROM relation WHERE event_id = ? AND account = ?"
_KEEP = "INSERT OR REPLACE INTO relation VALUES (?, ?, ?, ?, ?, ?)"


@dataclass(frozen=True, slots=True)
class Relative:
    """An event that other records bear on. ``entry`` has the number of its file."""

    fields: Fields
    entry: bytes
    shared: str | None
    amended_by: str | None
    home: bool

    @property
    def id(self) -> bytes:
        return packing.id_of(self.entry)

    @property
    def account(self) -> int:
        return int(self.fields[ACCOUNT_AT] or 0)


@dataclass(frozen=True, slots=True)
class _Found:
    """Where an event is held that a record speaks of."""

    use: int
    shared: str | None = None
    amended_by: str | None = None


class Relations:
    """Keeps copies and corrections right inside the transactions of a load."""

    def __init__(self, db: Database, parts: Parts) -> None:
        self._db = db
        self._parts = parts

    def amended(self) -> set[tuple[bytes, int]]:
        """The (id, account) of every event that a correction stands for."""
        return set(self._db.execute("SELECT event_id, account FROM relation WHERE amended_by IS NOT NULL").fetchall())

    def add(self, relatives: Sequence[Relative]) -> list[Relative]:
        """Take in the relatives; returns those whose event was not yet held."""
        self._parts.write()
        elsewhere = self._unseen_originals(relatives)
        added = [each for each in relatives if self._take(each, elsewhere)]
        self._parts.write()
        return added

    def _take(self, relative: Relative, elsewhere: dict[tuple[bytes, int], int]) -> bool:
        found = self._found(relative, elsewhere)
        if self._is_held(relative, found):
            return False
        if found is not None:
            self._parts.remove(self._parts.with_id(found.use), relative.id)
        held = self._parts.held(relative.fields)
        self._parts.add(held, [relative.entry])
        self._db.execute(
            _KEEP,
            [relative.id, relative.account, relative.shared, relative.amended_by, int(relative.home), held.id],
        )
        for shared in {relative.shared, found.shared if found else None} - {None}:
            self._mark_copies(str(shared))
        return found is None

    def _is_held(self, relative: Relative, found: _Found | None) -> bool:
        if found is None:
            return relative.amended_by is None and relative.id in self._parts.of(relative.fields).ids
        if relative.amended_by is None:
            return True
        return found.amended_by is not None and found.amended_by >= relative.amended_by

    def _found(self, relative: Relative, elsewhere: dict[tuple[bytes, int], int]) -> _Found | None:
        known = self._db.execute(_HELD, [relative.id, relative.account]).fetchone()
        if known is not None:
            return _Found(known[2], known[0], known[1])
        use = elsewhere.get((relative.id, relative.account))
        return None if use is None else _Found(use)

    def _mark_copies(self, shared: str) -> None:
        for rank, (event_id, use) in enumerate(self._db.execute(_COPIES, [shared]).fetchall()):
            held = self._parts.with_id(use)
            if held.fields[COPY_AT] != int(rank > 0):
                self._move(event_id, held, copy=rank > 0)

    def _move(self, event_id: bytes, held: Held, *, copy: bool) -> None:
        fields = (*held.fields[:COPY_AT], int(copy))
        entry = self._parts.remove(held, event_id)
        if entry is None:
            return
        target = self._parts.held(fields)
        self._parts.add(target, [entry])
        self._db.execute(
            "UPDATE relation SET use = ? WHERE event_id = ? AND account = ?",
            [target.id, event_id, held.fields[ACCOUNT_AT]],
        )

    def _unseen_originals(self, relatives: Sequence[Relative]) -> dict[tuple[bytes, int], int]:
        """The use of each event that was stored as if nothing bore on it and is now corrected, by id and account.

        A correction need not be of the day and region of what it corrects, so all ids are looked through, once.
        """
        amended = {(each.id, each.account) for each in relatives if each.amended_by}
        wanted = {key for key in amended if not self._db.execute(_HELD, list(key)).fetchone()}
        if not wanted:
            return {}
        ids, found = {event_id for event_id, _ in wanted}, {}
        query = "SELECT use, account, packed FROM event JOIN use ON use.id = event.use"
        for use, account, packed in self._db.execute(query):
            for event_id in ids.intersection(map(packing.id_of, packing.entries(packed))):
                found[event_id, account] = use
        return {key: use for key, use in found.items() if key in wanted}
