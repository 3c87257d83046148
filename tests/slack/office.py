"""The whole bot between a local Slack and its people: a real socket, real Bolt, real jobs, a clock to move."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from bot.app import Bot
from bot.config import load
from bot.demo.slack import ANALYST, SECOND_ANALYST, SOC, SOC_GROUP, TEAM_ID, LocalSlack
from bot.demo.slack.http import SCOPES
from bot.model import Case, Refusal
from tests.fakes import KALI_AGENT
from tests.history import made
from tests.remediation.cloud import key_id
from tests.slack.readable import readable

T = TypeVar("T")
NOW = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
KEY = key_id(1)
ME, SHE = (f"slack:{TEAM_ID}:{person}" for person in (ANALYST, SECOND_ANALYST))
CONFIG = """\
[slack]
channel = "{soc}"
on_call = "{group}"
api_url = "{slack.api_url}"
[store]
path = "{folder}/state.db"
[history]
path = "{folder}/history.db"
[detections]
minutes = 0
[sources.siem]
secrets = ["env:SIEM"]
[access]
triage = ["{me}", "{she}"]
{more}
"""


@dataclass
class Office:
    slack: LocalSlack
    bot: Bot
    folder: Path
    times: list[datetime] = field(default_factory=lambda: [NOW])

    def move(self, by: timedelta) -> None:
        """Let time pass; the workers see what has become due."""
        self.times.append(self.times[-1] + by)
        with self.bot.desk.state.changed:
            self.bot.desk.state.changed.notify_all()

    def alert(self, id_: str = "a", **more: Any) -> None:
        """An alert as a detector sends it, of a key that Kali used."""
        at = self.times[-1] - timedelta(minutes=2)
        told = {"id": id_, "title": "Kali on alice's key", "time": f"{at:%Y-%m-%dT%H:%M:%SZ}", "access_key": KEY}
        agent = {"principal": "arn:aws:iam::111122223333:user/alice", "user_agent": KALI_AGENT}
        self.bot.desk.pipeline.accept("siem", [{**told, **agent, "source_ip": "159.89.100.10", **more}])

    def until(self, condition: Callable[[], T | None], seconds: float = 20.0) -> T:
        """What ``condition`` gives once it is true, asked again at every change of the bot's state."""
        end, changed = time.monotonic() + seconds, self.bot.desk.state.changed
        while not (answer := condition()):
            assert time.monotonic() < end, f"it did not come to that: {self._left()}"
            with changed:
                changed.wait(0.05)
        return answer

    def _left(self) -> list[tuple[Any, ...]]:
        query = (
            "SELECT kind, state, error FROM jobs WHERE state <> 'done' UNION ALL SELECT kind, state, error FROM outbox"
        )
        return [tuple(row) for row in self.bot.desk.state.read().execute(query)]

    def card(self, number: int = 1) -> dict[str, Any]:
        """The card of a case once it is settled and everything about it shown."""
        self.settle()
        return next(each for each in self.slack.messages(SOC) if f"Case #{number}" in str(each["text"]))

    def settle(self) -> None:
        """Wait until nothing is left to do or to send now."""
        self.until(lambda: not self._busy())

    def _busy(self) -> bool:
        moment = self.times[-1].timestamp()
        counted = self.bot.desk.state.read().execute(
            "SELECT (SELECT count(*) FROM jobs WHERE state IN ('ready', 'leased') AND due_at <= ?)"
            " + (SELECT count(*) FROM outbox WHERE state IN ('ready', 'sending') AND due_at <= ?)",
            [moment, moment],
        )
        return bool(counted.fetchone()[0])

    def case(self, number: int = 1) -> Case:
        return self.bot.desk.pipeline.load(self.bot.desk.state.read(), number)

    def press(self, action: str, *, user: str = ANALYST, card: dict[str, Any] | None = None) -> None:
        """Press a button of the card; or ``action value``: pick it in the menu, or in the window behind the menu."""
        shown = card or self.card()
        operation, _, value = action.partition(" ")
        if not value:
            assert self.slack.click(user, SOC, shown["ts"], operation).acked
        elif f'"{action}"' in json.dumps(shown):
            assert self.slack.click(user, SOC, shown["ts"], "more", value=action).acked
        else:
            number = value.split(":")[1]
            assert self.slack.click(user, SOC, shown["ts"], "more", value=f"actions case:{number}").acked
            everything = self.window(f"Case #{number}", user)
            assert self.slack.click_view(user, everything["id"], operation).acked

    def window(self, title: str, user: str = ANALYST) -> dict[str, Any]:
        """The topmost window of ``user`` once it has that title."""

        def there() -> dict[str, Any] | None:
            views = self.slack.open_views(user)
            return views[-1] if views and views[-1]["title"]["text"] == title else None

        # A window that was filled before Slack had opened it is filled again a second later, by this clock.
        for _ in range(9):
            try:
                return self.until(there, 2.0)
            except AssertionError:
                self.move(timedelta(seconds=1))
        return self.until(there)

    def submit(self, title: str, values: dict[str, Any], user: str = ANALYST) -> str:
        """Fill in a window and send it off; what it says once it is done."""
        view = self.window(title, user)
        assert self.slack.submit_view(user, view["id"], values).acked
        done = ("Kept", "Nothing was changed", "Done", "Approved")
        self.settle()
        self.move(timedelta(seconds=3))
        return self.until(
            lambda: next(
                (readable(each) for each in self.slack.open_views(user) if each["title"]["text"] in done), None
            )
        )

    def thread(self) -> list[str]:
        """What stands in the thread of the first card, as people read it."""
        self.settle()
        return [readable(each) for each in self.slack.thread(SOC, self.card()["ts"])[1:] if "blocks" in each]

    def audit(self) -> list[tuple[str, str, str, str]]:
        query = "SELECT actor, operation, target, result FROM audit ORDER BY seq"
        return [tuple(row) for row in self.bot.desk.state.read().execute(query)]


@contextmanager
def office(folder: Path, more: str = "", *, scopes: Collection[str] = SCOPES) -> Iterator[Office]:
    """A bot at work, from its first job to its last; ``more`` is added to its configuration."""
    made.loaded(folder, made.record(1)).path.rename(folder / "history.db")
    times = [NOW]
    with LocalSlack(scopes=scopes, clock=lambda: times[-1].timestamp()) as local:  # noqa: PLW0108 - it moves
        text = CONFIG.format(soc=SOC, group=SOC_GROUP, slack=local, folder=folder, me=ME, she=SHE, more=more)
        (folder / "config.toml").write_text(text)
        secrets = {"SLACK_BOT_TOKEN": local.bot_token, "SLACK_APP_TOKEN": local.app_token, "SIEM": "s" * 32}
        bot = Bot(load(folder / "config.toml", {}), secrets, lambda: times[-1], timedelta())
        try:
            bot.start()
            local.wait_until(lambda: local.connections)
            yield Office(local, bot, folder, times)
        finally:
            bot.stop()


def granted(made_: T | Refusal) -> T:
    assert not isinstance(made_, Refusal), made_.sentence
    return made_
