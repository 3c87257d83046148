"""The manners of a load → their rows."""

from __future__ import annotations

from typing import NamedTuple

from bot.database import Database
from bot.history.batch import Batch, Manner
from bot.history.digest import COPY_AT, FIELDS, NAME_AT, PLACE_AT, PRINCIPAL_AT, Fields, digest_of
from bot.history.numbers import Numbers
from bot.history.schema import DAYS_OF_MANNER

_REMEMBERED = 100_000

_COLUMNS = ", ".join(FIELDS)
_FIND = f"SELECT id, {_COLUMNS} FROM manner WHERE block = ? AND digest = ?"  # noqa: S608 - our own column names
_FIELDS_OF = f"SELECT block, {_COLUMNS} FROM manner WHERE id = ?"  # noqa: S608 - same
_INSERT = f"""INSERT INTO manner (id, block, digest, {_COLUMNS})
    VALUES ({", ".join("?" * (len(FIELDS) + 3))})"""  # noqa: S608 - same


class Known(NamedTuple):
    """A manner that has a row, and what of it is asked while storing."""

    id: int
    place: int
    account: int
    name: int
    principal: int
    copy: int


class Manners:
    """Finds or makes the row of each manner; remembers while nobody else writes."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._numbers = Numbers(db)
        self._known: dict[int, dict[Manner, Known]] = {}
        self._same: dict[object, object] = {}
        self._fresh: dict[int, bool] = {}
        self._made: list[tuple[int | None, ...]] = []
        self._accounts: dict[int, int] = {}
        self._next_id = 0

    def begin(self) -> None:
        """To be called first in a transaction."""
        self._next_id = int(self._db.execute("SELECT coalesce(max(id), 0) + 1 FROM manner").fetchone()[0])

    def forget(self) -> None:
        """Another process wrote, or the transaction was rolled back."""
        self._numbers.forget()
        self._forget_known()
        self._made.clear()
        self._accounts.clear()

    def of(self, batch: Batch) -> list[Known]:
        """The manner of each use of a batch."""
        if sum(map(len, self._known.values())) > _REMEMBERED:
            self._forget_known()
        found: dict[tuple[int, int], Known] = {}
        known = []
        for day, number in batch.uses:
            wanted = day // DAYS_OF_MANNER, number
            if wanted not in found:
                found[wanted] = self._of(wanted[0], batch.manners[number])
            known.append(found[wanted])
        self._write()
        return known

    def marked(self, manner: int, *, copy: bool) -> Known:
        """The same manner of an action that counts, or of a copy of it that does not."""
        block, *fields = self._db.execute(_FIELDS_OF, [manner]).fetchone()
        fields[COPY_AT] = int(copy)
        known = self._find(block, tuple(fields)) or self._make(block, tuple(fields))
        self._write()
        return known

    def with_id(self, manner: int) -> Known:
        _, *fields = self._db.execute(_FIELDS_OF, [manner]).fetchone()
        return self._of_fields(manner, tuple(fields))

    def _of(self, block: int, manner: Manner) -> Known:
        of_block = self._known.setdefault(block, {})
        known = of_block.get(manner)
        if known is None:
            fields = self._numbers.fields(manner)
            known = None if self._is_fresh(block) else self._find(block, fields)
            known = of_block[self._kept(manner)] = known or self._make(block, fields)
        return known

    def _kept(self, manner: Manner) -> Manner:
        """The same with each of its strings kept once: those of a batch are its own, thousands of times over."""
        same = self._same
        return Manner._make(each if each is None else same.setdefault(each, each) for each in manner)

    def _forget_known(self) -> None:
        self._known.clear()
        self._fresh.clear()
        self._same.clear()

    def _is_fresh(self, block: int) -> bool:
        """Whether every manner of a block is at hand, as of one that nothing was stored of before."""
        fresh = self._fresh.get(block)
        if fresh is None:
            query = "SELECT 1 FROM manner WHERE block = ? LIMIT 1"
            fresh = self._fresh[block] = self._db.execute(query, [block]).fetchone() is None
        return fresh

    def _find(self, block: int, fields: Fields) -> Known | None:
        for number, *found in self._db.execute(_FIND, [block, digest_of(fields)]).fetchall():
            if tuple(found) == fields:
                return self._of_fields(number, fields)
        return None

    def _make(self, block: int, fields: Fields) -> Known:
        known = self._of_fields(self._next_id, fields)
        self._made.append((known.id, block, digest_of(fields), *fields))
        self._next_id += 1
        return known

    def _write(self) -> None:
        self._db.conn.executemany(_INSERT, self._made)
        self._made.clear()

    def _of_fields(self, number: int, fields: Fields) -> Known:
        place, name, principal, copy = (int(fields[at] or 0) for at in (PLACE_AT, NAME_AT, PRINCIPAL_AT, COPY_AT))
        if place not in self._accounts:
            found = self._db.execute("SELECT account FROM place WHERE id = ?", [place]).fetchone()
            self._accounts[place] = int(found[0])
        return Known(number, place, self._accounts[place], name, principal, copy)
