"""How fast the line is: set-up to first card, webhook to 202, alert to its card, ``/triage`` to its acknowledgement.

Slack takes about one message a second and channel, and a case is a card with a thread of a dozen. So each alert comes
when the card before it says all it will, while the threads of earlier cases are still being written behind it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

import httpx

from bot.demo.slack import ANALYST, SOC
from bot.demo.stage import SOURCE, Stage
from bot.demo.world.cast import ACCOUNT
from bot.demo.world.identifiers import make_id
from bot.intake.signatures import SIGNATURE, TIMESTAMP, sign
from tests.bench.report import Measured

ALERTS = 30
COMMANDS = 60
BUSY = (
    "SELECT (SELECT count(*) FROM outbox WHERE kind = 'message' AND state IN ('ready', 'sending'))"
    " + (SELECT count(*) FROM jobs WHERE state IN ('ready', 'leased')"
    " AND kind NOT IN ('look_again', 'untaken', 'hunt_again'))"
)


@dataclass(frozen=True, slots=True)
class Waited:
    """Seconds from the sending of an alert to the answer, and to its card."""

    answered: float
    shown: float


def measure() -> Iterator[Measured]:
    """Everything, in one run over one stage."""
    started = time.perf_counter()
    with Stage(seed=7, at=None, port=0, keep=None) as stage, httpx.Client() as sender:
        stage.wait(lambda: stage.slack.connections)
        stage.send_alert()
        stage.slack.wait_until(lambda: stage.slack.messages(SOC), 60)
        yield Measured("`make demo`, once set up: start to the first card", [time.perf_counter() - started], 15.0)
        stage.wait(lambda: stage.settled(1))
        commands = [_command(stage) for _ in range(COMMANDS)]
        yield Measured("`/triage whoami`, typed to acknowledged", commands, 0.5, 99)
        waited = [_drawn(stage, _alert(stage, sender, alert)) for alert in _alerts(stage)]
        yield Measured("alert, sent to its card in the channel", [one.shown for one in waited], 2.0)
        yield Measured("alert, sent to 202 (on disk)", [one.answered for one in waited], 3.0, 99)


def _command(stage: Stage) -> float:
    delivered = stage.slack.type_command(ANALYST, SOC, "/triage whoami")
    if not delivered.acked:
        raise RuntimeError(f"the command was not acknowledged: {delivered.error}")
    return delivered.milliseconds / 1000


def _alerts(stage: Stage) -> Iterator[dict[str, Any]]:
    """The keys of the story that have a history first, then keys that nobody used: each opens a case of its own."""
    rng = Random(7)
    known = [key.id for key in stage.story.stolen[1:]]
    unknown = [make_id("AKIA", ACCOUNT, rng) for _ in range(ALERTS - len(known))]
    for number, key in enumerate([*known, *unknown]):
        told = {**stage.world.alert(), "id": f"bench-{number}", "access_key": key}
        del told["principal"]
        yield told


def _alert(stage: Stage, sender: httpx.Client, alert: dict[str, Any]) -> Waited:
    """Send it and wait for a card that names its key."""
    body, key = json.dumps(alert).encode(), alert["access_key"]
    sent = time.perf_counter()
    _send(stage, sender, body)
    answered = time.perf_counter()
    stage.slack.wait_until(lambda: any(key in message["text"] for message in stage.slack.messages(SOC)), 120)
    return Waited(answered - sent, time.perf_counter() - sent)


def _drawn(stage: Stage, waited: Waited) -> Waited:
    """Wait until the newest card is as it will stay; its thread may lag behind."""
    stage.wait(lambda: not stage.bot.desk.state.read().execute(BUSY).fetchone()[0])
    return waited


def _send(stage: Stage, sender: httpx.Client, body: bytes) -> None:
    timestamp = int(stage.clock().timestamp())
    headers = {
        "Content-Type": "application/json",
        TIMESTAMP: str(timestamp),
        SIGNATURE: sign(stage.secret, timestamp, body),
    }
    sender.post(f"{stage.webhook}/alerts/{SOURCE}", content=body, headers=headers).raise_for_status()
