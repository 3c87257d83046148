"""Raw records that stand nowhere but in the history: compressed, without their secrets, for a while.

They are there for `triage event-record` and for what only a raw record tells; no answer of the history is made from
them. What is kept is bounded twice (see :data:`DAYS` and :data:`BYTES`): the oldest days go first.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from typing import NamedTuple

from bot.database import Database
from bot.history.redacted import redacted

DAYS = 30
"""How many days back raw records are kept."""
BYTES = 1024**3
"""How many bytes of them, at most."""

_NOTE = """INSERT INTO kept_day VALUES (?, ?)
    ON CONFLICT (day) DO UPDATE SET bytes = bytes + excluded.bytes"""
_OVER = """SELECT max(day) FROM (SELECT day, sum(bytes) OVER (ORDER BY day DESC) AS bytes FROM kept_day)
    WHERE bytes > ?"""


class Kept(NamedTuple):
    """One record as it is kept; one that ``corrects`` takes the place of what is there."""

    day: int
    event_id: bytes
    packed: bytes
    corrects: bool


def packed(text: bytes) -> bytes | None:
    """The JSON text of a record, as it is kept; ``None`` for text that only the loader can read."""
    try:
        record = json.loads(text.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return None
    return zlib.compress(json.dumps(redacted(record), separators=(",", ":")).encode(), 6)


def unpacked(kept: bytes) -> bytes:
    """The JSON text of a record that was kept."""
    return zlib.decompress(kept)


def keep(db: Database, records: Sequence[Kept]) -> None:
    """Keep the records; of one event that comes again the first stays, or its correction."""
    for each in records:
        how = "REPLACE" if each.corrects else "IGNORE"
        added = db.execute(f"INSERT OR {how} INTO kept VALUES (?, ?, ?)", list(each[:3]))  # noqa: S608 - a word of ours
        if added.rowcount:
            db.execute(_NOTE, [each.day, len(each.packed)])


def too_old(db: Database, today: int) -> int:
    """The last day of which nothing is to be kept, as things stand."""
    over = db.execute(_OVER, [BYTES]).fetchone()[0]
    return max(today - DAYS - 1, over if over is not None else today - DAYS - 1)
