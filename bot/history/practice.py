"""Which principals called what on which days: kept right as uses come and go."""

from __future__ import annotations

from collections.abc import Mapping

from bot.database import Database
from bot.history.manners import Known
from bot.history.schema import DAYS_IN_BLOCK

_NOTE = """INSERT INTO practice VALUES (?, ?, ?, ?)
    ON CONFLICT (block, name, principal) DO UPDATE SET days = days | excluded.days"""
_STILL = """SELECT 1 FROM manner m JOIN use u ON u.manner = m.id AND u.day = ?
    WHERE m.principal = ? AND m.name = ? AND NOT m.copy LIMIT 1"""
_DROP = "UPDATE practice SET days = days & ~? WHERE block = ? AND name = ? AND principal = ?"
_EMPTY = "DELETE FROM practice WHERE block = ? AND days = 0"


def note(db: Database, days: Mapping[tuple[int, int, int], int]) -> None:
    """The bits of the days of a block on which a name was called by a principal."""
    db.conn.executemany(_NOTE, sorted((*practice, bits) for practice, bits in days.items()))


def drop(db: Database, day: int, known: Known) -> None:
    """A manner was not seen on this day after all; others of the same call and principal may have been."""
    if not db.execute(_STILL, [day, known.principal, known.name]).fetchone():
        block, bit = bit_of(day)
        db.execute(_DROP, [bit, block, known.name, known.principal])
        db.execute(_EMPTY, [block])


def drop_before(db: Database, day: int) -> None:
    """No use is left of any day before ``day``."""
    block, bit = bit_of(day)
    db.execute("DELETE FROM practice WHERE block < ?", [block])
    db.execute("UPDATE practice SET days = days & ~? WHERE block = ?", [bit - 1, block])
    db.execute(_EMPTY, [block])


def masks(first: int, last: int) -> list[tuple[int, int]]:
    """The blocks from day ``first`` to day ``last``, each with the bits of its days among them."""
    blocks = range(first // DAYS_IN_BLOCK, last // DAYS_IN_BLOCK + 1)
    return [(block, _bits(first - block * DAYS_IN_BLOCK, last - block * DAYS_IN_BLOCK)) for block in blocks]


def bit_of(day: int) -> tuple[int, int]:
    """The block of a day, and its bit there."""
    block, bit = divmod(day, DAYS_IN_BLOCK)
    return block, 1 << bit


def _bits(first: int, last: int) -> int:
    low, high = max(first, 0), min(last, DAYS_IN_BLOCK - 1)
    return (1 << (high + 1)) - (1 << low)
