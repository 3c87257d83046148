"""Which case an alert belongs to: one for each key, else each principal, else each address, and what comes after."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot import cases
from bot.app import Desk
from bot.config import load
from bot.model import Conclusion
from tests.history import made
from tests.test_pipeline import ANA, CONFIG, NOW, ONE, TWO, alert, deliver, rows

PLACE = "203.0.113.5"


@pytest.fixture
def clock() -> list[datetime]:
    return [NOW]


@pytest.fixture
def desk(tmp_path: Path, clock: list[datetime]) -> Iterator[Desk]:
    made.loaded(tmp_path, made.record(1)).path.rename(tmp_path / "history.db")
    config = tmp_path / "config.toml"
    config.write_text(CONFIG.format(folder=tmp_path))
    with Desk(load(config, {}), {}, lambda: clock[-1]) as opened:
        yield opened


def at(minute: int, hour: int = 14) -> str:
    return f"2026-11-20T{hour:02}:{minute:02}:00Z"


def stories(desk: Desk) -> list[tuple[str, str, str]]:
    return rows(desk, "SELECT subject_kind, subject_value, state FROM cases ORDER BY id")


def close(desk: Desk, case: int) -> None:
    desk.operations.close(case, Conclusion.BENIGN, ANA, "known to us")


# --------------------------------------------------------------------------------------------------------- updates


def test_an_update_of_a_finding_takes_its_place_and_has_its_case_asked_again(desk: Desk) -> None:
    deliver(desk, alert("a", ONE, time=at(30), title="once"))
    deliver(desk, alert("a", ONE, time=at(50), title="five times"))
    (told,) = cases.load(desk.state.read(), 1).alerts
    assert (told.title, told.at) == ("five times", datetime(2026, 11, 20, 14, 50, tzinfo=UTC))
    assert cases.load(desk.state.read(), 1).window.until == told.at
    assert len(stories(desk)) == 1


def test_an_older_word_on_a_finding_changes_nothing(desk: Desk) -> None:
    deliver(desk, alert("a", ONE, time=at(50), title="five times"))
    deliver(desk, alert("a", ONE, time=at(30), title="once"))
    assert [each.title for each in cases.load(desk.state.read(), 1).alerts] == ["five times"]


def test_what_a_closed_case_has_heard_leaves_it_closed_and_what_is_newer_opens_it(
    desk: Desk, clock: list[datetime]
) -> None:
    deliver(desk, alert("a", ONE, time=at(30)))
    close(desk, 1)
    deliver(desk, alert("a", ONE, time=at(40), title="before it was closed"))
    assert stories(desk) == [("access_key", ONE, "closed")]
    clock.append(NOW + timedelta(hours=2))
    deliver(desk, alert("a", ONE, time=at(30, hour=16), title="used again"))
    assert stories(desk) == [("access_key", ONE, "open")]


def risk(number: int, key: str, status: str) -> dict[str, Any]:
    """What AWS Health says of a key."""
    return {
        "detail": {
            "eventArn": f"arn:aws:health:us-east-1::event/{number}",
            "eventTypeCode": "AWS_RISK_CREDENTIALS_EXPOSED",
            "startTime": at(30),
            "statusCode": status,
            "affectedEntities": [{"entityValue": key}],
        }
    }


def test_what_is_over_is_told_to_its_case_and_opens_none(desk: Desk) -> None:
    deliver(desk, risk(1, ONE, "open"), risk(1, ONE, "closed"), risk(2, TWO, "closed"))
    assert stories(desk) == [("access_key", ONE, "open")]
    (told,) = cases.load(desk.state.read(), 1).alerts
    assert told.over
    ((payload,),) = rows(desk, "SELECT payload FROM outbox WHERE slot = 'case:1:card' ORDER BY id DESC LIMIT 1")
    assert "what the key did is no less true" in payload
