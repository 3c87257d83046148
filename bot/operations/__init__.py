"""Everything a person can ask the bot for, from Slack or from a terminal.

Permission is decided here, and what is done is put on record below: front ends only parse and show.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Protocol

from bot import audit, cases
from bot.access import AccessRules, decide
from bot.hunts.incident import Draft, as_toml
from bot.hunts.result import Hunted
from bot.model import (
    Actor,
    Alert,
    Case,
    Change,
    Containment,
    Event,
    Kind,
    Observable,
    Operation,
    Overview,
    Place,
    Plan,
    Refusal,
    Scope,
    Triage,
    Waiting,
)
from bot.networks import spelled_network
from bot.operations.casework import Casework
from bot.operations.containing import Containing
from bot.operations.leading import Leading
from bot.operations.lookups import about_alert, about_hunt, about_scope, observable_of
from bot.operations.owning import Owning
from bot.operations.permitted import NO_REASON, asked
from bot.operations.replaying import Replaying
from bot.operations.snoozing import Snoozing
from bot.operations.tasking import Tasking
from bot.operations.teaching import Teaching
from bot.pipeline import Pipeline
from bot.remediation.records import undoable_changes
from bot.remediation.run import Remediations
from bot.store.state import State

__all__ = ("CaseOpened", "Lookups", "Operations", "about_alert", "about_hunt", "about_scope", "observable_of")


NOTHING_TO_DRAFT = (
    "There is nothing to draft a playbook from: either no scope was made, or what its keys did away from their owners' "
    "places is what everybody here does."
)


@dataclass(frozen=True, slots=True)
class CaseOpened:
    """The case a question went to, and whether it was opened for it."""

    case: int
    observable: Observable
    new: bool


class Lookups(Protocol):
    """What can be found out without a case. Every method raises ``HistoryUnavailableError``."""

    def meant(self, kind: Kind, value: str, word: str) -> Observable | Refusal:
        """What a person means by ``value``; ``word`` is what they called it."""

    def look(self, observable: Observable, at: datetime) -> Triage: ...

    def scope(self, leads: Sequence[Observable], at: datetime) -> Scope: ...

    def hunt(self, asked: Sequence[str], at: datetime) -> Hunted | Refusal: ...

    def draft(self, case: Case) -> Draft | None:
        """A playbook of what the case's thief did; ``None`` where nothing tells him from others."""

    def events_of(self, case: Case) -> Sequence[Event]:
        """The calls of the keys in the case's scope, or of its subject where there is none, in the time looked at."""

    def newest(self) -> datetime | None:
        """The time of the newest record."""


class Operations(Casework, Leading, Owning, Snoozing, Teaching, Containing, Tasking, Replaying):
    """What Slack and the terminal call. Every method takes the person who asks, and refuses with a sentence."""

    def __init__(
        self,
        state: State,
        clock: Callable[[], datetime],
        pipeline: Pipeline,
        remediations: Remediations,
        access: AccessRules,
        lookups: Lookups,
    ) -> None:
        super().__init__(state, clock, pipeline, access)
        self._lookups = lookups
        self._remediations = remediations

    def recognise(self, actor: Actor) -> None:
        """Have it looked up who ``actor`` is where they come from. To be called first, and where waiting is allowed."""
        self._access.refresh([actor])

    def triage(
        self, observables: Sequence[Observable], actor: Actor, ask: str, *, under: Place | None = None
    ) -> tuple[CaseOpened, ...] | Refusal:
        """Open or join the case of each observable and ask every question about it.

        ``ask`` names the request: the same one again, after a crash, opens and adds nothing. A new case's card stands
        in the thread of the message ``under``, if given.
        """
        if refusal := self._refused(actor, Operation.TRIAGE):
            return refusal
        alerts = [self._question(observable, actor, f"{ask}-{n}") for n, observable in enumerate(observables)]
        opened = self._state.write(
            lambda db: [self._pipeline.open_cases(db, alert, under=under, asked=True)[0] for alert in alerts]
        )
        return tuple(
            CaseOpened(case, observable, new) for observable, (case, new) in zip(observables, opened, strict=True)
        )

    def triage_alert(self, alert: Alert, actor: Actor, under: Place) -> tuple[int, ...] | Refusal:
        """Open or join the cases of an alert that a person pointed at, new ones in its thread; their numbers."""
        if refusal := self._refused(actor, Operation.TRIAGE):
            return refusal
        opened = self._state.write(lambda db: self._pipeline.open_cases(db, alert, under=under, asked=True))
        return tuple(case for case, _ in opened)

    def overview(self, actor: Actor) -> Overview | Refusal:
        """The open cases with what waits for approval, and how new what the bot knows is."""
        if refusal := self._refused(actor, Operation.TRIAGE):
            return refusal
        db, newest = self._state.read(), asked(self._lookups.newest)
        opened = tuple(self._pipeline.load(db, case.id) for case in cases.open_cases(db))
        known = None if isinstance(newest, Refusal) else newest
        waiting, me = [each for case in opened for each in case.waiting], self._access.person(actor)
        said = [me in map(self._access.person, (each.plan.requested_by, *each.approved_by)) for each in waiting]
        return Overview(
            *(actor, opened, known, cases.last_alert(db)),
            waiting=tuple(each for each, done in zip(waiting, said, strict=True) if not done),
            with_others=tuple(each for each, done in zip(waiting, said, strict=True) if done),
        )

    def meant(self, kind: Kind, values: Sequence[str], word: str = "") -> tuple[Observable, ...] | Refusal:
        """What a person means by ``values``, or why one of them cannot be meant."""

        def find() -> tuple[Observable, ...] | Refusal:
            found = [self._lookups.meant(kind, value, word) for value in values]
            refusal = next((each for each in found if isinstance(each, Refusal)), None)
            return refusal or tuple(each for each in found if isinstance(each, Observable))

        return asked(find)

    def snoozable(self, kind: Kind, value: str, word: str) -> Observable | Refusal:
        """What a person means by ``value`` who wants it silent: of addresses a whole network, too."""
        network = spelled_network(value) if kind is Kind.IP else None
        if network is not None and "/" in network:
            return Observable(kind, network)
        found = self.meant(kind, [network or value], word)
        return found if isinstance(found, Refusal) else found[0]

    def incident_playbook(self, case: int, actor: Actor) -> str | Refusal:
        """What the thief of ``case`` did, drafted as a playbook's TOML. Raises ``LookupError`` if there is no case."""

        def find(_: datetime) -> str | Refusal:
            drafted = self._lookups.draft(self._loaded(case))
            return as_toml(drafted) if drafted else Refusal(NOTHING_TO_DRAFT)

        return self._looked_up(actor, find)

    def events_of(self, case: int, actor: Actor) -> tuple[Event, ...] | Refusal:
        """The calls that a report of ``case`` lists. Raises ``LookupError`` if there is no such case."""
        return self._looked_up(actor, lambda _: tuple(self._lookups.events_of(self._loaded(case))))

    def save_playbook(self, case: int, actor: Actor, reason: str, folder: str) -> Path | Refusal:
        """Put the draft beside the organisation's own playbooks; an analyst's word, on record.

        Raises ``LookupError`` if there is no such case, ``OSError``.
        """
        drafted = self.incident_playbook(case, actor)
        if isinstance(drafted, Refusal):
            return drafted
        if not reason.strip():
            return NO_REASON
        if not folder:
            return Refusal("Name a folder for your own playbooks first: [hunts] playbooks.")
        path = Path(folder) / f"case-{case}.toml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(drafted, encoding="utf-8")
        now, target = self._clock(), f"case {case}: {path.name}"
        self._state.write(
            lambda db: audit.append(
                db, actor=actor, operation="save playbook", target=target, reason=reason, result="saved", at=now
            )
        )
        return path

    def look(self, observable: Observable, actor: Actor) -> Triage | Refusal:
        """Everything about ``observable`` up to now, without a case."""
        return self._looked_up(actor, lambda now: self._lookups.look(observable, now))

    def scope(self, leads: Sequence[Observable], actor: Actor) -> Scope | Refusal:
        """Every key in the same hands as ``leads``, up to now."""
        return self._looked_up(actor, lambda now: self._lookups.scope(leads, now))

    def hunt(self, asked: Sequence[str], actor: Actor) -> Hunted | Refusal:
        """Who did what thieves do in the last 24 hours."""
        return self._looked_up(actor, lambda now: self._lookups.hunt(asked, now))

    def undoable(self, actor: Actor) -> tuple[Change, ...] | Refusal:
        """The confirmed changes that can be taken back, the newest first."""
        if refusal := self._refused(actor, Operation.UNDO):
            return refusal
        return undoable_changes(self._state.read())

    def plan_offered(self, remediation: str, target: str, case: int, actor: Actor) -> Plan | Refusal:
        """Preview what the card of ``case`` offers. Raises ``LookupError`` if there is no such case."""
        triage = self._loaded(case).triage
        offered = triage.suggested if triage else ()
        if not any((each.remediation, each.target) == (remediation, target) for each in offered):
            return Refusal(f"Case #{case} does not offer this any more. Look at its card, or ask again.")
        plan = self.plan_for(remediation, target, actor, case=case)
        return plan if isinstance(plan, Refusal) else _one_of(plan, triage)

    def plan_for(self, remediation: str, target: str, actor: Actor, *, case: int | None = None) -> Plan | Refusal:
        """Preview ``remediation`` for ``target``; reads AWS, changes nothing."""
        return self._remediations.plan(remediation, target, actor, case=case)

    def plan_undo(self, execution: str, actor: Actor) -> Plan | Refusal:
        """Preview taking a confirmed change back; reads AWS, changes nothing."""
        return self._remediations.plan_undo(execution, actor)

    def approve(
        self, plan: str, actor: Actor, reason: str, *, again: bool = False, break_glass: bool = False
    ) -> Change | Waiting | Refusal:
        """Approve a plan. With the last approval that is needed its change is queued, and carried out once.

        ``again``: the same request once more, because a crash took its answer; it gets what it had decided.
        ``break_glass``: alone, where more people are asked.
        """
        return self._remediations.approve(plan, actor, reason, again=again, break_glass=break_glass)

    def planned(self, plan: str, actor: Actor) -> Plan | Refusal:
        """A plan that waits for approval, for whoever may give it."""
        return self._remediations.planned(plan, actor)

    def is_requester(self, actor: Actor, made: Plan | Containment) -> bool:
        """Whether ``actor`` is who planned it, however they come in."""
        return self._access.person(actor) == self._access.person(made.requested_by)

    def carry_out(self, execution: str) -> Change:
        """Carry out an approved change here and now, for the day no ``triage serve`` is running."""
        return self._remediations.execute(execution)

    def may_drill(self, actor: Actor) -> Refusal | None:
        """Why ``actor`` may not have a fire drill made; it is a change, if one of a canary."""
        return self._refused(actor, Operation.APPROVE)

    def may(self, actor: Actor) -> dict[Operation, str]:
        """What ``actor`` may do, a sentence each."""
        return {operation: decide(actor, operation, self._access).sentence for operation in Operation}

    def _question(self, observable: Observable, actor: Actor, id_: str) -> Alert:
        """A person's question, as an alert: it takes the same way as any other."""
        return Alert(
            id=id_,
            source="person",
            title=f"{actor.name} asked about {observable.value}",
            severity=None,
            at=self._clock(),
            observables=(observable,),
        )


def _one_of(plan: Plan, triage: Triage | None) -> Plan:
    """Stopping one key of several tells the thief to take the next: the preview asks whether that is meant."""
    confirmed = triage.scope.confirmed if triage is not None and triage.scope is not None else ()
    keys = [each.key for each in confirmed]
    if len(keys) < 2 or plan.target not in keys:
        return plan
    asked = (
        f"One of {len(keys)}? This key is in the same hands as {len(keys) - 1} others: alone it only warns the thief."
    )
    return replace(plan, warnings=(f"{asked} The card has a button that contains all of them.", *plan.warnings))
