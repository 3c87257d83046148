"""The demo's stage: a made organisation, a local AWS, a local Slack, and the real bot between them.

The bot is composed exactly as ``triage serve`` composes it, from a ``config.toml`` that is written here; what differs
is where Slack and AWS are, which production reads from the same settings.
"""

from __future__ import annotations

import json
import logging
import os
import secrets
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
import uvicorn

from bot import cases, logs
from bot.app import Bot
from bot.config import load
from bot.demo.aws import Attempt, LocalAws
from bot.demo.slack import ANALYST, KEY_OWNER, SECOND_ANALYST, SOC, TEAM_ID, THIRD_ANALYST, LocalSlack
from bot.demo.world import Folder, Story, World, make_world
from bot.history.load import load_paths
from bot.history.sqlite import SqliteHistory
from bot.intake.signatures import SIGNATURE, TIMESTAMP, sign
from bot.model import Actor
from bot.remediation import arming
from bot.slack.post import PACE

SOURCE = "siem"
ENVIRONMENT = "default"
ARMED_BY = ("noor", "sam")
"""Two people of the story's security team."""
WAIT_SECONDS = 60.0
POLL_SECONDS = 0.02


class Stage:
    """Everything the story needs, from ``with`` to the end of it.

    ``at`` is the moment the story is told at (aware UTC); the clock of the bot starts at its minute. ``pace`` is the
    time the bot leaves between two messages: the local Slack asks for none.
    """

    def __init__(self, *, seed: int, at: datetime | None, port: int, keep: Path | None, pace: timedelta = PACE) -> None:
        self.at = at or datetime.now(UTC).replace(microsecond=0)
        self.world: World = make_world(seed, self.at)
        self.slack = LocalSlack(port=port)
        self.aws = LocalAws(self.world.story)
        self._keep = keep
        self._pace = pace
        self.secret = secrets.token_hex(16)
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        """Raises ``LocalAwsError`` or ``OSError`` if a part of it cannot start."""
        try:
            self._build()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    @property
    def story(self) -> Story:
        return self.world.story

    def send_alert(self) -> None:
        """Deliver the alert as a detector would: signed, over HTTP. Raises ``httpx.HTTPError`` if it is not taken."""
        body = json.dumps(self.world.alert()).encode()
        timestamp = int(self.clock().timestamp())
        headers = {
            "Content-Type": "application/json",
            TIMESTAMP: str(timestamp),
            SIGNATURE: sign(self.secret, timestamp, body),
        }
        httpx.post(f"{self.webhook}/alerts/{SOURCE}", content=body, headers=headers).raise_for_status()

    def deliver_late_records(self) -> int:
        """Load what CloudTrail had not delivered when the alert came in; how many records that is."""
        return load_paths(self.history, [self.folder.late]).events

    def thief_calls(self) -> Attempt:
        """One call with the stolen key, by the thief's own client."""
        return self.aws.attempt(self.story.lead)

    def card(self) -> dict[str, Any] | None:
        """The card in the channel as it stands now."""
        return next(iter(self.slack.messages(SOC)), None)

    def card_as_sent(self, case: int) -> dict[str, Any]:
        """The card of ``case`` as the bot sent it last."""
        row = self.bot.desk.state.read().execute(
            "SELECT payload FROM outbox WHERE slot = ? AND state = 'sent' ORDER BY id DESC", [f"case:{case}:card"]
        )
        sent: dict[str, Any] = json.loads(row.fetchone()[0])["message"]
        return sent

    def settled(self, case: int) -> bool:
        """Whether every question of ``case`` is answered and its card says so; the thread may still be filling."""
        database = self.bot.desk.state.read()
        busy = database.execute(
            "SELECT (SELECT count(*) FROM outbox WHERE state IN ('ready', 'sending') AND kind <> 'reply')"
            " + (SELECT count(*) FROM jobs WHERE pool IN ('triage', 'ask') AND state IN ('ready', 'leased')"
            " AND kind NOT IN ('look_again', 'untaken', 'held', 'check_due'))"
        ).fetchone()[0]
        triage = cases.load(database, case).triage if not busy else None
        return triage is not None and not triage.pending

    def wait(self, condition: Callable[[], Any]) -> Any:
        """What ``condition`` gives once it is true. Raises ``TimeoutError``."""
        until = time.monotonic() + WAIT_SECONDS
        while not (answer := condition()):
            if time.monotonic() > until:
                raise TimeoutError("the demo did not come to its next step; run it again with --keep to look at it")
            time.sleep(POLL_SECONDS)
        return answer

    def _build(self) -> None:
        logs.set_up(level=logging.WARNING)
        root = self._keep or Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="triage-demo-")))
        root.mkdir(parents=True, exist_ok=True)
        self._stack.enter_context(self.slack)
        self._stack.enter_context(self.aws)
        os.environ.update(self.aws.environment)
        self.folder: Folder = self.world.write(root)
        self.history = SqliteHistory(root / "history.db")
        load_paths(self.history, [self.folder.cloudtrail])
        self.clock = _clock_from(self.at.replace(second=0))
        self.bot = Bot(load(_config(root, self), {}), self._secrets(), self.clock, self._pace)
        self._stack.callback(self.bot.stop)
        self._arm()
        self.bot.start()
        self.webhook = self._stack.enter_context(_Served(self.bot.web)).address

    def _arm(self) -> None:
        """The organisation of the story has armed its bot long ago."""
        state, at = self.bot.desk.state, self.clock()
        state.write(lambda db: arming.keep_check(db, ENVIRONMENT, (), at))
        for name in ARMED_BY:
            who = Actor(f"slack:{TEAM_ID}:{name}", name)
            state.write(lambda db, who=who: arming.arm(db, ENVIRONMENT, who, who.id, "drilled and ready", at))  # type: ignore[misc]

    def _secrets(self) -> dict[str, str]:
        return {
            "SLACK_BOT_TOKEN": self.slack.bot_token,
            "SLACK_APP_TOKEN": self.slack.app_token,
            "TRIAGE_EXTERNAL_ID": self.aws.access.external_id,
            "TRIAGE_SIEM_SECRET": self.secret,
        }


def _clock_from(start: datetime) -> Callable[[], datetime]:
    """A clock that shows ``start`` now and goes on from there."""
    begun = time.monotonic()
    return lambda: start + timedelta(seconds=int(time.monotonic() - begun))


def _config(root: Path, stage: Stage) -> Path:
    access = stage.aws.access
    analyst = json.dumps([f"slack:{TEAM_ID}:{ANALYST}"])
    analysts = json.dumps([f"slack:{TEAM_ID}:{person}" for person in (ANALYST, SECOND_ANALYST, THIRD_ANALYST)])
    text = f"""\
# The demo's configuration: what a real config.toml needs, and nothing more.
[slack]
channel = "{SOC}"
api_url = "{stage.slack.api_url}"

[store]
path = {json.dumps(str(root / "state.db"))}

[history]
path = {json.dumps(str(root / "history.db"))}

# The same answers on every machine, whatever is installed there.
[ipdata]
path = {json.dumps(str(root / "ipdata"))}
plevin = false

# The story begins with somebody else's alert.
[detections]
minutes = 0

[aws]
read_role = "{access.read_role}"
act_role = "{access.act_role}"
external_id = "env:TRIAGE_EXTERNAL_ID"

[sources.{SOURCE}]
secrets = ["env:TRIAGE_SIEM_SECRET"]

# The owner of the stolen key is somebody of this workspace, too.
[owners]
ask = true

[owners.people]
{json.dumps(stage.story.lead.user)} = "{KEY_OWNER}"

# What keeps the backups is changed by nobody alone: two others must approve, and the page lets you be each of them.
[environments.default]
protected = [{json.dumps(stage.story.guarded_key.user)}]

[access]
triage = {analysts}
approve = {analysts}
undo = {analyst}
"""
    path = root / "config.toml"
    path.write_text(text, encoding="utf-8")
    return path


class _Served:
    """A web application on a free port of 127.0.0.1, on a thread of its own."""

    def __init__(self, app: Any) -> None:
        self._server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_config=None, access_log=False))
        self._thread = threading.Thread(target=self._server.run, name="webhook", daemon=True)

    @property
    def address(self) -> str:
        host, port = self._server.servers[0].sockets[0].getsockname()[:2]
        return f"http://{host}:{port}"

    def __enter__(self) -> Self:
        self._thread.start()
        while not self._server.started:
            if not self._thread.is_alive():
                raise OSError("the webhook's server did not start")
            self._thread.join(0.01)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.should_exit = True
        self._thread.join(10)
