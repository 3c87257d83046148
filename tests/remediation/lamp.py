"""A world that is one lamp in a dictionary, and the remediations over it: what can happen at every step of a change."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError

from bot import audit
from bot.access import AccessRules
from bot.aws import Aws, AwsSettings, Grant, NoWayIn
from bot.database import Database
from bot.model import Actor, Change, Operation, Refusal
from bot.remediation import records
from bot.remediation.base import Draft, State
from bot.remediation.planning import RemediationSettings
from bot.remediation.run import Remediations
from bot.store.state import State as Kept
from tests.remediation.bench import Clock, Killed, change_of, plan_of
from tests.remediation.test_approvals import ANA, BEN, NOW, Switch

EVERYBODY = frozenset({ANA.id, BEN.id})
RULES = AccessRules(dict.fromkeys(Operation, EVERYBODY))
ACCOUNT = "111122223333"
BY_HAND = "By hand: turn lamp"
LOST = ConnectionClosedError(endpoint_url="https://iam.amazonaws.com/")


def answered(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": 400}}, "TurnOff")  # type: ignore[typeddict-item]


class Lamp(Switch):
    """A switch whose AWS does as the test says: ``seeing`` before a look is answered, ``calling`` before a call is."""

    def __init__(self) -> None:
        super().__init__()
        self.wanted = {"status": "off"}
        self.shares = ""
        self.looks = 0
        self.called: list[tuple[str, str, State, object]] = []
        self.granted: list[tuple[str, str, State, str]] = []
        self.seeing: Callable[[], None] = lambda: None
        self.calling: Callable[[], None] = lambda: None
        self.shown: list[State] = []
        """What the next looks show, before AWS is consistent."""

    def plan(self, target: str, aws: Aws) -> Draft | Refusal:
        title = f"Turn off {target}"
        return Draft(target, ACCOUNT, title, dict(self.world), self.wanted, (), shares=self.shares)

    def observe(self, target: str, account: str, before: State, aws: Aws) -> State:
        assert (target, account) == ("lamp", ACCOUNT) or self.shares
        self.looks += 1
        self.seeing()
        return self.shown.pop(0) if self.shown else dict(self.world)

    def grant(self, target: str, account: str, state: State, partition: str) -> Grant:
        self.granted.append((target, account, state, partition))
        return Grant("iam", (), None)

    def execute(self, target: str, after: State, client: Any) -> None:
        self._call("execute", target, after, client)

    def undo(self, target: str, before: State, client: Any) -> None:
        self._call("undo", target, before, client)

    def _call(self, verb: str, target: str, state: State, client: object) -> None:
        self.called.append((verb, target, state, client))
        self.calling()
        self.world = dict(state)

    def commands(self, target: str, state: State) -> tuple[str, ...]:
        return (f"turn {target} {' '.join(state.values())}",)


class Acting(Aws):
    """Hands out one client, and remembers in whose name."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(AwsSettings(), clock)
        self.asked: list[tuple[str, Grant, str, str]] = []
        self.closed = False

    def identity(self) -> Any:
        return type("Identity", (), {"partition": "aws-cn"})()

    def actor(self, account: str, grant: Grant, *, approver: str, case: str) -> Any:
        if self.closed:
            raise NoWayIn("The bot has no acting role.")
        self.asked.append((account, grant, approver, case))
        return "client"


class Room:
    """Remediations over one lamp, with everything they tell."""

    def __init__(self, folder: Path) -> None:
        self.clock = Clock(NOW)
        self.state = Kept(folder / "state.db")
        self.lamp = Lamp()
        self.aws = Acting(self.clock)
        self.told: list[Change] = []
        self.drifted: list[Change] = []
        self.before: list[tuple[str, str, int]] = []
        self.pauses: list[float] = []
        self.safe = False
        self.needed = 1
        self.canaries: frozenset[str] = frozenset()
        self.remediations = self.with_rules(RULES)

    def with_rules(self, rules: AccessRules) -> Remediations:
        settings = RemediationSettings(
            timedelta(minutes=30), {"turn_off": self.needed}, rehearses=self._rehearses, canaries=self.canaries
        )
        return Remediations(
            *(
                self.state,
                self.aws,
                rules,
                self.clock,
                [self.lamp],
                settings,
                lambda _, change: self.told.append(change),
            ),
            on_drift=lambda _, change: self.drifted.append(change),
            before_change=lambda change, plan: self.before.append((change.execution, plan.id, self.lamp.looks)),
            wait=self.pauses.append,
        )

    def _rehearses(self, db: Database, account: str | None) -> bool:
        return self.safe and account == ACCOUNT

    def approved(self, target: str = "lamp", case: int | None = 7, actor: Actor = BEN) -> Change:
        plan = plan_of(self.remediations.plan("turn_off", target, ANA, case))
        return change_of(self.remediations.approve(plan.id, actor, "stolen"))

    def done(self) -> Change:
        return self.remediations.execute(self.approved().execution)

    def killed(self) -> Change:
        """Approved and begun, by a process that died in the call, before AWS had done anything."""
        approved = self.approved()
        self.lamp.calling = die
        with pytest.raises(Killed):
            self.remediations.execute(approved.execution)
        self.lamp.calling = lambda: None
        self.remediations.recover()
        return approved

    def queued(self, kind: str) -> list[tuple[str, float]]:
        """The jobs of a kind: of which execution, and when they are due, in seconds from the beginning."""
        rows = self.state.read().execute(
            "SELECT payload, due_at FROM jobs WHERE kind = ? AND pool = 'act' AND state = 'ready' ORDER BY due_at, id",
            [kind],
        )
        return [(json.loads(payload)["execution"], due - NOW.timestamp()) for payload, due in rows]

    def results(self) -> list[str]:
        return [entry.result for entry in audit.entries(self.state.read())]

    def change(self, execution: str) -> Change:
        return records.change(self.state.read(), execution)


def die() -> None:
    raise Killed


def raising(error: Exception) -> Callable[[], None]:
    def fail() -> None:
        raise error

    return fail
