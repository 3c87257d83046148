"""Tasks of a case: a step that fails is somebody's to do, and stays so until they say it is done.

A step has at most one open task. Where the same change is confirmed later, whoever approved it, the task is done. Every
function runs inside a caller's transaction.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime

from bot.database import Database, storable
from bot.model import Actor, Change, ChangeState, Refusal, Task, rfc3339

COLUMNS = (
    "id, case_id, title, why, commands, opened_at, taken_by, taken_by_name, done_by, done_by_name, done_at, outcome"
)
LONGEST = 2000
FAILED = frozenset({ChangeState.FAILED, ChangeState.PARTIAL, ChangeState.UNKNOWN})
BY_ITSELF = Actor("bot", "the bot")


def follow(db: Database, change: Change, title: str, commands: Sequence[str], at: datetime) -> None:
    """Have the tasks of a case fit the state that ``change`` has just reached. Without a case there is none."""
    if change.case is None:
        return
    step = f"{'undo of ' if change.undo_of else ''}{change.remediation}"
    if change.state in FAILED:
        why = change.sentence.partition(" By hand:")[0]
        add(db, change.case, step, change.target, title, why, commands, at)
    elif change.state is ChangeState.CONFIRMED:
        db.execute(
            "UPDATE tasks SET done_by = ?, done_by_name = ?, done_at = ?, outcome = ?"
            " WHERE case_id = ? AND step = ? AND target = ? AND done_at IS NULL",
            [BY_ITSELF.id, BY_ITSELF.name, rfc3339(at), "AWS shows it done.", change.case, step, change.target],
        )


def add(
    db: Database, case: int, step: str, target: str, title: str, why: str, commands: Sequence[str], at: datetime
) -> None:
    """Open the task of a step, or say anew why it did not work if it is open already."""
    values = [case, step, target, storable(title, LONGEST), storable(why, LONGEST), json.dumps(list(commands))]
    db.execute(
        "INSERT INTO tasks (case_id, step, target, title, why, commands, opened_at) VALUES (?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (case_id, step, target) WHERE done_at IS NULL"
        " DO UPDATE SET why = excluded.why, commands = excluded.commands",
        [*values, rfc3339(at)],
    )


def of_case(db: Database, case: int) -> tuple[Task, ...]:
    """The tasks of a case, the oldest first."""
    return tuple(_task(row) for row in db.execute(f"SELECT {COLUMNS} FROM tasks WHERE case_id = ? ORDER BY id", [case]))  # noqa: S608


def load(db: Database, id_: int) -> Task:
    """Raises ``LookupError`` if there is none of that number."""
    row = db.execute(f"SELECT {COLUMNS} FROM tasks WHERE id = ?", [id_]).fetchone()  # noqa: S608
    if row is None:
        raise LookupError(f"there is no task {id_}")
    return _task(row)


def take(db: Database, id_: int, actor: Actor) -> Refusal | None:
    """Make an open task that of ``actor``, whoever had it. Raises ``LookupError``."""
    task = load(db, id_)
    if not task.open:
        return _done(task)
    db.execute("UPDATE tasks SET taken_by = ?, taken_by_name = ? WHERE id = ?", [actor.id, actor.name, id_])
    return None


def finish(db: Database, id_: int, actor: Actor, outcome: str, at: datetime) -> Refusal | None:
    """Say that a task is done, and what came of it. Raises ``LookupError``."""
    task = load(db, id_)
    if not task.open:
        return _done(task)
    db.execute(
        "UPDATE tasks SET done_by = ?, done_by_name = ?, done_at = ?, outcome = ? WHERE id = ?",
        [actor.id, actor.name, rfc3339(at), storable(outcome, LONGEST), id_],
    )
    return None


def _done(task: Task) -> Refusal:
    by = task.done_by.name if task.done_by else BY_ITSELF.name
    return Refusal(f"Task {task.id} is done already, by {by}: {task.outcome}")


def _task(row: Sequence[object]) -> Task:
    id_, case, title, why, commands, opened, taken, taken_name, done, done_name, done_at, outcome = row
    return Task(
        id=int(str(id_)),
        case=int(str(case)),
        title=str(title),
        why=str(why),
        commands=tuple(json.loads(str(commands))),
        opened_at=datetime.fromisoformat(str(opened)),
        taken_by=Actor(str(taken), str(taken_name)) if taken else None,
        done_by=Actor(str(done), str(done_name)) if done else None,
        done_at=datetime.fromisoformat(str(done_at)) if done_at else None,
        outcome=str(outcome or ""),
    )
