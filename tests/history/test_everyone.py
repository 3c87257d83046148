"""A history file answers a search for keys in the same hands as if all of it had been read into memory."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.history.everyone import Everyone
from bot.history.load import load_paths
from bot.history.sqlite import SqliteHistory
from bot.model import MANY_USERS, Span, Trace
from bot.scope.usual import pivot_of
from bot.scope.whole import Whole
from tests.history.contract import SPANS, records
from tests.history.made import MADE_FROM, record, write
from tests.history.test_prevalence import calls

NOON = datetime(2026, 11, 8, 12, tzinfo=UTC)
WITHIN_A_DAY = tuple(
    Span(NOON + timedelta(minutes=start), NOON + timedelta(minutes=start + length))
    for start, length in ((0, 1), (1, 5), (-300, 240), (200, 400))
)
ALL_SPANS = (*SPANS, *WITHIN_A_DAY)


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqliteHistory]:
    folder = tmp_path_factory.mktemp("everyone")
    history = SqliteHistory(folder / "history.sqlite")
    load_paths(history, [write(folder / "log.json", records())])
    yield history
    history.close()


def traces(history: SqliteHistory) -> list[Trace]:
    events = history.everyones_events(SPANS[0])
    found = {Trace("event", event.name) for event in events}
    found |= {Trace("agent", event.user_agent) for event in events}
    found |= {Trace("family", event.family) for event in events}
    found |= {Trace("address", place) for each in events if (place := pivot_of(each.ip, each.address_class))}
    nowhere = [Trace("address", "192.0.2.250"), Trace("address", "2001:db8:5::/64"), Trace("event", "iam:None")]
    return [*sorted(found), *nowhere, Trace("terminal", "4c55b1738b6d"), Trace("agent", "%"), Trace("agent", "")]


def test_who_left_a_trace_is_told_as_if_everything_had_been_read(history: SqliteHistory) -> None:
    asked, whole = Everyone(history), Whole(history)
    for span in ALL_SPANS:
        for trace in traces(history):
            assert asked.users(trace, span) == whole.users(trace, span), (trace, span)
            assert list(asked.holders(trace, span)) == list(whole.holders(trace, span)), (trace, span)


def test_who_is_new_to_a_call(history: SqliteHistory) -> None:
    asked, whole = Everyone(history), Whole(history)
    names = [trace.value for trace in traces(history) if trace.kind == "event"]
    found = []
    for span, before in ((SPANS[2], SPANS[1]), (WITHIN_A_DAY[2], SPANS[1]), (SPANS[3], Span(MADE_FROM, NOON))):
        for name in names:
            told = list(asked.newcomers(name, span, before, ()))
            assert told == list(whole.newcomers(name, span, before, ()))
            found += told
    assert found


def test_what_one_did_and_on_how_many_days_anybody_did(history: SqliteHistory) -> None:
    asked, whole = Everyone(history), Whole(history)
    events = history.everyones_events(SPANS[0])
    assert [asked.days(span) for span in SPANS] == [whole.days(span) for span in SPANS]
    for span in ALL_SPANS:
        for who in sorted({event.principal.id for event in events}):
            assert sorted(asked.habits(who, span), key=repr) == sorted(whole.habits(who, span), key=repr)
        for key in sorted({event.key for event in events if event.key}):
            assert list(asked.calls(key, span)) == list(whole.calls(key, span))


@pytest.mark.parametrize("users", [MANY_USERS, MANY_USERS + 1])
def test_beyond_many_they_are_only_counted(tmp_path: Path, users: int) -> None:
    made = [record(number, **each) for number, each in enumerate(calls("GetSendQuota", users))]
    history = SqliteHistory(tmp_path / "history.sqlite")
    load_paths(history, [write(tmp_path / "log.json", made)])
    span = Span(MADE_FROM, MADE_FROM + timedelta(days=30))
    found = Everyone(history).users(Trace("event", "iam:GetSendQuota"), span)
    assert (found.count, len(found.principals)) == (users, users if users <= MANY_USERS else 0)
    assert found == Whole(history).users(Trace("event", "iam:GetSendQuota"), span)
    history.close()
