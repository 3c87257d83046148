"""What Slack asks of ``bot.operations``; permission and audit are its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Protocol

from bot.hunts.result import Hunted
from bot.model import (
    Actor,
    Alert,
    Case,
    Change,
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


class CaseOpened(Protocol):
    """The case a question went to, and whether it was opened for it."""

    @property
    def case(self) -> int: ...

    @property
    def new(self) -> bool: ...


class Operations(Protocol):
    """Every method takes the person who asks, and may refuse with a sentence."""

    def recognise(self, actor: Actor) -> None: ...

    def triage(
        self, observables: Sequence[Observable], actor: Actor, ask: str, *, under: Place | None = None
    ) -> Sequence[CaseOpened] | Refusal: ...

    def triage_alert(self, alert: Alert, actor: Actor, under: Place) -> Sequence[int] | Refusal: ...

    def overview(self, actor: Actor) -> Overview | Refusal: ...

    def meant(self, kind: Kind, values: Sequence[str], word: str) -> tuple[Observable, ...] | Refusal: ...

    def look(self, observable: Observable, actor: Actor) -> Triage | Refusal: ...

    def scope(self, leads: Sequence[Observable], actor: Actor) -> Scope | Refusal: ...

    def hunt(self, asked: Sequence[str], actor: Actor) -> Hunted | Refusal: ...

    def open_cases(self, actor: Actor) -> Sequence[Case] | Refusal: ...

    def case(self, number: int, actor: Actor) -> Case | Refusal: ...

    def undoable(self, actor: Actor) -> Sequence[Change] | Refusal: ...

    def ask_again(self, case: int, actor: Actor) -> int | Refusal: ...

    def plan_offered(self, remediation: str, target: str, case: int, actor: Actor) -> Plan | Refusal: ...

    def plan_undo(self, execution: str, actor: Actor) -> Plan | Refusal: ...

    def planned(self, plan: str, actor: Actor) -> Plan | Refusal: ...

    def is_requester(self, actor: Actor, made: Plan | Containment) -> bool: ...

    def approve(
        self, plan: str, actor: Actor, reason: str, *, again: bool = False, break_glass: bool = False
    ) -> Change | Waiting | Refusal: ...

    def take(self, case: int, actor: Actor) -> Case | Refusal: ...

    def take_task(self, number: int, actor: Actor) -> Task | Refusal: ...

    def finish_task(self, number: int, actor: Actor, outcome: str) -> Task | Refusal: ...

    def close(
        self, case: int, conclusion: Conclusion, actor: Actor, reason: str, *, duplicate_of: int | None = None
    ) -> Case | Refusal: ...

    def leak(self, case: int, place: str, actor: Actor, reason: str) -> Case | Refusal: ...

    def hand_over(
        self, case: int, to: Actor, actor: Actor, note: str, *, check_in: timedelta | None = None
    ) -> Handover | Refusal: ...

    def declare(self, case: int, actor: Actor, reason: str, *, room: RoomAsked | None = None) -> Case | Refusal: ...

    def snoozable(self, kind: Kind, value: str, word: str) -> Observable | Refusal: ...

    def preview_snooze(
        self, observables: Sequence[Observable], actor: Actor, *, environment: str = ""
    ) -> Sequence[Hidden] | Refusal: ...

    def preview_snooze_of(self, case: int, actor: Actor) -> tuple[str, Sequence[Hidden]] | Refusal: ...

    def snooze(
        self, observable: Observable, lasting: timedelta, actor: Actor, reason: str, *, environment: str = ""
    ) -> Snooze | Refusal: ...

    def snoozes(self, actor: Actor) -> Sequence[Snooze] | Refusal: ...

    def lift_snooze(self, number: int, actor: Actor, reason: str) -> Snooze | Refusal: ...

    def ask_owner(self, case: int, actor: Actor, reason: str) -> int | Refusal: ...

    def answer_as_owner(self, number: int, actor: Actor, said: Said) -> OwnerAsked | Refusal: ...

    def ask_for_report(self, case: int, actor: Actor) -> int | Refusal: ...

    def rule(self, case: int, key: str, actor: Actor, reason: str, *, belongs: bool) -> int | Refusal: ...

    def plan_containment(
        self, keys: Sequence[str], actor: Actor, *, addresses: Sequence[str] = (), case: int | None = None
    ) -> Containment | Refusal: ...

    def plan_containment_undo(self, containment: str, actor: Actor) -> Containment | Refusal: ...

    def containment(self, containment: str) -> Containment | Refusal: ...

    def approve_containment(
        self, containment: str, actor: Actor, reason: str, *, again: bool = False, break_glass: bool = False
    ) -> Containment | Refusal: ...

    def may(self, actor: Actor) -> Mapping[Operation, str]: ...
