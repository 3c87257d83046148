"""How fast the line is: set-up to first card, webhook to 202, alert to its card, ``/triage`` to its acknowledgement,
alone and while an alert storm is worked off.

Slack takes about one message a second and channel, and a case is a card with a thread of a dozen. So each alert comes
when the card before it says all it will, while the threads of earlier cases are still being written behind it.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
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
TRIAGES, AT_ONCE, ROUND = 50, 12, 2
"""Alerts of a storm, each about a key with a history; people who type at the same moment; after how many triages they
do so again."""
BUSY = (
    "SELECT (SELECT count(*) FROM outbox WHERE kind = 'message' AND state IN ('ready', 'sending'))"
    " + (SELECT count(*) FROM jobs WHERE state IN ('ready', 'leased')"
    " AND kind NOT IN ('look_again', 'untaken', 'hunt_again'))"
)

TRIAGING = "SELECT count(*) FROM jobs WHERE kind IN ('receive', 'triage') AND state IN ('ready', 'leased')"


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


def measure_storm() -> Iterator[Measured]:
    """What people who type meanwhile see of an alert storm."""
    with Stage(seed=7, at=None, port=0, keep=None) as stage, httpx.Client() as sender:
        stage.wait(lambda: stage.slack.connections)
        rounds = list(_in_a_storm(stage, sender))
        name = f"{AT_ONCE} commands at once while {TRIAGES} triages run: each, typed to acknowledged"
        yield Measured(name, [one for each in rounds for one in each], 0.5, 100)


def _in_a_storm(stage: Stage, sender: httpx.Client) -> Iterator[list[float]]:
    """The acknowledgements of each round, for as long as triages are under way or wait."""
    for number, key in enumerate(_used_keys(stage)):
        told = {**stage.world.alert(), "id": f"storm-{number}", "access_key": key}
        del told["principal"]
        _send(stage, sender, json.dumps(told).encode())
    with ThreadPoolExecutor(AT_ONCE) as people:
        for left in range(TRIAGES, 0, -ROUND):
            stage.wait(partial(_has_come_to, stage, left))
            if _triaging(stage):
                yield list(people.map(lambda _: _command(stage), range(AT_ONCE)))


def _has_come_to(stage: Stage, left: int) -> bool:
    return _triaging(stage) <= left


def _triaging(stage: Stage) -> int:
    return int(stage.bot.desk.state.read().execute(TRIAGING).fetchone()[0])


def _used_keys(stage: Stage) -> list[str]:
    """The keys that were used most, so that a triage has something to read."""
    used = Counter(record["userIdentity"].get("accessKeyId") for _, record in stage.world.entries)
    return [key for key, _ in used.most_common() if key][:TRIAGES]


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
