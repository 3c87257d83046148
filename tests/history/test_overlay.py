"""The alert is evidence too, until the record is there."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.history.activity import activity
from bot.history.overlay import WithAlerts, events_of
from bot.history.sqlite import SqliteHistory
from bot.model import Alert, Call, Kind, Observable, Outcome, Span
from tests.history.made import ACCOUNT, ALICE, ALWAYS, KALI, KEY, key, loaded, principal, record

AT = datetime(2026, 11, 20, 14, 3, 11, tzinfo=UTC)
CALL = Call(at=AT, key=KEY, ip="203.0.113.5", user_agent=KALI, event="iam:ListUsers")


def alert(*calls: Call) -> Alert:
    return Alert("a1", "generic", "Kali", "high", AT, (), calls)


def over(history: SqliteHistory, *calls: Call) -> WithAlerts:
    return WithAlerts(history, events_of(alert(*calls), history))


def test_an_alert_is_all_there_is_before_cloudtrail_delivers(tmp_path: Path) -> None:
    history = over(loaded(tmp_path), CALL)
    for observable in (
        key(),
        Observable(Kind.IP, "::ffff:203.0.113.5"),
        Observable(Kind.USER_AGENT, "aws-cli/1|linux|kali|-"),
        Observable(Kind.EVENT, "ListUsers"),
        Observable(Kind.ACCOUNT, ACCOUNT),
    ):
        (use,) = history.uses(observable, ALWAYS)
        assert (use.evidence, use.outcome, use.account) == (("alert:a1",), Outcome.UNKNOWN, ACCOUNT)
    (event,) = history.events(key(), ALWAYS)
    assert (event.provenance, event.family) == ("alert", "aws-cli/1|linux|kali|-")
    assert history.newest() == AT
    assert history.coverage(ALWAYS) is None
    assert history.principal(key(), AT) is None


def test_the_record_takes_the_place_of_the_alert(tmp_path: Path) -> None:
    history = over(loaded(tmp_path, record()), CALL)
    (use,) = history.uses(key(), ALWAYS)
    assert (use.count, use.outcome, use.evidence) == (1, Outcome.DENIED, (record()["eventID"],))
    assert len(history.events(key(), ALWAYS)) == 1


@pytest.mark.parametrize(
    "call",
    [
        replace(CALL, at=AT + timedelta(minutes=15)),
        replace(CALL, at=AT - timedelta(minutes=15)),
        replace(CALL, event="ListUsers"),
        replace(CALL, event=None, ip=None, user_agent=None),
        replace(CALL, key=None, principal=f"arn:aws:iam::{ACCOUNT}:user/alice"),
        replace(CALL, key=None),
    ],
)
def test_what_the_alert_leaves_out_does_not_keep_them_apart(tmp_path: Path, call: Call) -> None:
    history = over(loaded(tmp_path, record()), call)
    assert [event.provenance for event in history.events(principal(), ALWAYS)] == ["cloudtrail"]
    assert [event.provenance for event in history.events(Observable(Kind.IP, "203.0.113.5"), ALWAYS)] == ["cloudtrail"]


@pytest.mark.parametrize(
    "call",
    [
        replace(CALL, at=AT + timedelta(minutes=15, seconds=1)),
        replace(CALL, event="ses:GetSendQuota"),
        replace(CALL, ip="203.0.113.6"),
        replace(CALL, user_agent="curl/8"),
    ],
)
def test_another_call_stays_another_call(tmp_path: Path, call: Call) -> None:
    history = over(loaded(tmp_path, record()), call)
    assert sum(use.count for use in history.uses(key(), ALWAYS)) == 2
    assert {event.provenance for event in history.events(key(), ALWAYS)} == {"cloudtrail", "alert"}


def test_a_call_is_not_lost_to_a_record_outside_the_answer(tmp_path: Path) -> None:
    history = over(loaded(tmp_path, record(eventTime="2026-11-20T14:03:15Z")), CALL)
    (use,) = history.uses(key(), Span(AT - timedelta(days=14), AT))
    assert use.evidence == ("alert:a1",)


def test_who_it_was_comes_from_the_history(tmp_path: Path) -> None:
    history = loaded(tmp_path, record(eventTime="2026-11-01T00:00:00Z"))
    (event,) = events_of(alert(CALL), history)
    assert event.principal.id == ALICE
    assert len(over(history, CALL).uses(principal("alice"), ALWAYS)) == 2


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        (f"arn:aws:iam::{ACCOUNT}:user/bob", f"{ACCOUNT}:user/bob"),
        (f"{ACCOUNT}:role/deploy", f"{ACCOUNT}:role/deploy"),
        ("bob", f"{ACCOUNT}:user/bob"),
        (None, "unknown"),
    ],
)
def test_who_it_was_comes_from_the_alert_where_the_history_does_not_know(stated: str | None, expected: str) -> None:
    (event,) = events_of(alert(replace(CALL, principal=stated)))
    assert event.principal.id == expected
    assert event.account == ACCOUNT


def test_a_namesake_in_another_account_is_somebody_else(tmp_path: Path) -> None:
    (event,) = events_of(alert(replace(CALL, account="444455556666", principal="alice")), loaded(tmp_path, record()))
    assert event.principal.id == "444455556666:user/alice"


def test_a_call_without_a_name_counts_under_no_service(tmp_path: Path) -> None:
    found = activity(over(loaded(tmp_path), replace(CALL, event=None)).uses(key(), ALWAYS))
    assert (found.events, dict(found.services), dict(found.events_by_name), dict(found.regions)) == (1, {}, {}, {})


def test_an_error_code_in_the_alert_is_an_outcome() -> None:
    (event,) = events_of(alert(replace(CALL, error_code="Client.UnauthorizedOperation")))
    assert event.outcome is Outcome.DENIED


def test_two_alerts_of_one_kind_add_up(tmp_path: Path) -> None:
    (use,) = over(loaded(tmp_path), CALL, replace(CALL, at=AT + timedelta(seconds=9))).uses(key(), ALWAYS)
    assert (use.count, use.last_seen - use.first_seen) == (2, timedelta(seconds=9))
