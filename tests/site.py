"""A place where `triage serve` runs as its own process: a local Slack, a small history, a state file, a door to AWS."""

from __future__ import annotations

import json
import os
import random
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any, TypeVar

import httpx

from bot.database import Database, open_reader
from bot.demo.slack import ANALYST, SECOND_ANALYST, SOC, TEAM_ID, LocalSlack
from bot.history.load import load_paths
from bot.history.sqlite import SqliteHistory
from bot.intake.signatures import SIGNATURE, TIMESTAMP, sign
from bot.model import rfc3339
from tests import crash_runner
from tests.arms import armed_file
from tests.forks import processes
from tests.history import made
from tests.remediation.bench import SETTINGS
from tests.remediation.cloud import ACCOUNT, BOT, Seat

T = TypeVar("T")
SECRET = "canary-siem-secret"
WAIT_SECONDS = 30.0
THIEF = "159.89.100.10"


def free_port() -> int:
    """One that no outgoing connection is given before it is used: those come from higher ones."""
    while True:
        port = random.randrange(20_000, 32_000)
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


def history_of(seat: Seat, file: Path) -> SqliteHistory:
    """Ten ordinary days of ``seat``'s user, and the calls of a thief some minutes ago."""
    now = datetime.now(UTC).replace(microsecond=0)
    ordinary = [now - timedelta(days=day, minutes=minute) for day in range(2, 12) for minute in range(6)]
    stolen = [now - timedelta(minutes=minute) for minute in (8, 9, 10)]
    records = [
        *(
            record(seat, n, at, ip="198.51.100.10", agent="aws-cli/2.31.0 md/distrib#ubuntu", name="ListRoles")
            for n, at in enumerate(ordinary)
        ),
        *(record(seat, 1000 + n, at, ip=THIEF, agent=made.KALI, refused=True) for n, at in enumerate(stolen)),
    ]
    history = SqliteHistory(file)
    load_paths(history, [made.write(file.with_suffix(".json"), records)])
    return history


def record(
    seat: Seat, number: int, at: datetime, *, ip: str, agent: str, name: str = "ListUsers", refused: bool = False
) -> dict[str, Any]:
    user = {
        "type": "IAMUser",
        "principalId": f"AIDA{seat.user}",
        "arn": f"arn:aws:iam::{ACCOUNT}:user/{seat.user}",
        "accountId": ACCOUNT,
        "accessKeyId": seat.stolen.id,
        "userName": seat.user,
    }
    outcome = {} if refused else {"errorCode": ..., "errorMessage": ...}
    return made.record(
        number, eventTime=rfc3339(at), eventName=name, sourceIPAddress=ip, userAgent=agent, userIdentity=user, **outcome
    )


@dataclass
class Site:
    folder: Path
    slack: LocalSlack
    seat: Seat
    aws_url: str
    process: ForkServerProcess | None = None
    port: int = field(default_factory=free_port)
    health_port: int = field(default_factory=free_port)

    def __post_init__(self) -> None:
        armed_file(self.folder / "state.db")
        people = json.dumps([f"slack:{TEAM_ID}:{person}" for person in (ANALYST, SECOND_ANALYST)])
        self.config.write_text(f"""\
[slack]
channel = "{SOC}"
api_url = "{self.slack.api_url}"
[server]
port = {self.port}
health_port = {self.health_port}
[store]
path = {json.dumps(str(self.folder / "state.db"))}
[history]
path = {json.dumps(str(self.folder / "history.db"))}
[aws]
read_role = "{SETTINGS.read_role}"
act_role = "{SETTINGS.act_role}"
external_id = "env:EXTERNAL_ID"
[detections]
minutes = 0
[sources.siem]
secrets = ["env:SIEM_SECRET"]
[access]
triage = {people}
approve = {people}
undo = {people}
""")

    @property
    def config(self) -> Path:
        return self.folder / "config.toml"

    @property
    def environ(self) -> Mapping[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "SLACK_BOT_TOKEN": self.slack.bot_token,
            "SLACK_APP_TOKEN": self.slack.app_token,
            "SLACK_SIGNING_SECRET": self.slack.signing_secret,
            "SIEM_SECRET": SECRET,
            "EXTERNAL_ID": str(SETTINGS.external_id),
            "AWS_ENDPOINT_URL": self.aws_url,
            "AWS_ACCESS_KEY_ID": BOT.id,
            "AWS_SECRET_ACCESS_KEY": BOT.secret,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    # ------------------------------------------------------------------------------------------- the process

    def start(self, point: str | None = None) -> None:
        """Start it, and wait until Slack is connected; with ``point``, it will die there."""
        self.slack.wait_until(lambda: not self.slack.connections)
        log = str(self.folder / "log")
        process = processes.Process(
            target=crash_runner.serve, args=(str(self.config), self.environ, log, point), daemon=True
        )
        process.start()
        self.process = process
        self.slack.wait_until(lambda: self.slack.connections, WAIT_SECONDS)

    def ended(self) -> int | None:
        """Wait until the process has ended; its exit code, negative for a signal."""
        assert self.process is not None
        self.process.join(WAIT_SECONDS)
        return self.process.exitcode

    def stop(self) -> int | None:
        """End the process as an orchestrator does."""
        assert self.process is not None
        self.process.terminate()
        return self.ended()

    def beside(self) -> subprocess.CompletedProcess[str]:
        """The installed `triage serve`, run to its end on the same configuration."""
        triage = Path(sys.executable).with_name("triage")
        command = [str(triage), "serve", "--config", str(self.config)]
        return subprocess.run(
            command, env=dict(self.environ), capture_output=True, text=True, timeout=WAIT_SECONDS, check=False
        )

    def close(self) -> None:
        if self.process is not None and self.process.is_alive():
            self.process.kill()
            self.process.join()

    def until(self, condition: Callable[[], T | None]) -> T:
        """What ``condition`` gives once it is true, as long as the process lives."""
        assert self.process is not None
        end = time.monotonic() + WAIT_SECONDS
        while not (answer := condition()):
            self.process.join(0.01)
            ended = self.process.exitcode is not None
            assert not ended, f"it ended: {self.log()}"
            assert time.monotonic() < end, f"it did not come to that: {self.unfinished()} {self.log()}"
        return answer

    def log(self) -> str:
        return (self.folder / "log").read_text()[-3000:]

    # ------------------------------------------------------------------------------------------ what is sent

    def alert(self) -> dict[str, Any]:
        return {
            "title": "Observed Hacking Tool User agent – Kali Linux",
            "severity": "high",
            "time": rfc3339(datetime.now(UTC).replace(second=0, microsecond=0)),
            "id": "finding-1",
            "access_key": self.seat.stolen.id,
            "principal": f"arn:aws:iam::{ACCOUNT}:user/{self.seat.user}",
            "source_ip": THIEF,
            "user_agent": made.KALI,
            "event": "iam:ListUsers",
        }

    def send(self, alert: Mapping[str, Any]) -> httpx.Response | None:
        """Deliver ``alert`` as a detector does; ``None`` if the bot died instead of answering."""
        body, timestamp = json.dumps(alert).encode(), int(datetime.now(UTC).timestamp())
        headers = {
            "Content-Type": "application/json",
            TIMESTAMP: str(timestamp),
            SIGNATURE: sign(SECRET, timestamp, body),
        }
        try:
            url = f"http://127.0.0.1:{self.port}/alerts/siem"
            return httpx.post(url, content=body, headers=headers, trust_env=False, timeout=WAIT_SECONDS)
        except httpx.TransportError:
            return None

    # ------------------------------------------------------------------------------------------ what is seen

    def database(self) -> Database:
        return open_reader(self.folder / "state.db")

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        database = self.database()
        try:
            return [tuple(row) for row in database.execute(statement)]
        finally:
            database.close()

    def unfinished(self) -> list[tuple[Any, ...]]:
        """Work that is left: all but the looks at a change that come later by design, and what ended badly."""
        return self.rows(
            "SELECT 'job', kind, state, error FROM jobs WHERE state <> 'done'"
            " AND kind NOT IN ('verify', 'look_again', 'untaken', 'hunt_again', 'held', 'digest')"
            " UNION ALL SELECT 'outbox', kind, state, error FROM outbox WHERE state IN ('ready', 'sending')"
        )

    def idle(self) -> bool:
        """Whether every case is triaged and everything about it shown."""
        pending = self.rows("SELECT 1 FROM cases WHERE triage IS NULL")
        cases = self.rows("SELECT 1 FROM cases")
        return bool(cases) and not pending and not self.unfinished()

    def card(self) -> dict[str, Any] | None:
        """The one card of the channel."""
        cards = [message for message in self.slack.messages(SOC) if "thread_ts" not in message or is_parent(message)]
        assert len(cards) < 2, f"{len(cards)} cards"
        return cards[0] if cards else None

    def replies(self) -> list[str]:
        """The headings under the card, in order."""
        card = self.card()
        assert card is not None
        return [message["text"] for message in self.slack.thread(SOC, card["ts"])[1:]]


def is_parent(message: Mapping[str, Any]) -> bool:
    return bool(message["thread_ts"] == message["ts"])
