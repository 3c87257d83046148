"""From a wish to an approved change: read AWS, show the preview, let a person decide. Nothing is changed here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from bot import audit, tasks
from bot.access import AccessRules
from bot.aws import Aws
from bot.database import Database, storable
from bot.model import (
    PROTECTED_APPROVERS,
    Actor,
    Change,
    ChangeState,
    Decision,
    Operation,
    Plan,
    Refusal,
    Waiting,
    rfc3339,
)
from bot.remediation import approvals, records
from bot.remediation.approvals import Approval
from bot.remediation.base import Draft, Remediation
from bot.remediation.canaries import DRILL, decide_on
from bot.remediation.usage import Usage
from bot.remediation.whom_to_ask import WhomToAsk, account_in
from bot.remediation.wording import AwsError, why
from bot.store import jobs
from bot.store.state import State

LONGEST_REASON = 1000
SHORTEST_GLASS = 20
"""Characters of a reason for breaking the glass: more than "urgent"."""
REHEARSED = (
    "A rehearsal: nothing will be changed, because two people have not armed this environment yet (`triage arm`)."
)
LONGEST_ID = 100
CLOCK_SLACK = timedelta(seconds=60)
"""Two processes of one machine read one clock; so much is let pass all the same."""


@dataclass(frozen=True, slots=True)
class RemediationSettings:
    """What the organisation asks of changes.

    ``expiry``: how long a plan may be approved after AWS was read for it. ``approvers``: how many people must approve,
    by remediation. ``is_protected``: whether a principal of an account takes particular care (DOMAIN 5: break-glass
    users, Control Tower's roles, the management account's users); a change to one needs two people.
    """

    expiry: timedelta = timedelta(minutes=30)
    approvers: Mapping[str, int] = field(default_factory=dict)
    is_protected: Callable[[str | None, str], bool] = lambda account, principal: False
    rehearses: Callable[[Database, str | None], bool] = lambda db, account: False
    """Whether changes in an account are rehearsed, not made."""
    canaries: frozenset[str] = frozenset()
    """Keys that a fire drill disables and enables again."""
    is_ours: Callable[[str], bool] = lambda account: True
    """Whether an account is one of the organisation's own."""


class Planning:
    """Plans and approvals over one state file."""

    def __init__(
        self,
        state: State,
        aws: Aws,
        access: AccessRules,
        clock: Callable[[], datetime],
        remediations: Mapping[str, Remediation],
        settings: RemediationSettings,
        on_change: Callable[[Database, Change], None],
        on_waiting: Callable[[Database, Waiting], None],
        usage: Usage,
        people: WhomToAsk,
        on_task: Callable[[Database, int], None],
    ) -> None:
        self._state = state
        self._aws = aws
        self._access = access
        self._clock = clock
        self._remediations = remediations
        self._settings = settings
        self._on_change = on_change
        self._on_waiting = on_waiting
        self._usage = usage
        self._people = people
        self._on_task = on_task

    def plan(self, name: str, target: str, actor: Actor, case: int | None) -> Plan | Refusal:
        """Read AWS and keep the preview of one change."""
        remediation = self._remediations.get(name)
        if remediation is None:
            return Refusal(
                f"There is no remediation called {name}; there are: {', '.join(sorted(self._remediations))}."
            )
        if refusal := self.may_plan(actor, name, target):
            return refusal
        draft = self.foreign(target) or self._drafted(remediation, target)
        if isinstance(draft, Refusal):
            refusal = self._people.after(draft, target)
            self._leave_to_people(refusal, name, target, case)
            return refusal
        return self._keep(draft, name, actor, case, None)

    def _leave_to_people(self, refusal: Refusal, name: str, target: str, case: int | None) -> None:
        """What only a person can do is a task of the case it was asked for."""
        if case is not None and refusal.task:
            about, now = (case, name, target, refusal.task, refusal.sentence, refusal.commands), self._clock()

            def commit(db: Database) -> None:
                tasks.add(db, *about, now)
                self._on_task(db, case)

            self._state.write(commit)

    def _drafted(self, remediation: Remediation, target: str) -> Draft | Refusal:
        try:
            return remediation.plan(target, self._aws)
        except AwsError as error:
            return Refusal(f"{why(error)}. Nothing was changed.", remediation.lookups(target))

    def foreign(self, target: str) -> Refusal | None:
        """Why a target is not ours to change, before any role is asked for; ``None`` if its account is ours."""
        account = account_in(target)
        if account is None or self._settings.is_ours(account):
            return None
        return Refusal(
            f"Account {account} is none of those in [environments]: what is in it is not this bot's to change. Tell "
            "its owner; if nobody knows them, tell AWS (https://support.aws.amazon.com/#/contacts/report-abuse)."
        )

    def plan_undo(self, execution: str, actor: Actor) -> Plan | Refusal:
        """Read AWS and keep the preview of taking a confirmed change back."""
        decision = self._decide(actor, Operation.UNDO, *self._about(execution))
        if not decision.allowed:
            return self._denied(actor, "undo", execution, decision.sentence)
        execution = storable(execution, LONGEST_ID)
        found = _undoable(self._state.read(), execution)
        if isinstance(found, Refusal):
            return found
        change, record = found
        remediation = self._remediations[change.remediation]
        try:
            draft = remediation.plan_undo(change.target, record.account, record.before, record.after, self._aws)
        except AwsError as error:
            draft = Refusal(f"{why(error)}. Nothing was changed.", remediation.commands(change.target, record.before))
        if isinstance(draft, Refusal):
            return self._people.after(draft, change.target)
        return self._keep(draft, change.remediation, actor, change.case, execution)

    def planned(self, plan_id: str, actor: Actor) -> Plan | Refusal:
        """A plan that can still be approved, for a person who may."""
        db = self._state.read()
        plan = records.plan(db, storable(plan_id, LONGEST_ID))
        if plan is None:
            return Refusal("There is no such plan: plan the change again.")
        decision = self._decide(actor, operation_of(plan), plan.remediation, plan.target)
        if not decision.allowed:
            return Refusal(decision.sentence)
        return self._not_approvable(db, plan) or plan

    def approve(
        self, plan_id: str, actor: Actor, reason: str, *, again: bool = False, break_glass: bool = False
    ) -> Change | Waiting | Refusal:
        """Say yes to a plan. With the last one that is needed, execution, audit entry and job are one transaction.

        Where more than one must, the yes of who planned it only puts it before the others.
        ``again``: the same request once more, because a crash took its answer; it gets what it had decided.
        ``break_glass``: alone, where more people are asked; it is on record and told to everybody.
        """
        plan_id, reason = storable(plan_id, LONGEST_ID), storable(reason.strip(), LONGEST_REASON)
        return self._state.write(
            lambda db: self.approve_in(db, plan_id, actor, reason, again=again, break_glass=break_glass)
        )

    def approve_in(
        self, db: Database, plan_id: str, actor: Actor, reason: str, *, again: bool, break_glass: bool
    ) -> Change | Waiting | Refusal:
        """As :meth:`approve`, inside a caller's transaction."""
        plan = records.plan(db, plan_id)
        if plan is None:
            return Refusal("There is no such plan: plan the change again.")
        step = "break the glass for" if break_glass else "approve"
        if refusal := self._may_not_approve(plan, actor, break_glass=break_glass):
            self._record(db, plan, actor, step, reason, f"denied: {refusal.sentence}")
            return refusal
        if again and (earlier := self._decided_before(db, plan, actor)):
            return earlier
        approval = Approval(actor, self._access.person(actor), reason, self._clock(), break_glass)
        if refusal := self._not_approvable(db, plan) or self._not_counted(db, plan, approval):
            self._record(db, plan, actor, step, reason, f"refused: {refusal.sentence}")
            return refusal
        given, requester = approvals.of(db, plan.id), self._access.person(plan.requested_by)
        if approvals.missing(given, plan.approvers, requester):
            return self._wait(db, plan, approval)
        return self._queue(db, plan, approval, approvals.counted(given, plan.approvers, requester), step)

    def _may_not_approve(self, plan: Plan, actor: Actor, *, break_glass: bool) -> Refusal | None:
        operations = [operation_of(plan), *([Operation.BREAK_GLASS] if break_glass else [])]
        decisions = (self._decide(actor, operation, plan.remediation, plan.target) for operation in operations)
        denied = next((decision for decision in decisions if not decision.allowed), None)
        return Refusal(denied.sentence) if denied else None

    def _not_counted(self, db: Database, plan: Plan, approval: Approval) -> Refusal | None:
        """Why an approval brings the plan no further; otherwise it is kept."""
        if not approval.reason:
            return Refusal("Say why: the reason goes on record.")
        if approval.breaks_glass and len(approval.reason) < SHORTEST_GLASS:
            return Refusal(f"Breaking the glass needs a reason of at least {SHORTEST_GLASS} characters.")
        nobody = approvals.counts_for_nothing(approval.actor, self._access, plan.approvers)
        if nobody and not approval.breaks_glass:
            return Refusal(nobody)
        if not approvals.keep(db, plan.id, approval) and not approvals.is_own(plan, approval.actor, self._access):
            return Refusal(f"You have already approved this; somebody else must, too: {plan.title}.")
        return None

    def _decided_before(self, db: Database, plan: Plan, actor: Actor) -> Change | Waiting | None:
        """What an earlier, interrupted request of the same person has come to."""
        if all(each.actor.id != actor.id for each in approvals.of(db, plan.id)):
            return None
        return records.execution_of(db, plan.id) or self._waiting_for(db, plan, actor)

    def _wait(self, db: Database, plan: Plan, approval: Approval) -> Waiting:
        waiting = self._waiting_for(db, plan, approval.actor)
        step, done = ("ask others for", "asked") if waiting.own else ("approve", "approved")
        self._record(db, plan, approval.actor, step, approval.reason, f"{done}; {waiting.missing} more must approve")
        self._on_waiting(db, waiting)
        return waiting

    def _waiting_for(self, db: Database, plan: Plan, actor: Actor) -> Waiting:
        waiting = approvals.waiting_of(db, plan, self._access)
        return replace(waiting, own=approvals.is_own(plan, actor, self._access))

    def _queue(
        self, db: Database, plan: Plan, last: Approval, given: Sequence[Approval], step: str
    ) -> Change | Refusal:
        now, actor, reason = self._clock(), last.actor, last.reason
        sentence = f"Approved by {approvals.told(given)}; about to be carried out."
        execution = records.add_execution(db, plan, actor, reason, sentence, now)
        if execution is None:
            return Refusal(f"Another change of {plan.target} is being carried out; look at it first, then plan again.")
        self._record(db, plan, actor, step, reason, "approved")
        jobs.add(db, "execute", {"execution": execution}, now, pool="act", once=f"execute:{execution}")
        change = records.change(db, execution)
        self._on_change(db, change)
        return change

    def _not_approvable(self, db: Database, plan: Plan) -> Refusal | None:
        if earlier := records.execution_of(db, plan.id):
            by = earlier.approved_by.name
            return Refusal(f"This was already approved by {by}; it is {earlier.state}: {earlier.sentence}")
        if self._clock() < plan.created_at - CLOCK_SLACK:
            return Refusal(
                "This plan was made in what is the future now: the clock was put back. Plan the change again."
            )
        if self._clock() > plan.expires_at:
            return Refusal(f"This plan expired at {rfc3339(plan.expires_at)}: plan the change again.")
        if plan.remediation not in self._remediations:
            return Refusal(f"The remediation {plan.remediation} is no longer available.")
        if plan.undo_of:
            found = _undoable(db, plan.undo_of)
            return found if isinstance(found, Refusal) else None
        return None

    def may_plan(self, actor: Actor, name: str, target: str) -> Refusal | None:
        """Why ``actor`` may not plan, which goes on record; ``None`` if they may."""
        asked = [self._decide(actor, each, name, target) for each in (Operation.APPROVE, Operation.TRIAGE)]
        if any(decision.allowed for decision in asked):
            return None
        return self._denied(actor, f"plan {name}", target, asked[0].sentence)

    def _denied(self, actor: Actor, operation: str, target: str, sentence: str) -> Refusal:
        now = self._clock()
        self._state.write(
            lambda db: audit.append(
                db, actor=actor, operation=operation, target=target[:200], result=f"denied: {sentence}", at=now
            )
        )
        return Refusal(sentence)

    def _keep(self, draft: Draft, name: str, actor: Actor, case: int | None, undo_of: str | None) -> Plan:
        now = self._clock().replace(microsecond=0)
        approvers, care = self._care(draft, name, actor) if actor.id != DRILL.id else (1, ())
        rehearsal = self._settings.rehearses(self._state.read(), draft.account)
        care = (REHEARSED, *care) if rehearsal else care
        plan = Plan(
            id=records.new_id(),
            remediation=name,
            target=draft.target,
            account=draft.account,
            case=case,
            undo_of=undo_of,
            title=f"Rehearse: {draft.title}" if rehearsal else draft.title,
            before=draft.before,
            after=draft.after,
            warnings=(*care, *self._usage.what_breaks(draft.stops or draft.breaks), *draft.warnings),
            requested_by=actor,
            created_at=now,
            expires_at=now + self._settings.expiry,
            principal=draft.principal,
            shares=draft.shares,
            stops=draft.stops,
            approvers=approvers,
            rehearsal=rehearsal,
        )
        self._state.write(lambda db: self._keep_plan(db, plan))
        return plan

    def _decide(self, actor: Actor, operation: Operation, name: str, target: str) -> Decision:
        return decide_on(actor, operation, name, target, self._access, self._settings.canaries)

    def _about(self, execution: str) -> tuple[str, str]:
        """Remediation and target of a change; empty if there is no such change."""
        try:
            change = records.change(self._state.read(), storable(execution, LONGEST_ID))
        except LookupError:
            return "", ""
        return change.remediation, change.target

    def _care(self, draft: Draft, name: str, actor: Actor) -> tuple[int, tuple[str, ...]]:
        """How many people must approve a change, and what the preview says of that."""
        asked = self._settings.approvers.get(name, 1)
        if draft.principal and self._settings.is_protected(draft.account, draft.principal):
            asked = max(asked, PROTECTED_APPROVERS)
            return asked, (f"{draft.principal} is protected: {self._whose_approval(asked, actor)}",)
        return asked, (self._whose_approval(asked, actor),) if asked > 1 else ()

    def _whose_approval(self, asked: int, requester: Actor) -> str:
        others = approvals.asked_of_others(asked, self._access.person(requester))
        if others == asked:
            return f"{asked} people other than {requester.name}, who planned it, must approve."
        return (
            f"{others} people must approve, so that {asked} of them did not plan it: nothing says which person "
            f"{requester.id} is ([access.people])."
        )

    def _keep_plan(self, db: Database, plan: Plan) -> None:
        records.keep_plan(db, plan)
        self._record(db, plan, plan.requested_by, "plan", "", "planned")

    def _record(self, db: Database, plan: Plan, actor: Actor, step: str, reason: str, result: str) -> None:
        record(db, plan, actor, step, reason, result, self._clock())


def record(db: Database, plan: Plan, actor: Actor, step: str, reason: str, result: str, at: datetime) -> None:
    """One audit entry about a step of ``plan``."""
    what = f"{step} {'undo of ' if plan.undo_of else ''}{plan.remediation}"
    audit.append(
        db,
        actor=actor,
        operation=what,
        target=plan.target,
        reason=reason,
        before=plan.before,
        after=plan.after,
        result=result,
        at=at,
    )


def operation_of(plan: Plan) -> Operation:
    """The right a plan needs to be approved and carried out."""
    return Operation.UNDO if plan.undo_of else Operation.APPROVE


def _undoable(db: Database, execution: str) -> tuple[Change, records.UndoRecord] | Refusal:
    try:
        change = records.change(db, execution)
    except LookupError:
        return Refusal("There is no such change, so there is nothing to take back.")
    if change.undo_of:
        return Refusal("This change was itself an undo: plan the change anew instead of undoing the undo.")
    if change.undone:
        return Refusal("This change has already been taken back.")
    undo_record = records.undo_record(db, execution)
    if change.state not in {ChangeState.CONFIRMED, ChangeState.PARTIAL} or undo_record is None:
        return Refusal(f"This change is {change.state}, not confirmed, so there is nothing certain to take back.")
    return change, undo_record
