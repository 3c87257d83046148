"""The demo's organisation replayed at the command line, and histories that are too short or have nothing to steal."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from bot.backtest.laid import DayByDay, Laid, day_span
from bot.cli import app
from bot.demo.world import make_world
from bot.history.load import load_paths
from bot.history.sqlite import SqliteHistory
from bot.model import Kind, Observable, Span, rfc3339
from tests.backtest.test_theft import stolen
from tests.history import made
from tests.scope.made import AT as THEFT
from tests.scope.made import key_of

AT = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
DETECTIONS = {"enumeration", "ua.offensive", "ses.toggle", "denied.recon", "api.first", "ua.new14", "ip.hosting"}


@dataclass(frozen=True)
class Replayed:
    path: Path
    before: str
    result: Result
    document: dict[str, Any]


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def run(path: Path, *words: str) -> Result:
    return CliRunner().invoke(app, ["backtest", "--history", str(path), *words])


@pytest.fixture(scope="module")
def replayed(tmp_path_factory: pytest.TempPathFactory) -> Replayed:
    folder = tmp_path_factory.mktemp("world")
    written = make_world(7, AT, 16).write(folder)
    history = SqliteHistory(folder / "history.db")
    load_paths(history, [written.cloudtrail])
    history.close()
    before = digest(folder / "history.db")
    result = run(folder / "history.db", "--days", "4", "--thefts", "2", "--seed", "7", "--json")
    return Replayed(folder / "history.db", before, result, json.loads(result.stdout))


def test_ordinary_days_are_quiet_and_every_theft_is_found_with_all_its_keys(replayed: Replayed) -> None:
    assert replayed.result.exit_code == 0
    found = replayed.document
    assert (found["days"], found["alerts"]) == (4, {"count": 0, "a_week": 0.0})
    thefts = found["thefts"]
    assert {name: thefts[name] for name in ("tried", "found", "keys", "keys_known", "innocents")} == {
        "tried": 2,
        "found": 2,
        "keys": 14,
        "keys_known": 14,
        "innocents": 0,
    }
    assert {each["detection"] for each in found["detections"] if each["thefts"] == 2} == DETECTIONS
    assert [each["verdict"] for each in thefts["trials"]] == ["incident", "incident"]
    assert found["verdicts"] == [{"verdict": "incident", "alerts": 0, "thefts": 2}]
    signals = {each["signal"]: each for each in found["signals"]}
    assert signals["ua.offensive"]["points"] == 35
    assert {each["in_thefts"] for each in signals.values()} <= {1, 2}


def test_the_document_is_that_of_the_documentation(replayed: Replayed) -> None:
    page = (Path(__file__).parents[2] / "docs" / "backtest.md").read_text(encoding="utf-8")
    table = page[page.index("## As JSON") :]
    found = replayed.document
    assert list(found) == [
        *(
            "window",
            "searched",
            "seed",
            "days",
            "alerts",
            "detections",
            "verdicts",
            "thefts",
            "signals",
            "gaps",
            "cost",
        ),
    ]
    told = [*found, *found["thefts"], *found["thefts"]["trials"][0], *found["detections"][0], *found["signals"][0]]
    assert [name for name in told if f"`{name}`" not in table] == []


def test_nothing_is_written_anywhere(replayed: Replayed) -> None:
    assert digest(replayed.path) == replayed.before
    beside = {path.name for path in replayed.path.parent.iterdir()}
    assert {name for name in beside if name.endswith(".db")} == {"history.db"}


def test_that_some_days_have_little_before_them_is_said(replayed: Replayed) -> None:
    assert any("have fewer than 30 before them" in gap["why"] for gap in replayed.document["gaps"])


def test_the_text_tells_each_theft(replayed: Replayed) -> None:
    text = run(replayed.path, "--days", "1", "--thefts", "1").stdout
    assert text.startswith("1 day replayed, 2026-11-22 to 2026-11-22: 0 alerts, 0.00 a week")
    assert "7 of 7 keys confirmed" in text
    assert "Innocents named: 0." in text
    assert "nothing was written or sent" in text


def test_days_that_the_history_cannot_judge_are_not_replayed(replayed: Replayed) -> None:
    result = run(replayed.path, "--days", "90", "--thefts", "0", "--json")
    assert result.exit_code == 3
    found = json.loads(result.stdout)
    assert found["days"] == 6
    assert any("insufficient history" in gap["why"] for gap in found["gaps"])


@pytest.mark.parametrize(("days", "why"), [(3, "insufficient history"), (14, "a theft needs 3")])
def test_a_tiny_history_says_what_cannot_be_told(tmp_path: Path, days: int, why: str) -> None:
    start = datetime(2026, 11, 1, tzinfo=UTC)
    records = [made.record(n, eventTime=rfc3339(start + timedelta(hours=6 * n))) for n in range(4 * days)]
    made.loaded(tmp_path, *records).close()
    path = tmp_path / "history.sqlite"
    result = run(path, "--days", "2", "--thefts", "1", "--json")
    found = json.loads(result.stdout)
    assert result.exit_code == 3
    assert any(why in gap["why"] for gap in found["gaps"])
    assert found["thefts"]["tried"] == 0
    assert run(path, "--days", "2", "--thefts", "1").stdout


# ------------------------------------------------------------------------------------------ what is laid over


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqliteHistory]:
    history = made.loaded(tmp_path_factory.mktemp("small"), made.record(1), made.record(2))
    yield history
    history.close()


def test_what_is_laid_over_a_history_answers_every_question_and_is_not_in_it(small: SqliteHistory) -> None:
    laid = Laid(small, DayByDay(small), stolen())
    key, span = Observable(Kind.ACCESS_KEY, key_of(0)), Span(THEFT - timedelta(days=1), THEFT)
    assert laid.events(key, span)
    assert sum(use.count for use in laid.uses(key, span)) == len([each for each in stolen() if each.key == key.value])
    assert len(laid.everyones_events(span)) == len(stolen()) + len(small.everyones_events(span))
    assert sum(each.count for each in laid.everyones_habits(span)) >= len(stolen())
    assert small.events(key, span) == ()
    assert laid.coverage(span) == small.coverage(span)


def test_habits_by_the_day_are_those_of_the_span(small: SqliteHistory) -> None:
    held = small.span()
    assert held is not None
    days = DayByDay(small)
    span = Span(day_span((held.since - timedelta(days=2)).date()).since, day_span(held.until.date()).until)
    for _ in range(2):
        assert sorted(days.everyones_habits(span), key=repr) == sorted(small.everyones_habits(span), key=repr)
    days.forget(held.until.date() + timedelta(days=1))
    assert sorted(days.everyones_habits(span), key=repr) == sorted(small.everyones_habits(span), key=repr)
    odd = Span(span.since + timedelta(hours=1), span.until)
    assert sorted(days.everyones_habits(odd), key=repr) == sorted(small.everyones_habits(odd), key=repr)
