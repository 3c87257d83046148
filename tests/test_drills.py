"""Fire drills by themselves: as often as configured, once a period, and told where they fail."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from bot.database import Database
from bot.drills import Drills
from bot.remediation.canaries import Drilled
from bot.remediation.drill import Drill
from bot.store import jobs
from bot.store.jobs import Job
from bot.store.state import State
from tests.test_cli import REFUSED, Triage, triage

__all__ = ("triage",)

NOW = datetime(2026, 11, 20, 14, 0, tzinfo=UTC)
WELL = Drilled("AKIA-1", None, 1.0, 2.0)
BADLY = Drilled("AKIA-2", None, problem="Refused.")


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    with State(tmp_path / "state.db") as opened:
        yield opened


class Season:
    """Drills over a state file, with the clock in the test's hands."""

    def __init__(self, state: State, days: int, *ends: Drilled) -> None:
        self.state, self.now = state, NOW
        self.said: list[str] = []
        self.drilled: list[str] = []
        drill = cast(Drill, SimpleNamespace(secrets={each.key: str for each in ends}, run=self._run, undrilled=()))
        self.ends = {each.key: each for each in ends}
        self.drills = Drills(days, drill, lambda: self.now, lambda db, slot, sentence: self.said.append(sentence))
        state.write(self.drills.begin)

    def _run(self, key: str) -> Drilled:
        self.drilled.append(key)
        return self.ends[key]

    def work(self) -> int:
        done = 0
        while job := self.state.write(lambda db: jobs.claim(db, "upkeep", self.now)):
            self._carry_out(job)
            done += 1
        return done

    def _carry_out(self, job: Job) -> None:
        commit = self.drills.handlers()[job.kind](job)

        def end(db: Database) -> None:
            commit(db)
            jobs.finish(db, job, self.now)

        self.state.write(end)


def test_every_canary_is_drilled_every_so_many_days_and_a_restart_drills_no_earlier(state: State) -> None:
    season = Season(state, 7, WELL, BADLY)
    assert season.work() == 0
    state.write(season.drills.begin)
    season.now += timedelta(days=7)
    assert season.work() == 1
    assert season.drilled == [WELL.key, BADLY.key]
    season.now += timedelta(days=7)
    assert season.work() == 1


def test_only_a_drill_that_failed_is_told(state: State) -> None:
    season = Season(state, 1, WELL, BADLY)
    season.now += timedelta(days=1)
    season.work()
    assert season.said == ["Fire drill of AKIA-2 failed: Refused."]


def test_none_is_made_by_itself_unless_it_is_asked_for(state: State) -> None:
    season = Season(state, 0, WELL)
    season.now += timedelta(days=400)
    assert season.work() == 0


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        ("", "You may not approve changes"),
        ('[access]\napprove = ["local:alice"]\n', "There is no canary: name keys that nobody works with"),
    ],
)
def test_on_the_command_line_it_takes_the_right_to_approve_and_a_canary(
    triage: Triage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, config: str, sentence: str
) -> None:
    monkeypatch.setenv("LOGNAME", "alice")
    (tmp_path / "config.toml").write_text(config)
    ended: Any = triage("drill")
    assert (ended.code, sentence in ended.err) == (REFUSED, True)
