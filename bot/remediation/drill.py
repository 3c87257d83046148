"""Fire drill: a canary key is disabled and enabled again, so that an incident is never the first time.

It takes the way of every change: plan, approval, undo record, audit, one call under the acting role, read back. Its
actor is the drill itself, which may do this to the keys the configuration lists, and nothing else to anybody. That AWS
refuses the key is proved with the key: any call does, because what counts is whether AWS takes the signature, not
whether the canary may do anything.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from bot import audit
from bot.aws import Aws, Fault, NoWayIn, fault
from bot.database import Database
from bot.history.access_key import account_of
from bot.model import Change, ChangeState, Plan, Refusal, Waiting
from bot.remediation import records
from bot.remediation.canaries import DRILL, REMEDIATION, Drilled
from bot.remediation.run import Remediations
from bot.remediation.wording import more_people
from bot.store.state import State

REASON = "Fire drill: a canary key is disabled and enabled again."
PAUSE = 0.5
"""Seconds between two looks whether AWS takes the key."""
PATIENCE = 90.0
"""Seconds until a drill says that AWS never refused the key, or never took it again."""


@dataclass
class Drill:
    """``secrets`` gives each canary key its secret, from where the configuration says it stands."""

    state: State
    aws: Aws
    remediations: Remediations
    clock: Callable[[], datetime]
    secrets: Mapping[str, Callable[[], str]]
    wait: Callable[[float], None] = time.sleep
    elapsed: Callable[[], float] = time.monotonic
    patience: float = PATIENCE
    accounts: tuple[str, ...] = ()
    """Those of the organisation, as far as the configuration names them."""

    @property
    def undrilled(self) -> tuple[str, ...]:
        """The accounts in which no canary is: whether the bot can disable a key there, no drill proves."""
        drilled = {account_of(key) for key in self.secrets}
        return tuple(account for account in self.accounts if account not in drilled)

    def run(self, key: str) -> Drilled:
        """Disable and enable ``key``; whatever happens between, it is enabled again if that is possible."""
        if key not in self.secrets:
            return Drilled(key, account_of(key), problem=f"{key} is no canary of [remediation.drill]: not touched.")
        done = self._drilled(Drilled(key, account_of(key)))
        seconds = f"contained after {done.contained:.1f} s" if done.contained is not None else "not contained"
        back = f"restored after {done.restored:.1f} s" if done.restored is not None else "not restored"
        result = "; ".join(each for each in (seconds, back, done.problem) if each)
        self._record(key, result)
        return done

    def _record(self, key: str, result: str) -> None:
        def commit(db: Database) -> None:
            now = self.clock()
            audit.append(db, actor=DRILL, operation="drill", target=key, reason=REASON, result=result, at=now)

        self.state.write(commit)

    def _drilled(self, done: Drilled) -> Drilled:
        try:
            client = self.aws.holder_of(done.account, done.key, self.secrets[done.key]())
        except Exception as error:  # a missing secret, an account that cannot be reached: all are sentences
            return replace(done, problem=f"The canary cannot be used: {error}")
        if left := self._left_disabled(done.key):
            return self._restored(replace(done, problem="An earlier drill had left it disabled."), left, client)
        if not self._takes(client):
            return replace(done, problem="AWS does not take the canary now: enable it, or renew its secret.")
        start = self.elapsed()
        change = self._carried_out(self.remediations.plan(REMEDIATION, done.key, DRILL))
        if isinstance(change, str):
            return replace(done, problem=change)
        done = replace(done, contained=self._until(client, start, taken=False))
        if done.contained is None:
            done = replace(done, problem=f"AWS still took the key {self.patience:g} seconds after it was disabled.")
        return self._restored(done, change.execution, client)

    def _restored(self, done: Drilled, execution: str, client: Any) -> Drilled:
        start = self.elapsed()
        change = self._carried_out(self.remediations.plan_undo(execution, DRILL))
        if isinstance(change, str):
            return replace(done, problem=f"{done.problem or ''} It could not be enabled again: {change}".strip())
        restored = self._until(client, start, taken=True)
        problem = done.problem if restored is not None else "It was enabled again, but AWS does not take it."
        return replace(done, restored=restored, problem=problem)

    def _carried_out(self, plan: Plan | Refusal) -> Change | str:
        """The confirmed change of ``plan``, or a sentence why there is none."""
        if isinstance(plan, Refusal):
            return plan.sentence
        approved = self.remediations.approve(plan.id, DRILL, REASON)
        if not isinstance(approved, Change):
            return approved.sentence if isinstance(approved, Refusal) else _waits(approved)
        self.remediations.execute(approved.execution)
        change = self._ended(approved.execution)
        return change if change.state is ChangeState.CONFIRMED else f"{change.state}: {change.sentence}"

    def _ended(self, execution: str) -> Change:
        """The change once it has ended: a serving bot may have taken it up first."""
        until = self.elapsed() + self.patience
        change = records.change(self.state.read(), execution)
        while change.state in records.UNFINISHED and self.elapsed() < until:
            self.wait(PAUSE)
            change = records.change(self.state.read(), execution)
        return change

    def _left_disabled(self, key: str) -> str | None:
        """The execution of an earlier drill that a crash kept from taking back."""
        left = (
            change
            for change in records.undoable_changes(self.state.read())
            if change.target == key and change.approved_by.id == DRILL.id
        )
        return next((change.execution for change in left), None)

    def _until(self, client: Any, start: float, *, taken: bool) -> float | None:
        """Seconds from ``start`` until AWS takes the key, or refuses it; ``None`` if it does not come to that."""
        while self._takes(client) is not taken:
            if self.elapsed() - start > self.patience:
                return None
            self.wait(PAUSE)
        return self.elapsed() - start

    def _takes(self, client: Any) -> bool | None:
        """Whether AWS takes the key's signature; ``None`` if it does not say."""
        try:
            client.get_user()
        except ClientError as error:
            return None if fault(error) is Fault.LOST else fault(error) is not Fault.CREDENTIALS
        except (BotoCoreError, NoWayIn):
            return None
        return True


def _waits(waiting: Waiting) -> str:
    return f"{more_people(waiting.missing)} must approve it."
