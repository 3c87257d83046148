"""The enricher that docs/writing-an-enricher.md builds works as the page says, from outside the bot."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from bot.assessment import Case, assess
from bot.config import check, load
from bot.enrichment import Question, Runner
from bot.history.load import load_paths
from bot.history.sqlite import SqliteHistory
from bot.model import Enrichment, Status
from bot.plugins import Plugin, load_enrichers, shipped
from tests.fakes import LEAD, context, event, ordinary
from tests.history.made import KEY, record, write

PAGE = (Path(__file__).parent.parent / "docs" / "writing-an-enricher.md").read_text(encoding="utf-8")


BOTO = "Boto3/1.40.1 md/Botocore#1.40.1"


def block(name: str) -> str:
    """The page's code that is called ``name`` in its first line."""
    (found,) = re.findall(rf"```[a-z]+\n(# {re.escape(name)}\n.*?)```", PAGE, re.DOTALL)
    return cast(str, found)


def written(folder: Path) -> Path:
    """The page's package, config and weights, in ``folder``."""
    (folder / "ours").mkdir()
    (folder / "ours" / "__init__.py").touch()
    for name in ("ours/working_hours.py", "config.toml", "weights.toml"):
        (folder / name).write_text(block(name), encoding="utf-8")
    return folder / "config.toml"


def importable(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.delitem(sys.modules, "ours", raising=False)
    monkeypatch.delitem(sys.modules, "ours.working_hours", raising=False)


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Plugin:
    """The page's enricher, loaded through the page's config."""
    config = written(tmp_path)
    importable(tmp_path, monkeypatch)
    return load_enrichers(load(config, {}).enrichers.enabled)[-1]


def asked(plugin: Plugin, events: list[Any], **changes: Any) -> Enrichment:
    (ended,) = Runner().ask_all([Question(plugin, LEAD)], context(events, **changes))
    return ended


def test_it_is_asked_beside_all_that_ship(plugin: Plugin) -> None:
    enabled = tomllib.loads(block("config.toml"))["enrichers"]["enabled"]
    assert plugin.name == "ours.working_hours"
    assert set(enabled[:-1]) == set(shipped())


def test_it_finds_the_odd_hour(plugin: Plugin) -> None:
    night = event(11 * 60)
    ended = asked(plugin, [*ordinary(), night])
    assert ended.answer is not None
    assert ended.answer.headline == "Calls at unusual hours: 03:00 UTC"
    assert [(signal.kind, signal.evidence) for signal in ended.answer.signals] == [("ours.odd_hour", (night.id,))]


@pytest.mark.parametrize(
    ("events", "headline", "unknowns"),
    [
        ([*ordinary(), event(60)], "Calls at unusual hours: none between", 0),
        ([event(11 * 60)], "Calls at 03:00 UTC: usual or not, there is too little history", 1),
    ],
)
def test_it_tells_nothing_from_not_knowing(plugin: Plugin, events: list[Any], headline: str, unknowns: int) -> None:
    ended = asked(plugin, events)
    assert ended.answer is not None
    assert ended.answer.headline.startswith(headline)
    assert (ended.answer.signals, len(ended.answer.unknowns)) == ((), unknowns)


def test_without_a_history_it_is_skipped(plugin: Plugin) -> None:
    assert asked(plugin, [], history=None).status is Status.SKIPPED


def test_its_signal_has_no_weight_and_that_is_said(plugin: Plugin) -> None:
    judged = assess([asked(plugin, [*ordinary(), event(11 * 60)])], Case())
    assert judged.score == 0
    assert "ours.odd_hour" in [gap.question for gap in judged.gaps]


# ------------------------------------------------------------------------------- in the program itself


def triage(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """The program as its user starts it: nothing of it is changed, only found beside it is the user's package."""
    environ = {**os.environ, "PYTHONPATH": str(folder)}
    command = [sys.executable, "-m", "bot", *words]
    return subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, check=False)


def office_hours() -> list[dict[str, Any]]:
    """Twelve days of alice's calls, from ten to two, the last on the 20th."""
    noon = datetime(2026, 11, 20, 12, tzinfo=UTC)
    times = [noon - timedelta(days=day, hours=hour) for day in range(12) for hour in range(-2, 3)]
    return [record(number, eventTime=f"{at:%Y-%m-%dT%H:%M:%SZ}", userAgent=BOTO) for number, at in enumerate(times)]


def test_its_signal_counts_once_it_has_a_weight(tmp_path: Path) -> None:
    config = written(tmp_path)
    odd = record(99, eventName="ListRoles", eventTime="2026-11-20T03:07:00Z", userAgent=BOTO)
    load_paths(SqliteHistory(tmp_path / "history.db"), [write(tmp_path / "log.json", [*office_hours(), odd])])
    asking = ("key", KEY, "--at", "2026-11-20T16:00:00Z", "--json")

    unweighed = triage(tmp_path, "check")
    assert "warning: [enrichers] enabled names 'ours.working_hours', which raises 'ours.odd_hour'" in unweighed.stdout
    before = json.loads(triage(tmp_path, *asking).stdout)
    assert "ours.odd_hour" in [gap["question"] for gap in before["assessment"]["gaps"]]

    config.write_text(f'{block("config.toml")}[triage]\nweights = "weights.toml"\n', encoding="utf-8")
    assert "ours" not in triage(tmp_path, "check").stdout
    after = json.loads(triage(tmp_path, *asking).stdout)
    (reason,) = [each for each in after["assessment"]["reasons"] if each["signal"] == "ours.odd_hour"]
    assert (reason["points"], reason["evidence"]) == (10, [odd["eventID"]])
    assert after["assessment"]["score"] == before["assessment"]["score"] + 10


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        (None, "names 'ours.working_hours'; no such module can be imported: install it"),
        ("raise OSError('no sensor')", "'ours.working_hours' fails to load (OSError: no sensor)"),
        ("DECLARATION = 1", "'ours.working_hours' has no DECLARATION = Declaration(...)"),
    ],
)
def test_one_that_cannot_be_used_is_named_with_its_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str | None, sentence: str
) -> None:
    config = written(tmp_path)
    importable(tmp_path, monkeypatch)
    file = tmp_path / "ours" / "working_hours.py"
    file.unlink() if source is None else file.write_text(source, encoding="utf-8")
    said = [str(problem) for problem in check(config, {}, enrichers=shipped()) if problem.severity == "error"]
    assert said == [f"{config}:3: error: [enrichers] enabled {sentence}"]


def test_a_bot_does_not_start_without_it(tmp_path: Path) -> None:
    written(tmp_path)
    (tmp_path / "ours" / "working_hours.py").unlink()
    told = triage(tmp_path, "serve")
    assert told.returncode == 2
    assert "config.toml:3: error: [enrichers] enabled names 'ours.working_hours'; no such module" in told.stderr
