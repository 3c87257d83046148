"""Batches → the history file; each batch is one transaction, over as many files as it spans."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from bot.database import open_writer
from bot.history import kept, packing
from bot.history.batch import Batch, FileRead
from bot.history.held import Parts, part_of
from bot.history.numbers import ACCOUNT_AT, REGION_AT, Fields, Numbers
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
        self._db.execute("PRAGMA cache_size = -65536")
        self._db.execute("PRAGMA wal_autocheckpoint = 8000")
        bring_up_to_date(self._db)
        self._numbers = Numbers(self._db)
        self._parts = Parts(self._db)
        self._relations = Relations(self._db, self._parts)
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
            files = [self._file(file).to_bytes(4, "big") for file in batch.files]
            uses = [self._numbers.fields(day, batch.manners[manner]) for day, manner in batch.uses]
            self._db.conn.executemany("INSERT OR IGNORE INTO odd_id VALUES (?, ?)", batch.odd_ids)
            self._db.conn.executemany("INSERT OR IGNORE INTO minted VALUES (?, ?, ?)", batch.minted)
            kept.keep(self._db, batch.kept)
            # Part by part, so that each is brought to hand once even where the log is in no order.
            by_part = sorted(zip(uses, batch.packed, strict=True), key=lambda each: part_of(each[0]))
            added = sum(self._add(fields, packed, files) for fields, packed in by_part if packed)
            relatives = [
                Relative(uses[each.use], _in_file(each.entry, files), each.shared, each.amended_by, each.home)
                for each in batch.related
            ]
            self._note_places(uses)
            added += self._relate(relatives)
            self._parts.finish()
        return added

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            self._look_again()
            self._parts.begin()
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
        self._numbers.forget()
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

    def _add(self, fields: Fields, packed: bytes, files: Sequence[bytes]) -> int:
        ids = self._parts.of(fields).ids
        new = {each[4 : packing.KEY]: each for each in reversed(packing.entries(packed))}
        if not ids.isdisjoint(new):
            new = {event_id: each for event_id, each in new.items() if event_id not in ids}
        if self._amended:
            account = fields[ACCOUNT_AT]
            new = {event_id: each for event_id, each in new.items() if (event_id, account) not in self._amended}
        if new:
            self._parts.add(self._parts.held(fields), sorted(_in_file(each, files) for each in new.values()))
        return len(new)

    def _relate(self, relatives: Sequence[Relative]) -> int:
        if not relatives:
            return 0
        added = self._relations.add(relatives)
        self._amended |= {(each.id, each.account) for each in relatives if each.amended_by}
        return len(added)

    def _note_places(self, uses: Sequence[Fields]) -> None:
        places = {(fields[ACCOUNT_AT], fields[REGION_AT]) for fields in uses}
        self._db.conn.executemany("INSERT OR IGNORE INTO place VALUES (?, ?)", list(places))


def _in_file(entry: bytes, files: Sequence[bytes]) -> bytes:
    """The entry with the number its file has in the history."""
    return entry[:20] + files[int.from_bytes(entry[20:24], "big")] + entry[24:]
