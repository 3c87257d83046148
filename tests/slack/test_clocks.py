"""Moments as Slack shows them by the reader's own clock."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.model import rfc3339
from bot.slack import clocks
from bot.slack.elements import bullets, context, flattened, labelled, message, paragraph, texts
from bot.summary import Row, moment
from tests.checkers import problems

AT = datetime(2026, 11, 24, 12, 3, 5, tzinfo=UTC)
MINUTE = {
    "type": "date",
    "timestamp": 1795521780,
    "format": "{date_short_pretty} {time} (12:03 UTC)",
    "fallback": "2026-11-24 12:03 UTC",
}
SECOND = {
    "type": "date",
    "timestamp": 1795521785,
    "format": "{date_short} {time_secs} (12:03:05 UTC)",
    "fallback": "2026-11-24T12:03:05Z",
}


def told(pieces: list[dict[str, Any]]) -> list[Any]:
    """Words as they are, dates as their fallback in a tuple."""
    return [(each["fallback"],) if each["type"] == "date" else each["text"] for each in pieces]


def test_both_ways_of_writing_a_moment_become_dates_with_utc_beside() -> None:
    assert clocks.pieces(moment(AT)) == [MINUTE]
    assert clocks.pieces(rfc3339(AT)) == [SECOND]
    assert datetime.fromtimestamp(MINUTE["timestamp"], UTC) == AT.replace(second=0)  # type: ignore[arg-type]
    assert clocks.pieces(moment(AT.astimezone(timezone(timedelta(hours=9))))) == [MINUTE]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("no moment at all", ["no moment at all"]),
        (f"until {moment(AT)} by sam", ["until ", ("2026-11-24 12:03 UTC",), " by sam"]),
        (
            "none between 2026-11-10 11:59 and 2026-11-20 13:50 UTC, with gaps",
            ["none between ", ("2026-11-10 11:59",), " and ", ("2026-11-20 13:50 UTC",), ", with gaps"],
        ),
        ("day 1, 2026-11-20 15:00 to tomorrow", ["day 1, 2026-11-20 15:00 to tomorrow"]),
        ("made on 2026-11-20", ["made on 2026-11-20"]),
        ("2026-13-45 99:99 UTC", ["2026-13-45 99:99 UTC"]),
        ("2026-02-30T10:00:00Z", ["2026-02-30T10:00:00Z"]),
        ("x2026-11-24T12:03:05Z and 2026-11-24T12:03:05Zulu", ["x2026-11-24T12:03:05Z and 2026-11-24T12:03:05Zulu"]),
        ("２０２６-11-24 12:03 UTC", ["２０２６-11-24 12:03 UTC"]),
    ],
)
def test_only_moments_become_dates(text: str, expected: list[Any]) -> None:
    assert told(clocks.pieces(text)) == expected


@given(
    st.text()
    | st.lists(st.sampled_from([" ", "T", "Z", "UTC", "2026-11-24", "12:03", ":05", " to ", "<"])).map("".join)
)
def test_no_word_is_lost_or_moved(text: str) -> None:
    shown = clocks.pieces(text)
    assert "".join(each["text"] if each["type"] == "text" else each["fallback"] for each in shown) == text
    for each in clocks.small(text):
        assert each["type"] == "plain_text" or re.fullmatch(r"<!date\^\d+\^[^|<>]+\|[^|<>]+>", each["text"])


def test_every_part_of_a_message_shows_dates_and_all_three_checkers_take_them() -> None:
    said = f"Last used {moment(AT)}."
    shown = message(said, paragraph(said), bullets([said]), labelled([Row("Used", said)]), context(said)).payload()
    assert problems(shown) == []
    assert str(shown).count("{date_short_pretty}") == 4
    assert shown["text"] == "Last used 2026-11-24 12:03 UTC."
    assert "2026-11-24 12:03 UTC" in " ".join(texts(shown["blocks"][0]))


def test_words_alone_say_the_moments_in_utc() -> None:
    said = f"Last used {moment(AT)} by *x*."
    assert flattened([block for block in (paragraph(said), context(said)) if block]) == f"{said} {said}"


def test_small_print_of_too_many_moments_stays_words() -> None:
    shown = context(" ".join([moment(AT)] * 12))
    assert shown is not None
    assert [each["type"] for each in shown["elements"]] == ["plain_text"]
