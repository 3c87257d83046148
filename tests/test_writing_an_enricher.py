"""The enricher that docs/writing-an-enricher.md builds works as the page says, from outside the bot."""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path
from typing import Any, cast

import pytest

from bot.assessment import Case, assess
from bot.config import load
from bot.enrichment import Question, Runner
from bot.model import Enrichment, Status
from bot.plugins import Plugin, load_enrichers, shipped
from tests.fakes import LEAD, context, event, ordinary

PAGE = (Path(__file__).parent.parent / "docs" / "writing-an-enricher.md").read_text(encoding="utf-8")


def block(language: str) -> str:
    """The page's code in ``language``."""
    (found,) = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    return cast(str, found)


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Plugin:
    """The page's enricher, loaded through the page's config."""
    folder = tmp_path / "ours"
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "working_hours.py").write_text(block("python"), encoding="utf-8")
    config = tmp_path / "config.toml"
    config.write_text(block("toml"), encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "ours", raising=False)
    monkeypatch.delitem(sys.modules, "ours.working_hours", raising=False)
    return load_enrichers(load(config, {}).enrichers.enabled)[-1]


def asked(plugin: Plugin, events: list[Any], **changes: Any) -> Enrichment:
    (ended,) = Runner().ask_all([Question(plugin, LEAD)], context(events, **changes))
    return ended


def test_it_is_asked_beside_all_that_ship(plugin: Plugin) -> None:
    enabled = tomllib.loads(block("toml"))["enrichers"]["enabled"]
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
