"""Old days leave the history, and the file gets smaller, while others read it.

Whole UTC days go, in many short transactions: readers see the history before or after each, and a load waits for one
at most. What was freed is given back to the file system as it goes. With the last day of a file goes what is known of
the file: given again, it is read again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import structlog

from bot.database import Database, open_writer, safe_for_two_writers, sqlite3
from bot.history import kept, practice, unused
from bot.history.schema import DAYS_OF_MANNER, bring_up_to_date

DAYS = 150
"""The longest question looks back 90 days, and at the 30 days before those for what was usual."""
EVERY = timedelta(hours=1)

_AT_ONCE = 1_000
_PAGES = 1_000
_PATIENCE = 200
"""How often the file is tried to be shortened: what is not given back today is given back by the next run."""
_EPOCH = date(1970, 1, 1)
_OLD_USES = """SELECT place, day, manner, count FROM use
    WHERE place IN (SELECT id FROM place) AND day < ? LIMIT ?"""
_NOT_SEEN = "NOT EXISTS (SELECT 1 FROM use WHERE use.manner = manner.id)"
_UNSEEN = f"SELECT id FROM manner WHERE block <= ? AND id < (SELECT max(id) FROM manner) AND {_NOT_SEEN}"  # noqa: S608 - ours
_DROP_UNSEEN = f"DELETE FROM manner WHERE id = ? AND {_NOT_SEEN}"  # noqa: S608 - same
_DROP_PLACES = "DELETE FROM place WHERE id NOT IN (SELECT place FROM place_day UNION SELECT place FROM manner)"
_OLD_FILES = "SELECT id, records FROM file WHERE newest < ? LIMIT ?"

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Retired:
    """What a run took away: events, and bytes given back to the file system."""

    events: int
    bytes: int


def retire(path: Path, now: datetime, days: int = DAYS) -> Retired:
    """Drop every event of the UTC days that lie more than ``days`` days before ``now``'s.

    Ended at any point and run again it ends the same. Raises what ``bot.database.open_writer`` raises.
    """
    with closing(_opened(path)) as db:
        before = _size(db)
        events = sum(_steps(db, now, days))
        return Retired(events, before - _size(db))


class Retirement:
    """Old days leaving the history of a bot that serves: a run an hour, a short transaction at a time.

    One thread calls :meth:`step`.
    """

    def __init__(self, path: Path, clock: Callable[[], datetime], days: int) -> None:
        self._path = path
        self._clock = clock
        self._days = days
        self._due: datetime | None = None
        self._db: Database | None = None
        self._run: Iterator[int] = iter(())
        self._events = 0

    def step(self) -> bool:
        """Do the next bit of a run that is due. Always ``False``: there is no hurry, others come between."""
        try:
            self._step()
        except sqlite3.Error as error:
            log.warning("old days could not leave the history; trying again later", why=str(error))
            self._end()
        return False

    def close(self) -> None:
        """Leave the rest of a run to the next one."""
        if self._db is not None:
            self._db.close()
        self._db, self._run = None, iter(())

    def _step(self) -> None:
        now = self._clock()
        if self._db is None and (self._due is None or now >= self._due) and self._path.exists():
            self._due = now + EVERY
            self._db, self._events = _opened(self._path), 0
            self._run = _steps(self._db, now, self._days)
        if self._db is not None:
            events = next(self._run, None)
            self._events += events or 0
            if events is None:
                self._end()

    def _end(self) -> None:
        if self._events:
            log.info("old days have left the history", events=self._events)
        self.close()


def may_run() -> bool:
    """Whether old days may leave while another process loads; this SQLite may be too old for two that write."""
    if not safe_for_two_writers():
        log.warning(
            "old days stay in the history: this SQLite is older than 3.51.3, where two processes that write can"
            " damage a file",
            sqlite=sqlite3.sqlite_version,
        )
    return safe_for_two_writers()


def _opened(path: Path) -> Database:
    db = open_writer(path, synchronous="NORMAL")
    try:
        bring_up_to_date(db)
    except BaseException:
        db.close()
        raise
    return db


def _steps(db: Database, now: datetime, days: int) -> Iterator[int]:
    """Everything a run does; after each transaction, how many events left with it."""
    today = (now.astimezone(UTC).date() - _EPOCH).days
    first_kept = today - days
    any_left = False
    while (dropped := _drop_uses(db, first_kept)) is not None:
        any_left = True
        yield dropped
    yield from _each(_drop_files(db, first_kept))
    _drop_days(db, first_kept)
    yield from _each(_drop_kept(db, max(kept.too_old(db, today), first_kept - 1)))
    if any_left:
        yield from _each(_drop_manners(db, first_kept))
        with _transaction(db):
            db.execute(_DROP_PLACES)
        yield from _each(unused.drop(db, _transaction))
    yield from _each(_give_back(db))


def _each(steps: Iterator[None]) -> Iterator[int]:
    return (0 for _ in steps)


@contextmanager
def _transaction(db: Database) -> Iterator[None]:
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        db.execute("ROLLBACK")
        raise


def _drop_uses(db: Database, first_kept: int) -> int | None:
    """Drop some uses with their events; ``None`` if there are no more."""
    with _transaction(db):
        found = db.execute(_OLD_USES, [first_kept, _AT_ONCE]).fetchall()
        for table in ("event", "use"):
            delete = f"DELETE FROM {table} WHERE place = ? AND day = ? AND manner = ?"  # noqa: S608 - words of this line
            db.conn.executemany(delete, [row[:3] for row in found])
        events = sum(int(count) for *_, count in found)
        db.execute("UPDATE retired SET events = events + ?", [events])
    return events if found else None


def _drop_manners(db: Database, first_kept: int) -> Iterator[None]:
    """Manners that were not seen on any day that is left; never the greatest: no number is given out twice."""
    unseen = db.execute(_UNSEEN, [first_kept // DAYS_OF_MANNER]).fetchall()
    for start in range(0, len(unseen), _AT_ONCE):
        with _transaction(db):
            db.conn.executemany(_DROP_UNSEEN, unseen[start : start + _AT_ONCE])
        yield


def _drop_files(db: Database, first_kept: int) -> Iterator[None]:
    """What is known of files whose events have all left."""
    while True:
        with _transaction(db):
            found = db.execute(_OLD_FILES, [first_kept, _AT_ONCE]).fetchall()
            gone = _listed(file for file, _ in found)
            for table, column in (("set_aside", "file"), ("file", "id")):
                _drop(db, table, column, gone)
            db.execute("UPDATE retired SET records = records + ?", [sum(int(records) for _, records in found)])
        if not found:
            return
        yield


def _drop_days(db: Database, first_kept: int) -> None:
    """What is kept by day beside the events."""
    with _transaction(db):
        practice.drop_before(db, first_kept)
        for table in ("minted", "relation", "place_day", "place_seconds"):
            db.execute(f"DELETE FROM {table} WHERE day < ?", [first_kept])  # noqa: S608 - words of this line


def _drop_kept(db: Database, last_gone: int) -> Iterator[None]:
    """Raw records of up to this day, a day at a time."""
    for (day,) in db.execute("SELECT day FROM kept_day WHERE day <= ?", [last_gone]).fetchall():
        with _transaction(db):
            db.execute("DELETE FROM kept WHERE day = ?", [day])
            db.execute("DELETE FROM kept_day WHERE day = ?", [day])
        yield


def _give_back(db: Database) -> Iterator[None]:
    free = _free(db)
    while free:
        db.execute(f"PRAGMA incremental_vacuum({_PAGES})").fetchall()
        yield
        left = _free(db)
        if left >= free:
            break
        free = left
    # Only now the file gets shorter. It cannot while somebody reads what is older, and nobody is to wait for that.
    db.execute("PRAGMA busy_timeout = 0")
    for _ in range(_PATIENCE):
        busy, _, _ = db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if not busy:
            break
        yield


def _drop(db: Database, table: str, column: str, ids: str) -> None:
    delete = f"DELETE FROM {table} WHERE {column} IN (SELECT value FROM json_each(?))"  # noqa: S608 - our own words
    db.execute(delete, [ids])


def _free(db: Database) -> int:
    return int(db.execute("PRAGMA freelist_count").fetchone()[0])


def _listed(ids: Iterator[int]) -> str:
    return "[" + ",".join(map(str, ids)) + "]"


def _size(db: Database) -> int:
    pages, size = (db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "page_size"))
    return int(pages) * int(size)
