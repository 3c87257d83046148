"""A local Slack, a state file and a clock that tests move by hand."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.demo.slack import LocalSlack
from bot.slack.answers import Answers
from bot.slack.client import web_client
from bot.slack.listeners import POOL, build_app
from bot.slack.post import Sender
from bot.slack.socket import SocketRunner
from bot.store.state import State
from bot.workers import Workers
from tests.slack.made_up import PING_SECONDS, MadeUp, now


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def move(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    with State(tmp_path / "state.db") as opened:
        yield opened


@pytest.fixture
def slack() -> Iterator[LocalSlack]:
    with LocalSlack() as started:
        yield started


@pytest.fixture
def operations() -> MadeUp:
    return MadeUp()


@pytest.fixture
def runner(state: State, slack: LocalSlack) -> Iterator[SocketRunner]:
    client = web_client(slack.bot_token, slack.api_url)
    running = SocketRunner(build_app(client, state, now), client, slack.app_token, ping_seconds=PING_SECONDS)
    running.start()
    slack.wait_until(lambda: slack.connections)
    yield running
    running.close()


@pytest.fixture
def bot(state: State, slack: LocalSlack, operations: MadeUp, runner: SocketRunner) -> Iterator[Workers]:
    workers = Workers(state, now, Answers(operations, now).handlers())
    workers.start(POOL, 2)
    workers.loop("send", Sender(state, web_client(slack.bot_token, slack.api_url), now).send_next)
    yield workers
    workers.stop(5)
