"""“Was this you?”: what owners of keys were asked in Slack, and what their answers are worth.

A yes takes nothing away from a verdict, because whoever holds the key may hold the mailbox, too. A no is another
party's word that the key is in a stranger's hands, as a detector's finding is.
Every function that takes a ``Database`` runs inside a caller's transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from bot.database import Database, storable
from bot.model import Actor, Alert, Case, OwnerAsked, Said, Signal, rfc3339

DENIED = "owner.denied"
LONGEST = 500
IN_WORDS = {Said.YES: "that was me", Said.NO: "that was not me", Said.UNSURE: "not sure"}
_COLUMNS = "id, case_id, person, why, actor, actor_name, at, until, said, said_at"


def ask(db: Database, case: int, person: str, why: str, actor: Actor, at: datetime, until: datetime) -> OwnerAsked:
    """Keep that ``person`` is asked about ``case``."""
    row = db.execute(
        "INSERT INTO owner_questions (case_id, person, why, actor, actor_name, at, until) VALUES (?, ?, ?, ?, ?, ?, ?)"
        " RETURNING id",
        [case, person, storable(why, LONGEST), actor.id, actor.name, rfc3339(at), rfc3339(until)],
    ).fetchone()
    return load(db, int(row[0]))


def answer(db: Database, number: int, said: Said, at: datetime) -> OwnerAsked:
    """Keep the first answer to a question. Raises ``LookupError`` if there is none of that number."""
    db.execute(
        "UPDATE owner_questions SET said = ?, said_at = ? WHERE id = ? AND said IS NULL",
        [said.value, rfc3339(at), number],
    )
    return load(db, number)


def load(db: Database, number: int) -> OwnerAsked:
    """Raises ``LookupError`` if there is none of that number."""
    row = db.execute(f"SELECT {_COLUMNS} FROM owner_questions WHERE id = ?", [number]).fetchone()  # noqa: S608 - ours
    if row is None:
        raise LookupError(f"there is no question {number}")
    return _asked(row)


def of_case(db: Database, case: int) -> tuple[OwnerAsked, ...]:
    """What was asked about a case, the oldest first."""
    query = f"SELECT {_COLUMNS} FROM owner_questions WHERE case_id = ? ORDER BY id"  # noqa: S608 - our own names
    return tuple(_asked(row) for row in db.execute(query, [case]).fetchall())


def alert_of(asked: OwnerAsked, case: Case, name: str) -> Alert:
    """The answer as evidence of its case."""
    said = asked.said or Said.UNSURE
    return Alert(
        id=_alert_id(asked.id),
        source="owner",
        title=f"{name}, asked whether it was them, says: {IN_WORDS[said]}",
        severity=None,
        at=asked.said_at or asked.at,
        observables=(case.subject,) if case.subject is not None else (),
    )


def signals_of(db: Database, alerts: Iterable[str]) -> tuple[Signal, ...]:
    """What the answers among ``alerts`` (ids) of a case say against its key."""
    told = set(alerts)
    rows = db.execute("SELECT id, said_at FROM owner_questions WHERE said = ? ORDER BY id", [Said.NO.value]).fetchall()
    return tuple(
        Signal(DENIED, f"Its owner, asked in Slack, said on {at[:10]} that it was not them.", (f"alert:{id_}",))
        for number, at in rows
        if (id_ := _alert_id(number)) in told
    )


def _alert_id(number: int) -> str:
    return f"owner-{number}"


def _asked(row: Sequence[object]) -> OwnerAsked:
    number, case, person, why, actor, actor_name, at, until, said, said_at = row
    return OwnerAsked(
        id=int(str(number)),
        case=int(str(case)),
        person=str(person),
        why=str(why),
        by=Actor(str(actor), str(actor_name)),
        at=datetime.fromisoformat(str(at)),
        until=datetime.fromisoformat(str(until)),
        said=Said(str(said)) if said else None,
        said_at=datetime.fromisoformat(str(said_at)) if said_at else None,
    )
