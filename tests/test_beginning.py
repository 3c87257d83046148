"""`triage init`: what it writes passes `triage check` once the secrets are set, and it asks nothing it can find out."""

from __future__ import annotations

import stat
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.demo.slack import SOC, TEAM_ID, LocalSlack
from bot.slack.checkup import SCOPES
from tests.remediation.cloud import ACCOUNT, BOT, Cloud, running
from tests.test_cli import DONE, REFUSED, Triage, triage

__all__ = ("triage",)


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with running(tmp_path_factory.mktemp("aws")) as local:
        yield local


@pytest.fixture
def slack() -> Iterator[LocalSlack]:
    with LocalSlack(scopes=[*SCOPES]) as local:
        yield local


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without credentials of AWS."""
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)


def set_secrets(folder: Path, monkeypatch: pytest.MonkeyPatch, **more: str) -> None:
    """Do with triage.env what its first line says."""
    lines = [line for line in (folder / "triage.env").read_text().splitlines() if "=" in line and line[0] != "#"]
    for name, _, value in (line.partition("=") for line in lines):
        monkeypatch.setenv(name, more.get(name) or value)


@pytest.mark.usefixtures("nowhere")
def test_what_it_writes_passes_the_check_once_the_secrets_are_set(
    triage: Triage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = triage("init", "site", "--channel", "C0123ABCD")
    assert (done.code, done.err) == (DONE, "")
    assert {each.name for each in (tmp_path / "site").iterdir()} == {"config.toml", "triage.env", "slack-manifest.yaml"}
    assert stat.S_IMODE((tmp_path / "site" / "triage.env").stat().st_mode) == 0o600
    before = triage("check", "--config", "site/config.toml")
    assert (before.code, "triage serve" in before.out) == (DONE, True)
    set_secrets(tmp_path / "site", monkeypatch, SLACK_BOT_TOKEN="xoxb-canary", SLACK_APP_TOKEN="xapp-canary")
    checked = triage("check", "--config", "site/config.toml")
    assert (checked.code, checked.out) == (DONE, "site/config.toml: no mistakes.\n")


@pytest.mark.usefixtures("nowhere")
def test_the_secrets_it_makes_are_new_each_time(triage: Triage, tmp_path: Path) -> None:
    triage("init", "one")
    triage("init", "two")
    one, two = ((tmp_path / name / "triage.env").read_text() for name in ("one", "two"))
    assert one != two
    assert one.splitlines()[1:3] == ["SLACK_BOT_TOKEN=", "SLACK_APP_TOKEN="]


@pytest.mark.parametrize("name", ["config.toml", "triage.env", "slack-manifest.yaml"])
@pytest.mark.usefixtures("nowhere")
def test_nothing_that_is_there_is_touched(triage: Triage, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("mine")
    refused = triage("init")
    assert (refused.code, refused.out) == (REFUSED, "")
    assert f"{name} is there already: nothing was written" in refused.err
    assert [(each.name, each.read_text()) for each in tmp_path.iterdir()] == [(name, "mine")]


def test_what_slack_and_aws_know_is_not_asked(
    triage: Triage, tmp_path: Path, slack: LocalSlack, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLACK_BOT_TOKEN", slack.bot_token)
    monkeypatch.setenv("SLACK_API_URL", slack.api_url)
    monkeypatch.setenv("AWS_ENDPOINT_URL", cloud.endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", BOT.id)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", BOT.secret)
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    told = triage("init", "--person", "U0ME", "--json").document
    assert [note for note in told["notes"] if ACCOUNT in note] != []
    written = tomllib.loads((tmp_path / "config.toml").read_text())
    assert written["slack"]["channel"] == SOC
    assert written["access"]["approve"] == [f"slack:{TEAM_ID}:U0ME"]
    assert written["aws"]["region"] == "eu-west-1"
    assert written["aws"]["read_role"] == "arn:aws:iam::{account}:role/triage-read"
    text = "".join(each.read_text() for each in tmp_path.iterdir())
    assert slack.bot_token not in text
    assert BOT.secret not in text
