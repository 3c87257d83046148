"""The composition root: settings -> clients -> stores -> operations -> servers. Nothing but a command imports it."""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cached_property, partial
from pathlib import Path
from types import TracebackType
from typing import Self

import structlog
import uvicorn
from starlette.applications import Starlette

from bot import leaks, logs, web
from bot.access import AccessRules, Directory
from bot.armoury import Armoury
from bot.config.settings import Server as ServerTable
from bot.config.settings import Settings
from bot.config.settings import Source as SourceTable
from bot.drills import Drills
from bot.earlier import CasesBefore
from bot.enrichment import Runner
from bot.evidence.archive import Archive
from bot.evidence.collecting import Collector
from bot.evidence.recording import Asked, Recorder
from bot.evidence.shelf import Shelf
from bot.histories import NobodyKept, history_of, remote_of
from bot.history import retention
from bot.history.raw_records import RawRecords
from bot.history.retention import Retirement
from bot.history.sqlite import SqliteHistory
from bot.history.writing import HistoryWriter
from bot.hunts.incident import Draft, draft
from bot.hunts.library import Playbook, own_playbooks
from bot.hunts.result import Hunted
from bot.hunts.watching import Watch
from bot.intake.source import Source
from bot.ipdata import LocalAddressData
from bot.ipdata.plevin_package import plevin_at_hand
from bot.ipdata.update import update
from bot.ipdata.upkeep import Upkeep
from bot.model import (
    Alert,
    Case,
    Environment,
    Event,
    History,
    HistoryUnavailableError,
    Kind,
    Observable,
    Operation,
    Records,
    Refusal,
    Ruling,
    Scope,
    Span,
    Triage,
    Window,
    account_of,
)
from bot.operations import Operations, about_hunt, about_scope, observable_of
from bot.outside import Outside, aws_of, outside_of
from bot.permissions import offer_of, offered_names
from bot.pipeline import Pipeline
from bot.plugins import load_enrichers
from bot.rehunt import Rehunt
from bot.remediation import remediations
from bot.remediation.arming import is_armed
from bot.remediation.drill import Drill
from bot.remediation.makings import Makings
from bot.remediation.planning import RemediationSettings
from bot.remediation.run import Remediations
from bot.remediation.touching import Touching
from bot.remediation.usage import Usage
from bot.remediation.whom_to_ask import WhomToAsk
from bot.scope.ground import Known
from bot.scope.hands import Hands
from bot.scope.reading import ground_of
from bot.slack.answers import Answers
from bot.slack.client import web_client
from bot.slack.http import endpoint
from bot.slack.listeners import build_app
from bot.slack.people import People
from bot.slack.post import PACE, Sender
from bot.slack.socket import SocketRunner
from bot.store import jobs, outbox
from bot.store.state import State, StateReader, StateUnavailable
from bot.trail import follower_of
from bot.triage import TriageWorld, triage
from bot.usual.corrections import corrected, corrections_of
from bot.usual.profile import Profile, profile
from bot.weights import Weights, own_weights, shipped
from bot.workers import Handler, Workers

log = structlog.get_logger()

POOLS = {"ask": 4, "triage": 4, "act": 2, "upkeep": 1}
"""Threads by pool: a storm of alerts never stands before a click, nor a slow AWS before either."""
SENDERS = 2
MOST_EVENTS = 10_000
"""Of one key, in the list that goes with a report."""

DRAIN_SECONDS = 20.0
"""Orchestrators kill 30 s after SIGTERM; what has not ended by then is claimed again at the next start."""
GRACE_SECONDS = 5
"""For requests that are being answered when the end comes."""


NOTHING_KEPT = (
    "what everybody did is only known of a history that is kept here: load the last weeks with `triage ingest`, and set"
    ' [history] kind = "sqlite" with beyond for the time before'
)


class CannotListen(Exception):
    """A port of ours is taken, or may not be opened; the message is a sentence."""


def now() -> datetime:
    """The clock of production."""
    return datetime.now(UTC).replace(microsecond=0)


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
        self.kept = SqliteHistory(history) if history is not None else None
        self.history = history_of(settings, self.kept, remote)
        self._addresses = address_data_of(settings)
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
        """Have a history to ask, if an empty one: what an alert tells is evidence from the first minute on."""
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
        scoper = Hands(self.kept or NobodyKept(NOTHING_KEPT), self.known()) if self.history is not None else None
        source = alerts[0].source if alerts else None
        world = replace(
            self._world,
            cases=cases,
            scoper=scoper,
            environment_of=lambda account: self._corrected(self._settings.environment_of(account, source)),
        )
        signals = leaks.signals_of(self._state.read(), observable, told) if self._state is not None else ()
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
        return made

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
        return profile(environment, self._kept(), self._addresses, at, self._world.learner)

    @property
    def weights(self) -> Weights:
        return self._world.weights

    def meant(self, kind: Kind, value: str, word: str) -> Observable | Refusal:
        return observable_of(kind, value, self.kept, word)

    def look(self, observable: Observable, at: datetime) -> Triage:
        return self(observable, self.window(at))

    def scope(self, leads: Sequence[Observable], at: datetime) -> Scope:
        return about_scope(leads, at, self._kept(), self.known())

    def hunt(self, asked: Sequence[str], at: datetime) -> Hunted | Refusal:
        return about_hunt(asked, self._kept(), self.known(), until=at, own=self.playbooks)

    def draft(self, case: Case) -> Draft | None:
        """The playbook of a case's thief; ``None`` before there is a scope. Raises ``HistoryUnavailableError``."""
        scope = case.triage.scope if case.triage is not None else None
        if scope is None:
            return None
        keys = [each.key for each in scope.confirmed]
        return draft(f"case-{case.id}", keys, ground_of(self._kept(), scope.window, self.known()))

    def events_of(self, case: Case) -> Sequence[Event]:
        scope = case.triage.scope if case.triage is not None else None
        if scope is not None and scope.confirmed:
            about = [Observable(Kind.ACCESS_KEY, each.key) for each in scope.confirmed]
            span = scope.window
        else:
            about, span = [case.subject] if case.subject else [], Span(case.window.recent_since, case.window.until)
        history = self.history
        if history is None:
            raise HistoryUnavailableError("there is no CloudTrail history")
        return [event for each in about for event in history.events(each, span, limit=MOST_EVENTS)]

    def newest(self) -> datetime | None:
        return self.history.newest() if self.history is not None else None

    def _kept(self) -> SqliteHistory:
        if self.kept is None:
            raise HistoryUnavailableError(
                NOTHING_KEPT if self.history is not None else "there is no CloudTrail history"
            )
        return self.kept

    def known(self) -> Known:
        """What the organisation says of itself, for scoping and hunts."""
        environments = self.environments()
        return Known(
            own_networks=tuple(network for each in environments for network in each.own_networks),
            automation=tuple(pattern for each in environments for pattern in each.automation),
            people=tuple(pattern for each in environments for pattern in each.people),
            origin=self._addresses.origin,
        )


def environment_of(settings: Settings, alert: Alert) -> Environment:
    """The environment an alert belongs to, by its source or an account in it."""
    known = {account for table in settings.environments.values() for account in table.accounts}
    accounts = (account for account in accounts_of(alert) if account in known)
    return settings.environment_of(next(accounts, None), alert.source)


def accounts_of(alert: Alert) -> Iterator[str]:
    """The accounts an alert tells of: named, of the caller, of a principal, encoded in a key id; in that order."""
    yield from (each.value for each in alert.observables if each.kind is Kind.ACCOUNT)
    yield from (call.account for call in alert.calls if call.account)
    yield from (each.value.partition(":")[0] for each in alert.observables if each.kind is Kind.PRINCIPAL)
    keys = (account_of(each.value) for each in alert.observables if each.kind is Kind.ACCESS_KEY)
    yield from (account for account in keys if account)


def sources_of(settings: Settings) -> dict[str, Source]:
    """Who may send alerts, in the words of the intake."""
    return {
        name: Source(name, table.kind, {field: path for field, path in table.fields if path})
        for name, table in settings.sources.items()
    }


def access_of(settings: Settings, directory: Directory | None = None) -> AccessRules:
    """``[access]`` in the words of ``bot.access``."""
    named = {operation: frozenset(getattr(settings.access, operation.value)) for operation in Operation}
    return AccessRules(named, dict(settings.access.people), directory)


def address_data_of(settings: Settings) -> LocalAddressData:
    """Where addresses come from, from what is on this machine. Raises ``AddressDataUnreadable``."""
    plevin = plevin_at_hand() if settings.ipdata.plevin else None
    return LocalAddressData(settings.ipdata.mmdb, settings.ipdata.path, [plevin] if plevin is not None else ())


def upkeep_of(settings: Settings, clock: Callable[[], datetime]) -> Upkeep:
    """The address data's upkeep, as often as the settings say."""
    table = settings.ipdata
    return Upkeep(table.update_hours, lambda: update(table.path, clock, mirror=table.mirror), clock)


def remediation_settings_of(settings: Settings) -> RemediationSettings:
    """``[remediation]``, and whom the environments protect, in the words of ``bot.remediation``."""
    return RemediationSettings(
        timedelta(minutes=settings.remediation.expiry_minutes),
        dict(settings.remediation.approvers),
        lambda account, principal: settings.environment_of(account).is_protected(principal),
        lambda db, account: not is_armed(db, settings.environment_of(account).name),
        frozenset(settings.remediation.drill.canaries),
        is_ours=lambda account: is_ours(settings, account),
    )


def is_ours(settings: Settings, account: str) -> bool:
    """Whether an account is one of the environments'; where none of them names any, every account is."""
    named = {each for table in settings.environments.values() for each in table.accounts}
    return not named or account in named


def accounts_by_environment(settings: Settings) -> dict[str, tuple[str, ...]]:
    """The accounts of each environment."""
    return {name: tuple(table.accounts) for name, table in settings.environments.items()} or {"default": ()}


class Desk:
    """State, pipeline, remediations and operations: what a terminal needs, and what a serving bot is built on."""

    def __init__(
        self,
        settings: Settings,
        environ: Mapping[str, str] = os.environ,
        clock: Callable[[], datetime] = now,
        *,
        exclusive: bool = False,
        directory: Directory | None = None,
    ) -> None:
        self.settings = settings
        self.clock = clock
        self.state = State(settings.store.path, exclusive=exclusive)
        aws = aws_of(settings, environ, clock)
        outside = outside_of(settings, aws, environ, clock)
        self.investigate = Investigator(
            settings,
            settings.history.path if settings.history.kind == "sqlite" else None,
            state=self.state,
            outside=outside,
            remote=remote_of(settings, lambda: aws, clock),
        )
        access = access_of(settings, directory)
        shelf = Shelf(settings.store.evidence_folder())
        self.archive = Archive(self.state, clock, access, shelf, lambda: self.investigate.history)
        self.pipeline = Pipeline(
            self.state,
            clock,
            self.investigate,
            lambda alert: environment_of(settings, alert),
            sources_of(settings),
            self.investigate.window,
            access,
            settings.slack.channel,
            self.archive.keep_asked,
            lambda environment: settings.environment(environment).on_call,
        )
        usage = Usage(clock, lambda: self.investigate.history, self.investigate.known().own_networks)
        makings = Makings(clock, lambda: self.investigate.history, lambda: self.investigate.records)
        offered = remediations(offer_of(settings), clock, usage, makings)
        self.armoury = Armoury(self.state, clock, access, aws, offered, accounts_by_environment(settings))
        self.remediations = Remediations(
            self.state,
            aws,
            access,
            clock,
            offered,
            remediation_settings_of(settings),
            self.pipeline.changed,
            on_waiting=self.pipeline.waiting,
            on_drift=self.pipeline.drifted,
            before_change=Collector(self.state, aws, clock, shelf, lambda: self.investigate.history).before,
            usage=usage,
            people=WhomToAsk(makings, outside.iam.contact if outside.iam else lambda account: None),
        )
        self.drill = Drill(
            *(self.state, aws, self.remediations, clock),
            {key: partial(ref.read, environ) for key, ref in settings.remediation.drill.canaries.items()},
        )
        self.rehunt = Rehunt(
            self.state,
            clock,
            lambda: self.investigate.kept,
            self.investigate.draft,
            self.investigate.playbooks,
            self.pipeline.hunted_again,
        )
        self.operations = Operations(self.state, clock, self.pipeline, self.remediations, access, self.investigate)

    def close(self) -> None:
        self.state.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Bot:
    """Everything that serves: workers, the sender, Slack, and the two web applications.

    ``pace`` is the time between two messages that Slack asks for.
    """

    def __init__(
        self,
        settings: Settings,
        environ: Mapping[str, str] = os.environ,
        clock: Callable[[], datetime] = now,
        pace: timedelta = PACE,
    ) -> None:
        slack = settings.slack
        self._client = web_client(slack.bot_token.read(environ), slack.api_url)
        self.desk = Desk(settings, environ, clock, exclusive=True, directory=People(self._client, clock))
        self._pace = pace
        in_http_mode = slack.mode == "http"
        signing_secret = slack.signing_secret.read(environ) if in_http_mode else ""
        app = build_app(self._client, self.desk.state, clock, signing_secret=signing_secret)
        self._socket = None if in_http_mode else SocketRunner(app, self._client, slack.app_token.read(environ))
        self.web = web.build(
            {name: _door(table, environ) for name, table in settings.sources.items()},
            self.desk.pipeline.accept,
            clock=clock,
            slack=endpoint(app, signing_secret, clock=clock) if in_http_mode else None,
        )
        self.health = web.health(self.problems)
        self._upkeep = upkeep_of(settings, clock)
        self._drills = Drills(settings.remediation.drill.days, self.desk.drill, clock, self.desk.pipeline.say)
        self._workers = Workers(self.desk.state, clock, self._handlers())
        self._watch = self._watch_of(settings)
        self._touching = Touching(self.desk.state, lambda: self.desk.investigate.history, clock)
        self._retirement = Retirement(settings.history.path, clock, settings.history.days)
        aws = aws_of(settings, environ, clock)
        self.follower = follower_of(settings, aws, SqliteHistory(settings.history.path), clock)

    def start(self) -> None:
        """Take up what a killed process left, then work. Call it once."""
        state = self.desk.state
        self.desk.investigate.prepare()
        state.write(lambda db: (jobs.release_all(db), outbox.release_all(db)))
        state.write(self._upkeep.begin)
        state.write(self._drills.begin)
        self.desk.remediations.recover()
        for pool, threads in POOLS.items():
            self._workers.start(pool, threads)
        sender = Sender(state, self._client, self.desk.clock, self._pace)
        for number in range(SENDERS):
            self._workers.loop(f"send-{number}", sender.send_next)
        if retention.may_run():
            self._workers.loop("retire", self._retirement.step)
        if self._watch is not None:
            self._workers.loop("detect", self._watch.step)
        self._workers.loop("touched", self._touching.step)
        if self.follower:
            self._workers.loop("follow", self.follower.step)
        if self._socket:
            self._socket.start()

    def stop(self) -> None:
        """Take nothing new, finish what is held, close."""
        if self._socket:
            self._socket.close()
        self._workers.stop(DRAIN_SECONDS)
        self._retirement.close()
        if self.follower:
            self.follower.close()
        self.desk.close()

    def _watch_of(self, settings: Settings) -> Watch | None:
        """The detections that run by themselves, where there is an embedded history and they are switched on."""
        desk, every = self.desk, timedelta(minutes=settings.detections.minutes)
        if not every or desk.investigate.kept is None:
            return None
        return Watch(desk.investigate.kept, desk.investigate.known, desk.clock, desk.pipeline.detected, every)

    def problems(self) -> list[str]:
        """A sentence for each thing that keeps the bot from working."""
        found = []
        if self._socket and not self._socket.alive():
            found.append("Slack's socket is not connected")
        try:
            self.desk.state.write(lambda db: db.execute("UPDATE cases SET id = id WHERE 0"))
        except StateUnavailable as error:
            found.append(str(error))
        return found

    def _handlers(self) -> dict[str, Handler]:
        answers = Answers(self.desk.operations, self.desk.clock, self.problems)
        return {
            **self.desk.pipeline.handlers(),
            **answers.handlers(),
            **self.desk.remediations.handlers(),
            **self._upkeep.handlers(),
            **self._drills.handlers(),
            **self.desk.rehunt.handlers(),
        }


def serve(settings: Settings, environ: Mapping[str, str] = os.environ) -> None:
    """Run the bot until SIGTERM or SIGINT; returns once what was under way is finished, or given up until next time.

    Raises ``StateUnavailable``, ``PluginError``, ``MissingSecret``, :class:`CannotListen`.
    """
    logs.set_up()
    bot = Bot(settings, environ)
    try:
        _run(bot, settings.server)
    finally:
        bot.stop()


def _run(bot: Bot, table: ServerTable) -> None:
    with _listener(table.host, table.port) as public, _listener(table.health_host, table.health_port) as private:
        front, health = _server(bot.web), _server(bot.health)
        for number in (signal.SIGINT, signal.SIGTERM):
            # uvicorn raises a signal again after its own shutdown, which would end us before the workers have.
            signal.signal(number, lambda *_: setattr(front, "should_exit", True))
        bot.start()
        watcher = threading.Thread(target=health.run, args=([private],), name="health", daemon=True)
        watcher.start()
        try:
            front.run([public])
        finally:
            health.should_exit = True
            watcher.join(GRACE_SECONDS)


def _listener(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        why = (error.strerror or str(error)).partition(" (")[0]
        raise CannotListen(f"The bot cannot listen at {host}, port {port}: {why}.") from error


def _server(app: Starlette) -> uvicorn.Server:
    config = uvicorn.Config(app, log_config=None, access_log=False, timeout_graceful_shutdown=GRACE_SECONDS)
    return uvicorn.Server(config)


def _door(table: SourceTable, environ: Mapping[str, str]) -> web.Door:
    return web.Door(table.auth, tuple(secret.read(environ) for secret in table.secrets))
