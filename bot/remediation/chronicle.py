"""What every change is told by: its plan, its remediation, the states it goes through, and who hears of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from bot import tasks
from bot.aws import Aws
from bot.database import Database
from bot.model import Change, ChangeState, Plan
from bot.remediation import records
from bot.remediation.base import Remediation
from bot.remediation.base import State as Present
from bot.remediation.planning import record
from bot.remediation.whom_to_ask import WhomToAsk
from bot.remediation.wording import by_hand


class Chronicle:
    """Shared by whoever carries changes out and whoever watches them.

    ``on_change`` runs inside the transaction of every change of state.
    """

    def __init__(
        self,
        aws: Aws,
        clock: Callable[[], datetime],
        remediations: Mapping[str, Remediation],
        on_change: Callable[[Database, Change], None],
        people: WhomToAsk,
    ) -> None:
        self._aws = aws
        self._clock = clock
        self._remediations = remediations
        self.on_change = on_change
        self._people = people

    def planned(self, db: Database, current: Change) -> tuple[Plan, Remediation]:
        """The plan and the remediation behind a change. Raises ``LookupError`` if one is gone."""
        plan = records.plan(db, current.plan)
        if plan is None or plan.remediation not in self._remediations:
            raise LookupError(f"the plan or the remediation of change {current.execution} is gone")
        return plan, self._remediations[plan.remediation]

    def observe(self, plan: Plan, remediation: Remediation) -> Present:
        """What AWS shows now, in the words of the plan. Raises as ``Remediation.observe``."""
        return remediation.observe(plan.target, plan.account or "", plan.before, self._aws)

    def for_people(self, plan: Plan) -> str:
        """Whom a person can ask, and what they can type to make the plan's end so; to stand after a sentence.

        It may ask AWS, and is not called inside a transaction.
        """
        commands = self._remediations[plan.remediation].commands(plan.target, plan.after)
        return f"{self._people.sentences(plan.target)}{by_hand(commands)}"

    def tell(
        self, db: Database, execution: str, plan: Plan, state: ChangeState, sentence: str, step: str, result: str
    ) -> Change:
        """Keep a state of an execution, put it on record, and tell whoever shows it."""
        now = self._clock()
        records.set_state(db, execution, state, sentence, now)
        told = records.change(db, execution)
        record(db, plan, told.approved_by, step, told.reason, result, now)
        tasks.follow(db, told, plan.title, self._remediations[plan.remediation].commands(plan.target, plan.after), now)
        self.on_change(db, told)
        return told


def made(plan: Plan) -> str:
    """The beginning of every sentence about a change that was made."""
    return f"{plan.title}: done."
