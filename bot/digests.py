"""What happened in a time, for people who were not there: cases by verdict, how long steps took, who made the noise,
what was kept silent, and what still waits.

Every function that takes a ``Database`` only reads.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot import cases, measures, snoozes
from bot.database import Database
from bot.measures import Took
from bot.model import Case, Snooze, Verdict, rfc3339

LISTED = 15
"""Cases that are named of each kind."""

_NEW = """
SELECT c.id, c.verdict, c.quiet FROM cases c
WHERE coalesce(c.created_at, c.opened_at) >= :since AND coalesce(c.created_at, c.opened_at) < :until
  AND (:here = '[]' OR c.environment IN (SELECT value FROM json_each(:here)))
ORDER BY coalesce(c.score, -1) DESC, c.id
"""
_CLOSED = """
SELECT l.conclusion, count(*) FROM closings l JOIN cases c ON c.id = l.case_id
WHERE l.at >= :since AND l.at < :until AND (:here = '[]' OR c.environment IN (SELECT value FROM json_each(:here)))
GROUP BY l.conclusion ORDER BY l.conclusion
"""
_NOISE = """
SELECT json_extract(a.alert, '$.source'), count(*), count(DISTINCT c.id),
  count(DISTINCT CASE WHEN c.verdict IN ('low', 'expected') OR EXISTS (
    SELECT 1 FROM closings l WHERE l.case_id = c.id AND l.conclusion IN ('benign', 'expected')) THEN c.id END)
FROM case_alerts a JOIN cases c ON c.id = a.case_id
WHERE coalesce(c.created_at, c.opened_at) >= :since AND coalesce(c.created_at, c.opened_at) < :until
  AND (:here = '[]' OR c.environment IN (SELECT value FROM json_each(:here)))
GROUP BY 1 ORDER BY 2 DESC, 1
"""
_KEPT = """
SELECT a.snooze, count(*), count(DISTINCT a.case_id) FROM case_alerts a JOIN cases c ON c.id = a.case_id
WHERE a.snoozed_at >= :since AND a.snoozed_at < :until
  AND (:here = '[]' OR c.environment IN (SELECT value FROM json_each(:here)))
GROUP BY a.snooze ORDER BY a.snooze
"""
_OPEN = """
SELECT c.id FROM cases c WHERE c.state = 'open' AND NOT c.quiet
  AND (:here = '[]' OR c.environment IN (SELECT value FROM json_each(:here)))
ORDER BY coalesce(c.score, -1) DESC, c.id LIMIT 200
"""


@dataclass(frozen=True, slots=True)
class Noise:
    """How much one source sent, and how much of it was nothing."""

    source: str
    alerts: int
    cases: int
    harmless: int
    """Cases judged low or expected, or closed as benign or expected."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What one snooze kept silent in the time."""

    snooze: Snooze
    alerts: int
    cases: int


@dataclass(frozen=True, slots=True)
class Digest:
    since: datetime
    until: datetime
    environments: tuple[str, ...]
    """Empty: all."""
    verdicts: dict[str, int]
    """New cases by the bot's verdict; "none" where there was none yet."""
    conclusions: dict[str, int]
    """Cases closed in the time by what people said they were."""
    took: dict[str, Took]
    """How long each step took, of the cases that are new."""
    noise: tuple[Noise, ...]
    quiet: tuple[Case, ...]
    """The first of the new cases that got no card, the gravest first."""
    quiet_count: int
    kept: tuple[Kept, ...]
    untaken: tuple[Case, ...]
    """Open cases with a card that nobody has taken, the gravest first."""
    tasks: int
    overdue: tuple[Case, ...]
    """Cases whose next check was due before the end of the time."""

    @property
    def cases(self) -> int:
        return sum(self.verdicts.values())

    @property
    def is_silent(self) -> bool:
        """Whether there is nothing that a card has not told already, and nothing that waits."""
        return not (self.quiet_count or self.kept or self.untaken or self.tasks or self.overdue)


def gather(db: Database, since: datetime, until: datetime, environments: Sequence[str] = ()) -> Digest:
    """Everything new from ``since`` up to and without ``until``, in ``environments`` or in all."""
    asked = {"since": rfc3339(since), "until": rfc3339(until), "here": json.dumps(list(environments))}
    new = db.execute(_NEW, asked).fetchall()
    quiet = [row[0] for row in new if row[2]]
    opened = _open_cases(db, asked)
    return Digest(
        since=since,
        until=until,
        environments=tuple(environments),
        verdicts=_counted([row[1] for row in new]),
        conclusions={str(conclusion): int(count) for conclusion, count in db.execute(_CLOSED, asked)},
        took=_took(db, [row[0] for row in new]),
        noise=_noise(db, asked),
        quiet=tuple(cases.load(db, case) for case in quiet[:LISTED]),
        quiet_count=len(quiet),
        kept=_kept(db, asked),
        untaken=tuple(case for case in opened if case.owner is None and case.subject is not None)[:LISTED],
        tasks=sum(task.open for case in opened for task in case.tasks),
        overdue=tuple(case for case in opened if _is_overdue(case, until))[:LISTED],
    )


def _counted(verdicts: Sequence[str | None]) -> dict[str, int]:
    order = (*(verdict.value for verdict in Verdict), None)
    return {verdict or "none": verdicts.count(verdict) for verdict in order if verdict in verdicts}


def _took(db: Database, new: Sequence[int]) -> dict[str, Took]:
    steps: dict[str, list[timedelta]] = {"card": [], "decision": [], "containment": []}
    for case in new:
        times = measures.times_of(db, case)
        for name, step in zip(steps, (times.card, times.decided, times.contained), strict=True):
            if (span := times.after(step)) is not None:
                steps[name].append(span)
    return {name: found for name, spans in steps.items() if (found := measures.took(spans))}


def _noise(db: Database, asked: Mapping[str, str]) -> tuple[Noise, ...]:
    rows = db.execute(_NOISE, dict(asked)).fetchall()
    return tuple(Noise(str(source), int(alerts), int(of), int(none)) for source, alerts, of, none in rows)


def _kept(db: Database, asked: Mapping[str, str]) -> tuple[Kept, ...]:
    rows = db.execute(_KEPT, dict(asked)).fetchall()
    return tuple(Kept(snoozes.load(db, id_), int(alerts), int(of)) for id_, alerts, of in rows)


def _open_cases(db: Database, asked: Mapping[str, str]) -> list[Case]:
    """Open cases that have a card, the gravest first; what is quiet or snoozed waits for nobody."""
    rows = db.execute(_OPEN, dict(asked)).fetchall()
    return [case for row in rows if not (case := cases.load(db, row[0])).snoozed]


def _is_overdue(case: Case, until: datetime) -> bool:
    check = case.handovers[-1].next_check if case.handovers else None
    return check is not None and check < until
