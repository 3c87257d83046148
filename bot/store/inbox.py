"""What came in, kept before it is acknowledged. Every function runs inside a caller's transaction."""

from __future__ import annotations

import hashlib
import json
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.database import Database
from bot.model import rfc3339


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a sender is told: the delivery's id, and of which earlier delivery it is a copy."""

    delivery: str
    duplicate_of: str | None


@dataclass(frozen=True, slots=True)
class Delivery:
    id: str
    source: str
    received_at: datetime
    payload: Any


def fingerprint(payload: Any) -> str:
    """The identity of a payload: its canonical JSON, hashed. The same alert sent again has the same."""
    canonical = json.dumps(payload, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode()).hexdigest()


def keep(db: Database, source: str, payload: Any, at: datetime) -> Receipt:
    """Keep one verified payload; a copy of one already kept is recognised and not kept again."""
    new, mark = secrets.token_hex(8), fingerprint(payload)
    kept = db.execute(
        "INSERT INTO deliveries (id, source, fingerprint, received_at, payload, state) VALUES (?, ?, ?, ?, ?, 'new')"
        " ON CONFLICT (source, fingerprint) DO NOTHING",
        [new, source, mark, rfc3339(at), json.dumps(payload)],
    )
    if kept.rowcount:
        return Receipt(new, None)
    first = db.execute("SELECT id FROM deliveries WHERE source = ? AND fingerprint = ?", [source, mark]).fetchone()[0]
    return Receipt(new, first)


def delivery(db: Database, id_: str) -> Delivery:
    """Raises ``LookupError`` if there is no such delivery."""
    row = db.execute("SELECT id, source, received_at, payload FROM deliveries WHERE id = ?", [id_]).fetchone()
    if row is None:
        raise LookupError(f"no delivery {id_}")
    return Delivery(row[0], row[1], datetime.fromisoformat(row[2]), json.loads(row[3]))


def settle(db: Database, id_: str, state: str) -> None:
    """Say what became of a delivery: ``triaged``, or ``unreadable``."""
    db.execute("UPDATE deliveries SET state = ? WHERE id = ?", [state, id_])
