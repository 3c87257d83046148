"""What could be searched, and the sentences for what could not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bot.config.settings import Settings
from bot.history.coverage import Place, covered, of_account
from bot.history.once import AskedOnce
from bot.model import Span
from tests.fakes import ALICE, NOW, WINDOW, FakeHistory, event

SPAN = Span(datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 15, tzinfo=UTC))
A, B, C = "111122223333", "444455556666", "777788889999"


def at(day: int) -> datetime:
    return datetime(2026, 11, day, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("places", "missing"),
    [
        ([Place(A, "us-east-1", at(14)), Place(B, "us-east-1", at(13))], []),
        ([Place(A, "us-east-1", at(14)), Place(B, "", None)], [f"Account {B} has no events in this time."]),
        (
            [Place(A, "us-east-1", at(14)), Place(B, "", None), Place(C, "eu-west-1", None)],
            [
                f"2 accounts have no events in this time: {B}, {C}.",
                "Region eu-west-1 has no events in this time.",
            ],
        ),
        (
            [Place(A, "us-east-1", at(14)), Place(A, "eu-west-1", at(3)), Place("", "eu-west-1", None)],
            [],
        ),
        (
            [Place(A, "us-east-1", at(14)), Place(B, "us-east-1", at(12))],
            [f"Account {B} has no events after 2026-11-12T12:00:00Z, others do: it fell silent, or its logs stopped."],
        ),
        (
            [Place(A, "us-east-1", at(14)), Place(B, "us-east-1", at(5)), Place(C, "us-east-1", at(3))],
            [
                (
                    "2 accounts fell silent, or their logs stopped, while others have events:"
                    f" {B} (after 2026-11-05T12:00:00Z), {C} (after 2026-11-03T12:00:00Z)."
                )
            ],
        ),
        (
            [Place(A, "us-east-1", at(14)), *(Place(A, f"eu-west-{number}", None) for number in range(1, 8))],
            [
                (
                    "7 regions have no events in this time:"
                    " eu-west-1, eu-west-2, eu-west-3, eu-west-4, eu-west-5 and 2 more."
                )
            ],
        ),
        (
            [Place(A, "eu-west-1", at(14)), Place(A, "us-east-1", None)],
            ["No events from us-east-1, where IAM and other global services write theirs."],
        ),
    ],
)
def test_what_is_silent_is_named(places: list[Place], missing: list[str]) -> None:
    found = covered(SPAN, SPAN, places, unread=0, unfinished=0)
    assert found is not None
    assert list(found.missing) == missing


@pytest.mark.parametrize(("last", "until"), [(14, SPAN.until), (12, at(12)), (3, at(3))])
def test_days_without_any_event_at_the_end_were_not_searched(last: int, until: datetime) -> None:
    """Though the history goes on after them, by a record of the year 2999."""
    held = Span(SPAN.since, datetime(2999, 12, 31, tzinfo=UTC))
    found = covered(SPAN, held, [Place(A, "us-east-1", at(last))], unread=0, unfinished=0)
    assert found is not None
    assert found.until == until
    assert any(each.startswith("Nothing after") for each in found.missing) is (until != SPAN.until)


@pytest.mark.parametrize(
    ("account", "told"),
    [(A, False), (None, False), ("alice", False), (C, True), (B, False)],
)
def test_whose_question_it_is_and_whether_there_is_anything_of_them(account: str | None, told: bool) -> None:
    """Of B it is said already."""
    found = covered(SPAN, SPAN, [Place(A, "us-east-1", at(14)), Place(B, "", None)], unread=0, unfinished=0)
    asked = of_account(found, account)
    assert found is not None
    assert asked is not None
    assert asked.missing[1:] == ((f"Account {account} has no events in this time.",) if told else ())
    assert of_account(None, account) is None


def test_a_history_that_is_asked_once_knows_whose_question_it_is() -> None:
    history = AskedOnce(FakeHistory([event(10)]))
    span = Span(NOW - timedelta(days=14), NOW)
    for account, missing in ((ALICE.account, ()), (C, (f"Account {C} has no events in this time.",))):
        found = history.about(account).coverage(span)
        assert found is not None
        assert found.missing == missing
    assert WINDOW.until == NOW


def test_every_account_that_config_names_should_have_events() -> None:
    beyond = {"kind": "sqlite", "beyond": "athena", "athena": {"accounts": (C,)}, "lookup": {"accounts": (A,)}}
    settings = Settings.model_validate({"history": beyond, "environments": {"shop": {"accounts": (B, A)}}})
    assert settings.logged_accounts() == (A, B, C)
    assert Settings().logged_accounts() == ()
