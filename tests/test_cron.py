"""When a digest is due: cron's five fields, by the clocks of a time zone."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bot.cron import parse_cron


@pytest.mark.parametrize(
    ("cron", "zone", "at", "due"),
    [
        ("0 8 * * *", "UTC", "2026-11-23T07:59", "2026-11-23T08:00"),
        ("0 8 * * *", "UTC", "2026-11-23T08:00", "2026-11-24T08:00"),
        ("0 8 * * 1", "UTC", "2026-11-23T08:00", "2026-11-30T08:00"),
        ("0 8 * * 7", "UTC", "2026-11-23T08:00", "2026-11-29T08:00"),
        ("*/15 * * * *", "UTC", "2026-11-23T08:01", "2026-11-23T08:15"),
        ("0 8 1 * 1", "UTC", "2026-11-24T00:00", "2026-11-30T08:00"),
        ("30 9-17/4 * 1,7 *", "UTC", "2026-11-23T08:00", "2027-01-01T09:30"),
        ("0 8 29 2 *", "UTC", "2026-11-23T08:00", "2028-02-29T08:00"),
        ("0 8 * * *", "Europe/Berlin", "2026-11-23T06:00", "2026-11-23T07:00"),
        ("0 8 * * *", "Europe/Berlin", "2026-07-01T00:00", "2026-07-01T06:00"),
        # 2026-03-29: the clocks go from 02:00 to 03:00.
        ("30 2 * * *", "Europe/Berlin", "2026-03-29T00:00", "2026-03-29T01:30"),
        # 2026-10-25: 02:30 is shown twice.
        ("30 2 * * *", "Europe/Berlin", "2026-10-25T00:00", "2026-10-25T00:30"),
        ("30 2 * * *", "Europe/Berlin", "2026-10-25T00:30", "2026-10-26T01:30"),
    ],
)
def test_the_next_moment(cron: str, zone: str, at: str, due: str) -> None:
    began, wanted = (datetime.fromisoformat(each).replace(tzinfo=UTC) for each in (at, due))
    assert parse_cron(cron).after(began, zone) == wanted


@pytest.mark.parametrize(
    ("cron", "problem"),
    [
        ("0 8 * *", "must have five fields"),
        ("60 8 * * *", "names a minute outside 0 to 59"),
        ("0 8 * * mon", "names a weekday that cron does not know"),
        ("*/0 8 * * *", "names a minute outside"),
        ("0 17-9 * * *", "names a hour outside"),
        ("0 8 31 2 *", "never comes"),
    ],
)
def test_what_is_no_cron_says_what_is_wrong(cron: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        parse_cron(cron)
