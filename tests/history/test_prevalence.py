from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.history.sqlite import SqliteHistory
from bot.model import COMMON_PRINCIPALS, Prevalence, Span
from tests.history.made import ACCOUNT, loaded, record

SINCE, UNTIL = datetime(2026, 11, 2, 14, tzinfo=UTC), datetime(2026, 11, 12, 13, 59, 59, tzinfo=UTC)
SPAN = Span(SINCE, UNTIL)
NOON = datetime(2026, 11, 5, 12, tzinfo=UTC)


def calls(name: str, users: int, at: datetime = NOON, **changes: Any) -> list[dict[str, Any]]:
    """One call of each of ``users`` people."""
    made = []
    for number in range(users):
        who = f"{changes.get('of', 'u')}{number}"
        identity = record()["userIdentity"] | {"userName": who, "arn": f"arn:aws:iam::{ACCOUNT}:user/{who}"}
        more = {"invokedBy": "athena.amazonaws.com"} if changes.get("by_service") else {}
        moment = (at + timedelta(seconds=number)).strftime("%Y-%m-%dT%H:%M:%SZ")
        made.append({"eventName": name, "eventTime": moment, "userIdentity": identity | more})
    return made


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> SqliteHistory:
    made = [
        *calls("Rare", 3),
        *calls("Rare", 2, SINCE - timedelta(hours=2), of="before"),
        *calls("Rare", 2, UNTIL + timedelta(hours=2), of="after"),
        *calls("Rare", 30, by_service=True, of="served"),
        *calls("OnTheEdge", 15, SINCE + timedelta(minutes=1)),
        *calls("Common", 15),
        *calls("Common", 4, UNTIL - timedelta(hours=3)),
        *calls("Common", 9, UNTIL + timedelta(hours=2), of="after"),
    ]
    records = [record(number, **each) for number, each in enumerate(made, 1)]
    return loaded(tmp_path_factory.mktemp("prevalence"), *records)


def asked(history: SqliteHistory, name: str) -> Prevalence:
    return history.prevalence(f"iam:{name}", SPAN)


def test_a_rare_call_is_counted_to_the_second(history: SqliteHistory) -> None:
    rare = asked(history, "Rare")
    assert rare == Prevalence("iam:Rare", 3, tuple(f"{ACCOUNT}:user/u{n}" for n in range(3)), NOON, exact=True)


def test_what_only_the_cut_days_hold_is_counted_in_full(history: SqliteHistory) -> None:
    edge = asked(history, "OnTheEdge")
    assert (edge.count, len(edge.principals), edge.exact) == (15, 15, True)


def test_of_a_common_call_it_is_told_that_there_is_more(history: SqliteHistory) -> None:
    common = asked(history, "Common")
    assert (common.exact, common.count, common.first_seen) == (False, COMMON_PRINCIPALS + 1, None)
    assert len(common.principals) == COMMON_PRINCIPALS + 1
    assert set(common.principals) <= {f"{ACCOUNT}:user/u{n}" for n in range(15)}


def test_a_call_nobody_made(history: SqliteHistory) -> None:
    assert asked(history, "Never") == Prevalence("iam:Never", 0, (), None, exact=True)


def test_a_span_within_one_day(tmp_path: Path) -> None:
    history = loaded(tmp_path, *(record(n, **each) for n, each in enumerate(calls("Common", 15), 1)))
    found = history.prevalence("iam:Common", Span(NOON, NOON + timedelta(seconds=4)))
    assert (found.count, len(found.principals), found.exact) == (5, 5, True)
