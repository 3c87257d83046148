"""More new cases at once than a channel can bear: which of them get a card, and which stand in one list.

Slack takes about a message a second and channel, and nobody reads a hundred cards. Where many wait already, a further
case is folded: one list in the channel counts it, the most urgent first. It is a case like any other, and gets its
card when somebody asks for it or takes it, or, in a crowd that is not overwhelming, when it turns out to be grave.
Every function that takes a ``Database`` runs inside a caller's transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.database import Database
from bot.model import Case, Verdict, rfc3339
from bot.store import outbox

CROWDED = 10
"""So many cards that wait to be posted make a crowd: ordinary further cases are folded."""

OVERWHELMING = 30
"""So many, and even grave cases are folded: their cards would come minutes late, one a second."""

LINGERS = timedelta(minutes=1)
"""While cases were folded so lately, further ordinary ones are, too: people cannot take a card a second for long."""

QUIET = timedelta(hours=1)
"""So long without a folded case, and the next one begins a new list."""

SHOWN = 20
"""Lines of a list."""

RANKS = {
    Verdict.INCIDENT: 5,
    Verdict.PROBABLE: 4,
    Verdict.SUSPICIOUS: 3,
    Verdict.INCONCLUSIVE: 1,
    Verdict.EXPECTED: 0,
    Verdict.LOW: 0,
}
"""The verdicts by how soon somebody should see them."""

_UNJUDGED = {"critical": 350, "high": 250, "medium": 180, "low": 60, "info": 30, "informational": 30}
"""How urgent a case is before it is judged, by what the detector said; between the verdicts' hundreds."""

_LISTED = (
    "SELECT f.case_id, f.carded, c.state, c.verdict, c.score, c.subject_value, c.title,"
    " (SELECT count(*) FROM case_alerts a WHERE a.case_id = f.case_id)"
    " FROM folded f JOIN cases c ON c.id = f.case_id WHERE f.digest = ? ORDER BY f.urgency DESC, f.case_id LIMIT ?"
)


@dataclass(frozen=True, slots=True)
class Listed:
    """One line of a list."""

    case: int
    carded: bool
    """Whether it has a card of its own by now."""
    closed: bool
    verdict: Verdict | None
    score: int | None
    name: str
    title: str
    alerts: int


@dataclass(frozen=True, slots=True)
class Crowd:
    """A list: how many cases it counts, how many of them nobody has judged yet, and its first lines."""

    count: int
    checking: int
    lines: Sequence[Listed]


def urgency(case: Case) -> int:
    """How soon somebody should see ``case``: 0 to 600, the verdict first, then the score."""
    judged = case.triage.assessment if case.triage else None
    if judged is None or (case.triage and case.triage.pending and RANKS[judged.verdict] < RANKS[Verdict.SUSPICIOUS]):
        severities = [_UNJUDGED.get((alert.severity or "").lower(), 150) for alert in case.alerts]
        return max(severities, default=150)
    return 100 * RANKS[judged.verdict] + judged.score


def is_grave(case: Case) -> bool:
    """Whether its verdict is one that somebody must hear of."""
    return case.triage is not None and RANKS[case.triage.assessment.verdict] >= RANKS[Verdict.PROBABLE]


def list_of(db: Database, case: Case) -> str | None:
    """The slot of the list that stands for the card of ``case``; ``None`` where it has a card, or will have one."""
    # One that was opened again is news, whatever list it stood in last week.
    row = db.execute(
        "SELECT digest FROM folded WHERE case_id = ? AND reopened = ? AND NOT carded", [case.id, case.reopened]
    ).fetchone()
    return str(row[0]) if row else None


def fold(db: Database, case: Case, now: datetime) -> str:
    """Have a list stand for the card of ``case``; the list's slot."""
    newest = db.execute(
        "SELECT digest FROM folded WHERE channel = ? AND at > ? ORDER BY at DESC LIMIT 1",
        [case.channel, rfc3339(now - QUIET)],
    ).fetchone()
    digest = newest[0] if newest else f"storm:{case.channel}:{rfc3339(now)}"
    db.execute(
        "INSERT INTO folded (case_id, reopened, channel, digest, at, urgency, carded) VALUES (?, ?, ?, ?, ?, ?, 0)",
        [case.id, case.reopened, case.channel, digest, rfc3339(now), urgency(case)],
    )
    return str(digest)


def judge(db: Database, case: Case) -> None:
    """Have the list of ``case`` place it as it is judged now."""
    db.execute(
        "UPDATE folded SET urgency = ? WHERE case_id = ? AND reopened = ?", [urgency(case), case.id, case.reopened]
    )


def unfold(db: Database, case: Case) -> str | None:
    """Say that ``case`` gets a card of its own; the slot of the list that stood for it, if one did."""
    digest = list_of(db, case)
    db.execute("UPDATE folded SET carded = 1 WHERE case_id = ? AND reopened = ?", [case.id, case.reopened])
    return digest


def is_folded(db: Database, case: Case, slot: str, now: datetime) -> bool:
    """Whether a list shall stand for the card of ``case`` in ``slot``: it is one of many, and nobody asked for it."""
    if case.owner or case.declared or case.changes or case.waiting or case.containment or case.thread:
        return False
    folded = list_of(db, case) is not None
    if not folded and outbox.is_known(db, slot):
        return False
    if is_grave(case):
        return outbox.unposted(db, case.channel) >= OVERWHELMING
    return folded or _gathers(db, case.channel, now) or outbox.unposted(db, case.channel) >= CROWDED


def crowd(db: Database, digest: str) -> Crowd:
    """What the list in slot ``digest`` says now."""
    count, checking = db.execute(
        "SELECT count(*), coalesce(sum(c.triage IS NULL), 0) FROM folded f JOIN cases c ON c.id = f.case_id"
        " WHERE f.digest = ?",
        [digest],
    ).fetchone()
    rows = db.execute(_LISTED, [digest, SHOWN]).fetchall()
    lines = [
        Listed(id_, bool(carded), state != "open", Verdict(verdict) if verdict else None, score, name, title, alerts)
        for id_, carded, state, verdict, score, name, title, alerts in rows
    ]
    return Crowd(count, checking, lines)


def _gathers(db: Database, channel: str, now: datetime) -> bool:
    lately = [channel, rfc3339(now - LINGERS)]
    return db.execute("SELECT 1 FROM folded WHERE channel = ? AND at > ? LIMIT 1", lately).fetchone() is not None
