"""Strings that no event has any more: keys of sessions that are over, addresses nobody comes from.

They are looked for without a lock, and dropped only while nobody else has written since: what a load has begun to use
again meanwhile stays. A number is never given out twice, so what is remembered of it stays right: the greatest of each
table is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

from bot.database import Database

Transaction = Callable[[Database], AbstractContextManager[None]]

_AT_ONCE = 2_000
_USED = {
    "text": (
        "SELECT key FROM manner UNION SELECT session FROM manner UNION SELECT error FROM manner"
        " UNION SELECT detail FROM manner UNION SELECT account FROM relation"
        " UNION SELECT account FROM place UNION SELECT region FROM place"
    ),
    "address": "SELECT address FROM manner",
    "agent": "SELECT agent FROM manner",
    "name": "SELECT name FROM manner UNION SELECT name FROM practice",
    "identity": "SELECT identity FROM manner",
    "principal": (
        "SELECT principal FROM manner UNION SELECT principal FROM identity UNION SELECT principal FROM practice"
    ),
}


def drop(db: Database, transaction: Transaction) -> Iterator[None]:
    """Drop what is in no use, some at a time. Ends early where another process writes: the next run goes on."""
    for table, used in _USED.items():
        yield from _drop_from(db, table, used, transaction)


def _drop_from(db: Database, table: str, used: str, transaction: Transaction) -> Iterator[None]:
    version, unused = _unused(db, table, used)
    yield
    for start in range(0, len(unused), _AT_ONCE):
        some = [(number,) for number in unused[start : start + _AT_ONCE]]
        with transaction(db):
            if _version(db) != version:
                return
            db.conn.executemany(f"DELETE FROM {table} WHERE id = ?", some)  # noqa: S608 - our own words
        yield


def _unused(db: Database, table: str, used: str) -> tuple[int, list[int]]:
    query = f"""SELECT id FROM {table} WHERE id < (SELECT max(id) FROM {table})
        AND id NOT IN ({used} EXCEPT SELECT NULL)"""  # noqa: S608 - same
    db.execute("BEGIN")
    try:
        version = _version(db)
        return version, [int(number) for (number,) in db.execute(query)]
    finally:
        db.execute("COMMIT")


def _version(db: Database) -> int:
    """Another number once another connection has written."""
    return int(db.execute("PRAGMA data_version").fetchone()[0])
