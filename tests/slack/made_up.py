"""Operations that only remember what they were asked, and what is seen of them in Slack."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.demo.slack import (
    ANALYST,
    SOC,
    TEAM_ID,
    LocalSlack,
)
from bot.hunts.result import Hunted
from bot.model import (
    Actor,
    Alert,
    Case,
    Change,
    ChangeState,
    Conclusion,
    Containment,
    Handover,
    Hidden,
    Kind,
    Observable,
    Operation,
    Overview,
    OwnerAsked,
    Place,
    Plan,
    Refusal,
    RoomAsked,
    Said,
    Scope,
    Snooze,
    Task,
    Triage,
    Waiting,
)
from bot.slack.card import card
from bot.store import outbox
from bot.store.state import State
from tests.slack.cases import ALICE, CASES, NOW, change, containment, plan

PING_SECONDS = 0.2
ME = f"slack:{TEAM_ID}:{ANALYST}"


@dataclass(frozen=True)
class Opened:
    case: int
    new: bool


@dataclass
class MadeUp:
    """Operations that remember what they were asked."""

    asked: list[tuple[Any, ...]] = field(default_factory=list)
    refusal: Refusal | None = None
    missing: bool = False
    waits: bool = False
    needed: int = 1
    requester: Actor = ALICE
    recognised: list[str] = field(default_factory=list)

    def recognise(self, actor: Actor) -> None:
        self.recognised.append(actor.id)

    def triage_alert(self, alert: Alert, actor: Actor, under: Place) -> Sequence[int] | Refusal:
        raise NotImplementedError

    def overview(self, actor: Actor) -> Overview | Refusal:
        raise NotImplementedError

    def triage(
        self, observables: Sequence[Observable], actor: Actor, ask: str, *, under: Place | None = None
    ) -> Sequence[Opened] | Refusal:
        self.asked.append(("triage", [observable.value for observable in observables], actor.id))
        return self.refusal or [Opened(number, number == 1) for number, _ in enumerate(observables, 1)]

    def meant(self, kind: Kind, values: Sequence[str], word: str) -> tuple[Observable, ...] | Refusal:
        return tuple(Observable(kind, value) for value in values)

    def snoozable(self, kind: Kind, value: str, word: str) -> Observable | Refusal:
        return Observable(kind, value)

    def look(self, observable: Observable, actor: Actor) -> Triage | Refusal:
        raise NotImplementedError

    def scope(self, leads: Sequence[Observable], actor: Actor) -> Scope | Refusal:
        raise NotImplementedError

    def hunt(self, asked: Sequence[str], actor: Actor) -> Hunted | Refusal:
        raise NotImplementedError

    def open_cases(self, actor: Actor) -> Sequence[Case] | Refusal:
        raise NotImplementedError

    def case(self, number: int, actor: Actor) -> Case | Refusal:
        return self.refusal or CASES["incident"]

    def undoable(self, actor: Actor) -> Sequence[Change] | Refusal:
        return self.refusal or [change()]

    def ask_again(self, case: int, actor: Actor) -> int | Refusal:
        self.asked.append(("ask_again", case, actor.id))
        if self.missing:
            raise LookupError(case)
        return self.refusal or case

    def plan_offered(self, remediation: str, target: str, case: int, actor: Actor) -> Plan | Refusal:
        self.asked.append(("plan", remediation, target, case, actor.id))
        return self.refusal or plan(approvers=self.needed, requested_by=self.requester)

    def plan_undo(self, execution: str, actor: Actor) -> Plan | Refusal:
        self.asked.append(("plan_undo", execution, actor.id))
        return self.refusal or plan(undo_of=execution)

    def planned(self, plan_id: str, actor: Actor) -> Plan | Refusal:
        self.asked.append(("planned", plan_id, actor.id))
        return self.refusal or plan(id=plan_id, approvers=2, requested_by=self.requester)

    def is_requester(self, actor: Actor, made: Plan | Containment) -> bool:
        return actor.id == made.requested_by.id

    def approve(
        self, plan_id: str, actor: Actor, reason: str, *, again: bool = False, break_glass: bool = False
    ) -> Change | Waiting | Refusal:
        self.asked.append(("approve", plan_id, reason, actor.id, *(["alone"] if break_glass else [])))
        if self.waits:
            return Waiting(plan(approvers=2), (), 2, own=True)
        return self.refusal or change(ChangeState.APPROVED, sentence="Approved; about to be carried out.")

    def plan_containment(
        self, keys: Sequence[str], actor: Actor, *, addresses: Sequence[str] = (), case: int | None = None
    ) -> Containment | Refusal:
        self.asked.append(("contain", tuple(keys), case, actor.id))
        return self.refusal or containment()

    def plan_containment_undo(self, containment_id: str, actor: Actor) -> Containment | Refusal:
        self.asked.append(("uncontain", containment_id, actor.id))
        return self.refusal or containment(undo_of=containment_id)

    def containment(self, containment_id: str) -> Containment | Refusal:
        found = containment(id=containment_id, requested_by=self.requester)
        rows = [replace(row, plan=row.plan and replace(row.plan, approvers=self.needed)) for row in found.rows]
        return self.refusal or replace(found, rows=tuple(rows))

    def approve_containment(
        self, containment_id: str, actor: Actor, reason: str, *, again: bool = False, break_glass: bool = False
    ) -> Containment | Refusal:
        self.asked.append(("approve all", containment_id, reason, actor.id))
        done = containment()
        return self.refusal or replace(done, rows=(replace(done.rows[0], change=change()), *done.rows[1:]))

    def take(self, case: int, actor: Actor) -> Case | Refusal:
        self.asked.append(("take", case, actor.id))
        return self.refusal or CASES["taken"]

    def take_task(self, number: int, actor: Actor) -> Task | Refusal:
        self.asked.append(("take_task", number, actor.id))
        if self.missing:
            raise LookupError(number)
        return self.refusal or TASK

    def finish_task(self, number: int, actor: Actor, outcome: str) -> Task | Refusal:
        self.asked.append(("finish_task", number, outcome, actor.id))
        return self.refusal or TASK

    def close(
        self, case: int, conclusion: Conclusion, actor: Actor, reason: str, *, duplicate_of: int | None = None
    ) -> Case | Refusal:
        self.asked.append(("close", case, conclusion, reason, duplicate_of, actor.id))
        return self.refusal or CASES["closed"]

    def leak(self, case: int, place: str, actor: Actor, reason: str) -> Case | Refusal:
        self.asked.append(("leak", case, place, reason, actor.id))
        return self.refusal or CASES["incident"]

    def hand_over(
        self, case: int, to: Actor, actor: Actor, note: str, *, check_in: timedelta | None = None
    ) -> Handover | Refusal:
        self.asked.append(("hand_over", case, to.id, note, check_in, actor.id))
        return self.refusal or Handover(actor, Actor(to.id, "Noor Haddad"), note, None, NOW)

    def declare(self, case: int, actor: Actor, reason: str, *, room: RoomAsked | None = None) -> Case | Refusal:
        self.asked.append(("declare", case, reason, room, actor.id))
        return self.refusal or CASES["incident"]

    def preview_snooze(
        self, observables: Sequence[Observable], actor: Actor, *, environment: str = ""
    ) -> Sequence[Hidden] | Refusal:
        raise NotImplementedError

    def preview_snooze_of(self, case: int, actor: Actor) -> tuple[str, Sequence[Hidden]] | Refusal:
        raise NotImplementedError

    def snooze(
        self, observable: Observable, lasting: timedelta, actor: Actor, reason: str, *, environment: str = ""
    ) -> Snooze | Refusal:
        raise NotImplementedError

    def snoozes(self, actor: Actor) -> Sequence[Snooze] | Refusal:
        raise NotImplementedError

    def lift_snooze(self, number: int, actor: Actor, reason: str) -> Snooze | Refusal:
        raise NotImplementedError

    def ask_owner(self, case: int, actor: Actor, reason: str) -> int | Refusal:
        raise NotImplementedError

    def answer_as_owner(self, number: int, actor: Actor, said: Said) -> OwnerAsked | Refusal:
        raise NotImplementedError

    def ask_for_report(self, case: int, actor: Actor) -> int | Refusal:
        raise NotImplementedError

    def rule(self, case: int, key: str, actor: Actor, reason: str, *, belongs: bool) -> int | Refusal:
        self.asked.append(("rule", case, key, belongs, reason, actor.id))
        if self.missing:
            raise LookupError(case)
        return self.refusal or case

    def may(self, actor: Actor) -> Mapping[Operation, str]:
        return {Operation.TRIAGE: "You are named in [access] triage."}


TASK = Task(
    3,
    12,
    "Disable access key AKIARTX3GSDSQAAAAAAA",
    "AWS answered UpdateAccessKey with AccessDenied: the bot's role lacks that permission there.",
    ("aws iam update-access-key --user-name alice --access-key-id AKIARTX3GSDSQAAAAAAA --status Inactive",),
    datetime(2026, 11, 23, 10, 0, tzinfo=UTC),
)


def now() -> datetime:
    return datetime.now(UTC)


def show(state: State, slack: LocalSlack, name: str) -> str:
    """Have the card ``name`` in the channel; its ts."""
    state.write(lambda db: outbox.show(db, "card", SOC, card(CASES[name], now=NOW).payload(), now()))
    return str(slack.wait_until(lambda: slack.messages(SOC))[0]["ts"])


def told(slack: LocalSlack, user: str = ANALYST) -> str:
    return str(slack.wait_until(lambda: slack.ephemeral(user))[-1]["text"])


def window(slack: LocalSlack, title: str, user: str = ANALYST) -> dict[str, Any]:
    """The open modal of ``user`` once its title is ``title``."""

    def titled() -> list[dict[str, Any]]:
        return [view for view in slack.open_views(user) if view["title"]["text"] == title]

    return slack.wait_until(titled)[0]


def preview(slack: LocalSlack, user: str = ANALYST) -> dict[str, Any]:
    """The open preview of ``user`` once AWS was read for it."""

    def filled() -> list[dict[str, Any]]:
        return [view for view in slack.open_views(user) if view["title"]["text"] == "Preview" and view["submit"]]

    return slack.wait_until(filled)[0]
