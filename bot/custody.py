"""Whose a case is: given from one person to the next, and declared real by one of them.

Every function that takes a ``Database`` runs inside a caller's transaction.
"""

from __future__ import annotations

from datetime import datetime

from bot.database import Database, storable
from bot.model import Actor, DeclaredIncident, Handover, rfc3339

LONGEST = 2000


def hand_over(db: Database, case: int, handover: Handover) -> int:
    """Keep who gave ``case`` to whom, and make it theirs; the number of the handover.

    Raises ``LookupError`` if there is no open case of that number.
    """
    taken = db.execute(
        "UPDATE cases SET owner = ?, owner_name = ?, taken_at = ? WHERE id = ? AND state = 'open'",
        [handover.to.id, handover.to.name, rfc3339(handover.at), case],
    )
    if not taken.rowcount:
        raise LookupError(f"there is no open case {case}")
    row = db.execute(
        "INSERT INTO handovers (case_id, by_id, by_name, to_id, to_name, note, next_check, at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?) RETURNING seq",
        [
            case,
            handover.by.id,
            handover.by.name,
            handover.to.id,
            handover.to.name,
            storable(handover.note, LONGEST),
            rfc3339(handover.next_check) if handover.next_check else None,
            rfc3339(handover.at),
        ],
    ).fetchone()
    return int(row[0])


def handovers_of(db: Database, case: int) -> tuple[Handover, ...]:
    """Every handover of a case, the oldest first."""
    rows = db.execute(
        "SELECT by_id, by_name, to_id, to_name, note, next_check, at FROM handovers WHERE case_id = ? ORDER BY seq",
        [case],
    ).fetchall()
    return tuple(
        Handover(
            by=Actor(by, by_name),
            to=Actor(to, to_name),
            note=note,
            next_check=datetime.fromisoformat(next_check) if next_check else None,
            at=datetime.fromisoformat(at),
        )
        for by, by_name, to, to_name, note, next_check, at in rows
    )


def declare(db: Database, case: int, actor: Actor, reason: str, at: datetime) -> bool:
    """Keep that ``actor`` declared ``case`` an incident; whether nobody had before."""
    kept = db.execute(
        "INSERT INTO incidents (case_id, actor, actor_name, reason, at) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (case_id) DO NOTHING",
        [case, actor.id, actor.name, storable(reason, LONGEST), rfc3339(at)],
    )
    return bool(kept.rowcount)


def give_room(db: Database, case: int, channel: str) -> None:
    """Keep which private channel was opened for a declared incident."""
    db.execute("UPDATE incidents SET room = ? WHERE case_id = ?", [channel, case])


def declared(db: Database, case: int) -> DeclaredIncident | None:
    """Who declared a case an incident, and why; ``None`` if nobody did."""
    row = db.execute("SELECT actor, actor_name, reason, at, room FROM incidents WHERE case_id = ?", [case]).fetchone()
    if row is None:
        return None
    return DeclaredIncident(Actor(row[0], row[1]), row[2], datetime.fromisoformat(row[3]), row[4])
