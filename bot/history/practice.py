"""Which principals called what on which days: kept right as uses come and go."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from bot.database import Database
from bot.history.numbers import COPY_AT, DAY_AT, NAME_AT, PRINCIPAL_AT, Fields
from bot.history.schema import DAYS_IN_BLOCK

_NOTE = """INSERT INTO practice VALUES (?, ?, ?, ?)
    ON CONFLICT (block, name, principal) DO UPDATE SET days = days | excluded.days"""
_STILL = "SELECT 1 FROM use WHERE principal = ? AND day = ? AND name = ? AND NOT copy LIMIT 1"
_DROP = "UPDATE practice SET days = days & ~? WHERE block = ? AND name = ? AND principal = ?"
_EMPTY = "DELETE FROM practice WHERE block = ? AND days = 0"


def note(db: Database, uses: Iterable[Fields]) -> None:
    """There is a use with each of these fields."""
    days: defaultdict[tuple[int, int | None, int | None], int] = defaultdict(int)
    for fields in uses:
        if not fields[COPY_AT]:
            block, bit = _bit(fields[DAY_AT])
            days[block, fields[NAME_AT], fields[PRINCIPAL_AT]] |= bit
    db.conn.executemany(_NOTE, [(*practice, bits) for practice, bits in days.items()])


def drop(db: Database, gone: Iterable[Fields]) -> None:
    """The uses with these fields are there no more."""
    for fields in gone:
        name, principal = fields[NAME_AT], fields[PRINCIPAL_AT]
        if not db.execute(_STILL, [principal, fields[DAY_AT], name]).fetchone():
            block, bit = _bit(fields[DAY_AT])
            db.execute(_DROP, [bit, block, name, principal])
            db.execute(_EMPTY, [block])


def drop_before(db: Database, day: int) -> None:
    """No use is left of any day before ``day``."""
    block, bit = _bit(day)
    db.execute("DELETE FROM practice WHERE block < ?", [block])
    db.execute("UPDATE practice SET days = days & ~? WHERE block = ?", [bit - 1, block])
    db.execute(_EMPTY, [block])


def masks(first: int, last: int) -> list[tuple[int, int]]:
    """The blocks from day ``first`` to day ``last``, each with the bits of its days among them."""
    blocks = range(first // DAYS_IN_BLOCK, last // DAYS_IN_BLOCK + 1)
    return [(block, _bits(first - block * DAYS_IN_BLOCK, last - block * DAYS_IN_BLOCK)) for block in blocks]


def _bits(first: int, last: int) -> int:
    low, high = max(first, 0), min(last, DAYS_IN_BLOCK - 1)
    return (1 << (high + 1)) - (1 << low)


def _bit(day: int | None) -> tuple[int, int]:
    block, bit = divmod(day or 0, DAYS_IN_BLOCK)
    return block, 1 << bit
