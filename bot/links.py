"""Cases that tell of one another: what one is about is named in an alert of the other, in the same environment.

Nothing is merged for that: two stolen keys are two cases, and an address that tried both is a third. Every function
that takes a ``Database`` runs inside a caller's transaction.
"""

from __future__ import annotations

from collections.abc import Iterator

from bot.database import Database
from bot.model import Alert, Kind, Link, Observable

KINDS = frozenset({Kind.ACCESS_KEY, Kind.PRINCIPAL, Kind.IP})
"""What a case can be about."""
MOST = 20
"""An alert that names more is linked with the first: it tells of a storm, not of a connection."""


def mention(db: Database, case: int, alert: Alert) -> None:
    """Keep what ``alert`` of ``case`` names."""
    named = [each for each in (*alert.observables, *alert.beside) if each.kind in KINDS] if not alert.sample else []
    for each in dict.fromkeys(named):
        values = [case, each.kind.value, each.value]
        db.execute("INSERT OR IGNORE INTO mentions (case_id, kind, value) VALUES (?, ?, ?)", values)


def link(db: Database, case: int) -> tuple[int, ...]:
    """Link ``case`` with the open cases it tells of, and with those that tell of it; the ones it was not linked to."""
    new = []
    for other, why in [*_told_of_by(db, case), *_telling_of(db, case)]:
        added = db.execute(
            "INSERT OR IGNORE INTO links (case_id, other_id, why) VALUES (?, ?, ?)", [case, other, why]
        ).rowcount
        db.execute("INSERT OR IGNORE INTO links (case_id, other_id, why) VALUES (?, ?, ?)", [other, case, why])
        new += [other] if added else []
    return tuple(new)


def of_case(db: Database, case: int) -> tuple[Link, ...]:
    """The cases that ``case`` is linked with, in the order they were opened."""
    rows = db.execute(
        "SELECT c.id, c.subject_kind, c.subject_value, l.why FROM links l JOIN cases c ON c.id = l.other_id"
        " WHERE l.case_id = ? ORDER BY c.id",
        [case],
    ).fetchall()
    return tuple(Link(id_, Observable(Kind(kind), value), why) for id_, kind, value, why in rows)


def _told_of_by(db: Database, case: int) -> Iterator[tuple[int, str]]:
    """The open cases about what the alerts of ``case`` name."""
    rows = db.execute(
        "SELECT o.id, o.subject_value, c.id FROM cases c JOIN mentions m ON m.case_id = c.id JOIN cases o ON"
        " o.environment = c.environment AND o.subject_kind = m.kind AND o.subject_value = m.value"
        " WHERE c.id = ? AND o.id <> c.id AND o.state = 'open' ORDER BY o.id LIMIT ?",
        [case, MOST],
    ).fetchall()
    for other, value, own in rows:
        yield other, f"an alert of case #{own} names {value}"


def _telling_of(db: Database, case: int) -> Iterator[tuple[int, str]]:
    """The open cases whose alerts name what ``case`` is about."""
    rows = db.execute(
        "SELECT o.id, c.subject_value FROM cases c JOIN mentions m ON m.kind = c.subject_kind"
        " AND m.value = c.subject_value JOIN cases o ON o.id = m.case_id AND o.environment = c.environment"
        " WHERE c.id = ? AND o.id <> c.id AND o.state = 'open' ORDER BY o.id LIMIT ?",
        [case, MOST],
    ).fetchall()
    for other, value in rows:
        yield other, f"an alert of case #{other} names {value}"
