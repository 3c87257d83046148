"""Keys that an analyst has seen in public. That is a floor of the verdict, so it takes a person's word and a place.

Every function that takes a ``Database`` runs inside a caller's transaction.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from bot.database import Database
from bot.model import Actor, Alert, Kind, Observable, Signal, rfc3339

LEAK = "leak.found"


def keep(db: Database, key: str, place: str, reason: str, actor: Actor, at: datetime) -> Alert:
    """Keep where a key was seen; the alert that tells of it. ``place`` is a URL or words, never with the secret."""
    row = db.execute(
        "INSERT INTO leaks (key, place, reason, actor, actor_name, at) VALUES (?, ?, ?, ?, ?, ?) RETURNING seq",
        [key, place, reason, actor.id, actor.name, rfc3339(at)],
    ).fetchone()
    return Alert(
        id=_alert_id(row[0]),
        source="person",
        title=f"{actor.name} saw {key} in public: {place}",
        severity=None,
        at=at,
        observables=(Observable(Kind.ACCESS_KEY, key),),
    )


def signals_of(db: Database, observable: Observable, alerts: Iterable[str] = ()) -> tuple[Signal, ...]:
    """What analysts have said of a key, or told the case that has these ``alerts`` (ids)."""
    key = observable.value if observable.kind is Kind.ACCESS_KEY else None
    told = set(alerts)
    rows = db.execute("SELECT seq, key, place, actor_name, at FROM leaks ORDER BY seq").fetchall()
    return tuple(
        Signal(LEAK, f"{who} saw the key in public on {at[:10]}: {place}.", (f"alert:{_alert_id(seq)}",))
        for seq, seen, place, who, at in rows
        if seen == key or _alert_id(seq) in told
    )


def _alert_id(number: int) -> str:
    return f"leak-{number}"
