"""Rehearse first, then armed: a new installation changes nothing until two people say that it may.

Until then every change takes the whole way (plan, preview, approval, record) but for the last step: no acting role is
assumed and nothing is called. An environment is armed by two different people, after the acting role was found able
to do what it will be asked (:mod:`bot.remediation.readiness`), so that an incident is never its first test. Every
function runs inside a caller's transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot import audit
from bot.database import Database
from bot.model import Actor, Refusal, rfc3339

PEOPLE = 2
CHECKED_WITHIN = timedelta(hours=24)
"""How old the check of the acting role may be: rights change."""


@dataclass(frozen=True, slots=True)
class Armed:
    """How far an environment has come."""

    environment: str
    by: tuple[str, ...]
    """The names of who armed it, in order."""

    @property
    def armed(self) -> bool:
        return len(self.by) >= PEOPLE


def state_of(db: Database, environment: str) -> Armed:
    """Who has armed ``environment`` since it was last disarmed."""
    rows = db.execute("SELECT actor_name FROM armings WHERE environment = ? ORDER BY rowid", [environment])
    return Armed(environment, tuple(row[0] for row in rows))


def is_armed(db: Database, environment: str) -> bool:
    """Whether changes in ``environment`` are made, not rehearsed."""
    return state_of(db, environment).armed


def arm(db: Database, environment: str, actor: Actor, person: str, reason: str, at: datetime) -> Armed | Refusal:
    """Say that ``environment`` may be changed; two different people must."""
    if refusal := _not_ready(db, environment, actor, person, reason, at):
        return refusal
    kept = db.execute(
        "INSERT INTO armings (environment, person, actor, actor_name, reason, at) VALUES (?, ?, ?, ?, ?, ?)"
        " ON CONFLICT DO NOTHING",
        [environment, person, actor.id, actor.name, reason, rfc3339(at)],
    )
    if not kept.rowcount:
        return Refusal(f"You have already armed {environment}; somebody else must, too.")
    now = state_of(db, environment)
    result = "armed" if now.armed else "armed by one of two"
    audit.append(db, actor=actor, operation="arm", target=environment, reason=reason, result=result, at=at)
    return now


def disarm(db: Database, environment: str, actor: Actor, reason: str, at: datetime) -> Armed:
    """Have ``environment`` rehearse again. One person is enough, at any time."""
    db.execute("DELETE FROM armings WHERE environment = ?", [environment])
    audit.append(db, actor=actor, operation="disarm", target=environment, reason=reason, result="disarmed", at=at)
    return state_of(db, environment)


def keep_check(db: Database, environment: str, problems: Sequence[str], at: datetime) -> None:
    """Keep what came of checking the acting role in ``environment``; no problem means that it passed."""
    db.execute(
        "INSERT INTO act_checks (environment, at, passed) VALUES (?, ?, ?)"
        " ON CONFLICT (environment) DO UPDATE SET at = excluded.at, passed = excluded.passed",
        [environment, rfc3339(at), not problems],
    )


def _not_ready(db: Database, environment: str, actor: Actor, person: str, reason: str, at: datetime) -> Refusal | None:
    if not reason:
        return Refusal("Say why: the reason goes on record.")
    if person.startswith("local:"):
        return Refusal(
            f"Two people must arm {environment}, and nothing says which person {actor.id} is: "
            f'name them under [access.people] in config.toml, as in "{actor.id}" = "slack:T…:U…".'
        )
    checked = db.execute("SELECT at, passed FROM act_checks WHERE environment = ?", [environment]).fetchone()
    if checked is None or not checked[1] or at - datetime.fromisoformat(checked[0]) > CHECKED_WITHIN:
        return Refusal(
            f"First the acting role must be found able to act in {environment}: run `triage doctor --act`, which must "
            "pass within the 24 hours before."
        )
    return None
