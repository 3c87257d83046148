"""Whoever is on call is told by a paging service, over real HTTP: one alert a case, again if nobody takes it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot import cases, paging
from bot.app import Desk
from bot.config import load
from bot.database import Database
from bot.model import Actor, Verdict
from bot.paging import CALL, RESOLVE, NotCalled, Paging, opsgenie, pager, pagerduty
from bot.settled import pager_of
from bot.store import jobs
from tests.fakes import KALI_AGENT
from tests.history import made
from tests.publisher import Publisher, Told, publishing
from tests.remediation.cloud import key_id
from tests.slack.cases import INCIDENT
from tests.test_pipeline import end, work

NOW = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
CANARY = "canary-routing-key"
ENQUEUE = "/v2/enqueue"
CONFIG = """\
[slack]
channel = "C0SOC"
[on_call]
service = "pagerduty"
key = "env:PAGER_KEY"
url = "{url}"
[store]
path = "{folder}/state.db"
[history]
path = "{folder}/history.db"
[sources.siem]
secrets = ["env:UNUSED"]
"""


@pytest.fixture
def clock() -> list[datetime]:
    return [NOW]


@pytest.fixture
def service() -> Iterator[Publisher]:
    with publishing() as one:
        one.pages[ENQUEUE] = Told(b'{"status": "success"}', 202)
        yield one


@pytest.fixture
def desk(tmp_path: Path, clock: list[datetime], service: Publisher) -> Iterator[Desk]:
    made.loaded(tmp_path, made.record(1)).path.rename(tmp_path / "history.db")
    config = tmp_path / "config.toml"
    config.write_text(CONFIG.format(folder=tmp_path, url=service.origin))
    with Desk(load(config, {}), {}, lambda: clock[-1]) as opened:
        yield opened


def carry_out(desk: Desk) -> None:
    """The triage, then what the paging pool does, as the workers do it."""
    work(desk)
    page = Paging(desk.state, desk.clock, pager_of(desk.settings, {"PAGER_KEY": CANARY}), desk.pipeline)
    while job := desk.state.write(lambda db: jobs.claim(db, paging.POOL, desk.clock())):
        try:
            commit = page.page(job)
        except NotCalled as error:
            why = f"NotCalled: {error}"
            desk.state.write(lambda db, job=job, why=why: jobs.retry(db, job, why, desk.clock()))  # type: ignore[misc]
        else:
            desk.state.write(lambda db, job=job, commit=commit: end(db, job, commit, desk.clock()))  # type: ignore[misc]


def incident(desk: Desk) -> None:
    told = {"id": "a", "title": "AttackSequence:IAM/CompromisedCredentials", "time": "2026-11-20T14:58:00Z"}
    told |= {"access_key": key_id(1), "principal": "alice", "user_agent": KALI_AGENT, "source_ip": "159.89.100.10"}
    desk.pipeline.accept("siem", [told])
    carry_out(desk)


def sent(service: Publisher) -> list[dict[str, Any]]:
    return [json.loads(asked.body) for asked in service.asked]


def acts(service: Publisher) -> list[tuple[str, str]]:
    return [(each["event_action"], each["dedup_key"]) for each in sent(service)]


def take(desk: Desk) -> None:
    def commit(db: Database) -> None:
        cases.take(db, 1, Actor("slack:T:U", "Ana"), desk.clock())
        desk.pipeline.show(db, 1)

    desk.state.write(commit)


def thread(desk: Desk) -> list[str]:
    rows = desk.state.read().execute("SELECT payload FROM outbox WHERE slot LIKE 'case:1:page%'").fetchall()
    return [json.loads(payload)["message"]["text"] for (payload,) in rows]


def test_a_rise_calls_and_calls_again_until_somebody_takes_it(
    desk: Desk, service: Publisher, clock: list[datetime]
) -> None:
    incident(desk)
    (first,) = sent(service)
    assert first["routing_key"] == CANARY
    assert (first["event_action"], first["dedup_key"]) == ("trigger", "triage-case-1")
    assert first["payload"]["severity"] == "critical"
    assert "Incident" in first["payload"]["summary"]
    clock.append(NOW + timedelta(minutes=5, seconds=1))
    carry_out(desk)
    assert acts(service) == [("trigger", "triage-case-1")] * 2
    take(desk)
    carry_out(desk)
    assert acts(service)[2:] == [("resolve", "triage-case-1")]
    desk.state.write(lambda db: desk.pipeline.show(db, 1))
    carry_out(desk)
    assert len(service.asked) == 3, "over is said once"


def test_closing_a_case_nobody_took_is_the_end_of_it(desk: Desk, service: Publisher) -> None:
    incident(desk)

    def close(db: Database) -> None:
        db.execute("UPDATE cases SET state = 'closed'")
        desk.pipeline.show(db, 1)

    desk.state.write(close)
    carry_out(desk)
    assert [act for act, _ in acts(service)] == ["trigger", "resolve"]


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (Told(b"busy", 429), "pagerduty answered 429: busy"),
        (Told(b'{"errors": ["routing_key is invalid"]}', 400), "routing_key is invalid"),
        (Told(status=307, headers={"Location": "https://elsewhere.example/"}), "pagerduty answered 307"),
    ],
)
def test_a_service_that_does_not_take_it_is_said_and_asked_again(
    answer: Told, why: str, desk: Desk, service: Publisher, clock: list[datetime]
) -> None:
    service.pages[ENQUEUE] = answer
    incident(desk)
    (told,) = thread(desk)
    assert why in told
    (problem,) = paging.problems(desk.state.read())
    assert problem.startswith("On call was not called about case #1: ")
    assert problem.endswith("; tried again")
    service.pages[ENQUEUE] = Told(status=202)
    clock.append(NOW + timedelta(seconds=3))
    carry_out(desk)
    assert paging.problems(desk.state.read()) == []
    assert thread(desk)[-1] == "On call was told by pagerduty, at attempt 2."


def test_nobody_is_called_who_has_taken_it_meanwhile(desk: Desk, service: Publisher, clock: list[datetime]) -> None:
    service.pages[ENQUEUE] = Told(status=500)
    incident(desk)
    take(desk)
    service.pages[ENQUEUE] = Told(status=202)
    clock.append(NOW + timedelta(minutes=10))
    carry_out(desk)
    assert acts(service) == [("trigger", "triage-case-1"), ("resolve", "triage-case-1")]


def test_the_key_stands_in_no_log_and_in_no_state(
    desk: Desk, service: Publisher, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    service.pages[ENQUEUE] = Told(b"no", 500)
    incident(desk)
    one = pager("pagerduty", CANARY, service.origin)
    with pytest.raises(NotCalled) as failed:
        one.send(CALL, INCIDENT, "why")
    told = capsys.readouterr()
    kept = "".join(file.read_bytes().decode("latin-1") for file in tmp_path.glob("state.db*"))
    for place in (told.out, told.err, kept, repr(one), str(failed.value), repr(pagerduty(CANARY, CALL, INCIDENT, "w"))):
        assert CANARY not in place


@pytest.mark.parametrize(("verdict", "priority"), [(Verdict.INCIDENT, "P1"), (Verdict.PROBABLE, "P2")])
def test_opsgenie_gets_an_alert_of_the_case_and_closes_it(verdict: Verdict, priority: str) -> None:
    assert INCIDENT.triage
    case = replace(INCIDENT, reopened=2)
    judged = replace(INCIDENT.triage, assessment=replace(INCIDENT.triage.assessment, verdict=verdict))
    opened = opsgenie(CANARY, CALL, replace(case, triage=judged), "x" * 300)
    assert (opened.path, opened.headers["authorization"]) == ("/v2/alerts", f"GenieKey {CANARY}")
    assert (opened.body["alias"], opened.body["priority"]) == ("triage-case-12-2", priority)
    assert len(opened.body["message"]) <= 130
    closed = opsgenie(CANARY, RESOLVE, case, "Taken by Ana.")
    assert closed.path == "/v2/alerts/triage-case-12-2/close?identifierType=alias"


def test_an_alert_that_is_not_there_is_over(service: Publisher) -> None:
    one = pager("opsgenie", CANARY, service.origin)
    one.send(RESOLVE, INCIDENT, "Taken by Ana.")
    with pytest.raises(NotCalled, match="opsgenie answered 404"):
        one.send(CALL, INCIDENT, "why")


@pytest.mark.parametrize(("service_name", "host"), [("pagerduty", "pagerduty.com"), ("opsgenie", "opsgenie.com")])
def test_without_an_address_the_service_itself_is_told(service_name: str, host: str) -> None:
    assert host in pager(service_name, CANARY).address
