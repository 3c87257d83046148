"""What is kept of containments: their rows, each with its plan or the reason why there is none.

Every function runs inside a caller's transaction. How far a row has come is never kept here: its plan's execution says.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from bot.access import AccessRules
from bot.database import Database
from bot.model import Actor, Containment, ContainmentRow, Plan, Refusal, Step, rfc3339
from bot.remediation import approvals, records

PREFIX = "contain-"
"""Of every containment's id, so that a person may name one wherever a plan or a change is asked for."""


def keep(db: Database, containment: Containment) -> None:
    who = [containment.requested_by.id, containment.requested_by.name]
    times = [rfc3339(containment.created_at), rfc3339(containment.expires_at)]
    db.execute(
        "INSERT INTO containments (id, case_id, undo_of, actor, actor_name, created_at, expires_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        [containment.id, containment.case, containment.undo_of, *who, *times],
    )
    for position, row in enumerate(containment.rows):
        plan = row.plan.id if row.plan else None
        db.execute(
            "INSERT INTO containment_rows (containment, position, step, remediation, target, plan)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            [containment.id, position, row.step.value, row.remediation, row.target, plan],
        )
        if row.refusal:
            refuse(db, containment.id, position, row.refusal)


def refuse(db: Database, containment: str, position: int, refusal: Refusal | None) -> None:
    """Keep why a row is not carried out; ``None``: nothing speaks against it any more."""
    sentence, commands = (refusal.sentence, refusal.commands) if refusal else (None, ())
    db.execute(
        "UPDATE containment_rows SET refusal = ?, commands = ?, settled = ? WHERE containment = ? AND position = ?",
        [sentence, json.dumps(commands), int(bool(refusal and refusal.settled)), containment, position],
    )


def load(db: Database, id_: str, access: AccessRules) -> Containment | None:
    """A containment as it stands now."""
    columns = "id, case_id, undo_of, actor, actor_name, created_at, expires_at"
    found = db.execute(f"SELECT {columns} FROM containments WHERE id = ?", [id_]).fetchone()  # noqa: S608
    if found is None:
        return None
    rows = db.execute(
        "SELECT step, remediation, target, plan, refusal, commands, settled FROM containment_rows"
        " WHERE containment = ? ORDER BY position",
        [id_],
    ).fetchall()
    id_, case, undo_of, actor, name, created, expires = found
    return Containment(
        id=id_,
        case=case,
        undo_of=undo_of,
        requested_by=Actor(actor, name),
        created_at=datetime.fromisoformat(created),
        expires_at=datetime.fromisoformat(expires),
        rows=tuple(_row(db, row, access) for row in rows),
    )


def together(db: Database, plan: Plan) -> tuple[str, tuple[Plan, ...]]:
    """The plans that were approved, or wait, together with ``plan``, in order, and one name for all of them."""
    row = db.execute("SELECT containment FROM containment_rows WHERE plan = ?", [plan.id]).fetchone()
    if row is None:
        return plan.id, (plan,)
    of_rows = "SELECT plan FROM containment_rows WHERE containment = ? AND plan IS NOT NULL ORDER BY position"
    found = (records.plan(db, planned) for (planned,) in db.execute(of_rows, [row[0]]).fetchall())
    return str(row[0]), tuple(each for each in found if each is not None)


def of_case(db: Database, case: int) -> tuple[str, ...]:
    """The ids of a case's containments, oldest first."""
    rows = db.execute("SELECT id FROM containments WHERE case_id = ? ORDER BY created_at, rowid", [case])
    return tuple(row[0] for row in rows)


def standing(db: Database, case: int) -> str:
    """The newest containment of ``case`` of which a change stands that can be taken back; empty if there is none."""
    row = db.execute(
        "SELECT c.id FROM containments AS c JOIN containment_rows AS r ON r.containment = c.id"
        " JOIN executions AS e ON e.plan = r.plan WHERE c.case_id = ? AND c.undo_of IS NULL AND e.state = 'confirmed'"
        " AND NOT EXISTS (SELECT 1 FROM executions AS u WHERE u.undo_of = e.id AND u.state = 'confirmed')"
        " ORDER BY c.created_at DESC, c.rowid DESC LIMIT 1",
        [case],
    ).fetchone()
    return str(row[0]) if row else ""


def _row(db: Database, row: Sequence[object], access: AccessRules) -> ContainmentRow:
    step, remediation, target, plan_id, sentence, commands, settled = row
    plan = records.plan(db, str(plan_id)) if plan_id else None
    refusal = Refusal(str(sentence), tuple(json.loads(str(commands))), bool(settled)) if sentence else None
    made = ContainmentRow(Step(str(step)), str(remediation), str(target), plan, refusal)
    if plan is None:
        return made
    change = records.execution_of(db, plan.id)
    given = approvals.of(db, plan.id)
    missing = approvals.missing(given, plan.approvers, access.person(plan.requested_by)) if given else 0
    return replace(made, change=change, missing=0 if change else missing)
