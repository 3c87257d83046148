"""Killed at any point and run again, nothing is lost and nothing counts twice."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.history.load import describe
from bot.history.sqlite import SqliteHistory
from bot.model import Kind, Observable, rfc3339
from tests.history.killed import Mortals, load, mortals
from tests.history.made import ACCOUNT, ALWAYS, KEY, record

LOADS = 50
RETIREMENTS = 10
SEED = 7
OTHER = "444455556666"
NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
DAYS = 5


def _record(chance: random.Random, number: int) -> Any:
    at = NOW - timedelta(seconds=chance.randrange(10 * 86_400))
    made = record(
        number,
        eventTime=rfc3339(at),
        recipientAccountId=chance.choice((ACCOUNT, ACCOUNT, OTHER)),
        awsRegion=chance.choice(("us-east-1", "eu-west-1")),
        sourceIPAddress=f"203.0.113.{chance.randrange(9)}",
    )
    bearing: tuple[dict[str, Any], ...] = (
        {"sharedEventID": f"shared-{number // 5}"},
        {"addendum": {"reason": "UPDATED_DATA", "originalEventID": record(chance.randrange(300))["eventID"]}},
        {"eventID": f"no-uuid-{number}"},
        {"eventSource": "sts.amazonaws.com", "eventName": "AssumeRole", "errorCode": ...}
        | {"responseElements": {"credentials": {"accessKeyId": f"ASIA{number:016}"}}},
        {"eventTime": "yesterday"},
    )
    changes = chance.choice(bearing) if chance.random() < 0.3 else {}
    return {key: value for key, value in (made | changes).items() if value is not ...}


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Records that bear on each other, in files of every length; some come twice, some cannot be taken."""
    folder, chance = tmp_path_factory.mktemp("logs"), random.Random(SEED)
    records = [_record(chance, number) for number in range(300)]
    paths: list[Path] = []
    while records:
        some, records = records[: chance.randrange(1, 70)], records[chance.randrange(1, 60) :]
        paths.append(folder / f"{len(paths)}.json")
        paths[-1].write_text(json.dumps({"Records": some}))
    return [str(path) for path in paths]


@pytest.fixture(scope="module")
def dying() -> Iterator[Mortals]:
    with mortals() as runner:
        yield runner


def everything(path: Path) -> tuple[Any, ...]:
    history = SqliteHistory(path)
    asked = [Observable(Kind.ACCESS_KEY, KEY), Observable(Kind.ACCOUNT, ACCOUNT), Observable(Kind.ACCOUNT, OTHER)]
    first, last = (NOW - timedelta(days=20)).date(), NOW.date()
    told = (
        *(history.uses(each, ALWAYS) for each in asked),
        *(history.events(each, ALWAYS, limit=1000) for each in asked),
        *(history.everyones_events(ALWAYS), history.everyones_habits(ALWAYS)),
        *(history.callers(first, last), history.coverage(ALWAYS), describe(history)),
    )
    history.close()
    return told


def _moments(all_of_them: int, count: int) -> Sequence[int]:
    return sorted(random.Random(SEED).sample(range(1, all_of_them), count))


def test_a_load_that_was_killed_is_simply_run_again(tmp_path: Path, logs: list[str], dying: Mortals) -> None:
    whole = tmp_path / "whole.sqlite"
    ticks = dying.ticks("load", whole, logs)
    expected = everything(whole)
    for number, moment in enumerate(_moments(ticks, LOADS)):
        history = tmp_path / f"{number}.sqlite"
        dying.die(moment, "load", history, logs)
        load(history, logs)
        assert everything(history) == expected, f"killed at {moment} of {ticks}"


def test_a_load_that_is_killed_again_and_again_gets_there(tmp_path: Path, logs: list[str], dying: Mortals) -> None:
    whole, history = tmp_path / "whole.sqlite", tmp_path / "history.sqlite"
    ticks = dying.ticks("load", whole, logs)
    for moment in (ticks // 2, ticks // 3, ticks // 4):
        dying.die(moment, "load", history, logs)
    load(history, logs)
    assert everything(history) == everything(whole)


def test_old_days_that_were_killed_while_leaving_leave(tmp_path: Path, logs: list[str], dying: Mortals) -> None:
    whole = tmp_path / "whole.sqlite"
    load(whole, logs)
    ticks = dying.ticks("let_leave", whole, NOW, DAYS)
    expected = everything(whole)
    for number, moment in enumerate(_moments(ticks, RETIREMENTS)):
        history = tmp_path / f"{number}.sqlite"
        load(history, logs)
        dying.die(moment, "let_leave", history, NOW, DAYS)
        dying.ticks("let_leave", history, NOW, DAYS)
        assert everything(history) == expected, f"killed at {moment} of {ticks}"
