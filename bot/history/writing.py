"""Batches → the history file; each batch is one transaction, over as many files as it spans."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from bot.database import open_writer
from bot.history import kept, packing
from bot.history.adding import Adding
from bot.history.batch import Batch, FileRead
from bot.history.manners import Known, Manners
from bot.history.parts import Parts
from bot.history.relations import Relations, Relative
from bot.history.schema import bring_up_to_date

_BEGIN_FILE = """INSERT INTO file (path, size, changed) VALUES (?, ?, ?)
    ON CONFLICT (path) DO UPDATE SET size = excluded.size, changed = excluded.changed, done = 0
    RETURNING id"""

_FILE_READ = """UPDATE file SET records = ? + records * ?, done = ?, newest = coalesce(max(newest, ?), newest, ?)
    WHERE id = ?"""


class HistoryWriter:
    """The writing connection to a history file. One thread; other processes may read, and take turns writing.

    Raises what ``bot.database.open_writer`` raises.
    """

    def __init__(self, path: Path) -> None:
        # A load that loses its last seconds to a power cut is run again; NORMAL never damages the file.
        self._db = open_writer(path, synchronous="NORMAL")
        self._db.execute("PRAGMA cache_size = -32768")
        self._db.execute("PRAGMA wal_autocheckpoint = 8000")
        bring_up_to_date(self._db)
        self._manners = Manners(self._db)
        self._parts = Parts(self._db)
        self._adding = Adding(self._db, self._parts)
        self._relations = Relations(self._db, self._manners, self._parts, self._adding)
        self._amended: set[tuple[bytes, int]] = set()
        self._version = -1

    def close(self) -> None:
        self._db.close()

    def finished(self, path: str, size: int, changed: int) -> int | None:
        """How many records a file has, if all were taken and it has not changed since; ``None`` for others."""
        query = """SELECT records FROM file WHERE path = ? AND size = ? AND changed = ? AND done AND size >= 0
            AND NOT EXISTS (SELECT 1 FROM set_aside WHERE set_aside.file = file.id)"""
        found = self._db.execute(query, [path, size, changed]).fetchone()
        return None if found is None else int(found[0])

    def store(self, batch: Batch) -> int:
        """Store a batch, all of it or nothing; returns how many of its events were not yet held."""
        with self._transaction():
            files = [self._file(file) for file in batch.files]
            self._db.conn.executemany("INSERT OR IGNORE INTO odd_id VALUES (?, ?)", batch.odd_ids)
            self._db.conn.executemany("INSERT OR IGNORE INTO minted VALUES (?, ?, ?)", batch.minted)
            kept.keep(self._db, batch.kept)
            known = self._manners.of(batch)
            added = self._add(batch, known, files) + self._relate(batch, known, files)
            self._adding.finish()
        return added

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            self._look_again()
            self._parts.make_room()
            self._manners.begin()
            self._adding.begin()
            yield
            self._db.execute("COMMIT")
        except BaseException:
            self._db.execute("ROLLBACK")
            self._forget()
            raise

    def _look_again(self) -> None:
        """What is remembered holds only as long as nobody else writes."""
        version = int(self._db.execute("PRAGMA data_version").fetchone()[0])
        if version != self._version:
            self._forget()
            self._amended = self._relations.amended()
        self._version = version

    def _forget(self) -> None:
        self._manners.forget()
        self._parts.forget()
        self._version = -1

    def _file(self, file: FileRead) -> int:
        number = int(self._db.execute(_BEGIN_FILE, [file.path, file.size, file.changed]).fetchone()[0])
        more = int(file.stream or not file.begins)
        self._db.execute(_FILE_READ, [file.records, more, int(file.done), file.newest, file.newest, number])
        if file.done:
            if not file.stream:
                self._db.execute("DELETE FROM set_aside WHERE file = ?", [number])
            for entry in file.set_aside:
                self._set_aside(number, *entry)
        return number

    def _set_aside(self, file: int, line: int | None, reason: str, count: int) -> None:
        """Add to what was set aside of a log for the same reason."""
        more = "UPDATE set_aside SET count = count + ? WHERE file = ? AND reason = ?"
        if not self._db.execute(more, [count, file, reason]).rowcount:
            self._db.execute("INSERT INTO set_aside VALUES (?, ?, ?, ?)", [file, line, reason, count])

    def _add(self, batch: Batch, known: Sequence[Known], files: Sequence[int]) -> int:
        """Add the events of a batch that are not yet held."""
        # The files of a batch are numbered on from the first, if they are all new.
        in_order = all(number == files[0] + place for place, number in enumerate(files))
        uses, added = [], 0
        # Part by part, so that each is brought to hand once even where the log is in no order.
        days = [day for day, _ in batch.uses]
        by_part = sorted(range(len(known)), key=lambda number: (known[number].place, days[number]))
        for number in by_part:
            day = days[number]
            new = self._unseen(day, known[number], batch.packed[number])
            if new:
                uses.append((day, known[number], new if in_order else _in_files(new, files)))
                added += len(new) // packing.ENTRY
        self._adding.add(uses, base=files[0] if in_order and files else 0)
        return added

    def _unseen(self, day: int, known: Known, packed: bytes) -> bytes:
        """Those of the entries whose event is not yet held; from now on they count as held."""
        if not packed:
            return b""
        held, fresh = self._parts.ids(known.place, day), packing.ids_of(packed)
        if len(fresh) * packing.ENTRY < len(packed) or not held.isdisjoint(fresh) or self._amended:
            corrected = {each for each in fresh if (each, known.account) in self._amended}
            new = {packing.id_of(each): each for each in reversed(packing.entries(packed))}
            fresh = new.keys() - held - corrected
            packed = b"".join(sorted(new[each] for each in fresh))
        held |= fresh
        return packed

    def _relate(self, batch: Batch, known: Sequence[Known], files: Sequence[int]) -> int:
        relatives = [
            Relative(
                *(batch.uses[each.use][0], known[each.use], _in_files(each.entry, files)),
                *(each.shared, each.amended_by, each.home),
            )
            for each in batch.related
        ]
        added = self._relations.add(relatives)
        self._amended |= {(each.id, each.known.account) for each in relatives if each.amended_by}
        return added


def _in_files(packed: bytes, files: Sequence[int]) -> bytes:
    """The entries with the numbers their files have in the history."""
    return b"".join(packing.in_file(each, files[packing.place_of(each, 0)[0]]) for each in packing.entries(packed))
