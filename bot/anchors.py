"""Where the audit record's head stands outside the state file: in the thread of every case that was changed.

Whoever can write the state file can write a whole new record that fits together. What Slack shows cannot be rewritten
there, so a record that no longer leads to it was. Every function runs inside a caller's transaction.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot import audit
from bot.database import Database
from bot.model import rfc3339

WRITTEN = re.compile(r"(\d{1,12}) ?[: ] ?([0-9a-f]{12,64})\b", re.ASCII)
"""How a head is written: the number of the entry and its hash, or the first 12 characters of it at least."""


@dataclass(frozen=True, slots=True)
class Anchor:
    """The newest entry at one moment. ``hash`` may be cut to its beginning; ``where`` says who holds it."""

    entry: int
    hash: str
    where: str = ""

    def __str__(self) -> str:
        return f"{self.entry}:{self.hash}"


def read_anchor(written: str, where: str = "") -> Anchor | None:
    """The head in a text such as ``12:ab12…``, or in the sentence of a thread; ``None`` if there is none in it."""
    found = WRITTEN.search(written)
    return Anchor(int(found[1]), found[2], where) if found else None


def keep(db: Database, case: int, at: datetime) -> Anchor:
    """The head as it is now, kept as the one that the thread of ``case`` shows from here on."""
    entry, mark = audit.head(db)
    db.execute(
        "INSERT INTO anchors (case_id, entry, hash, at) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (case_id) DO UPDATE SET entry = excluded.entry, hash = excluded.hash, at = excluded.at",
        [case, entry, mark, rfc3339(at)],
    )
    return Anchor(entry, mark, place(case))


def place(case: int) -> str:
    """Who holds the anchor of ``case``, in words."""
    return f"the thread of case #{case}"


def kept(db: Database) -> tuple[Anchor, ...]:
    """The heads that were handed to threads, by case, as the state file itself remembers them."""
    rows = db.execute("SELECT case_id, entry, hash FROM anchors ORDER BY case_id")
    return tuple(Anchor(entry, mark, place(case)) for case, entry, mark in rows)


def compare(record: Sequence[audit.Entry], anchors: Iterable[Anchor]) -> list[str]:
    """What the record no longer has of what was anchored, one sentence each."""
    marks = {entry.seq: entry.hash for entry in record}
    last = max(marks, default=0)
    wrong = []
    for anchor in anchors:
        where, mark = anchor.where or "The head you gave", marks.get(anchor.entry)
        where = where[:1].upper() + where[1:]
        if mark is None:
            wrong.append(f"{where} shows entry {anchor.entry}, but the record ends at {last}: it was cut off.")
        elif not mark.startswith(anchor.hash):
            wrong.append(f"{where} shows another entry {anchor.entry} than the record has: it was rewritten.")
    return wrong
