"""A thousand alerts in a minute: the channel stays readable, nothing is lost, and nobody who asks waits behind them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from bot import cases, intake
from bot.database import Database
from bot.demo.slack import ANALYST, SOC, LocalSlack
from bot.model import Actor, Alert, Environment, Kind, Observable, Ruling, Triage, Verdict, Window
from bot.pipeline import Pipeline
from bot.slack.client import web_client
from bot.slack.elements import header
from bot.slack.post import Sender
from bot.slack.storm import crowd_message
from bot.store import jobs, outbox
from bot.store.jobs import Job
from bot.store.state import State
from bot.storms import CROWDED, OVERWHELMING, SHOWN, Crowd, Listed, urgency
from bot.workers import Commit
from tests.checkers import problems
from tests.remediation.cloud import key_id
from tests.slack import cases as made
from tests.slack.cases import CASES
from tests.slack.conftest import Clock

KEYS = 600
LOUD_KEY, GRAVE = key_id(1), [key_id(100), key_id(300), key_id(500)]
"""The key that 400 alerts name, and those whose cases turn out to be incidents."""


def investigate(
    observable: Observable,
    window: Window,
    *,
    alerts: Sequence[Alert],
    rulings: Sequence[Ruling] = (),
    on_progress: Any = None,
    on_record: Any = None,
) -> Triage:
    """Most keys are harmless, three are stolen."""
    verdict, score = (Verdict.INCIDENT, 90) if observable.value in GRAVE else (Verdict.LOW, 5)
    return replace(made.triage(judged=made.assessment(verdict, score)), observable=observable)


@pytest.fixture
def pipeline(state: State, clock: Clock) -> Pipeline:
    return Pipeline(
        state,
        clock,
        investigate,
        lambda *_: Environment("default", channel=SOC),
        {"siem": intake.Source("siem")},
        Window.ending,
    )


@pytest.fixture
def slack(clock: Clock) -> Iterator[LocalSlack]:
    with LocalSlack(clock=lambda: clock().timestamp()) as started:
        yield started


@pytest.fixture
def sender(state: State, slack: LocalSlack, clock: Clock) -> Sender:
    return Sender(state, web_client(slack.bot_token, slack.api_url), clock)


def alert(number: int) -> dict[str, Any]:
    """Of a thousand alerts 400 name one key, the others a key each."""
    key = LOUD_KEY if number < 400 else key_id(number - 400 + 1)
    return {
        "id": f"a-{number}",
        "title": "a tool was seen",
        "severity": "high",
        "time": "2026-11-23T09:58:00Z",
        "key": key,
    }


def work(pipeline: Pipeline, state: State, clock: Clock, most: int = 40) -> int:
    """Carry out what is due, at most so many jobs, one after the other; how many it were."""
    handlers = pipeline.handlers()
    for done in range(most):
        job = state.write(lambda db: jobs.claim(db, "triage", clock()))
        if job is None:
            return done
        commit = handlers[job.kind](job)
        state.write(lambda db, job=job, commit=commit: finish(db, job, commit, clock()))  # type: ignore[misc]
    return most


def finish(db: Database, job: Job, commit: Commit, now: datetime) -> None:
    commit(db)
    jobs.finish(db, job, now)


def sent_in_one_second(slack: LocalSlack, sender: Sender) -> int:
    before = len(slack.calls())
    while sender.send_next():
        pass
    return len(slack.calls()) - before


def tops(slack: LocalSlack) -> list[dict[str, Any]]:
    """What stands in the channel itself, threads not counted."""
    return [said for said in slack.messages(SOC) if said.get("thread_ts", said["ts"]) == said["ts"]]


def keys_named(said: dict[str, Any]) -> set[str]:
    return {key_id(n) for n in range(1, KEYS + 1) if key_id(n) in said["text"]}


def lines(digest: dict[str, Any]) -> list[str]:
    """The cases of a list, as it stands there."""
    return [item["elements"][0]["text"] for item in digest["blocks"][1]["elements"][0]["elements"]]


def settle(pipeline: Pipeline, state: State, slack: LocalSlack, sender: Sender, clock: Clock) -> None:
    """Work and send, second by second, until every card is there; never two messages in one second."""
    while work(pipeline, state, clock) or outbox.unposted(state.read(), SOC):
        assert sent_in_one_second(slack, sender) <= 1
        clock.move(1)


def test_a_thousand_alerts_in_a_minute(
    pipeline: Pipeline, state: State, slack: LocalSlack, sender: Sender, clock: Clock
) -> None:
    pipeline.accept("siem", [alert(number) for number in range(1000)])
    settle(pipeline, state, slack, sender, clock)

    opened = cases.open_cases(state.read())
    assert {case.subject.value for case in opened if case.subject} == {key_id(n) for n in range(1, KEYS + 1)}
    assert all(case.triage for case in opened)
    (crowded,) = [len(case.alerts) for case in opened if case.subject and case.subject.value == LOUD_KEY]
    assert crowded == 401

    (digest,) = [said for said in tops(slack) if "new cases at once" in said["text"]]
    carded = Counter(key for said in tops(slack) if said is not digest for key in keys_named(said))
    assert carded == Counter({key_id(n) for n in range(1, CROWDED + 2)} | set(GRAVE))
    (listed,) = state.read().execute("SELECT count(*) FROM folded").fetchone()
    assert listed + CROWDED + 1 == KEYS, "the first card was posted before there was a crowd"
    for _ in range(4):
        sent_in_one_second(slack, sender)
        clock.move(1)
    (digest,) = [said for said in tops(slack) if "new cases at once" in said["text"]]
    assert digest["text"] == f"{listed} new cases at once, the most urgent first"
    assert all("🔴 Incident" in line and "(has a card)" in line for line in lines(digest)[: len(GRAVE)])
    assert len(lines(digest)) == SHOWN
    assert f"{listed - SHOWN} more: /triage case lists every open case." in json.dumps(digest)


def test_who_asks_is_never_behind_a_storm(
    pipeline: Pipeline, state: State, slack: LocalSlack, sender: Sender, clock: Clock
) -> None:
    pipeline.accept("siem", [alert(number) for number in range(400, 500)])
    work(pipeline, state, clock, most=100)
    wanted = key_id(90)
    told = intake.normalise(intake.Source("slack"), {**alert(489), "id": "asked"}, clock())
    state.write(lambda db: pipeline.open_cases(db, told, asked=True))
    assert sent_in_one_second(slack, sender) == 1
    assert keys_named(tops(slack)[-1]) == {wanted}
    (first,) = state.write(lambda db: [jobs.claim(db, "triage", clock())])
    assert first
    assert cases.load(state.read(), first.payload["case"]).subject == Observable(Kind.ACCESS_KEY, wanted)


def test_an_answer_goes_while_the_channel_rests(state: State, slack: LocalSlack, sender: Sender, clock: Clock) -> None:
    for number in range(5):
        shown = made_message(str(number))
        state.write(lambda db, n=number, said=shown: outbox.show(db, f"card-{n}", SOC, said, clock()))  # type: ignore[misc]
    sent_in_one_second(slack, sender)
    state.write(lambda db: outbox.publish(db, ANALYST, {"type": "home", "blocks": [header("Mine")]}, clock()))
    assert sender.send_next(personal=True)
    assert slack.home(ANALYST)
    assert not sender.send_next(personal=True)


def test_the_most_urgent_card_goes_first(state: State, slack: LocalSlack, sender: Sender, clock: Clock) -> None:
    for name, wants in [("low", 5), ("incident", 590), ("suspicious", 330)]:
        said = made_message(name)
        state.write(lambda db, n=name, s=said, u=wants: outbox.show(db, n, SOC, s, clock(), urgency=u))  # type: ignore[misc]
    for _ in range(3):
        assert sent_in_one_second(slack, sender) == 1
        clock.move(1)
    assert [said["text"] for said in tops(slack)] == ["incident", "suspicious", "low"]


def test_a_card_is_edited_at_most_once_in_three_seconds(
    state: State, slack: LocalSlack, sender: Sender, clock: Clock
) -> None:
    edited = []
    for second in range(10):
        said = made_message(str(second))
        state.write(lambda db, s=said: outbox.show(db, "card", SOC, s, clock()))  # type: ignore[misc]
        edited.append(sent_in_one_second(slack, sender))
        clock.move(1)
    assert edited == [1, 0, 0, 1, 0, 0, 1, 0, 0, 1]
    assert tops(slack)[0]["text"] == "9"


def test_where_everything_is_grave_a_list_says_so_aloud_once(
    pipeline: Pipeline, state: State, slack: LocalSlack, sender: Sender, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.slack.test_storm.GRAVE", [key_id(n) for n in range(1, KEYS + 1)])
    pipeline.accept("siem", [alert(number) for number in range(400, 480)])
    while work(pipeline, state, clock):
        pass
    settle(pipeline, state, slack, sender, clock)
    aloud = [said for said in slack.messages(SOC) if said.get("subtype") == "thread_broadcast"]
    assert len([said for said in aloud if "more than can be shown one by one" in said["text"]]) == 1
    carded = {key for said in tops(slack) if "new cases" not in said["text"] for key in keys_named(said)}
    assert CROWDED < len(carded) <= OVERWHELMING


def test_a_folded_case_that_somebody_takes_gets_its_card_and_thread(
    pipeline: Pipeline, state: State, slack: LocalSlack, sender: Sender, clock: Clock
) -> None:
    pipeline.accept("siem", [alert(number) for number in range(400, 430)])
    settle(pipeline, state, slack, sender, clock)
    (number,) = state.read().execute("SELECT id FROM cases WHERE subject_value = ?", [key_id(25)]).fetchone()

    def take(db: Database) -> None:
        cases.take(db, number, Actor("slack:T:U", "Ana"), clock())
        pipeline.show(db, number)

    state.write(take)
    own = "SELECT count(*) FROM messages WHERE slot LIKE ?"
    while state.read().execute(own, [f"case:{number}:%"]).fetchone()[0] < 3:
        assert sent_in_one_second(slack, sender) <= 1
        clock.move(1)
    (card,) = [said for said in tops(slack) if keys_named(said) == {key_id(25)}]
    assert len(slack.thread(SOC, card["ts"])) > 1


@pytest.mark.parametrize(
    ("name", "before"),
    [("incident", "checking"), ("checking", "nothing_found")],
)
def test_urgency_follows_the_verdict(name: str, before: str) -> None:
    assert urgency(CASES[name]) > urgency(CASES[before])


def test_a_list_can_be_sent_however_it_stands() -> None:
    one = Listed(1, False, False, None, None, "x" * 200, "y" * 500, 1)
    many = [one, replace(one, carded=True), *[replace(one, verdict=Verdict.LOW, score=1, alerts=400, closed=True)] * 18]
    for crowd in (Crowd(1, 1, [one]), Crowd(1000, 0, many)):
        assert problems(crowd_message(crowd).payload()) == []


def made_message(text: str) -> dict[str, Any]:
    return {"text": text, "blocks": [header(text)]}
