"""What is kept of changes: plans, their executions, and the way back of each.

Every function runs inside a caller's transaction. A plan has at most one execution, and a target at most one that is
not finished: both are constraints of the tables, so no race between people or processes gets round them.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from dataclasses import dataclass
from datetime import datetime

from bot.database import Database
from bot.model import Actor, Change, ChangeState, Kind, Observable, Plan, rfc3339
from bot.remediation.base import State

UNFINISHED = (ChangeState.APPROVED, ChangeState.STARTED)
TRIES = 4
"""How often a change is made, at most, that AWS throttles, or of which it has applied only a part."""
PLAN = (
    "id, remediation, target, account, case_id, undo_of, title, before, after, warnings, actor, actor_name,"
    " created_at, expires_at, principal, shares, stops, approvers, rehearsal"
)
CHANGE = (
    "e.id, e.plan, e.case_id, e.remediation, e.target, e.state, e.undo_of, EXISTS (SELECT 1 FROM executions AS u"
    " WHERE u.undo_of = e.id AND u.state = 'confirmed'), e.actor, e.actor_name, e.reason, e.at, e.sentence,"
    " EXISTS (SELECT 1 FROM approvals AS a WHERE a.plan = e.plan AND a.breaks_glass)"
)


SHARING = (
    "SELECT 1 FROM executions AS o JOIN plans AS p ON p.id = o.plan WHERE o.lease IS NOT NULL AND o.leased_until >= ?"
    " AND o.id <> executions.id AND p.shares <> '' AND p.shares ="
    " (SELECT shares FROM plans WHERE id = executions.plan)"
)
"""Another execution, under way, of a change that writes the same thing as the one in ``executions``."""


@dataclass(frozen=True, slots=True)
class UndoRecord:
    """The way back, written before the change was made."""

    account: str
    before: State
    after: State


def new_id() -> str:
    """An id nobody can guess: knowing one is part of being allowed to use it. It never reads as an option."""
    return secrets.token_hex(12)


def digest(state: State) -> str:
    """The fingerprint of a recorded state; the same state read again has the same."""
    return hashlib.sha256(json.dumps(dict(state), sort_keys=True).encode()).hexdigest()


def keep_plan(db: Database, plan: Plan) -> None:
    values = [plan.id, plan.remediation, plan.target, plan.account, plan.case, plan.undo_of, plan.title]
    states = [json.dumps(dict(plan.before)), json.dumps(dict(plan.after)), json.dumps(plan.warnings)]
    who = [plan.requested_by.id, plan.requested_by.name, rfc3339(plan.created_at), rfc3339(plan.expires_at)]
    about = [plan.principal, plan.shares, _written(plan.stops)]
    db.execute(
        f"INSERT INTO plans ({PLAN}, digest) VALUES ({', '.join('?' * 20)})",  # noqa: S608
        [*values, *states, *who, *about, plan.approvers, plan.rehearsal, digest(plan.before)],
    )


def plan(db: Database, id_: str) -> Plan | None:
    row = db.execute(f"SELECT {PLAN} FROM plans WHERE id = ?", [id_]).fetchone()  # noqa: S608
    if row is None:
        return None
    id_, remediation, target, account, case, undo_of, title = row[:7]
    return Plan(
        id=id_,
        remediation=remediation,
        target=target,
        account=account,
        case=case,
        undo_of=undo_of,
        title=title,
        before=json.loads(row[7]),
        after=json.loads(row[8]),
        warnings=tuple(json.loads(row[9])),
        requested_by=Actor(row[10], row[11]),
        created_at=datetime.fromisoformat(row[12]),
        expires_at=datetime.fromisoformat(row[13]),
        principal=row[14],
        shares=row[15],
        stops=_observable(row[16]),
        approvers=row[17],
        rehearsal=bool(row[18]),
    )


def _written(observable: Observable | None) -> str:
    return f"{observable.kind.value}:{observable.value}" if observable else ""


def _observable(written: str) -> Observable | None:
    kind, _, value = written.partition(":")
    return Observable(Kind(kind), value) if written else None


def is_as_planned(db: Database, plan_id: str, present: State) -> bool:
    """Whether ``present`` is the state the plan was made from."""
    row = db.execute("SELECT digest FROM plans WHERE id = ?", [plan_id]).fetchone()
    return bool(row) and row[0] == digest(present)


def add_execution(db: Database, plan: Plan, actor: Actor, reason: str, sentence: str, at: datetime) -> str | None:
    """The new execution's id; ``None`` if the plan has one, or its target one that is not finished."""
    id_ = new_id()
    added = db.execute(
        "INSERT INTO executions (id, plan, case_id, remediation, target, undo_of, state, actor, actor_name, reason,"
        " at, sentence) VALUES (?, ?, ?, ?, ?, ?, 'approved', ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        [
            *[id_, plan.id, plan.case, plan.remediation, plan.target, plan.undo_of],
            *[actor.id, actor.name, reason, rfc3339(at), sentence],
        ],
    )
    return id_ if added.rowcount else None


def execution_of(db: Database, plan_id: str) -> Change | None:
    """The execution of a plan, if it has been approved."""
    row = db.execute("SELECT id FROM executions WHERE plan = ?", [plan_id]).fetchone()
    return change(db, row[0]) if row else None


def change(db: Database, execution: str) -> Change:
    """Raises ``LookupError`` if there is no such execution."""
    row = db.execute(f"SELECT {CHANGE} FROM executions AS e WHERE e.id = ?", [execution]).fetchone()  # noqa: S608
    if row is None:
        raise LookupError(f"there is no change {execution}")
    return _change(row)


def changes_of(db: Database, case_id: int) -> tuple[Change, ...]:
    """The changes made for a case, oldest first."""
    rows = db.execute(f"SELECT {CHANGE} FROM executions AS e WHERE e.case_id = ? ORDER BY e.seq", [case_id])  # noqa: S608
    return tuple(_change(row) for row in rows)


def undoable_changes(db: Database) -> tuple[Change, ...]:
    """The confirmed changes that nobody has taken back, the newest first."""
    rows = db.execute(
        f"SELECT {CHANGE} FROM executions AS e WHERE e.state = 'confirmed' AND e.undo_of IS NULL ORDER BY e.seq DESC"  # noqa: S608
    )
    return tuple(each for row in rows if not (each := _change(row)).undone)


def standing(db: Database) -> tuple[Change, ...]:
    """The changes of open cases that were made, or may have been, and that nobody has taken back; the newest first."""
    rows = db.execute(
        f"SELECT {CHANGE} FROM executions AS e JOIN cases AS c ON c.id = e.case_id WHERE c.state = 'open'"  # noqa: S608
        " AND e.state IN ('confirmed', 'unknown', 'partial') AND e.undo_of IS NULL ORDER BY e.seq DESC"
    )
    made = (each for row in rows if not (each := _change(row)).undone)
    return tuple(each for each in made if not is_superseded(db, each.execution))


def unfinished(db: Database) -> tuple[str, ...]:
    """Executions that were approved or started, and neither ended nor given up."""
    rows = db.execute("SELECT id FROM executions WHERE state IN ('approved', 'started') ORDER BY seq")
    return tuple(row[0] for row in rows)


def case_is_open(db: Database, case: int | None) -> bool:
    return bool(db.execute("SELECT 1 FROM cases WHERE id = ? AND state = 'open'", [case]).fetchone())


def made_at(db: Database, execution: str) -> datetime | None:
    """When its way back was written, right before the change was made; ``None`` if it never came to that."""
    row = db.execute("SELECT at FROM undo_records WHERE execution = ?", [execution]).fetchone()
    return datetime.fromisoformat(row[0]) if row else None


def is_superseded(db: Database, execution: str) -> bool:
    """Whether a later change of the same kind was made to the same target: this one's state is history."""
    return bool(
        db.execute(
            "SELECT 1 FROM executions AS later JOIN executions AS e ON later.remediation = e.remediation"
            " AND later.target = e.target AND later.seq > e.seq WHERE e.id = ? AND later.state <> 'failed'",
            [execution],
        ).fetchone()
    )


def claim(db: Database, execution: str, now: datetime, seconds: float) -> str | None:
    """Take an unfinished execution for ``seconds``; ``None`` if somebody else holds it, or what it shares."""
    lease, moment = secrets.token_hex(8), now.timestamp()
    claimed = db.execute(
        "UPDATE executions SET lease = ?, leased_until = ? WHERE id = ?"  # noqa: S608
        " AND state IN ('approved', 'started') AND (lease IS NULL OR leased_until < ?)"
        f" AND NOT EXISTS ({SHARING})",
        [lease, moment + seconds, execution, moment, moment],
    )
    return lease if claimed.rowcount else None


def claimed_until(db: Database, execution: str) -> float | None:
    """When the present claim ends, in Unix seconds; ``None`` if there is none."""
    row = db.execute("SELECT leased_until FROM executions WHERE id = ? AND lease IS NOT NULL", [execution]).fetchone()
    return float(row[0]) if row else None


def tries(db: Database, execution: str) -> int:
    """How often it was made, and is to be made again by what AWS answered or shows."""
    return int(db.execute("SELECT attempts FROM executions WHERE id = ?", [execution]).fetchone()[0])


def count_try(db: Database, execution: str) -> None:
    db.execute("UPDATE executions SET attempts = attempts + 1 WHERE id = ?", [execution])


def holds(db: Database, execution: str, lease: str) -> bool:
    return bool(db.execute("SELECT 1 FROM executions WHERE id = ? AND lease = ?", [execution, lease]).fetchone())


def release(db: Database, execution: str) -> None:
    db.execute("UPDATE executions SET lease = NULL, leased_until = NULL WHERE id = ?", [execution])


def set_state(db: Database, execution: str, state: ChangeState, sentence: str, at: datetime) -> None:
    db.execute(
        "UPDATE executions SET state = ?, sentence = ?, at = ? WHERE id = ?",
        [state.value, sentence, rfc3339(at), execution],
    )


def keep_undo_record(db: Database, execution: str, record: UndoRecord, at: datetime) -> None:
    db.execute(
        "INSERT INTO undo_records (execution, account, before, after, at) VALUES (?, ?, ?, ?, ?)",
        [execution, record.account, json.dumps(dict(record.before)), json.dumps(dict(record.after)), rfc3339(at)],
    )


def undo_record(db: Database, execution: str) -> UndoRecord | None:
    row = db.execute("SELECT account, before, after FROM undo_records WHERE execution = ?", [execution]).fetchone()
    return UndoRecord(row[0], json.loads(row[1]), json.loads(row[2])) if row else None


def _change(row: tuple[object, ...]) -> Change:
    execution, plan_id, case, remediation, target, state, undo_of, undone, actor, name, reason, at, sentence, glass = (
        row
    )
    return Change(
        execution=str(execution),
        plan=str(plan_id),
        case=case if isinstance(case, int) else None,
        remediation=str(remediation),
        target=str(target),
        state=ChangeState(str(state)),
        undo_of=str(undo_of) if undo_of else None,
        undone=bool(undone),
        approved_by=Actor(str(actor), str(name)),
        reason=str(reason),
        at=datetime.fromisoformat(str(at)),
        sentence=str(sentence),
        broke_glass=bool(glass),
    )
