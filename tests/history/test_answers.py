"""Every answer of the store against the plainest way to give it: all events in a list."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from bot.history.load import load_paths
from bot.history.sqlite import SqliteHistory
from bot.model import Kind, Observable, Span
from tests.history.made import ACCOUNT, ALICE, ALWAYS, DATA, KEY, MADE_FROM, assorted, write
from tests.history.plain import Plain, in_plain_order

DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[SqliteHistory, Plain]]:
    folder, chance = tmp_path_factory.mktemp("answers"), random.Random(11)
    records = assorted(chance, 1_500)
    files = [write(folder / f"{part}.json", records[part::7]) for part in range(7)]
    files.append(write(folder / "again.json", chance.sample(records, 400)))
    history = SqliteHistory(folder / "history.sqlite")
    for part in (files[:3], files[3:], [DATA]):
        load_paths(history, part)
    yield history, Plain.of_files([*files, DATA])
    history.close()


def _spans(chance: random.Random, count: int) -> list[Span]:
    spans = [ALWAYS]
    for _ in range(count):
        since = MADE_FROM + timedelta(seconds=chance.randrange(9 * 86_400))
        spans.append(Span(since, since + timedelta(seconds=chance.choice((0, 3_600, 100_000, 700_000)))))
    return [*spans, Span(MADE_FROM + DAY, MADE_FROM + 3 * DAY - timedelta(seconds=1)), Span(MADE_FROM, MADE_FROM + DAY)]


def _observables(plain: Plain) -> list[Observable]:
    chance = random.Random(3)
    named: dict[Kind, set[Any]] = {
        Kind.ACCESS_KEY: {event.key for event in plain.all},
        Kind.PRINCIPAL: {event.principal.id for event in plain.all},
        Kind.IP: {event.ip for event in plain.all},
        Kind.USER_AGENT: {event.user_agent for event in plain.all},
        Kind.EVENT: {event.name for event in plain.all} | {"ListUsers"},
        Kind.ACCOUNT: {event.account for event in plain.all},
    }
    known = [Observable(Kind.ACCESS_KEY, KEY), Observable(Kind.PRINCIPAL, ALICE), Observable(Kind.ACCOUNT, ACCOUNT)]
    return known + [
        Observable(kind, value)
        for kind, values in named.items()
        for value in chance.sample(sorted(filter(None, values)), min(4, len(values) - 1))
    ]


def test_uses_are_those_of_the_plain_way(both: tuple[SqliteHistory, Plain]) -> None:
    history, plain = both
    for span in _spans(random.Random(5), 12):
        for observable in _observables(plain):
            found = history.uses(observable, span)
            assert [use.first_seen for use in found] == sorted(use.first_seen for use in found)
            assert in_plain_order(found) == plain.uses(observable, span)


def test_events_are_those_of_the_plain_way(both: tuple[SqliteHistory, Plain]) -> None:
    history, plain = both
    for span in _spans(random.Random(6), 12):
        for observable in _observables(plain):
            for limit in (1, 7, 1000):
                expected = plain.of(observable, span)[:limit]
                assert list(history.events(observable, span, limit=limit)) == expected


def test_who_it_was_is_that_of_the_newest_event(both: tuple[SqliteHistory, Plain]) -> None:
    history, plain = both
    for span in _spans(random.Random(7), 12):
        for observable in (Observable(Kind.ACCESS_KEY, KEY), Observable(Kind.PRINCIPAL, ALICE)):
            before = plain.of(observable, Span(ALWAYS.since, span.until))
            found = history.principal(observable, span.until)
            assert (found and found.id) == (before[0].principal.id if before else None)


def test_everyones_answers_are_those_of_the_plain_way(both: tuple[SqliteHistory, Plain]) -> None:
    history, plain = both
    for span in _spans(random.Random(8), 6):
        assert sorted(history.everyones_habits(span), key=repr) == plain.habits(span)
        found = history.everyones_events(span)
        assert {(event.id, event.account) for event in found} == {
            (event.id, event.account) for event in plain.all if event.at in span
        }
        coverage = history.coverage(span)
        newest = {event.region: event.at for event in sorted(plain.all, key=lambda each: each.at) if event.at in span}
        assert (dict(coverage.regions) if coverage else {}) == {name: at for name, at in newest.items() if name}


@pytest.mark.parametrize(("first", "last"), [(0, 0), (0, 9), (3, 5), (-400, 60), (20, 30)])
def test_callers_are_those_of_the_plain_way(both: tuple[SqliteHistory, Plain], first: int, last: int) -> None:
    history, plain = both
    since, until = MADE_FROM + first * DAY, MADE_FROM + (last + 1) * DAY - timedelta(seconds=1)
    assert history.callers(since.date(), until.date()) == plain.callers(Span(since, until))
