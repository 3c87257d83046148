"""What analysts say their cases were. Every function that takes a ``Database`` runs inside a caller's transaction."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta

from bot.database import Database
from bot.model import Actor, Case, Closing, Conclusion, Verdict, rfc3339

REOPENS_WITHIN = timedelta(days=7)
"""A new alert about a key whose case was closed longer ago begins a case of its own, with a baseline of its own."""

_COLUMNS = "case_id, conclusion, duplicate_of, reason, actor, actor_name, at, verdict, score, signals"


def close(
    db: Database, case: Case, conclusion: Conclusion, actor: Actor, reason: str, at: datetime, duplicate_of: int | None
) -> None:
    """Close an open case, and keep what the bot said of it at that moment."""
    judged = case.triage.assessment if case.triage is not None else None
    kinds = dict.fromkeys(each.signal for each in judged.reasons if not each.excused) if judged else {}
    db.execute("UPDATE cases SET state = 'closed' WHERE id = ?", [case.id])
    db.execute(
        f"INSERT INTO closings ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608 - our own column names
        [
            case.id,
            conclusion.value,
            duplicate_of,
            reason,
            actor.id,
            actor.name,
            rfc3339(at),
            judged.verdict.value if judged else None,
            judged.score if judged else None,
            json.dumps(list(kinds)),
        ],
    )


def reopened(db: Database, environment: str, kind: str, value: str, at: datetime) -> int | None:
    """Open the newest closed case about a subject again, if it was closed a few days before ``at`` at most.

    A duplicate stays closed: another case tells its story. Returns the case; ``None`` if there is none to open.
    """
    row = db.execute(
        "SELECT c.id FROM cases c JOIN closings l ON l.case_id = c.id WHERE c.environment = ? AND c.subject_kind = ?"
        " AND c.subject_value = ? AND c.state = 'closed' AND l.conclusion <> ? AND l.at >= ? ORDER BY l.seq DESC",
        [environment, kind, value, Conclusion.DUPLICATE.value, rfc3339(at - REOPENS_WITHIN)],
    ).fetchone()
    if row is None:
        return None
    db.execute("UPDATE cases SET state = 'open', reopened = reopened + 1 WHERE id = ?", [row[0]])
    return int(row[0])


def closings_of(db: Database, case: int) -> tuple[Closing, ...]:
    """How a case was closed, the oldest time first."""
    return tuple(_closings(db, "WHERE case_id = ?", case))


def newest_closings(db: Database) -> tuple[Closing, ...]:
    """Of each case that was ever closed the newest word, in the order of the cases."""
    return tuple(_closings(db, "WHERE seq IN (SELECT max(seq) FROM closings GROUP BY case_id)"))


def _closings(db: Database, where: str, *values: int) -> Iterator[Closing]:
    rows = db.execute(f"SELECT {_COLUMNS} FROM closings {where} ORDER BY case_id, seq", list(values))  # noqa: S608 - ours
    for case, conclusion, duplicate_of, reason, actor, name, at, verdict, score, signals in rows.fetchall():
        yield Closing(
            case=case,
            conclusion=Conclusion(conclusion),
            reason=reason,
            by=Actor(actor, name),
            at=datetime.fromisoformat(at),
            duplicate_of=duplicate_of,
            verdict=Verdict(verdict) if verdict else None,
            score=score,
            signals=tuple(json.loads(signals)),
        )
