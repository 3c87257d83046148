"""Who has approved a plan, and is that enough.

Where one approval is asked, anybody with the right may give it, the one who planned included. Where two or more are
asked, so many people other than the one who planned must have approved: nobody approves their own request. The
requester's own yes is kept as the word that puts the plan before the others, and counts for nothing, unless they break
the glass. A terminal's user counts there only as the Slack person ``[access.people]`` maps them to, because nothing
else says that the two are not one human being; where a terminal's user planned whom nothing maps, one person more must
approve, since one of those may be the requester. Every function that takes a ``Database`` runs inside a caller's
transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.access import AccessRules
from bot.database import Database
from bot.model import Actor, Plan, Waiting, rfc3339
from bot.remediation import records


@dataclass(frozen=True, slots=True)
class Approval:
    """One person's yes to a plan. ``person`` is who counts as one human being, however they came in."""

    actor: Actor
    person: str
    reason: str
    at: datetime
    breaks_glass: bool = False


def asked_of_others(needed: int, requester: str) -> int:
    """How many people must approve so that ``needed`` of them did not plan: 0 where the requester may do so alone."""
    if needed <= 1:
        return 0
    return needed + 1 if _is_nobody(requester) else needed


def counted(given: Sequence[Approval], needed: int, requester: str) -> tuple[Approval, ...]:
    """The approvals of ``given`` that bring a plan of the person ``requester`` further."""
    if needed <= 1:
        return tuple(given)
    return tuple(each for each in given if each.breaks_glass or _is_other(each.person, requester))


def missing(given: Sequence[Approval], needed: int, requester: str) -> int:
    """How many more people must approve a plan of the person ``requester``; 0 if it may be carried out."""
    if any(each.breaks_glass for each in given):
        return 0
    people = {each.person for each in counted(given, needed, requester)}
    return max((asked_of_others(needed, requester) or 1) - len(people), 0)


def is_own(plan: Plan, actor: Actor, access: AccessRules) -> bool:
    """Whether ``actor`` may not approve ``plan`` because they planned it."""
    return plan.approvers > 1 and access.person(actor) == access.person(plan.requested_by)


def counts_for_nothing(actor: Actor, access: AccessRules, needed: int) -> str | None:
    """Why an approval of ``actor`` would not bring the plan further; ``None`` if it does."""
    if needed > 1 and _is_nobody(access.person(actor)):
        return (
            f"{needed} people must approve this, and nothing says which person {actor.id} is: "
            f'name them under [access.people] in config.toml, as in "{actor.id}" = "slack:T…:U…".'
        )
    return None


def _is_other(person: str, requester: str) -> bool:
    return person != requester and not _is_nobody(person)


def _is_nobody(person: str) -> bool:
    return person.startswith("local:")


def keep(db: Database, plan: str, approval: Approval) -> bool:
    """Keep an approval; ``False`` if that person has already given theirs. Breaking the glass is kept in any case."""
    values = [plan, approval.person, approval.actor.id, approval.actor.name, approval.reason, rfc3339(approval.at)]
    kept = db.execute(
        "INSERT INTO approvals (plan, person, actor, actor_name, reason, at, breaks_glass) VALUES (?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (plan, person) DO UPDATE SET breaks_glass = 1, reason = excluded.reason"
        " WHERE excluded.breaks_glass AND NOT approvals.breaks_glass",
        [*values, approval.breaks_glass],
    )
    return bool(kept.rowcount)


def of(db: Database, plan: str) -> tuple[Approval, ...]:
    """The approvals of a plan, oldest first."""
    of_plan = "SELECT actor, actor_name, person, reason, at, breaks_glass FROM approvals WHERE plan = ? ORDER BY rowid"
    return tuple(
        Approval(Actor(actor, name), person, reason, datetime.fromisoformat(at), bool(breaks_glass))
        for actor, name, person, reason, at, breaks_glass in db.execute(of_plan, [plan])
    )


def waiting_of(db: Database, plan: Plan, access: AccessRules) -> Waiting:
    """How far a plan has come that was put before others, and is not approved by enough of them."""
    given, requester = of(db, plan.id), access.person(plan.requested_by)
    left = missing(given, plan.approvers, requester)
    row = db.execute("SELECT containment FROM containment_rows WHERE plan = ?", [plan.id]).fetchone()
    approved_by = tuple(each.actor for each in counted(given, plan.approvers, requester))
    return Waiting(plan, approved_by, left, row[0] if row else "")


def waiting_in(db: Database, case: int, access: AccessRules, now: datetime) -> tuple[Waiting, ...]:
    """The plans of a case that were put before others and still wait for them, oldest first."""
    rows = db.execute(
        "SELECT p.id FROM plans AS p WHERE p.case_id = ? AND p.expires_at >= ?"
        " AND EXISTS (SELECT 1 FROM approvals AS a WHERE a.plan = p.id)"
        " AND NOT EXISTS (SELECT 1 FROM executions AS e WHERE e.plan = p.id) ORDER BY p.created_at, p.id",
        [case, rfc3339(now)],
    ).fetchall()
    plans = (records.plan(db, row[0]) for row in rows)
    return tuple(waiting_of(db, plan, access) for plan in plans if plan is not None)


def told(given: Sequence[Approval]) -> str:
    """Who approved, in words."""
    names = list(dict.fromkeys(each.actor.name for each in given))
    glass = next((each for each in given if each.breaks_glass), None)
    who = names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
    return f"{who}, breaking the glass alone" if glass is not None else who
