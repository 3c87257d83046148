"""A case is asked again as CloudTrail arrives, and says what that changed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot import cases
from bot.database import Database
from bot.enrichment import Runner
from bot.model import Alert, Environment, Event, Observable, Outcome, Triage, Window
from bot.news import LATE, news
from bot.pipeline import Pipeline
from bot.plugins import load_enrichers
from bot.store import jobs
from bot.store.jobs import Job
from bot.store.state import State
from bot.summary import rows
from bot.triage import TriageWorld, triage
from tests.fakes import KALI, KALI_AGENT, LEAD, NOW, RENTED, FakeAddresses, FakeHistory, event, ordinary
from tests.slack.cases import CASES, SWEEP

PLUGINS = load_enrichers(["ip_provider", "user_agents", "denied_calls"])
ALERT = Alert("a1", "siem", "Kali", "high", NOW, (LEAD,))


def asked(events: list[Event], until_minutes: float = 0) -> Triage:
    window = replace(Window.ending(NOW), until=NOW + timedelta(minutes=until_minutes))
    world = TriageWorld(PLUGINS, Runner(), FakeHistory(events), FakeAddresses())
    return triage(LEAD, window, world=world)


def stolen(minutes_ago: float = -3, **changes: Any) -> Event:
    values: dict[str, Any] = {"ip": RENTED, "family": KALI, "user_agent": KALI_AGENT}
    return event(minutes_ago, name="iam:ListUsers", outcome=Outcome.DENIED, **(values | changes))


CALM = [*ordinary(), event()]
BEFORE = asked(CALM)


def test_what_came_late_is_told() -> None:
    assert news(BEFORE, asked([*CALM, stolen(), stolen(-4)], 5)) == (
        "2026-11-20 14:05 UTC: low (0/100) became probable (70/100); 2 more calls; new: an offensive client, "
        "a kind of client not used before, a hosting provider never used before, refused discovery calls; "
        "CloudTrail is complete up to about 2026-11-20 13:49 UTC"
    )


def test_nothing_new_is_said_too() -> None:
    told = news(BEFORE, asked(CALM, 15))
    assert (
        told
        == "2026-11-20 14:15 UTC: nothing new since 14:00 UTC; CloudTrail is complete up to about 2026-11-20 13:35 UTC"
    )


def test_without_cloudtrail_nothing_is_called_complete() -> None:
    told = news(BEFORE, replace(asked(CALM, 15), searched=None))
    assert told is not None
    assert told.endswith("nothing of CloudTrail is in yet")


@pytest.mark.parametrize("before", [None, replace(BEFORE, pending=("Still open?",))])
def test_a_first_answer_is_no_news(before: Triage | None) -> None:
    assert news(before, BEFORE) is None


class Line:
    """The pipeline over a state file, with the clock and the history in the test's hands."""

    def __init__(self, folder: Path) -> None:
        self.state = State(folder / "state.db")
        self.now = NOW
        self.events = [*CALM]
        self.pipeline = Pipeline(
            self.state, lambda: self.now, self._investigate, lambda *_: Environment(channel="C1"), {}, Window.ending
        )

    def _investigate(self, observable: Observable, window: Window, on_record: object = None, **asked: Any) -> Triage:
        return triage(observable, window, world=TriageWorld(PLUGINS, Runner(), FakeHistory(self.events)), **asked)

    def open(self) -> int:
        return self.state.write(lambda db: self.pipeline.open_cases(db, ALERT))[0][0]

    def work(self) -> int:
        """Carry out every job that is due; how many there were."""
        done = 0
        while job := self.state.write(lambda db: jobs.claim(db, "triage", self.now)):
            self._carry_out(job)
            done += 1
        return done

    def _carry_out(self, job: Job) -> None:
        commit = self.pipeline.handlers()[job.kind](job)

        def end(db: Database) -> None:
            commit(db)
            jobs.finish(db, job, self.now)

        self.state.write(end)


@pytest.fixture
def line(tmp_path: Path) -> Iterator[Line]:
    made = Line(tmp_path)
    yield made
    made.state.close()


def test_a_case_is_asked_again_as_cloudtrail_arrives(line: Line) -> None:
    case = line.open()
    assert line.work() == 1
    told = []
    for wait in LATE:
        line.now = NOW + wait
        line.events.append(stolen(2 - wait.total_seconds() / 60))
        assert line.work() == 2  # the reminder, and the questions
        known = cases.load(line.state.read(), case)
        assert known.triage is not None
        assert known.window.until == line.now
        assert known.window.recent_since == Window.ending(NOW).recent_since
        told += [row.value for row in rows(known) if row.label == "Asked again"]
    assert [line.partition(" UTC")[0] for line in told] == ["2026-11-20 14:05", "2026-11-20 14:15", "2026-11-20 15:00"]
    assert all("1 more call" in line for line in told)
    line.now += timedelta(days=1)
    assert line.work() == 0


def test_however_often_it_is_asked_yesterdays_attack_is_not_todays_normal(line: Line) -> None:
    line.events.append(stolen(3))
    case = line.open()
    line.work()
    first = cases.load(line.state.read(), case)
    for day in range(1, 5):
        line.now = NOW + timedelta(days=day)
        line.events += [stolen(3 - 24 * 60 * day + number) for number in range(8)]
        line.state.write(lambda db: line.pipeline.ask_again(db, case))
        line.work()
        known = cases.load(line.state.read(), case)
        assert known.triage is not None
        assert (known.window.since, known.window.recent_since) == (first.window.since, first.window.recent_since)
        assert {"ua.offensive", "ua.new14"} <= {reason.signal for reason in known.triage.assessment.reasons}
        assert known.triage.activity.events == len(CALM) + 1 + 8 * day


def test_the_same_alert_again_does_not_ask_more_often(line: Line) -> None:
    line.open()
    line.open()
    line.work()
    line.now = NOW + timedelta(hours=2)
    assert line.work() == len(LATE) + 1  # asked for thrice, asked once


def test_a_closed_case_is_left_alone(line: Line) -> None:
    case = line.open()
    line.work()
    line.state.write(lambda db: db.execute("UPDATE cases SET state = 'closed' WHERE id = ?", [case]))
    line.now = NOW + LATE[0]
    assert line.work() == 1


def test_an_alert_that_names_nothing_is_asked_about_nothing(line: Line) -> None:
    line.state.write(lambda db: line.pipeline.open_cases(db, replace(ALERT, observables=())))
    line.now = NOW + timedelta(hours=2)
    line.work()
    assert line.state.read().execute("SELECT count(*) FROM jobs WHERE state <> 'done'").fetchone()[0] == 0


def test_things_that_turn_up_late_are_counted() -> None:
    before = CASES["scoped"].triage
    assert before is not None
    assert before.scope is not None
    fewer = replace(before, scope=replace(before.scope, sweep=replace(SWEEP, things=SWEEP.things[:1])))
    said = news(fewer, before)
    assert said is not None
    assert "1 more thing made or changed by these keys" in said
