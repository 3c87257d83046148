"""Hunting again after containment: jobs that look, tell the case's thread what is new, and queue the next look."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from bot import cases
from bot.cron import parse_cron
from bot.database import Database
from bot.hunts import again
from bot.hunts.again import History, Looked
from bot.hunts.incident import Draft
from bot.hunts.library import Playbook, shipped
from bot.model import Case, Change, ChangeState, Conclusion, HistoryUnavailableError, Span, rfc3339
from bot.remediation.records import changes_of
from bot.store import jobs
from bot.store.jobs import Job
from bot.store.state import State

KIND = "hunt_again"
POOL = "upkeep"
STOPPING = frozenset({"disable_access_key", "quarantine_user"})
"""Changes that say of a case that its theft is taken for real."""
_SECOND = timedelta(seconds=1)
_MOST_TOLD = 5

Tell = Callable[[Database, int, str, str | None], None]
"""Shows in a case's thread what the last look brought, and says aloud what is new: ``(db, case, all, news)``."""


def begin(db: Database, case: int, at: datetime) -> None:
    """Have ``case`` hunted again from the day after ``at`` on, unless it is already. Inside a caller's transaction."""
    _queue(db, _Turn(case, at, at), at, again.due(at, 0))


def begins_with(change: Change) -> bool:
    """Whether a change that went through begins it."""
    return change.state is ChangeState.CONFIRMED and change.undo_of is None and change.remediation in STOPPING


@dataclass(frozen=True, slots=True)
class _Turn:
    """One look: the ``number``-th (from 0) of a case contained at ``began``, over the time after ``since``."""

    case: int
    began: datetime
    since: datetime
    number: int = 0
    told: tuple[str, ...] = ()
    with_news: int = 0

    @classmethod
    def of(cls, payload: Mapping[str, Any]) -> _Turn:
        began, since = (datetime.fromisoformat(payload[name]) for name in ("began", "since"))
        return cls(payload["case"], began, since, payload["number"], tuple(payload["told"]), payload["with_news"])

    def payload(self) -> dict[str, Any]:
        return {
            "case": self.case,
            "began": rfc3339(self.began),
            "since": rfc3339(self.since),
            "number": self.number,
            "told": list(self.told),
            "with_news": self.with_news,
        }

    def after(self, looked: Looked | None, until: datetime) -> _Turn:
        """The next turn. What could not be looked at now is looked at then."""
        told = (*self.told, *map(again.mark, looked.strangers)) if looked else self.told
        since = until if looked else self.since
        news = self.with_news + bool(looked and looked.is_news)
        return _Turn(self.case, self.began, since, self.number + 1, told, news)


def _queue(db: Database, turn: _Turn, now: datetime, due: datetime | None) -> None:
    if due is not None:
        once = f"{KIND}:{turn.case}:{turn.number}"
        jobs.add(db, KIND, turn.payload(), now, pool=POOL, once=once, due_at=due)


class Rehunt:
    """``draft`` makes a case's own playbook, ``own`` are the organisation's.

    ``later`` says when to look after the last day, as cron writes it, in UTC; empty for never.
    """

    def __init__(
        self,
        state: State,
        clock: Callable[[], datetime],
        history: Callable[[], History | None],
        draft: Callable[[Case], Draft | None],
        own: Iterable[Playbook],
        tell: Tell,
        later: str = "",
    ) -> None:
        self._state = state
        self._clock = clock
        self._history = history
        self._draft = draft
        self._own = tuple(own)
        self._tell = tell
        self._later = parse_cron(later) if later else None

    def handlers(self) -> Mapping[str, Callable[[Job], Callable[[Database], None]]]:
        return {KIND: self._look}

    def _look(self, job: Job) -> Callable[[Database], None]:
        turn, now = _Turn.of(job.payload), self._clock()
        db = self._state.read()
        case = cases.with_changes(cases.load(db, turn.case), changes_of(db, turn.case))
        if not _is_real(case):
            return lambda db: None
        looked, until, why = self._looked(case, turn, now)
        next_turn = turn.after(looked, until)
        due = again.due(turn.began, next_turn.number) or (self._later.after(now) if self._later else None)
        story = _told(turn, looked, why, now, due, next_turn.with_news)

        def commit(db: Database) -> None:
            self._tell(db, case.id, story, _news(looked) if looked and looked.is_news else None)
            _queue(db, next_turn, now, due)

        return commit

    def _looked(self, case: Case, turn: _Turn, now: datetime) -> tuple[Looked | None, datetime, str]:
        """What one look brings, up to when; or why there is none."""
        history = self._history()
        try:
            newest = history.newest() if history is not None else None
            if history is None or newest is None:
                return None, now, "there is no CloudTrail history"
            until = min(now, newest)
            if until <= turn.since:
                return None, now, f"no CloudTrail record is newer than {newest:%Y-%m-%d %H:%M} UTC"
            looked = again.look(
                history,
                Span(turn.since + _SECOND, until),
                self._playbooks(case),
                inside=_principals(case),
                told=turn.told,
                contained=_contained(case),
            )
        except HistoryUnavailableError as error:
            return None, now, str(error)
        if looked.hunted.searched is None:
            return None, now, "the history holds nothing of this time"
        return looked, until, ""

    def _playbooks(self, case: Case) -> tuple[Playbook, ...]:
        """The case's own, and those its activity matched."""
        matched = _matched(case)
        known = {playbook.name: playbook for playbook in (*shipped(), *self._own)}
        drafted = self._draft(case)
        chosen = {name: playbook for name, playbook in known.items() if name in matched}
        return (*([drafted.playbook] if drafted else []), *chosen.values())


def _is_real(case: Case) -> bool:
    """A case that turned out harmless, or to be another's, is not hunted any longer."""
    return case.open or not case.closings or case.closings[-1].conclusion is Conclusion.TRUE


def _principals(case: Case) -> set[str]:
    triage = case.triage
    scoped = triage.scope.confirmed if triage and triage.scope else ()
    own = [triage.principal.id] if triage and triage.principal else []
    return {*own, *(each.principal for each in scoped if each.principal)}


def _contained(case: Case) -> dict[str, datetime]:
    """The keys that should be refused, each since when."""
    return {
        change.target: change.at
        for change in case.changes
        if change.remediation == "disable_access_key" and begins_with(change) and not change.undone
    }


def _matched(case: Case) -> set[str]:
    answers = [each.answer for each in case.triage.enrichments if each.answer] if case.triage else []
    rows = (row for answer in answers for row in answer.data.get("playbooks", ()))
    return {str(row["playbook"]) for row in rows if row.get("level") == "match"}


def _told(turn: _Turn, looked: Looked | None, why: str, now: datetime, next_: datetime | None, with_news: int) -> str:
    last = f"That was the last time; {with_news} of {turn.number + 1} had news."
    after = f"Next: {next_:%Y-%m-%d}." if next_ else last
    planned = turn.number < len(again.DAYS)
    day = (
        f"{again.DAYS[turn.number]} of {again.DAYS[-1]}" if planned else f"{(now - turn.began).days}, on your schedule"
    )
    head = f"Hunted again, day {day}"
    if looked is None:
        return f"{head}: could not look: {why}. {after}"
    hunted = looked.hunted
    span = f"{hunted.window.since:%Y-%m-%d %H:%M} to {hunted.window.until:%Y-%m-%d %H:%M} UTC"
    found = _news(looked) if looked.is_news else "nothing new."
    gaps = [f"Could not check: {gap.question} ({gap.why})." for gap in hunted.gaps]
    return " ".join([f"{head}, {span}: {found}", *gaps, after])


def _news(looked: Looked) -> str:
    working = [
        f"{key} is disabled, and AWS still answered it {count} time{'s' if count > 1 else ''}."
        for key, count in looked.working.items()
    ]
    found = [*working, *(hit.sentence for hit in looked.strangers)]
    more = f" And {len(found) - _MOST_TOLD} more." if len(found) > _MOST_TOLD else ""
    return " ".join(found[:_MOST_TOLD]) + more
