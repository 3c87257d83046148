"""A history of an older version → the tables of today; nothing has to be loaded again.

Before there were manners, each use held all that its events had in common.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from itertools import groupby

from bot.database import Database
from bot.history.digest import FIELDS, digest_of

_DAY = 86_400
_DAYS_OF_MANNER = 16
_KEY, _ENTRY = 20, 28
_BEFORE = ("use", "event", "relation", "place")
_SHARED = tuple(name for name in FIELDS if name != "place")
_MAP = "CREATE TEMP TABLE became (use INTEGER PRIMARY KEY, manner INTEGER, place INTEGER, day INTEGER)"
_INDEXES = "SELECT name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL AND tbl_name LIKE 'before%'"
_MOVED = (
    """INSERT INTO event SELECT b.place, b.day, b.manner, e.chunk, 0, e.packed
        FROM before_event e JOIN became b ON b.use = e.use""",
    """INSERT INTO relation SELECT r.event_id, r.account, r.shared, r.amended_by, r.home, b.manner, b.day
        FROM before_relation r JOIN became b ON b.use = r.use""",
    "INSERT INTO place_day SELECT place, day, min(first), max(last) FROM use GROUP BY place, day",
    "INSERT INTO stored SELECT coalesce(max(chunk), 0) FROM event",
)


def convert(db: Database, statements: Sequence[str]) -> None:
    """Put the tables that ``statements`` make in the place of those before, with all that is in them."""
    for table in _BEFORE:
        db.execute(f"ALTER TABLE {table} RENAME TO before_{table}")
    for (index,) in db.execute(_INDEXES).fetchall():
        db.execute(f"DROP INDEX {index}")
    for statement in statements:
        db.execute(statement)
    db.execute("INSERT INTO place (account, region) SELECT account, region FROM before_place")
    db.execute(_MAP)
    db.conn.executemany("INSERT INTO became VALUES (?, ?, ?, ?)", _uses(db))
    for statement in _MOVED:
        db.execute(statement)
    db.execute("DROP TABLE became")
    for table in _BEFORE:
        db.execute(f"DROP TABLE before_{table}")


def note_seconds(db: Database) -> None:
    """Work out in which seconds of each day every place has events."""
    query = "SELECT place, day, packed FROM event ORDER BY place, day"
    for (place, day), rows in groupby(db.execute(query), key=lambda row: (row[0], row[1])):
        bits = bytearray(_DAY // 8)
        for *_, packed in rows:
            for start in range(0, len(packed), _ENTRY):
                second = int.from_bytes(packed[start : start + 4], "big") >> 1
                bits[second >> 3] |= 1 << (second & 7)
        db.execute("INSERT INTO place_seconds VALUES (?, ?, ?)", [place, day, zlib.compress(bits, 1)])


def _uses(db: Database) -> Iterator[tuple[int, int, int, int]]:
    """Move every use, and say what it became: its number, its manner, its place and its day."""
    places = {(account, region): place for place, account, region in db.execute("SELECT * FROM place").fetchall()}
    known: dict[tuple[object, ...], int] = {}
    columns = ", ".join(_SHARED)
    query = f"SELECT id, day, account, region, count, first, last, newest, {columns} FROM before_use"  # noqa: S608 - ours
    for use, day, account, region, count, first, last, newest, *shared in db.execute(query).fetchall():
        place, start, block = places[account, region], day * _DAY, day // _DAYS_OF_MANNER
        told = dict(zip(_SHARED, shared, strict=True)) | {"place": place}
        fields = tuple(told[name] for name in FIELDS)
        manner = known.get((block, fields))
        if manner is None:
            manner = known[block, fields] = len(known) + 1
            marks = ", ".join("?" * (len(FIELDS) + 3))
            insert = f"INSERT INTO manner (id, block, digest, {', '.join(FIELDS)}) VALUES ({marks})"  # noqa: S608 - ours
            db.execute(insert, [manner, block, digest_of(fields), *fields])
        row = [manner, day, place, count, first - start, last - start, newest[:_KEY], newest[_KEY:]]
        db.execute("INSERT INTO use VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
        yield use, manner, place, day
