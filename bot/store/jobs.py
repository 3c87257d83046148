"""Jobs with leases: work that survives a kill. Every function runs inside a caller's transaction.

A job is claimed with a lease, done, and finished in the same transaction as what it changed. A worker that dies
keeps nothing: its lease ends (or the next start releases it) and the job is claimed again.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.database import Database
from bot.model import rfc3339

LEASE_SECONDS = 120.0
ATTEMPTS = 8
"""After so many failures a job is dead: kept, listed, never silently dropped."""

_DUE = (
    "pool = ? AND due_at <= ? AND (state = 'ready' OR (state = 'leased' AND leased_until < ?))"
    " AND NOT EXISTS (SELECT 1 FROM jobs AS held WHERE held.lane = jobs.lane AND held.state = 'leased'"
    " AND held.leased_until >= ?)"
)


@dataclass(frozen=True, slots=True)
class Job:
    id: int
    kind: str
    payload: Mapping[str, Any]
    attempts: int
    lease: str


class LeaseLost(Exception):
    """Somebody else has claimed the job meanwhile; nothing of this attempt may be kept."""


def add(
    db: Database,
    kind: str,
    payload: Mapping[str, Any],
    now: datetime,
    *,
    pool: str,
    once: str | None = None,
    due_at: datetime | None = None,
    urgent: bool = False,
    lane: str | None = None,
) -> bool:
    """Queue a job. With ``once``, at most one job of that name ever exists; returns whether this one was added.

    ``urgent``: a person waits for it, so it goes before all that are not. Of the jobs of one ``lane`` one is done at a
    time, so that none overtakes another.
    """
    due = (due_at or now).timestamp()
    added = db.execute(
        "INSERT INTO jobs (kind, pool, payload, once, state, attempts, due_at, created_at, urgent, lane)"
        " VALUES (?, ?, ?, ?, 'ready', 0, ?, ?, ?, ?) ON CONFLICT (once) WHERE once IS NOT NULL DO NOTHING",
        [kind, pool, json.dumps(payload), once, due, rfc3339(now), urgent, lane],
    )
    return bool(added.rowcount)


def bury(db: Database, kind: str, payload: Mapping[str, Any], error: str, now: datetime, *, pool: str) -> None:
    """Keep a job that cannot be done as things are: listed with the dead, and done when somebody has it replayed."""
    db.execute(
        "INSERT INTO jobs (kind, pool, payload, state, attempts, due_at, created_at, finished_at, error)"
        " VALUES (?, ?, ?, 'dead', 0, ?, ?, ?, ?)",
        [kind, pool, json.dumps(payload), now.timestamp(), rfc3339(now), rfc3339(now), error],
    )


def add_unless_waiting(
    db: Database,
    kind: str,
    payload: Mapping[str, Any],
    now: datetime,
    *,
    pool: str,
    urgent: bool = False,
    lane: str | None = None,
) -> bool:
    """Queue a job unless the same one already waits: asked ten times before it ran, it runs once."""
    same = db.execute(
        "UPDATE jobs SET urgent = max(urgent, ?) WHERE kind = ? AND payload = ? AND state = 'ready'",
        [urgent, kind, json.dumps(payload)],
    )
    return not same.rowcount and add(db, kind, payload, now, pool=pool, urgent=urgent, lane=lane)


def waiting(db: Database, pool: str, now: datetime, *, urgent: bool = False) -> bool:
    """Whether :func:`claim` would find a job; reads only."""
    moment = now.timestamp()
    found = db.execute(
        f"SELECT 1 FROM jobs WHERE {_DUE} AND urgent >= ? LIMIT 1", [pool, moment, moment, moment, urgent]
    )
    return bool(found.fetchone())


def claim(db: Database, pool: str, now: datetime, *, urgent: bool = False) -> Job | None:
    """Lease the oldest job of ``pool`` that is due, or whose lease has run out, urgent ones first; ``None`` if there is
    none. ``urgent``: no other than those."""
    moment = now.timestamp()
    row = db.execute(
        f"SELECT id, kind, payload, attempts FROM jobs WHERE {_DUE} AND urgent >= ?"
        " ORDER BY urgent DESC, due_at, id LIMIT 1",
        [pool, moment, moment, moment, urgent],
    ).fetchone()
    if row is None:
        return None
    lease = secrets.token_hex(8)
    db.execute(
        "UPDATE jobs SET state = 'leased', lease = ?, leased_until = ?, attempts = attempts + 1 WHERE id = ?",
        [lease, moment + LEASE_SECONDS, row[0]],
    )
    return Job(row[0], row[1], json.loads(row[2]), row[3] + 1, lease)


def finish(db: Database, job: Job, now: datetime) -> None:
    """Mark ``job`` done. Raises :class:`LeaseLost` if it is no longer ours, which undoes the caller's transaction."""
    _end(db, job, "done", None, now)


def retry(db: Database, job: Job, error: str, now: datetime) -> None:
    """Give ``job`` back after a failure, later each time; after :data:`ATTEMPTS` it is dead."""
    if job.attempts >= ATTEMPTS:
        _end(db, job, "dead", error, now)
        return
    pause = min(300.0, 2.0**job.attempts)
    db.execute(
        "UPDATE jobs SET state = 'ready', lease = NULL, due_at = ?, error = ? WHERE id = ? AND lease = ?",
        [now.timestamp() + pause, error, job.id, job.lease],
    )


def release_all(db: Database) -> int:
    """Free every lease: called once by the process that holds the serving lock, when all other workers are dead."""
    return int(db.execute("UPDATE jobs SET state = 'ready', lease = NULL WHERE state = 'leased'").rowcount)


def _end(db: Database, job: Job, state: str, error: str | None, now: datetime) -> None:
    ended = db.execute(
        "UPDATE jobs SET state = ?, error = ?, finished_at = ?, lease = NULL WHERE id = ? AND lease = ?",
        [state, error, rfc3339(now), job.id, job.lease],
    )
    if not ended.rowcount:
        raise LeaseLost(f"job {job.id} ({job.kind})")
