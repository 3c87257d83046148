"""A sample of a history: all of a small one, an even part of a large one, never what does not belong."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.history import sampling
from bot.history.sqlite import SqliteHistory
from bot.model import AddressClass, Span, rfc3339
from tests.history import made

DAYS, A_DAY = 30, 40
SPAN = Span(made.MADE_FROM, made.MADE_FROM + timedelta(days=DAYS))


def records() -> list[dict[str, Any]]:
    return [
        made.record(
            day * A_DAY + number,
            eventTime=rfc3339(made.MADE_FROM + timedelta(days=day, minutes=number)),
            sourceIPAddress=f"198.51.100.{number}",
            recipientAccountId=made.ACCOUNT if number % 4 else "444455556666",
        )
        for day in range(DAYS)
        for number in range(A_DAY)
    ]


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> SqliteHistory:
    return made.loaded(tmp_path_factory.mktemp("history"), *records())


def test_of_a_small_history_everything_is_taken(kept: SqliteHistory) -> None:
    found = kept.sampled([], SPAN)
    assert sum(each.count for each in found) == DAYS * A_DAY
    assert {each.principal for each in found} == {made.ALICE}
    assert {each.address_class for each in found} == {AddressClass.PUBLIC}
    assert len({each.ip for each in found}) == A_DAY


def test_only_whole_roll_ups_of_the_accounts_and_the_span_are_taken(kept: SqliteHistory) -> None:
    assert len(kept.sampled([made.ACCOUNT], SPAN)) == DAYS * A_DAY * 3 // 4
    assert kept.sampled(["999900001111"], SPAN) == ()
    week = Span(made.MADE_FROM, made.MADE_FROM + timedelta(days=7) - timedelta(seconds=1))
    assert len(kept.sampled([], week)) == 7 * A_DAY


def test_a_large_history_is_sampled_evenly_and_the_same_each_time(
    kept: SqliteHistory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sampling, "LOOK_UPS", 160)
    monkeypatch.setattr(sampling, "ENOUGH", 50)
    found = kept.sampled([], SPAN)
    assert 70 < len(found) < 130
    by_day = Counter(each.at.date() for each in found)
    assert len(by_day) == DAYS
    assert max(by_day.values()) <= 6  # of some 100 on 30 days
    assert kept.sampled([], SPAN) == found


def test_an_account_with_little_gets_more_rounds(kept: SqliteHistory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampling, "LOOK_UPS", 160)
    monkeypatch.setattr(sampling, "ENOUGH", 60)
    found = kept.sampled(["444455556666"], SPAN)
    assert 60 < len(found) <= 120


def test_a_busy_program_is_not_the_whole_sample(tmp_path: Path) -> None:
    busy = [made.record(number) for number in range(300)]
    quiet = made.record(1_000, sourceIPAddress="192.0.2.8")
    found = made.loaded(tmp_path, *busy, quiet).sampled([], made.ALWAYS)
    assert sorted(each.count for each in found) == [1, 100]


def test_of_an_empty_history_there_is_none(tmp_path: Path) -> None:
    assert made.loaded(tmp_path).sampled([], SPAN) == ()
