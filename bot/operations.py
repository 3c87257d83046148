"""Everything a person can ask the bot for, from Slack or from a terminal.

Permission is decided here, and what is done is put on record below: front ends only parse and show.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar

from bot import audit, cases
from bot.access import AccessRules, decide
from bot.assessment import Case as Judged
from bot.assessment import assess
from bot.cases import SUBJECTS
from bot.database import Database
from bot.history.address import parse_address
from bot.history.sqlite import SqliteHistory
from bot.hunts.hunting import WINDOW as HUNT_WINDOW
from bot.hunts.hunting import hunt
from bot.hunts.library import Playbook
from bot.hunts.library import shipped as shipped_playbooks
from bot.hunts.result import Hunted
from bot.model import (
    Actor,
    Alert,
    Assessment,
    Case,
    Change,
    Gap,
    HistoryUnavailableError,
    Kind,
    Observable,
    Operation,
    Plan,
    Refusal,
    Scope,
    Span,
    Triage,
    Verdict,
    Waiting,
    Window,
)
from bot.pipeline import Investigate, Pipeline
from bot.remediation.records import changes_of, undoable_changes
from bot.remediation.run import Remediations
from bot.scope.ground import Known
from bot.scope.reading import scope
from bot.store.state import State
from bot.triage import alert_gaps

MOST_PIVOTS = 20
"""Keys, principals and addresses of one alert that are triaged."""

GRAVITY = (
    *(Verdict.INCIDENT, Verdict.PROBABLE, Verdict.SUSPICIOUS),
    *(Verdict.INCONCLUSIVE, Verdict.EXPECTED, Verdict.LOW),
)
"""The verdicts, the worst first: what could not be judged is worse than what is explained."""

KEY_FORM = re.compile(r"[A-Za-z0-9*]{16,128}")
"""What an access key id looks like, masked ones of old exports too; its alphabet decides nothing."""


@dataclass(frozen=True, slots=True)
class CaseOpened:
    """The case a question went to, and whether it was opened for it."""

    case: int
    observable: Observable
    new: bool


def observable_of(kind: Kind, value: str, history: SqliteHistory | None, word: str = "") -> Observable | Refusal:
    """What a person means by ``value``: a principal's name or ARN becomes its id, an address is written the usual way.

    ``word`` is what they called a principal: of a user and a role of one name, ``role`` means the role. A value that
    is in no history is still an observable: that nothing is known of it is an answer.
    """
    value = value.strip()
    if not value:
        return Refusal(f"Name the {word or kind.value.replace('_', ' ')} you ask about.")
    if kind is Kind.IP:
        address = parse_address(value)
        return Observable(kind, str(address)) if address else Refusal(f"{value} is not an IP address.")
    if kind is Kind.ACCESS_KEY and not KEY_FORM.fullmatch(value):
        return Refusal(f"{value} is not an access key id: one is 20 letters and digits, as in AKIA….")
    if kind is Kind.PRINCIPAL and history is not None:
        return _principal_meant(value, history.principals(value), word)
    return Observable(kind, value)


def _principal_meant(value: str, known: Sequence[str], word: str) -> Observable | Refusal:
    meant = [id_ for id_ in known if not word or (":role/" in id_) == (word == "role")]
    if known and not meant:
        other = "user" if word == "role" else "role"
        return Refusal(f"{value} is {known[0]}: ask `triage {other} {value}`.")
    if len(meant) > 1:
        return Refusal(f"{value} could be any of {', '.join(meant)}: name one of them.")
    return Observable(Kind.PRINCIPAL, meant[0] if meant else value)


def about_scope(
    leads: Sequence[Observable], at: datetime, history: SqliteHistory, known: Known, *, since: datetime | None = None
) -> Scope:
    """Every key in the same hands as ``leads`` (keys, addresses), up to ``at``. Raises ``HistoryUnavailableError``."""
    return scope(history, leads, at, since=since, known=known)


def about_alert(
    alert: Alert, window: Window, investigate: Investigate
) -> tuple[tuple[Triage, ...], Assessment, tuple[Gap, ...]]:
    """Everything about one alert without opening a case: a triage of each key, of the principals, named or behind the
    keys, and of each address; the worst assessment of them; every gap.
    """
    pivots = cases.pivots(alert)
    triages: dict[Observable, Triage] = {}
    for pivot in pivots[:MOST_PIVOTS]:
        triages[pivot] = investigate(pivot, window, alerts=(alert,))
    for behind in [triage.principal for triage in triages.values()]:
        who = Observable(Kind.PRINCIPAL, behind.id) if behind is not None else None
        if who is not None and who not in triages and len(triages) < MOST_PIVOTS:
            triages[who] = investigate(who, window, alerts=(alert,))
    if not triages:
        assessment = assess((), Judged(alerts=(alert,), gaps=tuple(alert_gaps([alert])), searched=False))
        return (), assessment, assessment.gaps
    ordered = tuple(triages[pivot] for pivot in sorted(triages, key=lambda each: SUBJECTS.index(each.kind)))
    worst = max((triage.assessment for triage in ordered), key=lambda each: (-GRAVITY.index(each.verdict), each.score))
    gaps = dict.fromkeys(gap for triage in ordered for gap in triage.assessment.gaps)
    return ordered, worst, (*gaps, *_left_out(len(pivots)))


def _left_out(pivots: int) -> tuple[Gap, ...]:
    why = f"the alert names {pivots}, and only the first {MOST_PIVOTS} were looked at"
    return (Gap("What about its other keys, principals and addresses?", why),) if pivots > MOST_PIVOTS else ()


def about_hunt(
    asked: Sequence[str], history: SqliteHistory, known: Known, *, until: datetime, since: datetime | None = None
) -> Hunted | Refusal:
    """``enumeration``, ``playbook NAME`` or ``all``, from ``since`` (default: 24 hours before) to ``until``."""
    since = since or until - HUNT_WINDOW
    if since > until:
        return Refusal("A hunt begins before it ends: --since is later than --until.")
    playbooks = {playbook.name: playbook for playbook in shipped_playbooks()}
    match list(asked):
        case ["enumeration"]:
            chosen: list[Playbook] = []
        case ["all"]:
            chosen = list(playbooks.values())
        case ["playbook", name] if name in playbooks:
            chosen = [playbooks[name]]
        case ["playbook", *_]:
            return Refusal(f"Name one of the playbooks: {', '.join(playbooks)}.")
        case _:
            return Refusal("Hunt for `enumeration`, `playbook NAME` or `all`.")
    enumeration = asked[0] != "playbook"
    networks = known.own_networks
    return hunt(history, Span(since, until), enumeration=enumeration, playbooks=chosen, own_networks=networks)


class Lookups(Protocol):
    """What can be found out without a case. Every method raises ``HistoryUnavailableError``."""

    def meant(self, kind: Kind, value: str, word: str) -> Observable | Refusal:
        """What a person means by ``value``; ``word`` is what they called it."""

    def look(self, observable: Observable, at: datetime) -> Triage: ...

    def scope(self, leads: Sequence[Observable], at: datetime) -> Scope: ...

    def hunt(self, asked: Sequence[str], at: datetime) -> Hunted | Refusal: ...


Found = TypeVar("Found")


class Operations:
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
        self._lookups = lookups
        self._state = state
        self._clock = clock
        self._pipeline = pipeline
        self._remediations = remediations
        self._access = access

    def recognise(self, actor: Actor) -> None:
        """Have it looked up who ``actor`` is where they come from. To be called first, and where waiting is allowed."""
        self._access.refresh([actor])

    def triage(self, observables: Sequence[Observable], actor: Actor, ask: str) -> tuple[CaseOpened, ...] | Refusal:
        """Open or join the case of each observable and ask every question about it.

        ``ask`` names the request: the same one again, after a crash, opens and adds nothing.
        """
        if refusal := self._refused(actor, Operation.TRIAGE):
            return refusal
        alerts = [self._question(observable, actor, f"{ask}-{n}") for n, observable in enumerate(observables)]
        opened = self._state.write(lambda db: [self._pipeline.open_cases(db, alert)[0] for alert in alerts])
        return tuple(
            CaseOpened(case, observable, new) for observable, (case, new) in zip(observables, opened, strict=True)
        )

    def meant(self, kind: Kind, values: Sequence[str], word: str = "") -> tuple[Observable, ...] | Refusal:
        """What a person means by ``values``, or why one of them cannot be meant."""

        def find() -> tuple[Observable, ...] | Refusal:
            found = [self._lookups.meant(kind, value, word) for value in values]
            refusal = next((each for each in found if isinstance(each, Refusal)), None)
            return refusal or tuple(each for each in found if isinstance(each, Observable))

        return _asked(find)

    def look(self, observable: Observable, actor: Actor) -> Triage | Refusal:
        """Everything about ``observable`` up to now, without a case."""
        return self._looked_up(actor, lambda now: self._lookups.look(observable, now))

    def scope(self, leads: Sequence[Observable], actor: Actor) -> Scope | Refusal:
        """Every key in the same hands as ``leads``, up to now."""
        return self._looked_up(actor, lambda now: self._lookups.scope(leads, now))

    def hunt(self, asked: Sequence[str], actor: Actor) -> Hunted | Refusal:
        """Who did what thieves do in the last 24 hours."""
        return self._looked_up(actor, lambda now: self._lookups.hunt(asked, now))

    def open_cases(self, actor: Actor) -> tuple[Case, ...] | Refusal:
        """The open cases, the gravest first."""
        return self._looked_up(actor, lambda _: cases.open_cases(self._state.read()))

    def case(self, number: int, actor: Actor) -> Case | Refusal:
        """One case, open or closed, with its changes. Raises ``LookupError`` if there is none of that number."""

        def load(_: datetime) -> Case:
            db = self._state.read()
            return cases.with_changes(cases.load(db, number), changes_of(db, number))

        return self._looked_up(actor, load)

    def undoable(self, actor: Actor) -> tuple[Change, ...] | Refusal:
        """The confirmed changes that can be taken back, the newest first."""
        if refusal := self._refused(actor, Operation.UNDO):
            return refusal
        return undoable_changes(self._state.read())

    def ask_again(self, case: int, actor: Actor) -> int | Refusal:
        """Ask every question of a case once more; its number."""
        if refusal := self._refused(actor, Operation.TRIAGE):
            return refusal
        self._state.write(lambda db: self._pipeline.ask_again(db, case))
        return case

    def rule(self, case: int, key: str, actor: Actor, reason: str, *, belongs: bool) -> int | Refusal:
        """Count ``key`` into the scope of ``case``, or set it aside; the case's questions are asked again.

        Returns the case. Raises ``LookupError`` if it is not open.
        """
        if refusal := self._refused(actor, Operation.TRIAGE):
            return refusal
        if not reason.strip():
            return Refusal("Say why: the reason goes on record.")
        now = self._clock()

        def commit(db: Database) -> None:
            if not cases.rule(db, case, key, actor, reason, now, belongs=belongs):
                return
            what = "counted into the scope" if belongs else "set aside from the scope"
            target, result = f"case {case}: {key}", f"{what} of case #{case}"
            audit.append(db, actor=actor, operation="rule", target=target, reason=reason, result=result, at=now)
            self._pipeline.ask_again(db, case)

        self._state.write(commit)
        return case

    def plan_offered(self, remediation: str, target: str, case: int, actor: Actor) -> Plan | Refusal:
        """Preview what the card of ``case`` offers. Raises ``LookupError`` if there is no such case."""
        triage = cases.load(self._state.read(), case).triage
        offered = triage.suggested if triage else ()
        if not any((each.remediation, each.target) == (remediation, target) for each in offered):
            return Refusal(f"Case #{case} does not offer this any more. Look at its card, or ask again.")
        return self.plan_for(remediation, target, actor, case=case)

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

    def carry_out(self, execution: str) -> Change:
        """Carry out an approved change here and now, for the day no ``triage serve`` is running."""
        return self._remediations.execute(execution)

    def may(self, actor: Actor) -> dict[Operation, str]:
        """What ``actor`` may do, a sentence each."""
        return {operation: decide(actor, operation, self._access).sentence for operation in Operation}

    def _looked_up(self, actor: Actor, look: Callable[[datetime], Found | Refusal]) -> Found | Refusal:
        if refusal := self._refused(actor, Operation.TRIAGE):
            return refusal
        return _asked(lambda: look(self._clock()))

    def _refused(self, actor: Actor, operation: Operation) -> Refusal | None:
        decision = decide(actor, operation, self._access)
        return None if decision.allowed else Refusal(decision.sentence)

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


def _asked(look: Callable[[], Found | Refusal]) -> Found | Refusal:
    try:
        return look()
    except HistoryUnavailableError as error:
        return Refusal(f"That could not be looked up: {error}.")
