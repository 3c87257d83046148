"""What answers every question: the history, addresses and rights of one installation, behind one face."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path

from bot import leaks, owners
from bot.config.settings import Settings
from bot.earlier import CasesBefore, doubted
from bot.enrichment import Runner
from bot.evidence.recording import Asked, Recorder
from bot.histories import everyone_of, history_of, kept_of
from bot.history.raw_records import RawRecords
from bot.history.sqlite import SqliteHistory
from bot.history.writing import HistoryWriter
from bot.hunts.incident import Draft, draft
from bot.hunts.library import Playbook, own_playbooks
from bot.hunts.result import Hunted
from bot.made.looking import NobodyAsked
from bot.made.sweeping import QUESTION as SWEEP
from bot.made.sweeping import sweep
from bot.model import (
    Alert,
    Case,
    Doubted,
    Environment,
    Event,
    History,
    HistoryUnavailableError,
    Kind,
    Observable,
    Records,
    Refusal,
    Ruling,
    Scope,
    Signal,
    Span,
    Triage,
    Window,
)
from bot.operations import about_hunt, about_scope, observable_of
from bot.outside import Outside
from bot.permissions import offered_names
from bot.plugins import load_enrichers
from bot.scope.ground import Ground, Known
from bot.scope.hands import Hands
from bot.scope.source import Source
from bot.settled import address_data_of, is_ours
from bot.store import spoilt
from bot.store.state import StateReader
from bot.triage import TriageWorld, triage
from bot.usual.corrections import corrected, corrections_of
from bot.usual.profile import Profile, profile
from bot.weights import Weights, own_weights, shipped

NO_HISTORY = "there is no CloudTrail history"
MOST_EVENTS = 10_000
"""Of one key, in the list that goes with a report."""

NOTHING_KEPT = (
    "what everybody did is only asked of a history that is kept here: load the last weeks with `triage ingest`, and set"
    ' [history] kind = "sqlite" with beyond for the time before'
)


class Investigator:
    """Asks every question about one observable, over the history and the data at hand."""

    def __init__(
        self,
        settings: Settings,
        history: Path | None,
        *,
        state: StateReader | None = None,
        outside: Outside | None = None,
        remote: History | None = None,
    ) -> None:
        """``history`` is the embedded store's file, ``remote`` a history that is asked over the network."""
        outside = outside or Outside()
        self._settings = settings
        self._state = state
        self.kept = kept_of(settings, history) if history is not None else None
        self.history = history_of(settings, self.kept, remote)
        self._addresses = address_data_of(settings)
        self._looking = outside.looking
        self._world = TriageWorld(
            plugins=load_enrichers(settings.enrichers.enabled),
            runner=Runner(),
            history=self.history,
            addresses=self._addresses,
            iam=outside.iam,
            statistics=outside.statistics,
            registries=outside.registries,
            threat_lists=outside.threat_lists,
            code_search=outside.code_search,
            searching=settings.searching(),
            records=RawRecords(self.kept, outside.objects) if self.kept is not None else None,
            weights=own_weights(Path(settings.triage.weights)) if settings.triage.weights else shipped(),
            offered=offered_names(settings),
            is_ours=lambda account: is_ours(settings, account),
        )

    @cached_property
    def playbooks(self) -> tuple[Playbook, ...]:
        """The organisation's own. Raises ``PlaybookError``."""
        return own_playbooks(self._settings.hunts.playbooks)

    @property
    def records(self) -> Records | None:
        """The raw records behind the history's events; ``None`` without a history."""
        return self._world.records

    def prepare(self) -> None:
        """Have a history to ask, if an empty one: what an alert tells is evidence from the first minute on.

        For the one who serves: a history that SQLite cannot open any more is moved aside.
        """
        if self.kept is not None:
            spoilt.move_aside(self.kept.path, thorough=False)
        if self.kept is not None and not self.kept.ready():
            HistoryWriter(self.kept.path).close()

    def window(self, at: datetime, days: float | None = None) -> Window:
        """The window that ends at ``at``, as the settings (or ``days``) say."""
        recent = timedelta(hours=self._settings.triage.recent_hours)
        return Window.ending(at, days=days or self._settings.triage.days, recent=recent)

    def __call__(
        self,
        observable: Observable,
        window: Window,
        *,
        alerts: Sequence[Alert] = (),
        rulings: Sequence[Ruling] = (),
        on_progress: Callable[[Triage], None] | None = None,
        on_record: Callable[[bytes], None] | None = None,
    ) -> Triage:
        told = [alert.id for alert in alerts]
        cases = CasesBefore(self._state, told) if self._state is not None else None
        scoper = Hands(self.everyone(), self.known()) if self.history is not None else None
        sender = alerts[0].source if alerts else None
        world = replace(
            self._world,
            cases=cases,
            scoper=scoper,
            doubted=self.doubted(),
            environment_of=lambda account: self._corrected(self._settings.environment_of(account, sender)),
        )
        signals = self._said(observable, told)
        recorder = Recorder() if on_record is not None else None
        made = triage(
            observable,
            window,
            world=recorder.listening(world) if recorder is not None else world,
            alerts=alerts,
            signals=signals,
            rulings=rulings,
            on_progress=on_progress,
        )
        if recorder is not None and on_record is not None:
            asked = Asked(observable, window, tuple(alerts), tuple(signals), tuple(rulings))
            on_record(recorder.written(world, asked, made))
        if made.scope is None:
            return made
        if on_progress is not None and made.scope.deeds:
            on_progress(replace(made, pending=(SWEEP,)))
        return replace(made, scope=self.swept(made.scope))

    def swept(self, scope: Scope) -> Scope:
        """``scope`` with what is left of what its keys made, as AWS stands now."""
        looking = self._looking() if self._looking is not None else NobodyAsked(scope.window.until)
        return replace(scope, sweep=sweep(scope, self.records, looking))

    def _said(self, observable: Observable, told: Sequence[str]) -> tuple[Signal, ...]:
        """What people have said of it: where they saw it in public, what its owner answered."""
        if self._state is None:
            return ()
        db = self._state.read()
        return (*leaks.signals_of(db, observable, told), *owners.signals_of(db, told))

    def _corrected(self, environment: Environment) -> Environment:
        if self._state is None:
            return environment
        return corrected(environment, corrections_of(self._state.read(), environment.name))

    def environments(self) -> tuple[Environment, ...]:
        """All there are, as their analysts know them."""
        names = self._settings.environments or ("default",)
        return tuple(self._corrected(self._settings.environment(name)) for name in names)

    def usual(self, environment: Environment, at: datetime) -> Profile:
        """What is ordinary in ``environment``. Raises ``HistoryUnavailableError``."""
        return profile(environment, self._kept(), self._addresses, at, self._world.learner, self.doubted())

    @property
    def weights(self) -> Weights:
        return self._world.weights

    def meant(self, kind: Kind, value: str, word: str) -> Observable | Refusal:
        return observable_of(kind, value, self.kept, word)

    def look(self, observable: Observable, at: datetime) -> Triage:
        return self(observable, self.window(at))

    def scope(self, leads: Sequence[Observable], at: datetime) -> Scope:
        return self.swept(about_scope(leads, at, self.everyone(), self.known()))

    def everyone(self) -> Source:
        """What one search for keys in the same hands asks: it raises ``HistoryUnavailableError`` where it cannot."""
        return everyone_of(self.kept, self.history, NOTHING_KEPT if self.history is not None else NO_HISTORY)

    def hunt(self, asked: Sequence[str], at: datetime) -> Hunted | Refusal:
        return about_hunt(asked, self._kept(), self.known(), until=at, own=self.playbooks)

    def draft(self, case: Case) -> Draft | None:
        """The playbook of a case's thief; ``None`` before there is a scope. Raises ``HistoryUnavailableError``."""
        scope = case.triage.scope if case.triage is not None else None
        if scope is None:
            return None
        keys = [each.key for each in scope.confirmed]
        window, known = scope.window, self.known()
        return self.everyone().settle(lambda source: draft(f"case-{case.id}", keys, Ground(source, window, known)))

    def events_of(self, case: Case) -> Sequence[Event]:
        scope = case.triage.scope if case.triage is not None else None
        if scope is not None and scope.confirmed:
            about = [Observable(Kind.ACCESS_KEY, each.key) for each in scope.confirmed]
            span = scope.window
        else:
            about, span = [case.subject] if case.subject else [], Span(case.window.recent_since, case.window.until)
        history = self.history
        if history is None:
            raise HistoryUnavailableError(NO_HISTORY)
        return [event for each in about for event in history.events(each, span, limit=MOST_EVENTS)]

    def past(self) -> tuple[TriageWorld, Known]:
        """What questions about the past are put to: the history and the data here, and nobody who knows only today."""
        world = replace(
            self._world,
            iam=None,
            records=None,
            statistics=None,
            registries=None,
            threat_lists=None,
            code_search=None,
            doubted=self.doubted(),
            environment_of=lambda account: self._corrected(self._settings.environment_of(account, None)),
        )
        return world, self.known()

    def newest(self) -> datetime | None:
        return self.history.newest() if self.history is not None else None

    def _kept(self) -> SqliteHistory:
        if self.kept is None:
            raise HistoryUnavailableError(NOTHING_KEPT if self.history is not None else NO_HISTORY)
        return self.kept

    def doubted(self) -> Doubted:
        """Principals of open cases, each since when it is judged; nobody where no state is at hand."""
        return doubted(self._state.read()) if self._state is not None else {}

    def known(self) -> Known:
        """What the organisation says of itself, for scoping and hunts."""
        environments = self.environments()
        return Known(
            own_networks=tuple(network for each in environments for network in each.own_networks),
            automation=tuple(pattern for each in environments for pattern in each.automation),
            people=tuple(pattern for each in environments for pattern in each.people),
            doubted=self.doubted(),
            origin=self._addresses.origin,
        )
