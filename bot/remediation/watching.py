"""Look at finished changes again: right away, after a minute and a quarter of an hour, then every day of their case.

IAM is eventually consistent (IAM user guide), and an attacker with IAM rights changes things back, or makes new ones.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.aws import Aws
from bot.database import Database
from bot.model import Change, ChangeState, Plan, rfc3339
from bot.remediation import records
from bot.remediation.base import Remediation, is_part_way
from bot.remediation.base import State as Present
from bot.remediation.chronicle import Chronicle, made
from bot.remediation.planning import record
from bot.remediation.usage import Usage
from bot.remediation.wording import AwsError, described, why
from bot.store import jobs
from bot.store.state import State

LOOK_AGAIN = (timedelta(seconds=10), timedelta(seconds=60), timedelta(minutes=15))
DAILY = timedelta(days=1)
PROPAGATION = timedelta(minutes=2)
"""A call that AWS answers this soon after the change says nothing: IAM and CloudTrail need their time."""


def _nobody_hears(db: Database, change: Change) -> None:
    pass


@dataclass(frozen=True, slots=True)
class _Seen:
    """What a later look found: the state, a call that AWS still answered, and what has appeared meanwhile."""

    present: Present
    still: str = ""
    new: tuple[str, ...] = ()
    for_people: str = ""
    """Where it does not hold: whom to ask, and what to type."""


class Watch:
    """Whether what was changed holds. Nothing here changes AWS; of what is found half made, the rest is queued.

    ``on_drift`` runs inside the transaction that records that a change does not hold, or that something new gives the
    same access again: that must be heard.
    """

    def __init__(
        self,
        state: State,
        aws: Aws,
        clock: Callable[[], datetime],
        chronicle: Chronicle,
        usage: Usage,
        on_drift: Callable[[Database, Change], None] = _nobody_hears,
    ) -> None:
        self._state = state
        self._aws = aws
        self._clock = clock
        self._chronicle = chronicle
        self._usage = usage
        self._on_drift = on_drift

    def begin(self, db: Database, execution: str) -> None:
        """Queue the first looks at a change that was made, or may have been (job ``verify``, pool ``act``)."""
        now = self._clock()
        for step, after in enumerate(LOOK_AGAIN):
            self._queue(db, execution, step, now + after)

    def look(self, execution: str, step: int) -> Change:
        """Look at AWS again for a finished change: does it hold? Raises ``LookupError``."""
        database = self._state.read()
        current = records.change(database, execution)
        plan, remediation = self._chronicle.planned(database, current)
        if not _can_be_looked_at(database, current):
            return current
        try:
            seen = self._see(plan, remediation, records.made_at(database, execution))
        except AwsError as error:
            reason = why(error)
            return self._state.write(lambda db: self._could_not_look(db, execution, plan, reason, step))
        return self._state.write(lambda db: self._looked(db, execution, plan, seen, step))

    def _see(self, plan: Plan, remediation: Remediation, made_at: datetime | None) -> _Seen:
        present = self._chronicle.observe(plan, remediation)
        if present != plan.after:
            return _Seen(present, for_people=self._chronicle.for_people(plan))
        if made_at is None or plan.undo_of:
            return _Seen(present)
        still = self._usage.answered_since(plan.stops, made_at + PROPAGATION)
        if still:
            return _Seen(present, still, for_people=self._chronicle.for_people(plan))
        new = remediation.meanwhile(plan.target, plan.account or "", plan.before, made_at, self._aws)
        return _Seen(present, new=new)

    def _looked(self, db: Database, execution: str, plan: Plan, seen: _Seen, step: int) -> Change:
        current, last = records.change(db, execution), step + 1 >= len(LOOK_AGAIN)
        if not _can_be_looked_at(db, current):
            return current
        judged = self._judged(db, current, plan, seen, last=last)
        self._look_tomorrow(db, judged, step)
        return judged

    def _judged(self, db: Database, current: Change, plan: Plan, seen: _Seen, *, last: bool) -> Change:
        if seen.present == plan.after and not seen.still:
            return self._holds(db, current, plan, seen, last=last)
        if self._is_to_be_finished(db, current, plan, seen):
            return self._finish(db, current, plan, seen)
        if current.state is ChangeState.UNKNOWN and not last:
            return current
        state, sentence = self._drifted(current, plan, seen)
        if sentence == current.sentence:
            return current
        told = self._chronicle.tell(db, current.execution, plan, state, sentence, "verify", f"drift: {sentence}")
        self._on_drift(db, told)
        return told

    def _is_to_be_finished(self, db: Database, current: Change, plan: Plan, seen: _Seen) -> bool:
        """Whether it was not known if a change was applied, and AWS shows by now that a part of it was."""
        half = is_part_way(seen.present, plan.before, plan.after)
        return (
            half and current.state is ChangeState.UNKNOWN and records.tries(db, current.execution) + 1 < records.TRIES
        )

    def _finish(self, db: Database, current: Change, plan: Plan, seen: _Seen) -> Change:
        """Queue it as after a crash: each of its calls may be made again."""
        records.count_try(db, current.execution)
        jobs.add_unless_waiting(db, "execute", {"execution": current.execution}, self._clock(), pool="act")
        sentence = f"A part of it was applied: AWS shows {described(seen.present)}. The bot makes the rest by itself."
        result = f"{ChangeState.STARTED}: {sentence}"
        return self._chronicle.tell(db, current.execution, plan, ChangeState.STARTED, sentence, "verify", result)

    def _drifted(self, current: Change, plan: Plan, seen: _Seen) -> tuple[ChangeState, str]:
        commands, now = seen.for_people, described(seen.present)
        if seen.present == plan.after:
            return ChangeState.FAILED, f"{plan.title}: AWS shows it done, and yet: {seen.still}{commands}"
        if is_part_way(seen.present, plan.before, plan.after):
            return ChangeState.PARTIAL, f"Only part of it holds: AWS shows {now}.{commands}"
        if current.state is ChangeState.UNKNOWN:
            return ChangeState.FAILED, f"It was not applied: AWS shows {now}.{commands}"
        sentence = f"It no longer holds: AWS shows {now}, and nobody took it back here. Plan it again.{commands}"
        return ChangeState.FAILED, sentence

    def _holds(self, db: Database, current: Change, plan: Plan, seen: _Seen, *, last: bool) -> Change:
        news = "".join(f" {each}" for each in seen.new)
        told = not news or news in current.sentence
        if current.state is ChangeState.CONFIRMED and not last and told:
            return current
        sentence = f"{made(plan)} Looked at again at {rfc3339(self._clock())}: it holds.{news}"
        result = f"holds, but:{news}" if news else "holds"
        held = self._chronicle.tell(db, current.execution, plan, ChangeState.CONFIRMED, sentence, "verify", result)
        if news and not told:
            self._on_drift(db, held)
        return held

    def _could_not_look(self, db: Database, execution: str, plan: Plan, reason: str, step: int) -> Change:
        current = records.change(db, execution)
        result = f"could not be looked at: {reason}"
        record(db, plan, current.approved_by, "verify", current.reason, result, self._clock())
        self._look_tomorrow(db, current, step)
        return current

    def _look_tomorrow(self, db: Database, current: Change, step: int) -> None:
        """As long as its case is open, a change that holds, or may, is looked at every day."""
        held = {ChangeState.CONFIRMED, ChangeState.UNKNOWN, ChangeState.STARTED}
        standing = current.state in held and not current.undone
        if step >= len(LOOK_AGAIN) - 1 and standing and records.case_is_open(db, current.case):
            self._queue(db, current.execution, step + 1, self._clock() + DAILY)

    def _queue(self, db: Database, execution: str, step: int, due_at: datetime) -> None:
        payload, once = {"execution": execution, "step": step}, f"verify:{execution}:{step}"
        jobs.add(db, "verify", payload, self._clock(), pool="act", once=once, due_at=due_at)


def look_now(db: Database, execution: str, touched_at: datetime, now: datetime) -> None:
    """Queue a look at a change whose target was touched; one for all that happened in the same minute."""
    payload, once = {"execution": execution, "step": len(LOOK_AGAIN) - 1}, f"{touched_at:%Y-%m-%dT%H:%M}"
    jobs.add(db, "verify", payload, now, pool="act", once=f"verify:{execution}:touched:{once}")


def _can_be_looked_at(db: Database, current: Change) -> bool:
    """Whether ``current`` was made, or may have been, and is still the last word on its target."""
    is_made = records.undo_record(db, current.execution) is not None
    return is_made and current.state not in records.UNFINISHED and not records.is_superseded(db, current.execution)
