"""The composition root: settings -> clients -> stores -> operations -> servers. Nothing but a command imports it."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from types import TracebackType
from typing import Self

import structlog
import uvicorn
from starlette.applications import Starlette

from bot import logs, web
from bot.access import Directory
from bot.armoury import Armoury
from bot.config.settings import Server as ServerTable
from bot.config.settings import Settings
from bot.contacts import owner_of
from bot.digesting import Digests, Schedule
from bot.drills import Drills
from bot.evidence.archive import Archive
from bot.evidence.collecting import Collector
from bot.evidence.shelf import Shelf
from bot.health import Health
from bot.histories import remote_of
from bot.history import retention
from bot.history.retention import Retirement
from bot.history.sqlite import SqliteHistory
from bot.hunts.watching import Watch
from bot.investigator import Investigator
from bot.made.makings import Makings
from bot.metrics import Metrics
from bot.model import Verdict
from bot.operations import Operations
from bot.outside import aws_at_hand, aws_of, outside_at_hand, outside_of
from bot.paging import Paging
from bot.permissions import offer_of
from bot.pipeline import Pipeline
from bot.quiet import Quiet
from bot.rehunt import Rehunt
from bot.remediation import remediations
from bot.remediation.drill import Drill
from bot.remediation.run import Remediations
from bot.remediation.touching import Touching
from bot.remediation.usage import Usage
from bot.remediation.whom_to_ask import WhomToAsk
from bot.settled import (
    access_of,
    accounts_by_environment,
    channels_of,
    environment_of,
    pager_of,
    remediation_settings_of,
    sources_of,
    upkeep_of,
)
from bot.slack.answers import Answers
from bot.slack.client import web_client
from bot.slack.http import endpoint
from bot.slack.listeners import build_app
from bot.slack.owners import OwnerQuestions
from bot.slack.people import People
from bot.slack.post import PACE, Sender
from bot.slack.reports import Reports
from bot.slack.rooms import Rooms
from bot.slack.socket import SocketRunner
from bot.slack.whom import Whom
from bot.store import clocks, jobs, outbox
from bot.store.clocks import ClockWatch
from bot.store.state import State
from bot.trail import follower_of
from bot.ways_in import Ways
from bot.workers import Handler, Workers

log = structlog.get_logger()

POOLS = {"ask": 4, "triage": 4, "act": 2, "page": 1, "upkeep": 1}
"""Threads by pool: a storm of alerts never stands before a click, nor a slow AWS before either."""

URGENT = {"triage": 2}
"""Threads more for what a person waits for, where the others may all be busy with what nobody does."""

SENDERS = {"send-0": False, "send-1": False, "answer": True}
"""Threads that talk to Slack; one of them only to people who wait, so that a slow channel holds up none of them."""

END_SECONDS = 22.0
"""From SIGTERM to the end, requests and workers together; orchestrators kill after 25 or 30 s. What has not ended by
then is claimed again at the next start."""

GRACE_SECONDS = 5
"""For requests that are being answered when the end comes."""


class CannotListen(Exception):
    """A port of ours is taken, or may not be opened; the message is a sentence."""


def now() -> datetime:
    """The clock of production."""
    return datetime.now(UTC).replace(microsecond=0)


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
        at_hand: bool = False,
    ) -> None:
        """``at_hand``: make do with the secrets that are there, for what asks nobody outside."""
        self.settings = settings
        self.clock = clock
        self.state = State(settings.store.path, exclusive=exclusive)
        aws = (aws_at_hand if at_hand else aws_of)(settings, environ, clock)
        outside = outside_at_hand(settings, clock, environ) if at_hand else outside_of(settings, aws, environ, clock)
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
            lambda alert, subject: environment_of(settings, alert, subject),
            sources_of(settings),
            self.investigate.window,
            access,
            settings.slack.channel,
            self.archive.keep_asked,
            lambda environment: settings.environment(environment).on_call,
            asks_owners=timedelta(hours=settings.owners.hours) if settings.owners.ask else None,
            quiet=Quiet(
                frozenset(map(Verdict, settings.digest.verdicts)),
                timedelta(seconds=settings.digest.hold_seconds),
                self.investigate.weights,
            ),
            pages=bool(settings.on_call.service),
        )
        usage = Usage(clock, lambda: self.investigate.history, self.investigate.known().own_networks)
        makings = Makings(clock, lambda: self.investigate.kept, lambda: self.investigate.records)
        offered = remediations(offer_of(settings), clock, usage, makings)
        self.armoury = Armoury(
            *(self.state, clock, access, aws, offered),
            accounts_by_environment(settings),
            settings.organisation.account,
        )
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
            on_task=self.pipeline.tasks_changed,
            before_change=Collector(self.state, aws, clock, shelf, lambda: self.investigate.history).before,
            usage=usage,
            people=WhomToAsk(makings, outside.iam.contact if outside.iam else lambda account: None),
        )
        self.drill = Drill(
            *(self.state, aws, self.remediations, clock),
            {key: partial(ref.read, environ) for key, ref in settings.remediation.drill.canaries.items()},
            accounts=tuple(account for each in accounts_by_environment(settings).values() for account in each),
        )
        self.rehunt = Rehunt(
            self.state,
            clock,
            lambda: self.investigate.kept,
            self.investigate.draft,
            self.investigate.playbooks,
            self.pipeline.hunted_again,
            settings.hunts.later,
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
        self._ending = 0.0
        in_http_mode = slack.mode == "http"
        app = build_app(self._client, self.desk.state, clock)
        self._socket = None if in_http_mode else SocketRunner(app, self._client, slack.app_token.read(environ))
        aws = aws_of(settings, environ, clock)
        self._ways = Ways(settings, environ, aws, self.desk.pipeline, self.desk.state, clock)
        self.web = web.build(
            self._ways.doors(),
            self.desk.pipeline.accept,
            clock=clock,
            slack=endpoint(app, slack.signing_secrets(environ), clock=clock) if in_http_mode else None,
        )
        self._upkeep = upkeep_of(settings, clock)
        self._drills = Drills(settings.remediation.drill.days, self.desk.drill, clock, self.desk.pipeline.say)
        whom = Whom(self._client, lambda case: owner_of(case, settings.owners.people, settings.owners.tags))
        self._rooms = Rooms(self.desk.state, self._client, self.desk.pipeline, whom)
        self._paging = Paging(self.desk.state, clock, pager_of(settings, environ), self.desk.pipeline)
        self._owners = OwnerQuestions(self.desk.state, self._client, self.desk.pipeline, whom, clock)
        self._reports = Reports(self.desk.state, self._client, self.desk.pipeline, self.desk.operations, clock)
        self._digests = Digests(
            self.desk.state,
            clock,
            Schedule(settings.digest.daily, settings.digest.weekly, settings.digest.zone),
            channels_of(settings),
            self.desk.pipeline.tell_digest,
        )
        self._workers = Workers(self.desk.state, clock, self._handlers())
        self._watch = self._watch_of(settings)
        self._touching = Touching(self.desk.state, lambda: self.desk.investigate.history, clock)
        self._retirement = Retirement(settings.history.path, clock, settings.history.days)
        self.follower = follower_of(settings, aws, SqliteHistory(settings.history.path), clock)
        self._queues = self._ways.queues()
        self.well = Health(
            self.desk.state,
            clock,
            socket=self._socket,
            queues=self._queues,
            following=self.follower.status if self.follower else None,
            history=self.desk.investigate.kept,
        )
        metrics = Metrics(self.desk.state.read, clock, self.well.now, self.well.databases())
        self.health = web.health(self.problems, metrics)

    def start(self) -> None:
        """Take up what a killed process left, then work. Call it once."""
        state = self.desk.state
        self.desk.investigate.prepare()
        state.write(lambda db: (jobs.release_all(db), outbox.release_all(db), clocks.mend(db, self.desk.clock())))
        self.well.tell_of_damage(self.desk.pipeline.say)
        state.write(self._upkeep.begin)
        state.write(self._drills.begin)
        state.write(self._digests.begin)
        self.desk.remediations.recover()
        for pool, threads in POOLS.items():
            self._workers.start(pool, threads, urgent=URGENT.get(pool, 0))
        fallback = self.desk.settings.slack.fallback_channel
        sender = Sender(state, self._client, self.desk.clock, self._pace, fallback)
        for name, personal in SENDERS.items():
            self._workers.loop(name, partial(sender.send_next, personal=personal))
        if retention.may_run():
            self._workers.loop("retire", self._retirement.step)
        if self._watch is not None:
            self._workers.loop("detect", self._watch.step)
        self._workers.loop("touched", self._touching.step)
        self._workers.loop("clock", ClockWatch(state, self.desk.clock).step)
        if self.follower:
            self._workers.loop("follow", self.follower.step)
        for queue in self._queues:
            self._workers.loop(f"alerts-{queue.source}", queue.step)
        if self._socket:
            self._socket.start()

    def ending(self) -> None:
        """The end was asked for: from now on the seconds of :data:`END_SECONDS` count. May be called from a signal."""
        self._ending = self._ending or time.monotonic()

    def stop(self) -> None:
        """Take nothing new, finish what is held, close."""
        self.ending()
        if self._socket:
            self._socket.close(self._left() / 2)
        self._workers.stop(self._left())
        self._retirement.close()
        if self.follower:
            self.follower.close()
        self._ways.close()
        self.desk.close()

    def _left(self) -> float:
        return max(1.0, self._ending + END_SECONDS - time.monotonic())

    def _watch_of(self, settings: Settings) -> Watch | None:
        """The detections that run by themselves, where there is an embedded history and they are switched on."""
        desk, every = self.desk, timedelta(minutes=settings.detections.minutes)
        if not every or desk.investigate.kept is None:
            return None
        return Watch(desk.investigate.kept, desk.investigate.known, desk.clock, desk.pipeline.detected, every)

    def problems(self) -> list[str]:
        """A sentence for each thing that keeps the bot from working."""
        return self.well.problems()

    def _handlers(self) -> dict[str, Handler]:
        answers = Answers(self.desk.operations, self.desk.clock, self.problems)
        return {
            **self.desk.pipeline.handlers(),
            **self._ways.handlers(),
            **answers.handlers(),
            **self.desk.remediations.handlers(),
            **self._upkeep.handlers(),
            **self._drills.handlers(),
            **self.desk.rehunt.handlers(),
            **self._paging.handlers(),
            **self._rooms.handlers(),
            **self._reports.handlers(),
            **self._owners.handlers(),
            **self._digests.handlers(),
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
        bot.well.listening = lambda: front.started and not front.should_exit

        def end(*_: object) -> None:
            bot.ending()
            front.should_exit = True

        for number in (signal.SIGINT, signal.SIGTERM):
            # uvicorn raises a signal again after its own shutdown, which would end us before the workers have.
            signal.signal(number, end)
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
