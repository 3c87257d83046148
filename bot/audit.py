"""The record of who did what: append-only and chained by hashes.

Each entry's hash covers the entry and the hash before it, so an entry cannot be changed, removed or slipped in without
every later hash failing. How many entries there are stands beside them: a cut-off end shows as long as that was not
rewritten too. Every function that takes a ``Database`` runs inside a caller's transaction.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any

from bot.database import Database, storable
from bot.model import Actor, rfc3339

GENESIS = "0" * 64
LONGEST = 2000
COLUMNS = "seq, at, actor, actor_name, operation, target, reason, before, after, result, previous, hash"


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the record; ``before`` and ``after`` are JSON, ``at`` RFC 3339 in UTC."""

    seq: int
    at: str
    actor: str
    actor_name: str
    operation: str
    target: str
    reason: str
    before: str
    after: str
    result: str
    previous: str
    hash: str

    def document(self) -> dict[str, Any]:
        """As it is exported: its hash is that of its fields and of ``previous``."""
        return {
            **{name: getattr(self, name) for name in ("seq", "at", "actor", "actor_name", "operation", "target")},
            "reason": self.reason,
            "before": json.loads(self.before),
            "after": json.loads(self.after),
            "result": self.result,
            "previous": self.previous,
            "hash": self.hash,
        }

    def expectedlink(self) -> str:
        fields = [self.seq, self.at, self.actor, self.actor_name, self.operation, self.target]
        return link(self.previous, [*fields, self.reason, self.before, self.after, self.result])


def append(
    db: Database,
    *,
    actor: Actor,
    operation: str,
    target: str,
    result: str,
    at: datetime,
    reason: str = "",
    before: Mapping[str, str] | None = None,
    after: Mapping[str, str] | None = None,
) -> int:
    """Add one entry and return its number."""
    count, previous = db.execute("SELECT entries, hash FROM audit_head").fetchone()
    texts = [rfc3339(at), actor.id, actor.name, operation, target, reason, _json(before), _json(after), result]
    row = [count + 1, *(storable(text, LONGEST) for text in texts)]
    mark = link(previous, row)
    db.execute(f"INSERT INTO audit ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", [*row, previous, mark])  # noqa: S608
    db.execute("UPDATE audit_head SET entries = ?, hash = ?", [count + 1, mark])
    return int(count + 1)


def head(db: Database) -> tuple[int, str]:
    """The number of the newest entry and its hash; before the first one 0 and zeros."""
    row = db.execute("SELECT entries, hash FROM audit_head").fetchone()
    return int(row[0]), str(row[1])


def entries(db: Database) -> tuple[Entry, ...]:
    """The whole record, oldest first."""
    return tuple(Entry(*row) for row in db.execute(f"SELECT {COLUMNS} FROM audit ORDER BY seq"))  # noqa: S608


def verify(db: Database) -> list[str]:
    """Everything that is wrong with the record, one sentence each; empty if it is whole."""
    record = entries(db)
    wrong = [f"Entry {entry.seq} was changed: its hash does not fit it." for entry in record if _edited(entry)]
    links = [(0, "", GENESIS), *((entry.seq, entry.previous, entry.hash) for entry in record)]
    for (before, _, mark), (seq, previous, _) in pairwise(links):
        if seq != before + 1:
            wrong.append(f"Entries {before + 1} to {seq - 1} are missing.")
        elif previous != mark:
            wrong.append(f"Entry {seq} does not follow entry {before}: one of them was replaced.")
    return wrong + _end(db, links[-1][0], links[-1][2])


def _end(db: Database, last: int, mark: str) -> list[str]:
    head = db.execute("SELECT entries, hash FROM audit_head").fetchone()
    if head is None:
        return ["The count of entries is missing, so a cut-off end could not be seen."]
    if head[0] != last:
        return [f"The record ends at entry {last}, but {head[0]} were written."]
    return [] if head[1] == mark else [f"Entry {last} is not the last one that was written: it was replaced."]


def _edited(entry: Entry) -> bool:
    return entry.expectedlink() != entry.hash


def link(previous: str, fields: Sequence[object]) -> str:
    """The hash that ties the entry of ``fields`` to the one before it."""
    canonical = json.dumps([previous, *fields], separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode()).hexdigest()


def _json(state: Mapping[str, str] | None) -> str:
    return json.dumps(dict(state or {}), sort_keys=True, ensure_ascii=True)
