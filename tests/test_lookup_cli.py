"""A triage of a key over CloudTrail's own event history, as somebody at a terminal meets it: nothing was loaded."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.history.looking import Looking, Told
from bot.model import rfc3339
from tests.history.event_history import Door, EventHistory, FakeTime, open_door
from tests.history.made import KALI, KEY, record
from tests.remediation.cloud import ACCOUNT, BOT, Cloud, running
from tests.test_cli import DONE, REFUSED, Triage, triage  # noqa: F401 - a fixture


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with running(tmp_path_factory.mktemp("aws")) as local:
        yield local


@pytest.fixture(scope="module")
def door() -> Iterator[Door]:
    with open_door() as opened:
        yield opened


def calls(now: datetime) -> list[dict[str, Any]]:
    """Twelve ordinary days of alice's, and what somebody with her key did an hour ago."""
    usual: dict[str, Any] = {"userAgent": "aws-cli/2.31.0 md/distrib#ubuntu", "sourceIPAddress": "198.51.100.10"}
    usual |= {"errorCode": ..., "errorMessage": ...}
    ordinary = [
        record(number, eventTime=rfc3339(now - timedelta(hours=12 * number)), eventName="GetUser", **usual)
        for number in range(3, 27)
    ]
    stolen = [record(100 + n, eventTime=rfc3339(now - timedelta(minutes=60 + n)), userAgent=KALI) for n in range(3)]
    return [*ordinary, *stolen]


@pytest.fixture
def lookup(
    cloud: Cloud,
    door: Door,
    triage: Triage,  # noqa: F811 - pytest's way
    monkeypatch: pytest.MonkeyPatch,
) -> Triage:
    now = datetime.now(UTC).replace(microsecond=0)
    door.history = EventHistory(calls(now), lambda: now + timedelta(hours=1), FakeTime(now).timing().seconds)
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    settings = {
        "AWS_ENDPOINT_URL": cloud.endpoint,
        "AWS_ENDPOINT_URL_CLOUDTRAIL": door.address,
        "AWS_ACCESS_KEY_ID": BOT.id,
        "AWS_SECRET_ACCESS_KEY": BOT.secret,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    Path("config.toml").write_text(
        '[history]\nkind = "lookup"\n'
        f'[history.lookup]\naccounts = ["{ACCOUNT}"]\nregions = ["us-east-1", "eu-west-1"]\n'
        '[enrichers]\nenabled = ["user_agents", "denied_calls", "shared_address"]\n'
    )
    return triage


def test_a_key_is_triaged_without_anything_loaded(lookup: Triage) -> None:
    ran = lookup("key", KEY, "--json")
    found = ran.document
    assert (ran.code, ran.err) == (DONE, "")
    assert found["principal"]["id"] == f"{ACCOUNT}:user/alice"
    assert (found["activity"]["events"], found["activity"]["denied"]) == (27, 3)
    by_name = {each["enricher"]: each for each in found["enrichments"]}
    assert {signal["kind"] for signal in by_name["user_agents"]["signals"]} >= {"ua.offensive", "ua.new14"}
    assert by_name["shared_address"]["status"] == "failed"
    assert "cannot search by address" in by_name["shared_address"]["why"]
    assert "LookupEvents knows management events only" in " ".join(found["searched"]["missing"])


def test_what_cannot_be_searched_for_is_told_and_clears_nobody(lookup: Triage) -> None:
    found = lookup("ip", "203.0.113.5", "--json").document
    assert (found["searched"], found["activity"]["events"]) == (None, 0)
    assert found["assessment"]["verdict"] == "inconclusive"
    assert any("cannot search by address" in gap["why"] for gap in found["assessment"]["gaps"])


def test_a_hunt_over_it_is_refused_with_a_sentence(lookup: Triage) -> None:
    ran = lookup("hunt", "all")
    assert (ran.code, ran.out) == (REFUSED, "")
    assert "triage ingest" in ran.err


def test_whoever_waits_at_a_terminal_sees_one_line_and_then_none() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    stream, times = Terminal(), iter([0.0, 1.0, 1.1, 2.0])
    told = Told(stream, lambda: next(times))
    for regions, events in ((0, 50), (1, 50), (1, 100)):
        told(Looking("AKIA…", regions, 2, events))
    assert stream.getvalue().count("Looking up AKIA… in CloudTrail: ") == 2
    told(Looking("AKIA…", 2, 2, 100))
    assert stream.getvalue().endswith("\r\x1b[K")
