"""Which case an alert belongs to: one for each key, else each principal, else each address, and what comes after."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot import cases
from bot.app import Desk
from bot.casebook import case_document
from bot.config import load
from bot.model import Alert, Conclusion, Kind, Observable
from bot.store import jobs
from tests.history import made
from tests.remediation.cloud import key_id
from tests.test_pipeline import ANA, CONFIG, NOW, ONE, TWO, alert, deliver, end, rows, work

PLACE = "203.0.113.5"
FOREIGN = key_id(3, account="999900001111")


@pytest.fixture
def clock() -> list[datetime]:
    return [NOW]


@pytest.fixture
def desk(tmp_path: Path, clock: list[datetime]) -> Iterator[Desk]:
    made.loaded(tmp_path, made.record(1)).path.rename(tmp_path / "history.db")
    config = tmp_path / "config.toml"
    config.write_text(CONFIG.format(folder=tmp_path) + '[sources.other]\nsecrets = ["env:UNUSED"]\n')
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


# --------------------------------------------------------------------------------------------------------- linking


def links_of(desk: Desk, case: int) -> list[tuple[int, str]]:
    return [(each.case, each.subject.value) for each in cases.load(desk.state.read(), case).links]


def test_keys_tried_at_one_address_are_a_case_each_and_the_address_is_one_linked_with_them(desk: Desk) -> None:
    deliver(desk, alert("a", ONE, TWO, source_ip=PLACE))
    assert stories(desk) == [
        ("access_key", ONE, "open"),
        ("access_key", TWO, "open"),
        ("ip", PLACE, "open"),
    ]
    assert links_of(desk, 3) == [(1, ONE), (2, TWO)]
    assert links_of(desk, 1) == [(2, TWO), (3, PLACE)]


def test_one_key_at_one_address_is_the_key_s_story(desk: Desk) -> None:
    deliver(desk, alert("a", ONE, source_ip=PLACE))
    assert stories(desk) == [("access_key", ONE, "open")]


def test_two_keys_are_never_one_case_because_they_share_an_address(desk: Desk) -> None:
    deliver(desk, alert("a", ONE, source_ip=PLACE), alert("b", TWO, source_ip=PLACE))
    assert [kind for kind, _, _ in stories(desk)] == ["access_key", "access_key"]
    assert links_of(desk, 1) == links_of(desk, 2) == []


def test_an_enumeration_that_we_found_is_linked_with_each_key_s_case_whichever_came_first(desk: Desk) -> None:
    deliver(desk, alert("a", ONE))
    found = Alert(
        id=f"detection:enumeration:{PLACE}:2026-11-20",
        source="detection",
        title="Two keys were tried",
        severity="high",
        at=NOW,
        observables=(Observable(Kind.IP, PLACE),),
        beside=(Observable(Kind.ACCESS_KEY, ONE), Observable(Kind.ACCESS_KEY, TWO)),
    )
    desk.pipeline.detected([found])
    deliver(desk, alert("b", TWO))
    assert stories(desk) == [("access_key", ONE, "open"), ("ip", PLACE, "open"), ("access_key", TWO, "open")]
    assert links_of(desk, 2) == [(1, ONE), (3, TWO)]
    assert case_document(cases.load(desk.state.read(), 1))["linked"] == [
        {"case": 2, "subject": {"kind": "ip", "value": PLACE}, "why": f"an alert of case #2 names {ONE}"}
    ]
    ((payload,),) = rows(desk, "SELECT payload FROM outbox WHERE slot = 'case:1:card' ORDER BY id DESC LIMIT 1")
    assert f"#2 {PLACE} (an alert of case #2 names {ONE})" in payload


def test_a_principal_s_case_is_linked_with_its_key_s(desk: Desk) -> None:
    alice = f"arn:aws:iam::{made.ACCOUNT}:user/alice"
    deliver(desk, alert("a", ONE, principal=alice), alert("b", principal=alice))
    assert [kind for kind, _, _ in stories(desk)] == ["access_key", "principal"]
    assert links_of(desk, 1) == [(2, f"{made.ACCOUNT}:user/alice")]


def test_a_closed_case_and_another_customer_s_are_not_linked(desk: Desk) -> None:
    deliver(desk, alert("a", ONE))
    close(desk, 1)
    deliver(desk, alert("b", source_ip=PLACE, account="999900001111", note=f"{ONE}x"))
    assert links_of(desk, 2) == []


def test_several_sources_that_name_one_key_are_one_case_and_the_card_says_why(desk: Desk) -> None:
    deliver(desk, alert("a", ONE, account="111122223333", source_ip=PLACE))
    desk.pipeline.accept("other", [alert("b", ONE, account="444455556666", source_ip=PLACE)])
    work(desk)
    assert stories(desk) == [("access_key", ONE, "open")]
    ((payload,),) = rows(desk, "SELECT payload FROM outbox WHERE slot = 'case:1:card' ORDER BY id DESC LIMIT 1")
    assert "alerts of other, siem in 2 accounts name the same access key" in payload


def test_keys_of_two_customers_in_one_alert_go_to_each_one_s_own_channel(desk: Desk) -> None:
    deliver(desk, alert("a", ONE, FOREIGN))
    assert rows(desk, "SELECT subject_value, channel FROM cases ORDER BY id") == [
        (ONE, "C0SOC"),
        (FOREIGN, "C0PAYMENTS"),
    ]
    assert links_of(desk, 1) == []


def test_a_private_address_is_a_case_only_where_no_public_one_is_named(desk: Desk) -> None:
    deliver(desk, alert("a", source_ip="10.0.0.7", dest=PLACE), alert("b", source_ip="10.0.0.7"))
    assert stories(desk) == [("ip", PLACE, "open"), ("ip", "10.0.0.7", "open")]


# ----------------------------------------------------------------------------------------------------------- order


def test_alerts_are_read_in_the_order_they_came_in_however_many_read_them(desk: Desk) -> None:
    desk.pipeline.accept("siem", [alert("a", ONE), alert("b", ONE), alert("c", ONE)])
    first = desk.state.write(lambda db: jobs.claim(db, "triage", NOW))
    assert first is not None
    assert not jobs.waiting(desk.state.read(), "triage", NOW)
    assert desk.state.write(lambda db: jobs.claim(db, "triage", NOW)) is None
    commit = desk.pipeline.handlers()[first.kind](first)
    desk.state.write(lambda db: end(db, first, commit, NOW))
    second = desk.state.write(lambda db: jobs.claim(db, "triage", NOW))
    assert second is not None
    assert second.id == first.id + 1


def test_a_case_is_triaged_by_one_worker_at_a_time(desk: Desk) -> None:
    desk.pipeline.accept("siem", [alert("a", ONE)])
    kinds = []
    while job := desk.state.write(lambda db: jobs.claim(db, "triage", NOW)):
        kinds.append(job.kind)
        if job.kind == "receive":
            commit = desk.pipeline.handlers()[job.kind](job)
            desk.state.write(lambda db, job=job, commit=commit: end(db, job, commit, NOW))  # type: ignore[misc]
            desk.state.write(lambda db: desk.pipeline.ask_again(db, 1))
        else:
            desk.state.write(lambda db: desk.pipeline.ask_again(db, 1))
    assert kinds == ["receive", "triage"]


def test_the_same_alert_is_known_again_after_a_month(desk: Desk, clock: list[datetime]) -> None:
    assert deliver(desk, alert("a", ONE)) == [None]
    clock.append(NOW + timedelta(days=30))
    assert deliver(desk, alert("a", ONE)) != [None]
