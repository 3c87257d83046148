"""Fifty triages that do not end: commands are acknowledged and answered, and a triage that somebody asks for runs."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot import cases, intake
from bot.app import POOLS, URGENT
from bot.database import Database
from bot.demo.slack import ANALYST, SOC, LocalSlack
from bot.model import Alert, Environment, Observable, Ruling, Triage, Window
from bot.pipeline import Pipeline
from bot.slack.answers import Answers
from bot.slack.client import web_client
from bot.slack.listeners import build_app
from bot.slack.post import Sender
from bot.slack.socket import SocketRunner
from bot.store.state import State
from bot.workers import Workers
from tests.remediation.cloud import key_id
from tests.slack import cases as made
from tests.slack.made_up import MadeUp

COMMANDS, TRIAGES = 12, 50
WANTED = key_id(1000)


def now() -> datetime:
    return datetime.now(UTC)


class Stuck:
    """Triages that wait until they are let go, but for the one key somebody asks for."""

    def __init__(self) -> None:
        self.let_go = threading.Event()
        self.under_way = threading.Semaphore(0)

    def __call__(
        self,
        observable: Observable,
        window: Window,
        *,
        alerts: Sequence[Alert],
        rulings: Sequence[Ruling] = (),
        on_progress: Any = None,
        on_record: Any = None,
    ) -> Triage:
        if observable.value != WANTED:
            self.under_way.release()
            self.let_go.wait(60)
        return replace(made.triage(), observable=observable)


@pytest.fixture
def stuck() -> Stuck:
    return Stuck()


@pytest.fixture
def pipeline(state: State, stuck: Stuck) -> Pipeline:
    environment = Environment("default", channel=SOC)
    return Pipeline(
        state, now, stuck, lambda alert, subject: environment, {"siem": intake.Source("siem")}, Window.ending
    )


@pytest.fixture
def workers(state: State, slack: LocalSlack, pipeline: Pipeline, stuck: Stuck) -> Iterator[Workers]:
    """The pools, the senders and the socket, as they are composed in production."""
    client = web_client(slack.bot_token, slack.api_url)
    runner = SocketRunner(build_app(client, state, now), client, slack.app_token, ping_seconds=1)
    working = Workers(state, now, {**Answers(MadeUp(), now).handlers(), **pipeline.handlers()})
    sender = Sender(state, client, now, timedelta(0))
    runner.start()
    slack.wait_until(lambda: slack.connections)
    for pool in ("ask", "triage"):
        working.start(pool, POOLS[pool], urgent=URGENT.get(pool, 0))
    working.loop("send", sender.send_next)
    yield working
    stuck.let_go.set()
    working.stop(20)
    runner.close()


def alert(number: int) -> dict[str, Any]:
    return {"id": f"a-{number}", "title": "a tool was seen", "time": "2026-11-23T09:58:00Z", "key": key_id(number)}


@pytest.mark.usefixtures("workers")
def test_nobody_who_asks_waits_for_fifty_triages(
    state: State, slack: LocalSlack, pipeline: Pipeline, stuck: Stuck
) -> None:
    pipeline.accept("siem", [alert(number) for number in range(1, TRIAGES + 1)])
    for _ in range(POOLS["triage"]):
        assert stuck.under_way.acquire(timeout=20)

    with ThreadPoolExecutor(COMMANDS) as people:
        typed = [people.submit(slack.type_command, ANALYST, SOC, "/triage whoami") for _ in range(COMMANDS)]
    assert all(each.result().acked for each in typed)
    slack.wait_until(lambda: len(slack.ephemeral(ANALYST)) == COMMANDS)

    asked = intake.normalise(intake.Source("slack"), alert(1000), now())
    state.write(lambda db: pipeline.open_cases(db, asked, asked=True))
    slack.wait_until(lambda: any(WANTED in said["text"] and "Incident" in said["text"] for said in slack.messages(SOC)))
    assert not stuck.let_go.is_set()
    assert judged(state.read()) == {WANTED}, "the others are still asked about"


def judged(db: Database) -> set[str]:
    return {case.subject.value for case in cases.open_cases(db) if case.triage and case.subject}
