"""`triage doctor --slack` against the local Slack: what works, what does not, and what to do about it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bot.cli import app
from bot.demo.slack import OTHER_CHANNEL, SOC, LocalSlack
from bot.slack.checkup import SCOPES
from bot.slack.client import web_client
from bot.slack.elements import header
from bot.slack.post import Sender
from bot.store import outbox
from bot.store.state import State
from tests.slack.conftest import Clock
from tests.test_deploy import MANIFEST


@pytest.fixture
def slack() -> Iterator[LocalSlack]:
    with LocalSlack(scopes=[*MANIFEST["oauth_config"]["scopes"]["bot"]]) as started:
        yield started


@pytest.fixture
def folder(tmp_path: Path, slack: LocalSlack, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "config.toml").write_text(f"""\
[slack]
channel = "{SOC}"
fallback_channel = "{OTHER_CHANNEL}"
api_url = "{slack.api_url}"
[store]
path = "{tmp_path}/state.db"
""")
    monkeypatch.setenv("SLACK_BOT_TOKEN", slack.bot_token)
    monkeypatch.setenv("SLACK_APP_TOKEN", slack.app_token)
    return tmp_path


def doctor(folder: Path, *more: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["doctor", "--slack", "--config", str(folder / "config.toml"), *more])
    return done.exit_code, done.stdout


def test_everything_works(folder: Path, slack: LocalSlack) -> None:
    slack.invite_bot(OTHER_CHANNEL)
    code, said = doctor(folder)
    assert code == 0
    assert said.count(": works") == len(said.splitlines()) == 5


def test_each_thing_that_does_not_work_is_named_with_its_remedy(folder: Path, slack: LocalSlack) -> None:
    slack.archive(SOC)
    code, said = doctor(folder)
    assert code == 1
    assert f"channel {SOC}: the channel is archived: unarchive it" in said
    assert f"channel {OTHER_CHANNEL}: the bot is not in the channel: type `/invite @Triage` there" in said


@pytest.mark.parametrize(
    ("variable", "sentence"),
    [
        ("SLACK_BOT_TOKEN", "the bot's token: Slack does not accept the bot's token: install the app again"),
        ("SLACK_APP_TOKEN", "the app's token: invalid_auth: make one with connections:write"),
    ],
)
def test_a_token_that_is_not_taken_says_which(
    variable: str, sentence: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, "xoxb-canary")
    code, said = doctor(folder)
    assert code == 1
    assert sentence in said
    assert "canary" not in said


def test_what_waits_is_told_from_the_state_as_json_too(folder: Path, slack: LocalSlack, clock: Clock) -> None:
    slack.archive(SOC)
    with State(folder / "state.db") as state:
        said = {"text": "a card", "blocks": [header("a card")]}
        state.write(lambda db: outbox.show(db, "case:7:card", SOC, said, clock()))
        Sender(state, web_client(slack.bot_token, slack.api_url), clock).send_next()
    code, printed = doctor(folder, "--json")
    (waiting,) = json.loads(printed)["waiting"]
    assert code == 1
    assert waiting == (
        f"Slack takes nothing for {SOC} (is_archived): the channel is archived: unarchive it, or name another in"
        " config.toml. 1 message waits, none is lost"
    )


def test_slack_that_cannot_be_reached_is_said(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = folder / "config.toml"
    config.write_text(config.read_text().replace("http://127.0.0.1:", "http://127.0.0.1:9/?"))
    code, said = doctor(folder)
    assert code == 1
    assert "is slack.com reachable from here?" in said


def test_the_manifest_asks_for_every_scope_that_is_needed() -> None:
    assert set(MANIFEST["oauth_config"]["scopes"]["bot"]) >= SCOPES
