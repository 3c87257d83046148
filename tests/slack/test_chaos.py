"""Whatever Slack does, each message is there once and what is wrong is said: a row of docs/operations.md each."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from slack_sdk import WebClient

from bot.demo.slack import (
    ANALYST,
    LOST_ANSWER,
    OTHER_CHANNEL,
    SERVER_ERROR,
    SOC,
    Fault,
    LocalSlack,
)
from bot.slack import troubles
from bot.slack.client import web_client
from bot.slack.elements import header, message
from bot.slack.listeners import build_app
from bot.slack.post import Sender
from bot.slack.socket import LONGEST_PAUSE, PING_SECONDS, PINGS_MISSED, SocketRunner
from bot.store import outbox
from bot.store.state import State
from tests.documents import ROOT
from tests.slack.conftest import Clock
from tests.slack.wire import wire

PINGS = 0.2
"""Seconds between pings here, where production has ten."""
GATEWAY = Fault(502, "<html>bad gateway</html>", {"Content-Type": "text/html"}, processed=True)
PAGE = Fault(200, "<html>maintenance</html>", {"Content-Type": "text/html"})
INTERNAL = Fault(200, {"ok": False, "error": "internal_error"}, processed=True)
REVOKED = Fault(200, {"ok": False, "error": "token_revoked"})
FAILED = Fault(500, "<html>Server Error</html>", {"Content-Type": "text/html"}, processed=True)
HANGS = Fault(silent=True, processed=True)


def limited(after: str | None) -> Fault:
    headers = {} if after is None else {"Retry-After": after}
    return Fault(429, {"ok": False, "error": "ratelimited"}, headers)


@dataclass
class Stage:
    """The bot's sender and socket over the local Slack, with a clock that is moved by hand."""

    slack: LocalSlack
    state: State
    clock: Clock
    sender: Sender
    runner: SocketRunner

    def show(self, text: str, slot: str = "case:12:card") -> None:
        said = message(text, header(text)).payload()
        self.state.write(lambda db: outbox.show(db, slot, SOC, said, self.clock()))

    def send(self) -> None:
        while self.sender.send_next():
            pass

    def send_after(self, seconds: float) -> None:
        """Nothing more is tried before so many seconds are over; then it is."""
        tried = len(self.slack.calls("chat.postMessage"))
        self.clock.move(seconds - 0.01)
        self.send()
        assert len(self.slack.calls("chat.postMessage")) == tried
        self.clock.move(0.01)
        self.send()

    def texts(self, channel: str = SOC) -> list[str]:
        return [said["text"] for said in self.slack.messages(channel)]

    def connect(self) -> None:
        self.runner.start()
        self.until(self.runner.alive)

    def until(self, condition: Callable[[], Any]) -> None:
        """Ask again and again, as a readiness probe does."""
        asking, end = threading.Event(), time.monotonic() + 20
        while not condition():
            assert time.monotonic() < end
            asking.wait(0.02)

    def jobs(self, kind: str) -> int:
        return int(self.state.read().execute("SELECT count(*) FROM jobs WHERE kind = ?", [kind]).fetchone()[0])


@pytest.fixture
def stage(slack: LocalSlack, state: State, clock: Clock) -> Iterator[Stage]:
    client = web_client(slack.bot_token, slack.api_url, seconds=0.3)
    sender = Sender(state, client, clock, fallback=OTHER_CHANNEL)
    app = build_app(client, state, clock)
    runner = SocketRunner(app, client, slack.app_token, ping_seconds=PINGS)
    yield Stage(slack, state, clock, sender, runner)
    runner.close()


# ------------------------------------------------------------------------------------------------ posting


def posting(fault: Fault, seconds: float) -> Callable[[Stage], None]:
    """The card's first post and its edit meet ``fault``; each is there once, ``seconds`` later."""

    def happens(stage: Stage) -> None:
        stage.slack.fail_next("chat.postMessage", fault)
        stage.show("checking")
        stage.send()
        stage.send_after(seconds)
        assert stage.texts() == ["checking"]
        stage.clock.move(60)
        stage.slack.fail_next("chat.update", fault)
        stage.show("incident")
        stage.send()
        stage.clock.move(60)
        stage.send()
        assert stage.texts() == ["incident"]

    return happens


def mended(breaks: Callable[[Stage], None], mends: Callable[[Stage], None], word: str) -> Callable[[Stage], None]:
    """Nothing can be posted until somebody mends it: said, kept, posted then."""

    def happens(stage: Stage) -> None:
        stage.slack.invite_bot(OTHER_CHANNEL)
        breaks(stage)
        stage.show("checking")
        stage.send()
        (sentence,) = troubles.sentences(stage.state.read())
        assert word in sentence
        assert "1 message waits, none is lost" in sentence
        stage.clock.move(600)
        stage.send()
        (said,) = [text for text in stage.texts(OTHER_CHANNEL) if SOC in text]
        assert word in said
        mends(stage)
        for _ in range(3):
            stage.clock.move(600)
            stage.send()
        assert stage.texts() == ["checking"]
        assert troubles.sentences(stage.state.read()) == []
        assert [text for text in stage.texts(OTHER_CHANNEL) if SOC in text] == [
            f"Slack takes messages for {SOC} again; what waited is being sent."
        ]

    return happens


def revoked(stage: Stage) -> None:
    stage.slack.invite_bot(OTHER_CHANNEL)
    stage.slack.fail_next("chat.postMessage", *[REVOKED] * 4)
    stage.show("checking")
    stage.send()
    said = troubles.sentences(stage.state.read())
    assert said
    assert all("set SLACK_BOT_TOKEN anew" in sentence for sentence in said)
    for _ in range(4):
        stage.clock.move(600)
        stage.send()
    assert stage.texts() == ["checking"]
    assert troubles.sentences(stage.state.read()) == []


# ------------------------------------------------------------------------------------------------- the socket


def deaf(stage: Stage) -> None:
    """Connected, greeted, then silent without a goodbye: it is noticed, said and replaced."""
    opened = WebClient(base_url=stage.slack.api_url).apps_connections_open(app_token=stage.slack.app_token)
    with wire(stage.slack.port) as carried:
        url = str(opened["url"]).replace(f":{stage.slack.port}/", f":{carried.port}/")
        stage.slack.fail_next("apps.connections.open", Fault(200, {"ok": True, "url": url}))
        stage.connect()
        assert stage.slack.type_command(ANALYST, SOC, "/triage help").acked
        before = len(stage.slack.calls("apps.connections.open"))
        carried.silence()
        stage.slack.wait_until(lambda: len(stage.slack.calls("apps.connections.open")) > before)
    stage.slack.wait_until(lambda: stage.slack.connections == 1)
    stage.until(stage.runner.alive)
    assert "it fell silent" in stage.runner.why()
    assert stage.slack.type_command(ANALYST, SOC, "/triage help").acked


def duplicate(stage: Stage) -> None:
    stage.connect()
    asked = stage.slack.mention(ANALYST, SOC, "help")
    assert asked.acked
    assert stage.slack.deliver_again().acked
    assert stage.jobs("mention") == 1


def refreshed(stage: Stage) -> None:
    stage.connect()
    before = len(stage.slack.calls("apps.connections.open"))
    stage.slack.disconnect("refresh_requested")
    stage.slack.wait_until(lambda: len(stage.slack.calls("apps.connections.open")) > before and stage.slack.connections)
    stage.until(stage.runner.alive)
    assert stage.slack.type_command(ANALYST, SOC, "/triage help").acked


def down_at_start(stage: Stage) -> None:
    stage.slack.fail_next("apps.connections.open", SERVER_ERROR, SERVER_ERROR)
    stage.slack.fail_next("chat.postMessage", SERVER_ERROR)
    stage.show("checking")
    stage.send()
    stage.connect()
    stage.clock.move(60)
    stage.send()
    assert stage.texts() == ["checking"]
    assert stage.slack.type_command(ANALYST, SOC, "/triage help").acked


CHAOS: dict[str, Callable[[Stage], None]] = {
    "429, `Retry-After: 1`": posting(limited("1"), 1),
    "429, `Retry-After: 30`": posting(limited("30"), 30),
    "429, `Retry-After: 0.5`": posting(limited("0.5"), 1),
    "429 without `Retry-After`": posting(limited(None), 30),
    "500, the message taken or not": posting(FAILED, 2),
    "502, the message taken or not": posting(GATEWAY, 2),
    "200 with an HTML page": posting(PAGE, 2),
    "`ok: false`, `internal_error`": posting(INTERNAL, 2),
    "no answer": posting(HANGS, 2),
    "the connection is reset": posting(LOST_ANSWER, 2),
    "the socket is deaf": deaf,
    "an event comes twice": duplicate,
    "`disconnect`, `refresh_requested`": refreshed,
    "Slack is down at the start": down_at_start,
    "the bot's token is revoked": revoked,
    "the channel is archived": mended(
        lambda stage: stage.slack.archive(SOC), lambda stage: stage.slack.archive(SOC, archived=False), "is_archived"
    ),
    "the bot is removed from the channel": mended(
        lambda stage: stage.slack.remove_bot(SOC), lambda stage: stage.slack.invite_bot(SOC), "not_in_channel"
    ),
}


@pytest.mark.parametrize("name", CHAOS)
def test_whatever_slack_does(name: str, stage: Stage) -> None:
    CHAOS[name](stage)


def test_the_table_in_the_documentation_has_these_rows() -> None:
    rows = table(ROOT / "docs" / "operations.md", "## When Slack misbehaves")
    assert [row[0] for row in rows] == list(CHAOS)
    assert all(len(row) == 3 and all(row) for row in rows)


def table(page: Path, heading: str) -> list[Sequence[str]]:
    """The rows of the first table under ``heading``."""
    section = page.read_text(encoding="utf-8").split(f"\n{heading}\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[1:] if not line.startswith("|---")]


def test_a_deaf_socket_is_replaced_within_a_minute() -> None:
    """In production: silent for three pings, seen at the next look; the next one is opened without a pause."""
    assert PINGS_MISSED * PING_SECONDS + PING_SECONDS / 4 < 60 <= LONGEST_PAUSE
