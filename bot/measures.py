"""How long the steps of a case took: from the alert that came in to the card, a decision, and the first containment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from bot.database import Database

_DECIDED = (
    "SELECT min(at) FROM (SELECT at FROM closings WHERE case_id = :case"
    " UNION ALL SELECT at FROM incidents WHERE case_id = :case"
    " UNION ALL SELECT at FROM rulings WHERE case_id = :case"
    " UNION ALL SELECT a.at FROM approvals a JOIN plans p ON p.id = a.plan WHERE p.case_id = :case)"
)
"""What people decide: what a case is, whose key belongs to it, what is changed."""
_CONTAINED = "SELECT min(at) FROM executions WHERE case_id = :case AND state = 'confirmed' AND undo_of IS NULL"
_CARD = "SELECT min(sent_at) FROM outbox WHERE slot = :slot AND state = 'sent'"
_RECEIVED = (
    "SELECT min(d.received_at) FROM case_alerts a JOIN deliveries d ON d.id = a.delivery WHERE a.case_id = :case"
)


@dataclass(frozen=True, slots=True)
class Times:
    """When each step of a case first happened; ``None`` where it has not."""

    began: datetime
    """When its first alert came in; of what a person asked, when they did."""
    card: datetime | None
    taken: datetime | None
    decided: datetime | None
    contained: datetime | None

    def after(self, step: datetime | None) -> timedelta | None:
        """How long after the alert ``step`` was."""
        return max(step - self.began, timedelta()) if step is not None else None


@dataclass(frozen=True, slots=True)
class Took:
    """How long one step took in several cases."""

    cases: int
    median: timedelta
    longest: timedelta


def times_of(db: Database, case: int) -> Times:
    """Raises ``LookupError`` if there is no such case."""
    row = db.execute("SELECT coalesce(created_at, opened_at), taken_at FROM cases WHERE id = ?", [case]).fetchone()
    if row is None:
        raise LookupError(f"there is no case {case}")
    asked = {"case": case, "slot": f"case:{case}:card"}
    received, card, decided, contained = (
        _moment(db.execute(query, asked).fetchone()[0]) for query in (_RECEIVED, _CARD, _DECIDED, _CONTAINED)
    )
    return Times(received or datetime.fromisoformat(row[0]), card, _moment(row[1]), decided, contained)


def took(spans: Sequence[timedelta]) -> Took | None:
    """The middle and the longest of ``spans``; ``None`` without any."""
    if not spans:
        return None
    middle = median(span.total_seconds() for span in spans)
    return Took(len(spans), timedelta(seconds=middle), max(spans))


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
