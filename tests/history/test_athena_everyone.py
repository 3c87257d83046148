"""Athena answers a search for keys in the same hands as the embedded store does, question by question."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.history.athena import AthenaHistory, AthenaSettings, Timing
from bot.history.athena.crowd import LISTED
from bot.history.clients import small, words_of
from bot.history.everyone import Everyone
from bot.history.load import load_paths
from bot.history.sqlite import SqliteHistory
from bot.model import MANY_USERS, Holder, Span, Trace, Users, offensive_name
from bot.scope.source import Source, Spans
from tests.history.athena_door import Door, doors
from tests.history.contract import SPANS, records
from tests.history.lake import Lake, write_trail
from tests.history.made import ACCOUNT, MADE_FROM, record, write
from tests.history.test_everyone import traces
from tests.history.test_prevalence import calls

SECOND, DAY = timedelta(seconds=1), timedelta(days=1)


def spans_from(since: datetime, until: datetime, *, days: int = 30) -> Spans:
    before = Span(since - timedelta(days=days), since - SECOND)
    return Spans(Span(since, until), before, Span(since - timedelta(days=90), before.since - SECOND))


@pytest.fixture(scope="module")
def opened() -> Iterator[Callable[[Lake | None], Door]]:
    with doors() as opened:
        yield opened


def athena(door: Door) -> AthenaHistory:
    client = door.client()
    now = datetime(2027, 1, 1, tzinfo=UTC)
    return AthenaHistory.over(
        lambda: client, AthenaSettings(widest_days=400), Timing(lambda: now, pause=lambda _: None)
    )


class Both:
    def __init__(self, folder: Path, opened: Callable[[Lake | None], Door], made: list[dict[str, object]]) -> None:
        self.store = SqliteHistory(folder / "history.sqlite")
        load_paths(self.store, [write(folder / "log.json", made)])
        write_trail(folder / "bucket", made)
        self.lake = Lake(folder / "bucket")
        self.door = opened(self.lake)

    def close(self) -> None:
        self.store.close()
        self.lake.close()


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory, opened: Callable[[Lake | None], Door]) -> Iterator[Both]:
    both = Both(tmp_path_factory.mktemp("everyone"), opened, records())
    yield both
    both.close()


def answers(source: Source, spans: Spans, left: list[Trace], who: list[str], keys: list[str]) -> dict[object, object]:
    of = source.over(spans)
    names = [trace.value for trace in left if trace.kind == "event"]
    found: dict[object, object] = {("users", each): of.users(each, spans.baseline) for each in left}
    found |= {("holders", each): list(of.holders(each, spans.window)) for each in left}
    found |= {("new", each): list(of.newcomers(each, spans.window, spans.baseline, who[:1])) for each in names}
    found |= {("calls", each): sorted(of.calls(each, spans.window), key=repr) for each in keys}
    for span in (spans.baseline, spans.earlier):
        found |= {("habits", each, span): sorted(of.habits(each, span), key=repr) for each in who}
    return found | {
        "days": of.days(spans.baseline),
        "all": of.population(Span(spans.baseline.since, spans.window.until)),
    }


def searchable(trace: Trace) -> bool:
    """Only families of attack tools are looked for, and all of those can be."""
    return trace.kind != "family" or bool(offensive_name(trace.value)) or words_of(small(trace.value)) is not None


@pytest.mark.parametrize("days", [1, 5])
def test_every_question_is_answered_as_by_the_embedded_store(both: Both, days: int) -> None:
    events = both.store.everyones_events(SPANS[0])
    middle = sorted(event.at for event in events)[len(events) // 2]
    spans = spans_from(middle, middle + days * DAY, days=2)
    left = [trace for trace in traces(both.store) if searchable(trace)]
    who = sorted({event.principal.id for event in events})
    keys = sorted({event.key for event in events if event.key})
    here = answers(Everyone(both.store), spans, left, who, keys)
    there = athena(both.door).everyone().settle(lambda source: answers(source, spans, left, who, keys))
    assert any(value for value in here.values())
    for question, value in here.items():
        assert there[question] == value, question


@pytest.mark.parametrize("users", [MANY_USERS, MANY_USERS + 1, LISTED + 1])
def test_of_a_common_call_the_users_are_counted_and_whoever_is_new_to_it_is_told(
    tmp_path: Path, opened: Callable[[Lake | None], Door], users: int
) -> None:
    """The one in doubt called it before, too, and is told all the same."""
    now = MADE_FROM + 10 * DAY
    made = [*calls("GetSendQuota", users), *calls("GetSendQuota", 3, now, of="new"), *calls("GetSendQuota", 5, now)]
    logs = Both(tmp_path, opened, [record(number, **each) for number, each in enumerate(made)])
    spans, trace = spans_from(now - SECOND, now + DAY), Trace("event", "iam:GetSendQuota")
    doubted = [f"{ACCOUNT}:user/u2"]

    def asked(source: Source) -> tuple[Users, Sequence[Holder]]:
        of = source.over(spans)
        return of.users(trace, spans.baseline), of.newcomers(trace.value, spans.window, spans.baseline, doubted)

    found, new = athena(logs.door).everyone().settle(asked)
    assert (found.count, len(found.principals)) == (users, users if users <= MANY_USERS else 0)
    assert [each.principal.rpartition("/")[2] for each in new] == ["new0", "new1", "new2", "u2"]
    assert (found, list(new)) == (asked(Everyone(logs.store))[0], list(asked(Everyone(logs.store))[1]))
    assert len(logs.door.started) == 1
    logs.close()
