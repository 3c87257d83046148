"""Old days leave the history, and the file gets smaller, while others read it.

Whole UTC days go, in many short transactions: readers see the history before or after each, and a load waits for one
at most. What was freed is given back to the file system at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from bot.database import Database, open_writer
from bot.history import kept, practice
from bot.history.schema import migrations

DAYS = 150
"""The longest question looks back 90 days, and at the 30 days before those for what was usual."""

_AT_ONCE = 2_000
_PAGES = 2_000
_EPOCH = date(1970, 1, 1)
_OF_THESE = "WITH gone (id) AS (SELECT value FROM json_each(?)) "


@dataclass(frozen=True, slots=True)
class Retired:
    """What a run took away: events, and bytes given back to the file system."""

    events: int
    bytes: int


def retire(path: Path, now: datetime, days: int = DAYS) -> Retired:
    """Drop every event of the UTC days that lie more than ``days`` days before ``now``'s.

    Ended at any point and run again it ends the same. Raises what ``bot.database.open_writer`` raises.
    """
    today = (now.astimezone(UTC).date() - _EPOCH).days
    first_kept = today - days
    db = open_writer(path, synchronous="NORMAL")
    try:
        migrations.apply(db)
        before = _size(db)
        events = 0
        while (dropped := _drop_some(db, first_kept)) is not None:
            events += dropped
        _drop_the_rest(db, first_kept)
        _drop_kept(db, max(kept.too_old(db, today), first_kept - 1))
        _give_back(db)
        return Retired(events, before - _size(db))
    finally:
        db.close()


def _drop_some(db: Database, first_kept: int) -> int | None:
    """Drop up to 2,000 uses with their events in one transaction; ``None`` if there are no more."""
    query = """SELECT id, count FROM use WHERE account IN (SELECT account FROM place)
        AND region IN (SELECT region FROM place) AND day < ? LIMIT ?"""
    found = db.execute(query, [first_kept, _AT_ONCE]).fetchall()
    if not found:
        return None
    gone = "[" + ",".join(str(use) for use, _ in found) + "]"
    db.execute("BEGIN IMMEDIATE")
    try:
        for table, column in (("event", "use"), ("relation", "use"), ("use", "id")):
            delete = f"DELETE FROM {table} WHERE {column} IN (SELECT id FROM gone)"  # noqa: S608 - words of this line
            db.execute(_OF_THESE + delete, [gone])
        db.execute("COMMIT")
    except BaseException:
        db.execute("ROLLBACK")
        raise
    return sum(int(count) for _, count in found)


def _drop_the_rest(db: Database, first_kept: int) -> None:
    """What is kept by day beside the events, and the places that have none left."""
    db.execute("BEGIN IMMEDIATE")
    try:
        practice.drop_before(db, first_kept)
        db.execute("DELETE FROM minted WHERE day < ?", [first_kept])
        db.execute(
            "DELETE FROM place WHERE NOT EXISTS"
            " (SELECT 1 FROM use WHERE use.account = place.account AND use.region = place.region)"
        )
        db.execute("COMMIT")
    except BaseException:
        db.execute("ROLLBACK")
        raise


def _drop_kept(db: Database, last_gone: int) -> None:
    """Raw records of up to this day, a day at a time."""
    for (day,) in db.execute("SELECT day FROM kept_day WHERE day <= ?", [last_gone]).fetchall():
        db.execute("BEGIN IMMEDIATE")
        try:
            db.execute("DELETE FROM kept WHERE day = ?", [day])
            db.execute("DELETE FROM kept_day WHERE day = ?", [day])
            db.execute("COMMIT")
        except BaseException:
            db.execute("ROLLBACK")
            raise


def _give_back(db: Database) -> None:
    while db.execute("PRAGMA freelist_count").fetchone()[0]:
        db.execute(f"PRAGMA incremental_vacuum({_PAGES})").fetchall()
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def _size(db: Database) -> int:
    pages, size = (db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "page_size"))
    return int(pages) * int(size)
