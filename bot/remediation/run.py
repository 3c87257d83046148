"""Carry out approved changes: the only caller of ``execute`` and ``undo`` of a remediation.

Before the call its undo record and the audit entry "started" are on disk; after it AWS is read back. Whoever finds an
execution started, after a crash, reads AWS first: what was applied is confirmed, what was not is carried out, and
anything else is unknown and said so.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from botocore.exceptions import BotoCoreError, ClientError

from bot.access import AccessRules
from bot.aws import Aws, Fault, fault
from bot.database import Database
from bot.made.makings import Makings
from bot.model import Actor, Change, ChangeState, Operation, Plan, Refusal, Waiting
from bot.remediation import approvals, records
from bot.remediation.base import Remediation, is_part_way
from bot.remediation.base import State as Present
from bot.remediation.canaries import decide_on
from bot.remediation.chronicle import Chronicle, made
from bot.remediation.contain import Contain
from bot.remediation.planning import Planning, RemediationSettings, operation_of
from bot.remediation.records import UndoRecord, change, changes_of
from bot.remediation.usage import Usage
from bot.remediation.watching import Watch
from bot.remediation.whom_to_ask import WhomToAsk
from bot.remediation.wording import AwsError, described, more_people, why
from bot.store import jobs
from bot.store.jobs import Job
from bot.store.state import State
from bot.workers import Commit, Handler, nothing

__all__ = ["RemediationSettings", "Remediations", "change", "changes_of"]

READ_BACK = (0.0, 0.5, 1.0, 2.0, 4.0)
"""Pauses, in seconds, before each look right after a change."""
CLAIM_SECONDS = 240.0
"""Longer than all time limits of one execution together."""
SHARED_SECONDS = 1.0
"""Until a change is tried again that waits for another one of the same thing in AWS."""


def _nobody_listens(db: Database, change: Change) -> None:
    pass


def _nothing_is_kept(change: Change, plan: Plan) -> None:
    pass


def _nobody_has_tasks(db: Database, case: int) -> None:
    pass


def _nobody_waits(db: Database, waiting: Waiting) -> None:
    pass


@dataclass(frozen=True, slots=True)
class _Outcome:
    """How an attempt ended; ``STARTED`` is one to be made again after ``pause``."""

    state: ChangeState
    sentence: str
    pause: timedelta | None = None


@dataclass(frozen=True, slots=True)
class _Attempt:
    """One claimed execution."""

    change: Change
    plan: Plan
    remediation: Remediation
    lease: str
    number: int
    """Which try at AWS this is, from 1: a claim that died before AWS answered counts for nothing."""

    @property
    def started_before(self) -> bool:
        return self.change.state is ChangeState.STARTED

    @property
    def may_be_repeated(self) -> bool:
        return self.number < records.TRIES

    def again(self, sentence: str) -> _Outcome:
        """It is made again after a pause, each longer than the one before."""
        return _Outcome(ChangeState.STARTED, sentence, pause=timedelta(seconds=5 * 2**self.number))


class Remediations:
    """Everything that may be done to the world, from the plan to the way back.

    ``on_change`` runs inside the transaction of every change of state, ``on_drift`` inside that which records that a
    change does not hold, or that the same access came back another way, ``on_task`` inside that which gives a case a
    task. ``before_change`` is called, outside of one, before AWS is read for a change, and must not raise. ``wait``
    pauses between two looks at AWS.
    """

    def __init__(
        self,
        state: State,
        aws: Aws,
        access: AccessRules,
        clock: Callable[[], datetime],
        remediations: Iterable[Remediation],
        settings: RemediationSettings | None = None,
        on_change: Callable[[Database, Change], None] = _nobody_listens,
        *,
        on_waiting: Callable[[Database, Waiting], None] = _nobody_waits,
        on_drift: Callable[[Database, Change], None] = _nobody_listens,
        before_change: Callable[[Change, Plan], None] = _nothing_is_kept,
        on_task: Callable[[Database, int], None] = _nobody_has_tasks,
        usage: Usage | None = None,
        people: WhomToAsk | None = None,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        self._state = state
        self._aws = aws
        self._access = access
        self._clock = clock
        self._remediations = {remediation.name: remediation for remediation in remediations}
        self._before_change = before_change
        self._wait = wait
        self._settings = settings or RemediationSettings()
        usage, people = usage or Usage(clock), people or WhomToAsk(Makings(clock))
        self._chronicle = Chronicle(aws, clock, self._remediations, on_change, people)
        self._watch = Watch(state, aws, clock, self._chronicle, usage, on_drift)
        self._planning = Planning(
            *(state, aws, access, clock, self._remediations, self._settings),
            *(on_change, on_waiting, usage, people, on_task),
        )
        self.contain = Contain(state, aws, access, clock, self._planning, usage, self._remediations)
        """Many changes as one."""

    def plan(self, name: str, target: str, actor: Actor, case: int | None = None) -> Plan | Refusal:
        """The preview of one change, made from reading AWS. Changes nothing."""
        return self._planning.plan(name, target, actor, case)

    def plan_undo(self, execution: str, actor: Actor) -> Plan | Refusal:
        """The preview of taking a confirmed change back, made from its undo record and from reading AWS."""
        return self._planning.plan_undo(execution, actor)

    def approve(
        self, plan_id: str, actor: Actor, reason: str, *, again: bool = False, break_glass: bool = False
    ) -> Change | Waiting | Refusal:
        """Approve a plan; with the last approval that is needed its one execution is recorded and queued.

        ``again``: the same request once more, because a crash took its answer; it gets what it had decided.
        ``break_glass``: alone, where more people are asked.
        """
        return self._planning.approve(plan_id, actor, reason, again=again, break_glass=break_glass)

    def planned(self, plan_id: str, actor: Actor) -> Plan | Refusal:
        """A plan that can still be approved, for a person who may."""
        return self._planning.planned(plan_id, actor)

    def execute(self, execution: str) -> Change:
        """Carry out an approved change, or carry on where a crash left it; calling it again does nothing twice.

        Raises ``LookupError`` for an unknown execution.
        """
        self._access.refresh(self._approvers(execution))
        begun = self._state.write(lambda db: self._begin(db, execution))
        if isinstance(begun, Change):
            return begun
        outcome = self._carry_out(begun)
        return self._state.write(lambda db: self._settle(db, begun, outcome))

    def verify(self, execution: str, step: int) -> Change:
        """Look at AWS again for a finished change (job ``verify``): does it hold? Raises ``LookupError``."""
        return self._watch.look(execution, step)

    def handlers(self) -> dict[str, Handler]:
        """The jobs of the pool ``act``. Each commits its own steps: what AWS did cannot be rolled back."""
        return {"execute": self._execute_job, "verify": self._verify_job}

    def _execute_job(self, job: Job) -> Commit:
        self.execute(job.payload["execution"])
        return nothing

    def _verify_job(self, job: Job) -> Commit:
        self.verify(job.payload["execution"], job.payload["step"])
        return nothing

    def recover(self) -> tuple[str, ...]:
        """Queue again what a dead process left unfinished.

        Call it at start, holding the serving lock, when the leases of the dead process's jobs are released.
        """
        return self._state.write(self._recover)

    def _recover(self, db: Database) -> tuple[str, ...]:
        now = self._clock()
        left = records.unfinished(db)
        for execution in left:
            records.release(db, execution)
            jobs.add_unless_waiting(db, "execute", {"execution": execution}, now, pool="act")
        return left

    def _queue_again(self, db: Database, execution: str, due_at: datetime, mark: str) -> None:
        payload, once = {"execution": execution}, f"execute:{execution}:{mark}"
        jobs.add(db, "execute", payload, self._clock(), pool="act", once=once, due_at=due_at)

    # ------------------------------------------------------------------------------------ one execution

    def _begin(self, db: Database, execution: str) -> _Attempt | Change:
        current, now = records.change(db, execution), self._clock()
        if current.state not in records.UNFINISHED:
            return current
        lease = records.claim(db, execution, now, CLAIM_SECONDS)
        if lease is None:
            until = records.claimed_until(db, execution) or now.timestamp() + SHARED_SECONDS
            self._queue_again(db, execution, datetime.fromtimestamp(until + 1, UTC), f"after:{until}")
            return current
        plan, remediation = self._chronicle.planned(db, current)
        attempt = _Attempt(current, plan, remediation, lease, records.tries(db, execution) + 1)
        why_not = self._no_longer_approved(db, plan)
        if why_not and not attempt.started_before:
            return self._settle(db, attempt, _Outcome(ChangeState.FAILED, f"Not carried out: {why_not}"))
        return attempt

    def _approvers(self, execution: str) -> list[Actor]:
        db = self._state.read()
        return [each.actor for each in approvals.of(db, records.change(db, execution).plan)]

    def _no_longer_approved(self, db: Database, plan: Plan) -> str | None:
        """Why the approvals of a plan are no longer enough: rights are asked for again when the change is made."""
        given = approvals.of(db, plan.id)
        for each in given:
            operation = Operation.BREAK_GLASS if each.breaks_glass else operation_of(plan)
            canaries = self._settings.canaries
            decision = decide_on(each.actor, operation, plan.remediation, plan.target, self._access, canaries)
            if not decision.allowed:
                return f"{each.actor.name} may no longer do this. {decision.sentence}"
        missing = approvals.missing(given, plan.approvers, self._access.person(plan.requested_by))
        return f"{more_people(missing)} must approve it." if missing else None

    def _carry_out(self, attempt: _Attempt) -> _Outcome:
        if not (attempt.started_before or attempt.plan.undo_of or attempt.plan.rehearsal):
            self._before_change(attempt.change, attempt.plan)
        try:
            present = self._chronicle.observe(attempt.plan, attempt.remediation)
        except AwsError as error:
            return self._unreadable(attempt, error)
        if attempt.started_before and present == attempt.plan.after:
            return _Outcome(ChangeState.CONFIRMED, f"{made(attempt.plan)} Applied; the answer had been lost.")
        begun = attempt.started_before and is_part_way(present, attempt.plan.before, attempt.plan.after)
        if not begun and not records.is_as_planned(self._state.read(), attempt.plan.id, present):
            return self._stale(attempt, present)
        return self._unarmed(attempt) or self._made(attempt)

    def _made(self, attempt: _Attempt) -> _Outcome:
        if not self._state.write(lambda db: self._start(db, attempt)):
            return _Outcome(ChangeState.UNKNOWN, "Another process took this change over.")
        return self._change(attempt)

    def _unarmed(self, attempt: _Attempt) -> _Outcome | None:
        """How a change ends that may not be made; ``None`` where its environment is armed, or it is under way."""
        if attempt.plan.rehearsal:
            commands = self._chronicle.for_people(attempt.plan)
            return _Outcome(ChangeState.REHEARSED, f"{attempt.plan.title}. Nothing was changed.{commands}")
        if not attempt.started_before and self._settings.rehearses(self._state.read(), attempt.plan.account):
            return _Outcome(ChangeState.FAILED, "Not carried out: the environment was disarmed since. Plan it again.")
        return None

    def _start(self, db: Database, attempt: _Attempt) -> bool:
        """Write down the way back, before the way is gone."""
        execution, plan, now = attempt.change.execution, attempt.plan, self._clock()
        if not records.holds(db, execution, attempt.lease):
            return False
        if not attempt.started_before:
            records.keep_undo_record(db, execution, UndoRecord(plan.account or "", plan.before, plan.after), now)
            self._enter(db, attempt, ChangeState.STARTED, "Being carried out.", "started")
        return True

    def _change(self, attempt: _Attempt) -> _Outcome:
        """Make the change, and say what came of it."""
        plan, remediation = attempt.plan, attempt.remediation
        try:
            client = self._actor(attempt)
        except AwsError as error:
            return self._refused(attempt, error)
        try:
            if plan.undo_of:
                remediation.undo(plan.target, plan.after, client)
            else:
                remediation.execute(plan.target, plan.after, client)
        except (ClientError, BotoCoreError) as error:
            if fault(error) is not Fault.LOST:
                return self._refused(attempt, error)
            doubt = f"{why(error)}: applied or not is not known"
            return self._read_back(attempt, doubt, "Applied; the answer was lost.", lost=True)
        return self._read_back(attempt, "AWS accepted the change but does not show it yet", "Read back from AWS.")

    def _actor(self, attempt: _Attempt) -> object:
        plan, account = attempt.plan, attempt.plan.account
        assert account  # noqa: S101 - every draft names its account
        partition = self._aws.identity().partition
        return self._aws.actor(
            account,
            attempt.remediation.grant(plan.target, account, plan.after, partition),
            approver=attempt.change.approved_by.id,
            case=f"case-{plan.case}" if plan.case is not None else f"plan-{plan.id}",
        )

    def _read_back(self, attempt: _Attempt, doubt: str, certain: str, *, lost: bool = False) -> _Outcome:
        for pause in READ_BACK:
            if pause:
                self._wait(pause)
            try:
                present = self._chronicle.observe(attempt.plan, attempt.remediation)
            except AwsError as error:
                doubt = f"{doubt}; {why(error)}"
                break
            if present == attempt.plan.after:
                return _Outcome(ChangeState.CONFIRMED, f"{made(attempt.plan)} {certain}")
            if lost and attempt.may_be_repeated and is_part_way(present, attempt.plan.before, attempt.plan.after):
                return attempt.again(f"{doubt}; AWS shows {described(present)}. The bot makes the rest by itself.")
        return _Outcome(ChangeState.UNKNOWN, f"{doubt}. The bot looks again.{self._chronicle.for_people(attempt.plan)}")

    def _refused(self, attempt: _Attempt, error: Exception) -> _Outcome:
        """A call was not applied; of a change of several calls, earlier ones may have been."""
        busy = isinstance(error, ClientError) and fault(error) in {Fault.THROTTLED, Fault.BUSY}
        if busy and attempt.may_be_repeated:
            return attempt.again(f"{why(error)}. The bot tries again by itself.")
        commands = self._chronicle.for_people(attempt.plan)
        present = self._part_made(attempt)
        if present is None:
            return _Outcome(ChangeState.FAILED, f"{why(error)}. Nothing was changed.{commands}")
        made = f"Done in part, AWS shows {described(present)}; it can be taken back, or finished"
        return _Outcome(ChangeState.PARTIAL, f"{why(error)}. {made}.{commands}")

    def _part_made(self, attempt: _Attempt) -> Present | None:
        """What AWS shows where a change came part of its way; ``None`` if nothing of it was made."""
        plan = attempt.plan
        if len([name for name, value in plan.after.items() if plan.before.get(name) != value]) < 2:
            return None
        try:
            present = self._chronicle.observe(plan, attempt.remediation)
        except AwsError:
            return {"state": "unknown"}
        return None if present == plan.before else present

    def _unreadable(self, attempt: _Attempt, error: Exception) -> _Outcome:
        if attempt.started_before:
            sentence = f"Interrupted, and AWS could not be asked whether it was applied: {why(error)}."
            return _Outcome(
                ChangeState.UNKNOWN, f"{sentence} The bot looks again.{self._chronicle.for_people(attempt.plan)}"
            )
        return _Outcome(
            ChangeState.FAILED, f"{why(error)}. Nothing was changed.{self._chronicle.for_people(attempt.plan)}"
        )

    def _stale(self, attempt: _Attempt, present: Present) -> _Outcome:
        now, then = described(present), described(attempt.plan.before)
        if attempt.started_before:
            sentence = f"Interrupted, and AWS shows neither the state before nor the one planned: {now}. Look at it."
            return _Outcome(ChangeState.UNKNOWN, sentence)
        sentence = f"Not carried out: AWS has changed since the plan was made. It was {then}; it is {now}. Plan again."
        return _Outcome(ChangeState.FAILED, sentence)

    # ------------------------------------------------------------------------------------ what is kept

    def _settle(self, db: Database, attempt: _Attempt, outcome: _Outcome) -> Change:
        execution, now = attempt.change.execution, self._clock()
        if not records.holds(db, execution, attempt.lease):
            return records.change(db, execution)
        records.release(db, execution)
        if outcome.pause:
            records.count_try(db, execution)
            self._queue_again(db, execution, now + outcome.pause, f"attempt:{attempt.number}")
        settled = self._enter(db, attempt, outcome.state, outcome.sentence, f"{outcome.state}: {outcome.sentence}")
        if outcome.state in {ChangeState.CONFIRMED, ChangeState.UNKNOWN}:
            self._watch.begin(db, execution)
        if outcome.state is ChangeState.CONFIRMED and settled.undo_of:
            self._chronicle.on_change(db, records.change(db, settled.undo_of))
        return settled

    def _enter(self, db: Database, attempt: _Attempt, state: ChangeState, sentence: str, result: str) -> Change:
        return self._chronicle.tell(db, attempt.change.execution, attempt.plan, state, sentence, "execute", result)
