"""The bot in HTTP mode against a Slack that others wrote: a signed command, the card, its modal, its buttons."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlencode

import httpx
import pytest
from slack_sdk import WebClient
from slack_sdk.signature import SignatureVerifier

from bot.app import Bot, now
from bot.config import load
from bot.demo.aws import LocalAws
from bot.demo.world import tell_story
from bot.demo.world.stage import KeyPair
from bot.model import ChangeState
from bot.remediation.records import changes_of
from tests.arms import arm
from tests.checkers import problems
from tests.emulate import CHANNEL, SIGNING_SECRET, TOKEN, emulated_slack
from tests.serving import serving

T = TypeVar("T")
WAIT_SECONDS = 30.0
CASE = 1


class Site:
    """The bot, the third-party Slack, an AWS that enforces, and an analyst's hands."""

    def __init__(self, bot: Bot, address: str, client: WebClient, aws: LocalAws, lead: KeyPair) -> None:
        self.bot, self.address, self.client, self.aws, self.lead = bot, address, client, aws, lead
        self.team = client.auth_test()["team_id"]
        self.user = next(one["id"] for one in client.users_list()["members"] if one["name"] == "alice")
        self.channel = channel_of(client)

    def send(self, fields: dict[str, str]) -> httpx.Response:
        """What Slack sends for a command or an interaction, signed as Slack signs it."""
        body, timestamp = urlencode(fields), str(int(time.time()))
        signature = SignatureVerifier(SIGNING_SECRET).generate_signature(timestamp=timestamp, body=body)
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "X-Slack-Request-Timestamp": timestamp,
            "X-Slack-Signature": signature or "",
        }
        return httpx.post(f"{self.address}/slack/events", content=body, headers=headers)

    def command(self, text: str) -> httpx.Response:
        typed = {"command": "/triage", "text": text, "team_id": self.team, "channel_id": self.channel}
        return self.send({**typed, "user_id": self.user, "user_name": "alice", "trigger_id": self.trigger()})

    def interact(self, **payload: Any) -> httpx.Response:
        who = {"user": {"id": self.user, "name": "alice", "team_id": self.team}, "team": {"id": self.team}}
        return self.send({"payload": json.dumps({**who, "trigger_id": self.trigger(), **payload})})

    def trigger(self) -> str:
        return str(self.client.api_call("views.generateTriggerId", json={"user_id": self.user})["trigger_id"])

    def card(self) -> dict[str, Any]:
        """The one card in the channel."""
        history = self.client.conversations_history(channel=self.channel)["messages"]
        (card,) = [one for one in history if one.get("blocks") and one.get("thread_ts", one["ts"]) == one["ts"]]
        return dict(card)

    def press(self, action_id: str) -> None:
        card = self.card()
        rows = [block["elements"] for block in card["blocks"] if block["type"] == "actions"]
        (button,) = [one for row in rows for one in row if one["action_id"] == action_id]
        action = {"type": "button", "action_id": action_id, "block_id": "b", "value": button["value"]}
        answer = self.interact(type="block_actions", actions=[action], message=card, channel={"id": self.channel})
        assert answer.status_code == 200

    def submit_preview(self, number: int) -> None:
        """Submit the ``number``-th preview that the third-party Slack took."""
        view = self.until(lambda: dict(enumerate(self.previews(), 1)).get(number))
        values = {"reason": {"reason": {"type": "plain_text_input", "value": "confirmed with its owner"}}}
        shown = {**view, "id": f"V{number}", "state": {"values": values}}
        assert self.interact(type="view_submission", view=shown).status_code == 200

    def previews(self) -> list[dict[str, Any]]:
        rows = self.bot.desk.state.read().execute(
            "SELECT payload FROM outbox WHERE kind = 'view' AND state = 'sent' ORDER BY id"
        )
        views = [json.loads(row[0])["view"] for row in rows.fetchall()]
        return [view for view in views if view.get("submit")]

    def until(self, condition: Callable[[], T | None]) -> T:
        end = time.monotonic() + WAIT_SECONDS
        state = self.bot.desk.state
        while not (answer := condition()):
            assert time.monotonic() < end, state.read().execute("SELECT kind, state, error FROM outbox").fetchall()
            with state.changed:
                state.changed.wait(0.1)
        return answer

    def confirmed(self, count: int) -> bool:
        changes = changes_of(self.bot.desk.state.read(), CASE)
        return len(changes) == count and changes[-1].state is ChangeState.CONFIRMED


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    story = tell_story(7, datetime.now(UTC))
    with emulated_slack(tmp_path) as slack, LocalAws(story) as aws:
        for name, value in aws.environment.items():
            monkeypatch.setenv(name, value)
        client = WebClient(token=TOKEN, base_url=slack.api_url)
        secrets = {
            "SLACK_BOT_TOKEN": TOKEN,
            "SLACK_SIGNING_SECRET": SIGNING_SECRET,
            "EXTERNAL_ID": aws.access.external_id,
        }
        bot = Bot(load(config(tmp_path, client, slack.api_url, aws), {}), secrets, now)
        arm(bot.desk.state)
        bot.start()
        with serving(bot.web) as address:
            yield Site(bot, address, client, aws, story.lead)
        rows = bot.desk.state.read().execute("SELECT payload FROM outbox").fetchall()
        bot.stop()
    shown = [json.loads(payload) for (payload,) in rows]
    assert [problem for each in shown for problem in problems(each.get("view") or each["message"])] == []


def config(folder: Path, client: WebClient, api_url: str, aws: LocalAws) -> Path:
    team = client.auth_test()["team_id"]
    user = next(one["id"] for one in client.users_list()["members"] if one["name"] == "alice")
    person = json.dumps([f"slack:{team}:{user}"])
    path = folder / "config.toml"
    path.write_text(f"""\
[slack]
mode = "http"
channel = "{channel_of(client)}"
api_url = "{api_url}"
[store]
path = {json.dumps(str(folder / "state.db"))}
[history]
path = {json.dumps(str(folder / "history.db"))}
[aws]
read_role = "{aws.access.read_role}"
act_role = "{aws.access.act_role}"
external_id = "env:EXTERNAL_ID"
[detections]
minutes = 0
[access]
triage = {person}
approve = {person}
undo = {person}
""")
    return path


def channel_of(client: WebClient) -> str:
    return next(str(one["id"]) for one in client.conversations_list()["channels"] if one["name"] == CHANNEL)


def test_a_key_is_asked_for_disabled_and_brought_back(site: Site) -> None:
    lead = site.lead
    assert site.command(f"key {lead.id}").status_code == 200
    site.until(lambda: posted(site) and "Inconclusive" in json.dumps(site.card()))
    assert site.aws.attempt(lead).allowed

    site.press("plan:disable_access_key")
    site.submit_preview(1)
    site.until(lambda: site.confirmed(1))
    assert not site.aws.attempt(lead).allowed
    site.until(lambda: "confirmed" in json.dumps(site.card()))

    site.press("undo")
    site.submit_preview(2)
    site.until(lambda: site.confirmed(2))
    assert site.aws.attempt(lead).allowed


def test_what_is_not_signed_by_slack_changes_nothing(site: Site) -> None:
    forged = httpx.post(f"{site.address}/slack/events", data={"command": "/triage", "text": f"key {site.lead.id}"})
    assert (forged.status_code, forged.content) == (401, b"")
    assert site.bot.desk.state.read().execute("SELECT count(*) FROM jobs WHERE kind <> 'digest'").fetchone() == (0,)


def posted(site: Site) -> bool:
    return bool(site.bot.desk.state.read().execute("SELECT count(*) FROM messages").fetchone()[0])
