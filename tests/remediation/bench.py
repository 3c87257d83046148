"""Everything a test of a change needs, put together as the product does it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3

from bot import audit
from bot.access import AccessRules
from bot.aws import Aws, AwsSettings
from bot.database import Database
from bot.evidence.collecting import Collector
from bot.evidence.shelf import Shelf
from bot.made.makings import Makings
from bot.model import Actor, Change, ContactRecord, Event, Operation, Plan, Refusal, Unread, Waiting
from bot.remediation import remediations
from bot.remediation.offer import PLAIN, Offer
from bot.remediation.planning import RemediationSettings
from bot.remediation.run import Remediations
from bot.remediation.usage import Usage
from bot.remediation.whom_to_ask import WhomToAsk
from bot.store import jobs
from bot.store.state import State
from tests.fakes import FakeHistory, FakeRecords
from tests.remediation.cloud import ACCOUNT, BOT, EXTERNAL_ID, Cloud, Key, Seat
from tests.remediation.door import Door

ANA = Actor("slack:T0MADE:U0ANA", "Ana")
BEN = Actor("slack:T0MADE:U0BEN", "Ben")
CAT = Actor("slack:T0MADE:U0CAT", "Cat")
MAL = Actor("slack:T0MADE:U0MAL", "Mal")
RULES = AccessRules({operation: frozenset({ANA.id, BEN.id, CAT.id}) for operation in Operation})
SETTINGS = AwsSettings(
    "arn:aws:iam::{account}:role/TriageRead",
    "arn:aws:iam::{account}:role/TriageAct",
    EXTERNAL_ID,
    "us-east-1",
    "arn:aws:iam::{account}:role/TriageRoles",
)
NAME = "disable_access_key"


def bot_session() -> boto3.session.Session:
    return boto3.session.Session(BOT.id, BOT.secret, region_name="us-east-1")


@dataclass
class Clock:
    now: datetime = field(default_factory=lambda: datetime.now(UTC).replace(microsecond=0))

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **time: float) -> None:
        self.now += timedelta(**time)


def ignore(db: Database, change: Change) -> None:
    pass


class Killed(BaseException):
    """Ends a change where SIGKILL would: nothing above it is run, nothing but the state file is left."""


def killed_after(step: Callable[..., Any]) -> Callable[..., Any]:
    def fatal(*args: Any, **kwargs: Any) -> Any:
        step(*args, **kwargs)
        raise Killed

    return fatal


@dataclass
class Bench:
    folder: Path
    cloud: Cloud
    door: Door
    session: boto3.session.Session
    seat: Seat
    clock: Clock = field(default_factory=Clock)
    told: list[Change] = field(default_factory=list)
    loose: list[Change] = field(default_factory=list)
    """What was said aloud because it does not hold."""
    given: list[int] = field(default_factory=list)
    """The cases that were given a task."""
    pauses: list[float] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    """What CloudTrail has delivered."""
    own_networks: tuple[str, ...] = ()
    evidence_seconds: float = 60.0
    contact: ContactRecord | Unread | None = None
    parameters: dict[str, dict[str, Any]] = field(default_factory=dict)
    """What the calls asked for, by event id."""

    def __post_init__(self) -> None:
        self.state = State(self.folder / "state.db")
        self.remediations = self.with_rules(RULES)

    def with_rules(self, rules: AccessRules) -> Remediations:
        return self._made(rules, PLAIN, SETTINGS)

    def offering(self, offer: Offer, settings: AwsSettings = SETTINGS) -> None:
        """As an installation whose configuration says more."""
        self.remediations = self._made(RULES, offer, settings)

    def asking(self, settings: RemediationSettings) -> None:
        """As an organisation that asks more of changes."""
        self.remediations = self._made(RULES, PLAIN, SETTINGS, settings)

    def _made(
        self, rules: AccessRules, offer: Offer, settings: AwsSettings, asked: RemediationSettings | None = None
    ) -> Remediations:
        usage = Usage(self.clock, lambda: FakeHistory(self.events), self.own_networks)
        aws = Aws(settings, self.clock, self.session)
        self.shelf = Shelf(self.folder / "evidence")
        collector = Collector(
            *(self.state, aws, self.clock, self.shelf, lambda: FakeHistory(self.events)),
            seconds=self.evidence_seconds,
        )
        makings = Makings(self.clock, lambda: FakeHistory(self.events), lambda: FakeRecords(self.parameters))
        self.aws = aws
        return Remediations(
            self.state,
            aws,
            rules,
            self.clock,
            remediations(offer, self.clock, usage, makings),
            asked,
            on_change=self._tell,
            on_drift=lambda db, change: self.loose.append(change),
            on_task=lambda db, case: self.given.append(case),
            before_change=collector.before,
            usage=usage,
            people=WhomToAsk(makings, lambda account: self.contact),
            wait=self.pauses.append,
        )

    def _tell(self, db: Database, change: Change) -> None:
        self.told.append(change)

    def planned(self, case: int | None = 7) -> Plan:
        return plan_of(self.remediations.plan(NAME, self.seat.stolen.id, ANA, case))

    def approved(self) -> Change:
        return change_of(self.remediations.approve(self.planned().id, ANA, "stolen key"))

    def disabled(self) -> Change:
        return self.remediations.execute(self.approved().execution)

    def plan(self, name: str, target: str) -> Plan:
        return plan_of(self.remediations.plan(name, target, ANA, 7))

    def refusal(self, name: str, target: str) -> Refusal:
        answer = self.remediations.plan(name, target, ANA, 7)
        assert isinstance(answer, Refusal), answer
        return answer

    def done(self, name: str, target: str) -> Change:
        """Planned, approved and carried out."""
        plan = self.plan(name, target)
        return self.remediations.execute(change_of(self.remediations.approve(plan.id, ANA, "stolen")).execution)

    def acting(self, service: str, role: str = "TriageAct") -> Any:
        """With all the acting role may do, and no session policy: what a thief of the bot's credentials would have."""
        sts: Any = self.cloud.client("sts", BOT)
        arn = f"arn:aws:iam::{ACCOUNT}:role/{role}"
        held = sts.assume_role(RoleArn=arn, RoleSessionName="thief", ExternalId=EXTERNAL_ID)["Credentials"]
        return self.cloud.client(service, Key(held["AccessKeyId"], (held["SecretAccessKey"], held["SessionToken"])))

    def fill(self) -> None:
        """Ten policies: as many as a user can hold."""
        iam = self.cloud.iam()
        nothing = {"Effect": "Allow", "Action": "sqs:ListQueues", "Resource": "*"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [nothing]})
        for number in range(10):
            name = f"{self.seat.user}-{number}"
            arn = iam.create_policy(PolicyName=name, PolicyDocument=document)["Policy"]["Arn"]
            iam.attach_user_policy(UserName=self.seat.user, PolicyArn=arn)

    def undone(self, execution: str) -> Change:
        plan = plan_of(self.remediations.plan_undo(execution, BEN))
        return self.remediations.execute(change_of(self.remediations.approve(plan.id, BEN, "false alarm")).execution)

    def status(self) -> str:
        return "Active" if self.cloud.works(self.seat.stolen) else "Inactive"

    def asked_for(self) -> list[str]:
        return self.door.changes_of(self.seat.stolen.id)

    def results(self) -> list[str]:
        """What the audit record says came of each step."""
        return [entry.result for entry in audit.entries(self.state.read())]

    def restart(self) -> None:
        """What ``triage serve`` does at start, some minutes after a crash."""
        self.clock.forward(minutes=5)
        self.state.write(jobs.release_all)
        self.remediations.recover()
        self.carry_out_due_jobs()

    def carry_out_due_jobs(self) -> None:
        """What the workers of the ``act`` pool do, without their threads."""
        work: dict[str, Callable[[jobs.Job], Change]] = {
            "execute": lambda job: self.remediations.execute(job.payload["execution"]),
            "verify": lambda job: self.remediations.verify(job.payload["execution"], job.payload["step"]),
        }
        while job := self.state.write(lambda db: jobs.claim(db, "act", self.clock())):
            work[job.kind](job)
            self._finish(job)

    def _finish(self, job: jobs.Job) -> None:
        self.state.write(lambda db: jobs.finish(db, job, self.clock()))


def plan_of(answer: Plan | Refusal) -> Plan:
    assert isinstance(answer, Plan), answer
    return answer


def change_of(answer: Change | Waiting | Refusal) -> Change:
    assert isinstance(answer, Change), answer
    return answer


def refused(answer: object) -> str:
    assert isinstance(answer, Refusal), answer
    return answer.sentence
