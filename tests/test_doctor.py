"""`triage doctor`: every failure with its remedy, against a local Slack and a local AWS, and nothing is changed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot import disks, doctor
from bot.config import load
from bot.demo.slack import SOC, LocalSlack
from bot.doctor import examine
from bot.slack.checkup import wanted
from bot.store.state import State
from tests.remediation.bench import SETTINGS
from tests.remediation.cloud import ACCOUNT, BOT, Cloud, running, seat
from tests.site import history_of
from tests.test_cli import DONE, REFUSED, Ended, Triage, triage

__all__ = ("triage",)

CONFIG = f"""\
[slack]
channel = "{SOC}"
[aws]
read_role = "{SETTINGS.read_role}"
act_role = "{SETTINGS.act_role}"
external_id = "env:EXTERNAL_ID"
[environments.main]
accounts = ["{ACCOUNT}"]
"""


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with running(tmp_path_factory.mktemp("aws")) as local:
        yield local


@pytest.fixture
def slack() -> Iterator[LocalSlack]:
    with LocalSlack(scopes=[*wanted()]) as local:
        yield local


@pytest.fixture
def place(triage: Triage, tmp_path: Path, slack: LocalSlack, cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A bot's folder where everything is as it should be."""
    (tmp_path / "config.toml").write_text(CONFIG)
    for name, value in {
        "SLACK_BOT_TOKEN": slack.bot_token,
        "SLACK_APP_TOKEN": slack.app_token,
        "SLACK_API_URL": slack.api_url,
        "EXTERNAL_ID": str(SETTINGS.external_id),
        "AWS_ENDPOINT_URL": cloud.endpoint,
        "AWS_ACCESS_KEY_ID": BOT.id,
        "AWS_SECRET_ACCESS_KEY": BOT.secret,
        "AWS_EC2_METADATA_DISABLED": "true",
    }.items():
        monkeypatch.setenv(name, value)
    State(tmp_path / "state.db").close()
    history_of(seat(1), tmp_path / "history.db").close()
    return tmp_path


def looked(ended: Ended) -> dict[str, Any]:
    return {each["what"]: each for each in ended.document["looked"]}


def test_everything_is_looked_at_and_each_role_is_taken_once(triage: Triage, place: Path, slack: LocalSlack) -> None:
    before = slack.messages(SOC)
    done = triage("doctor", "--json")
    found = looked(done)
    wrong = {what for what, each in found.items() if each["problem"]}
    # The history of this test is ten days long, and its machine is small.
    assert wrong <= {"the history history.db", "the disk"}
    assert done.code == (REFUSED if wrong else DONE)
    assert {
        "the configuration",
        "the state file state.db",
        "the record of who did what",
        "the disk",
        "SQLite",
        "the lists of addresses",
        "its scopes",
        "the app's token",
        f"channel {SOC}",
        "the clock, beside Slack's",
        "the clock, beside AWS's",
        "AWS",
        f"the reading role in {ACCOUNT}",
        f"the acting role in {ACCOUNT}",
    } <= found.keys()
    assert "TriageRead" in found[f"the reading role in {ACCOUNT}"]["note"]
    assert slack.messages(SOC) == before
    text = triage("doctor")
    assert f"the acting role in {ACCOUNT}: it can be taken" in text.out
    assert "canary" not in text.out + text.err


def test_each_failure_comes_with_its_remedy(
    triage: Triage, place: Path, slack: LocalSlack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EXTERNAL_ID", "another")
    monkeypatch.setenv("SLACK_APP_TOKEN", "xapp-canary")
    (place / "history.db").unlink()
    (place / "state.db").write_bytes(b"no database" * 1000)
    (place / "state.db.damaged-20261123T090000Z").touch()
    slack.archive(SOC)
    ended = triage("doctor")
    assert ended.code == REFUSED
    for sentence in (
        "the history history.db: is not there: load CloudTrail's logs with `triage ingest`",
        "Restore a backup: `triage restore`",
        "state.db was damaged: it lies at",
        f"channel {SOC}: the channel is archived: unarchive it",
        "the app's token: invalid_auth: make one with connections:write",
        f"the reading role in {ACCOUNT}: AccessDenied on AssumeRole: its trust policy must name",
        f"the acting role in {ACCOUNT}: AccessDenied on AssumeRole: its trust policy must name",
    ):
        assert sentence in ended.out, sentence
    assert "xapp-canary" not in ended.out


def test_without_secrets_it_says_which_and_goes_on(
    triage: Triage, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("SLACK_BOT_TOKEN", "EXTERNAL_ID"):
        monkeypatch.delenv(name)
    ended = triage("doctor")
    assert ended.code == REFUSED
    assert "Slack: was not asked: SLACK_BOT_TOKEN is not set" in ended.out
    assert "AWS: was not asked: [aws] external_id: EXTERNAL_ID is not set" in ended.out
    assert "the record of who did what: whole" in ended.out
    assert place


def test_a_queue_and_a_bucket_that_are_not_there_are_said(triage: Triage, place: Path) -> None:
    url = f"https://sqs.us-east-1.amazonaws.com/{ACCOUNT}/none"
    more = CONFIG.replace("[aws]", '[aws]\nlog_buckets = ["no-such-bucket"]')
    (place / "config.toml").write_text(f'{more}\n[sources.aws]\nauth = "sqs"\nqueue_url = "{url}"\n')
    told = triage("doctor").out
    assert "the queue of aws: " in told
    assert "is there such a queue, and may it be read? `triage permissions` prints what the reading role needs" in told
    assert "the bucket no-such-bucket: " in told


def test_a_record_that_was_edited_is_found(triage: Triage, place: Path) -> None:
    with State(place / "state.db") as state:
        state.write(
            lambda db: db.executescript("DROP TRIGGER audit_head_only_grows; UPDATE audit_head SET entries = 3")
        )
    assert "the record of who did what: The record ends at entry 0, but 3 were written." in triage("doctor").out


@pytest.mark.parametrize(
    ("header", "problem"),
    [
        ("Mon, 23 Nov 2026 09:00:10 GMT", ""),
        ("Mon, 23 Nov 2026 08:58:00 GMT", "is 120 s ahead of Slack's: set it, and keep it in step with NTP"),
        (["Mon, 23 Nov 2026 09:10:00 GMT"], "is 600 s behind Slack's: set it, and keep it in step with NTP"),
    ],
)
def test_a_clock_that_is_off_is_said(header: object, problem: str) -> None:
    (found,) = doctor._clock("Slack", header, datetime(2026, 11, 23, 9, tzinfo=UTC))
    assert found.problem == problem


@pytest.mark.parametrize("header", [None, "", "soon", []])
def test_a_clock_that_nobody_tells_is_not_guessed(header: object) -> None:
    assert list(doctor._clock("Slack", header, datetime(2026, 11, 23, 9, tzinfo=UTC))) == []


def test_little_room_and_a_disk_of_another_machine_are_said(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = place / "mountinfo"
    told.write_text(f"27 0 259:1 / {place.resolve()} rw - nfs4 filer:/srv rw\n")
    monkeypatch.setattr(disks.network_disk, "__defaults__", (told,))
    monkeypatch.setattr(doctor, "ROOM", 10**18)
    settings = load(place / "config.toml", {})
    said = {each.what: each.problem for each in doctor._disk(settings, settings.history.path)}
    assert said["the disk of state.db"].startswith("is nfs4")
    assert "MB are free: make room" in said["the disk"]


def test_old_lists_of_addresses_are_said(place: Path) -> None:
    later = datetime.now(UTC) + timedelta(days=400)
    found = {each.what: each for each in examine(load(place / "config.toml", {}), {}, lambda: later, place / "none")}
    assert "run `triage ipdata update`" in found["the lists of addresses"].problem
    assert json.dumps([each.document() for each in found.values()])
