"""The jobs as people look at them. Every function that takes a ``Database`` runs inside a caller's transaction."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bot.database import Database

STATES = ("dead", "ready", "leased", "done")
MOST = 200
CHANGES = "act"
"""The pool whose jobs change something in AWS: none is ever done again because somebody replays it."""
HIDDEN = frozenset({"token", "response_url"})
"""Of a payload: what lets its holder do something."""
_NAMES = ("id", "kind", "pool", "state", "attempts", "error", "created_at", "finished_at")
_COLUMNS = f"{', '.join(_NAMES)}, payload"


@dataclass(frozen=True, slots=True)
class KeptJob:
    """A job with everything that is known of it. ``delivery``: what came in, of a job that is about that."""

    id: int
    kind: str
    pool: str
    state: str
    attempts: int
    error: str | None
    created_at: str
    finished_at: str | None
    payload: Mapping[str, Any] = field(default_factory=dict)
    delivery: Any = None

    def document(self, *, whole: bool = False) -> dict[str, Any]:
        """As JSON; ``whole``: with what it is about."""
        told = {name: getattr(self, name) for name in ("kind", "pool", "state", "attempts", "error", "created_at")}
        more = {"payload": dict(self.payload), "delivery": self.delivery} if whole else {}
        return {"job": self.id, **told, "finished_at": self.finished_at, **more}


def in_state(db: Database, state: str) -> tuple[KeptJob, ...]:
    """The jobs in one of :data:`STATES`, the newest first, at most 200."""
    query = f"SELECT {_COLUMNS} FROM jobs WHERE state = ? ORDER BY id DESC LIMIT ?"
    return tuple(_jobs(db, query, [state, MOST]))


def count(db: Database) -> dict[str, int]:
    """How many jobs are in each state."""
    counted = dict(db.execute("SELECT state, count(*) FROM jobs GROUP BY state").fetchall())
    return {state: counted.get(state, 0) for state in STATES}


def load(db: Database, id_: int) -> KeptJob:
    """One job, and what came in if it is about that. Raises ``LookupError`` if there is none of that number."""
    found = next(_jobs(db, f"SELECT {_COLUMNS} FROM jobs WHERE id = ?", [id_]), None)
    if found is None:
        raise LookupError(f"there is no job {id_}")
    return found


def replay(db: Database, id_: int, now: datetime) -> KeptJob:
    """Have a dead job done once more, as if it were new. Raises ``LookupError``; of another state it is left alone."""
    db.execute(
        "UPDATE jobs SET state = 'ready', attempts = 0, lease = NULL, error = NULL, finished_at = NULL, due_at = ?"
        " WHERE id = ? AND state = 'dead'",
        [now.timestamp(), id_],
    )
    return load(db, id_)


def _jobs(db: Database, query: str, values: list[Any]) -> Iterator[KeptJob]:
    for row in db.execute(query, values).fetchall():
        payload = {name: "[hidden]" if name in HIDDEN else value for name, value in json.loads(row[8]).items()}
        told = dict(zip(_NAMES, row[:8], strict=True))
        yield KeptJob(**told, payload=payload, delivery=_delivery(db, payload.get("delivery")))


def _delivery(db: Database, id_: object) -> Any:
    row = db.execute("SELECT id, source, received_at, payload FROM deliveries WHERE id = ?", [id_]).fetchone()
    if row is None:
        return None
    return {"delivery": row[0], "source": row[1], "received_at": row[2], "payload": json.loads(row[3])}
