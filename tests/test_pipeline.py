"""The line of an alert without Slack, from a payload to cases, cards and rights: what a person finds in the state."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot import cases
from bot.app import Desk
from bot.config import load
from bot.database import Database
from bot.model import Actor, Kind, Observable, Operation, Refusal
from bot.operations import CaseOpened
from bot.store import jobs
from bot.store.jobs import Job
from bot.workers import Commit
from tests.history import made
from tests.remediation.cloud import key_id

NOW = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
ANA = Actor("slack:T0MADE:U0ANA", "Ana")
MAL = Actor("slack:T0MADE:U0MAL", "Mal")
ONE, TWO = key_id(1), key_id(2)
CONFIG = """\
[slack]
channel = "C0SOC"
[store]
path = "{folder}/state.db"
[history]
path = "{folder}/history.db"
[sources.siem]
secrets = ["env:UNUSED"]
[environments.payments]
accounts = ["999900001111"]
channel = "C0PAYMENTS"
[access]
triage = ["slack:T0MADE:U0ANA"]
[digest]
hold_seconds = 0
"""


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


def deliver(desk: Desk, *alerts: Mapping[str, Any]) -> list[str | None]:
    """What the web door does, then the workers; of which delivery each alert is a copy."""
    receipts = desk.pipeline.accept("siem", list(alerts))
    work(desk)
    return [receipt.duplicate_of for receipt in receipts]


def work(desk: Desk) -> None:
    """Carry out what is due, on this thread."""
    handlers = desk.pipeline.handlers()
    while job := desk.state.write(lambda db: jobs.claim(db, "triage", desk.clock())):
        commit = handlers[job.kind](job)
        desk.state.write(lambda db, job=job, commit=commit: end(db, job, commit, desk.clock()))  # type: ignore[misc]


def end(db: Database, job: Job, commit: Commit, now: datetime) -> None:
    commit(db)
    jobs.finish(db, job, now)


def alert(id_: str, *keys: str, **more: Any) -> dict[str, Any]:
    return {"id": id_, "title": f"alert {id_}", "time": "2026-11-20T14:30:00Z", "keys": list(keys), **more}


def rows(desk: Desk, query: str) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in desk.state.read().execute(query)]


SUBJECTS = "SELECT id, subject_kind, subject_value FROM cases ORDER BY id"


def test_two_keys_of_one_alert_are_two_cases_with_a_card_each(desk: Desk) -> None:
    deliver(desk, alert("a", ONE, TWO))
    assert rows(desk, SUBJECTS) == [(1, "access_key", ONE), (2, "access_key", TWO)]
    slots = {slot for (slot,) in rows(desk, "SELECT slot FROM outbox WHERE slot LIKE '%:card'")}
    assert slots == {"case:1:card", "case:2:card"}


def test_a_second_alert_about_a_key_joins_its_case_and_keeps_its_baseline(desk: Desk) -> None:
    deliver(desk, alert("a", ONE))
    before = cases.load(desk.state.read(), 1).window
    deliver(desk, alert("b", ONE, time="2026-11-20T14:50:00Z"))
    joined = cases.load(desk.state.read(), 1)
    assert rows(desk, "SELECT count(*) FROM cases") == [(1,)]
    assert [each.title for each in joined.alerts] == ["alert a", "alert b"]
    assert (joined.window.since, joined.window.recent_since) == (before.since, before.recent_since)
    assert joined.window.until == datetime(2026, 11, 20, 14, 50, tzinfo=UTC)


def test_the_same_alert_again_is_a_copy_and_opens_nothing(desk: Desk) -> None:
    assert deliver(desk, alert("a", ONE)) == [None]
    ((first,),) = rows(desk, "SELECT id FROM deliveries")
    assert deliver(desk, alert("a", ONE), alert("b", TWO), alert("b", TWO))[:2] == [first, None]
    assert len(rows(desk, SUBJECTS)) == 2
    assert rows(desk, "SELECT state, count(*) FROM deliveries GROUP BY 1") == [("triaged", 2)]


def test_an_alert_that_names_nothing_is_a_case_about_itself(desk: Desk) -> None:
    deliver(desk, alert("a"))
    ((_, kind, _),) = rows(desk, SUBJECTS)
    assert kind == "alert"
    (payload,) = next(iter(rows(desk, "SELECT payload FROM outbox WHERE slot = 'case:1:card'")))
    assert "plan:" not in payload


def test_a_principal_counts_where_no_key_is_named_and_an_address_where_neither_is(desk: Desk) -> None:
    deliver(desk, alert("a", principal=f"arn:aws:iam::{made.ACCOUNT}:user/alice", source_ip="203.0.113.5"))
    deliver(desk, alert("b", source_ip="203.0.113.5"))
    assert [kind for _, kind, _ in rows(desk, SUBJECTS)] == ["principal", "ip"]


def test_an_account_s_alerts_go_to_its_own_channel(desk: Desk) -> None:
    deliver(desk, alert("a", ONE), alert("b", TWO, account="999900001111"))
    assert rows(desk, "SELECT environment, channel FROM cases ORDER BY id") == [
        ("default", "C0SOC"),
        ("payments", "C0PAYMENTS"),
    ]


def test_the_first_card_says_that_it_is_checking_before_any_question_is_asked(desk: Desk) -> None:
    desk.pipeline.accept("siem", [alert("a", ONE)])
    receive = desk.state.write(lambda db: jobs.claim(db, "triage", NOW))
    assert receive is not None
    commit = desk.pipeline.handlers()[receive.kind](receive)
    desk.state.write(lambda db: end(db, receive, commit, NOW))
    ((payload,),) = rows(desk, "SELECT payload FROM outbox WHERE slot = 'case:1:card'")
    assert "checking" in payload.lower()
    assert rows(desk, "SELECT triage FROM cases") == [(None,)]


# ------------------------------------------------------------------------------------------------ operations


def asked(desk: Desk, actor: Actor, *keys: str, ask: str = "ask-1") -> tuple[CaseOpened, ...] | Refusal:
    return desk.operations.triage([Observable(Kind.ACCESS_KEY, key) for key in keys], actor, ask)


def test_a_question_opens_a_case_once_and_says_the_same_when_it_is_repeated(desk: Desk) -> None:
    first, again, later = (asked(desk, ANA, ONE, ask=ask) for ask in ("ask-1", "ask-1", "ask-2"))
    assert first == again
    assert isinstance(first, tuple)
    assert isinstance(later, tuple)
    assert [one.new for one in (*first, *later)] == [True, False]
    assert rows(desk, "SELECT count(*) FROM case_alerts") == [(2,)]


def test_who_is_not_named_may_ask_for_nothing(desk: Desk) -> None:
    refused = asked(desk, MAL, ONE)
    assert isinstance(refused, Refusal)
    assert MAL.id in refused.sentence
    assert isinstance(desk.operations.ask_again(1, MAL), Refusal)
    assert isinstance(desk.operations.plan_for("disable_access_key", ONE, MAL), Refusal)
    assert rows(desk, SUBJECTS) == []
    assert set(desk.operations.may(MAL)) == set(Operation)


def test_asking_again_looks_until_now_and_keeps_what_was_usual(desk: Desk, clock: list[datetime]) -> None:
    deliver(desk, alert("a", ONE))
    clock.append(NOW + timedelta(hours=2))
    assert desk.operations.ask_again(1, ANA) == 1
    work(desk)
    window = cases.load(desk.state.read(), 1).window
    assert window.until == clock[-1]
    assert window.recent_since == datetime(2026, 11, 19, 14, 30, tzinfo=UTC)


def test_a_case_that_is_not_there_cannot_be_asked_again(desk: Desk) -> None:
    with pytest.raises(LookupError):
        desk.operations.ask_again(7, ANA)


def test_a_ruling_is_kept_once_on_record_and_has_the_case_asked_again(desk: Desk) -> None:
    deliver(desk, alert("a", ONE))
    before = rows(desk, "SELECT count(*) FROM audit")[0][0]
    for _ in range(2):
        assert desk.operations.rule(1, TWO, ANA, "it is our scanner", belongs=False) == 1
    assert rows(desk, "SELECT actor, operation, target, reason FROM audit")[before:] == [
        (ANA.id, "rule", f"case 1: {TWO}", "it is our scanner")
    ]
    assert rows(desk, "SELECT count(*) FROM jobs WHERE kind = 'triage' AND state = 'ready'") == [(1,)]
    assert desk.operations.rule(1, TWO, ANA, "it is not, after all", belongs=True) == 1
    (ruling,) = cases.load(desk.state.read(), 1).rulings
    assert (ruling.key, ruling.belongs, ruling.reason, ruling.by) == (TWO, True, "it is not, after all", "Ana")


def test_a_case_is_taken_on_record_and_by_another_after(desk: Desk) -> None:
    deliver(desk, alert("a", ONE))
    taken = desk.operations.take(1, ANA)
    assert not isinstance(taken, Refusal)
    assert taken.owner == ANA
    desk.operations.take(1, ANA)
    assert rows(desk, "SELECT actor, target FROM audit WHERE operation = 'take'") == [(ANA.id, "case 1")]
    assert isinstance(desk.operations.take(1, MAL), Refusal)
    with pytest.raises(LookupError):
        desk.operations.take(7, ANA)


def test_a_ruling_needs_a_right_a_reason_and_an_open_case(desk: Desk) -> None:
    deliver(desk, alert("a", ONE))
    for actor, reason in ((MAL, "because"), (ANA, " ")):
        assert isinstance(desk.operations.rule(1, TWO, actor, reason, belongs=True), Refusal)
    with pytest.raises(LookupError):
        desk.operations.rule(7, TWO, ANA, "because", belongs=True)
    assert cases.load(desk.state.read(), 1).rulings == ()


def test_asked_ten_times_before_it_runs_it_runs_once(desk: Desk) -> None:
    for n in range(10):
        asked(desk, ANA, ONE, ask=f"ask-{n}")
    assert rows(desk, "SELECT count(*) FROM jobs WHERE kind = 'triage'") == [(1,)]
