from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from bot.history.sqlite import SqliteHistory
from bot.model import Event, Kind, Observable, Outcome
from bot.remediation.usage import Usage
from tests.fakes import ALICE, KALI, LEAD, LINUX, NOW, OFFICE, RENTED, FakeHistory, event

THEN = NOW - timedelta(hours=1)


def usage(events: Sequence[Event], own: Sequence[str] = ()) -> Usage:
    return Usage(lambda: NOW, lambda: FakeHistory(events), own)


def at(moment: datetime, **changes: object) -> Event:
    return event((NOW - moment).total_seconds() / 60, **changes)


def nightly(days: int = 6, **changes: object) -> list[Event]:
    """Ten calls a night, from 02:00 on."""
    begin = [NOW.replace(hour=2, minute=0) - timedelta(days=day) for day in range(days)]
    return [at(start + timedelta(minutes=minute), **changes) for start in begin for minute in range(10)]


def all_day(days: int = 6, **changes: object) -> list[Event]:
    """Three calls an hour, around the clock."""
    return [event(20 * number + 1, **changes) for number in range(days * 72)]


def test_a_nightly_job_is_expected_again_at_its_hour() -> None:
    _, breaks = usage(nightly()).what_breaks(LEAD)
    assert breaks == (
        f"Breaks aws-cli/2 (linux, ubuntu) at {OFFICE}: about 10 calls a day on 6 of 14 days, last 11 hours ago; "
        "next expected at 2026-11-21T02:00:00Z."
    )


def test_a_job_of_weekdays_is_not_expected_on_a_weekend() -> None:
    assert NOW.weekday() == 4
    _, breaks = usage([each for each in nightly(days=12) if each.at.weekday() < 5]).what_breaks(LEAD)
    assert breaks.endswith("next expected at 2026-11-23T02:00:00Z.")


def test_what_works_all_day_is_counted_by_the_hour() -> None:
    _, breaks = usage(all_day()).what_breaks(LEAD)
    assert "about 3 calls an hour on 7 of 14 days, last 1 minute ago; at work all day." in breaks


def test_the_last_use_says_whose_address_it_came_from() -> None:
    by_owner = usage([*nightly(), event(3)], ["198.51.100.0/24"]).what_breaks(LEAD)[0]
    assert by_owner == f"Used 3 minutes ago from {OFFICE}, an address of yours: this will break it."
    at_home = usage([*nightly(), event(3)]).what_breaks(LEAD)[0]
    assert at_home == f"Used 3 minutes ago from {OFFICE}, one of its usual addresses: this will break it."
    by_thief = usage([*nightly(), event(2, ip=RENTED, family=KALI)]).what_breaks(LEAD)[0]
    assert by_thief == f"Used 2 minutes ago from {RENTED}, which is not one of its usual addresses."


def test_the_thief_is_no_workload_however_busy() -> None:
    thief = [event(minute, ip=RENTED, family=KALI) for minute in range(1, 1400)]
    told = usage([*nightly(), *thief]).what_breaks(LEAD)
    assert not any("kali" in sentence for sentence in told)


def test_refused_calls_and_those_of_services_break_nothing() -> None:
    refused = nightly(outcome=Outcome.DENIED)
    told = usage([*refused, *nightly(by_service=True)]).what_breaks(LEAD)
    assert any(sentence.startswith("Nothing was at work with it from a familiar address") for sentence in told)


def test_nothing_is_said_over_the_span_that_was_searched() -> None:
    (told,) = usage([event(5, key="AKIARTX3GSDSQAAAAAAB")]).what_breaks(LEAD)
    assert told.startswith("Nothing was at work with it from a familiar address in the last 14 days")
    assert "CloudTrail searched from 2026-11-20T13:55:00Z to 2026-11-20T13:55:00Z" in told


def test_a_long_list_is_cut_and_says_so() -> None:
    events = [each for number in range(8) for each in nightly(family=f"boto3|linux|d{number}|-")]
    told = usage(events).what_breaks(LEAD)
    assert len([sentence for sentence in told if sentence.startswith("Breaks boto3")]) == 5
    assert told[-1] == "Breaks 3 more such clients."


@pytest.mark.parametrize("irregular", [(1, 9, 17, 23, 5, 13)])
def test_a_client_that_keeps_no_hours_is_not_expected_at_one(irregular: Sequence[int]) -> None:
    events = [at(NOW.replace(hour=hour) - timedelta(days=day + 1)) for day, hour in enumerate(irregular)]
    assert usage(events).what_breaks(LEAD)[1].endswith("; at no fixed hour.")


def test_of_an_address_it_is_said_who_uses_it() -> None:
    (told,) = usage([event(5), event(6)]).what_breaks(Observable(Kind.IP, OFFICE))
    assert told == (f"Whose calls from {OFFICE} AWS answered in the last 14 days: 111122223333:user/alice (2 calls).")


def test_without_a_history_nothing_is_known() -> None:
    assert Usage(lambda: NOW).what_breaks(LEAD) == (
        "What this breaks is not known: there is no CloudTrail history to ask.",
    )
    gone = Usage(lambda: NOW, lambda: SqliteHistory(Path("no-such-history.db")))
    assert "not known: there is no history at no-such-history.db" in gone.what_breaks(LEAD)[0]
    assert "holds nothing of the last 14 days" in usage([]).what_breaks(LEAD)[0]
    assert Usage(lambda: NOW).principals_before(OFFICE) is None


def test_what_stops_nobody_breaks_nothing() -> None:
    assert usage(nightly()).what_breaks(None) == ()


def test_who_used_an_address_before_today_is_counted() -> None:
    old = [event(60 * 24 * 3), event(60 * 24 * 3, ip=RENTED), event(5, ip=RENTED)]
    assert usage(old).principals_before(OFFICE) == 1
    assert usage([*old, event(60 * 24 * 20)]).principals_before("203.0.113.99") == 0


def test_a_call_that_aws_answered_after_all_is_named() -> None:
    assert usage([event(5, name="ses:SendEmail")]).answered_since(LEAD, THEN) == (
        f"AWS answered ses:SendEmail from {OFFICE} at 2026-11-20T13:55:00Z."
    )


@pytest.mark.parametrize(
    "harmless",
    [
        event(5, outcome=Outcome.DENIED),
        event(90, family=LINUX),
    ],
    ids=["refused", "before the change"],
)
def test_what_proves_nothing_is_not_a_call_that_still_works(harmless: Event) -> None:
    assert usage([harmless]).answered_since(LEAD, THEN) == ""


def test_who_am_i_is_answered_to_whoever_is_denied_everything_but_to_no_key_that_is_off() -> None:
    asked = usage([event(5, name="sts:GetCallerIdentity")])
    assert asked.answered_since(Observable(Kind.PRINCIPAL, ALICE.id), THEN) == ""
    assert asked.answered_since(LEAD, THEN).startswith("AWS answered sts:GetCallerIdentity from ")


def test_nothing_stopped_or_not_yet_is_not_asked() -> None:
    assert usage([event(5)]).answered_since(None, THEN) == ""
    assert usage([event(5)]).answered_since(LEAD, NOW + timedelta(minutes=1)) == ""
