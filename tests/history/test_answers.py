"""Every answer of the store against the plainest way to give it: all events in a list."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.history.address import classify
from bot.history.content import RawRecord
from bot.history.files import log_files
from bot.history.load import load_paths
from bot.history.normal import reading_of
from bot.history.raw import decode
from bot.history.sources import LogFile
from bot.history.sqlite import SqliteHistory
from bot.model import Event, Habit, Kind, Observable, Span, Use
from tests.history.made import ACCOUNT, ALICE, ALWAYS, DATA, KALI, KEY, record, write

DAY = timedelta(days=1)
MADE_FROM = datetime(2026, 11, 1, tzinfo=UTC)


class Plain:
    """The questions of a history over a list of events, each given once."""

    def __init__(self, paths: Iterable[Path]) -> None:
        found: dict[tuple[str, str], Event] = {}
        for path in log_files(list(paths)):
            for each in LogFile(path).content().records():
                assert isinstance(each, RawRecord)
                event = reading_of(decode(memoryview(each.text))).event
                found.setdefault((event.id, event.account), event)
        self.all = list(found.values())

    def of(self, observable: Observable, span: Span) -> list[Event]:
        found = [event for event in self.all if event.at in span and _concerns(event, observable)]
        found.sort(key=lambda event: event.account)
        return sorted(found, key=lambda event: (event.at, event.id), reverse=True)

    def uses(self, observable: Observable, span: Span) -> tuple[Use, ...]:
        alike: defaultdict[tuple[Any, ...], list[Event]] = defaultdict(list)
        for each in self.of(observable, span):
            alike[
                (
                    *(each.at.date(), each.key, each.principal.id, each.ip, each.address_class, each.user_agent),
                    *(each.family, each.name, each.outcome, each.error_code, each.region, each.account),
                    each.by_service,
                )
            ].append(each)
        made = [_use(same, events) for same, events in alike.items()]
        return tuple(sorted(made, key=lambda use: (use.first_seen, repr(use))))

    def habits(self, span: Span) -> list[Habit]:
        counts: defaultdict[Any, int] = defaultdict(int)
        for each in self.all:
            if each.at in span and not each.by_service:
                who = (each.at.date(), each.key, each.principal.id, each.ip, each.address_class)
                counts[(*who, each.user_agent, each.family, each.name)] += 1
        return sorted((_habit(same, count) for same, count in counts.items()), key=repr)

    def callers(self, span: Span) -> dict[str, int]:
        who: defaultdict[str, set[str]] = defaultdict(set)
        for each in self.all:
            if each.at in span:
                who[each.name].add(each.principal.id)
        return {name: len(principals) for name, principals in who.items()}


def _use(same: tuple[Any, ...], events: list[Event]) -> Use:
    day, key, principal, ip, kind, agent, family, name, *rest = same
    outcome, error, region, account, by_service = rest
    ids = tuple(event.id for event in events[:2])
    seen = (len(events), events[-1].at, events[0].at, ids)
    return Use(day, key, principal, ip, kind, agent, family, name, outcome, error, region, account, by_service, *seen)


def _habit(same: tuple[Any, ...], count: int) -> Habit:
    day, key, principal, ip, kind, agent, family, name = same
    return Habit(day, key, principal, ip, kind, agent, family, name, count)


def _concerns(event: Event, observable: Observable) -> bool:
    value = observable.value
    told: dict[Kind, set[str | None]] = {
        Kind.ACCESS_KEY: {event.key},
        Kind.PRINCIPAL: {event.principal.id},
        Kind.IP: {event.ip, classify(event.ip)[0]},
        Kind.USER_AGENT: {event.user_agent, event.family},
        Kind.EVENT: {event.name, event.name.partition(":")[2]},
        Kind.ACCOUNT: {event.account},
    }
    return value in told[observable.kind]


def _made(chance: random.Random, count: int) -> list[dict[str, Any]]:
    """Records of few kinds over ten days, so that days, kinds and seconds meet; a third of them on the same seconds."""
    made = []
    for number in range(count):
        at = MADE_FROM + timedelta(
            seconds=chance.choice((chance.randrange(10 * 86_400), chance.randrange(10) * 43_200))
        )
        name = chance.choice(("alice", "bob"))
        identity = record()["userIdentity"] | {"userName": name, "arn": f"arn:aws:iam::{ACCOUNT}:user/{name}"}
        identity["accessKeyId"] = chance.choice((KEY, f"{KEY[:-1]}B", None))
        made.append(
            record(
                number,
                eventTime=at.strftime("%Y-%m-%dT%H:%M:%SZ"),
                eventName=chance.choice(("ListUsers", "ListRoles", "ConsoleLogin")),
                sourceIPAddress=chance.choice(("203.0.113.5", "198.51.100.7", "s3.amazonaws.com", None)),
                userAgent=chance.choice((KALI, "Boto3/1.34.51 md/Botocore#1.34.51", None)),
                awsRegion=chance.choice(("us-east-1", "eu-west-1")),
                userIdentity=identity | chance.choice(({}, {}, {"invokedBy": "athena.amazonaws.com"})),
                **chance.choice(({}, {"errorCode": ..., "errorMessage": ...}, {"errorCode": "ThrottlingException"})),
            )
        )
    return made


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[SqliteHistory, Plain]]:
    folder, chance = tmp_path_factory.mktemp("answers"), random.Random(11)
    records = _made(chance, 1_500)
    files = [write(folder / f"{part}.json", records[part::7]) for part in range(7)]
    files.append(write(folder / "again.json", chance.sample(records, 400)))
    history = SqliteHistory(folder / "history.sqlite")
    for part in (files[:3], files[3:], [DATA]):
        load_paths(history, part)
    yield history, Plain([*files, DATA])
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


def _in_plain_order(uses: Sequence[Use]) -> tuple[Use, ...]:
    assert [use.first_seen for use in uses] == sorted(use.first_seen for use in uses)
    return tuple(sorted(uses, key=lambda use: (use.first_seen, repr(use))))


def test_uses_are_those_of_the_plain_way(both: tuple[SqliteHistory, Plain]) -> None:
    history, plain = both
    for span in _spans(random.Random(5), 12):
        for observable in _observables(plain):
            assert _in_plain_order(history.uses(observable, span)) == plain.uses(observable, span)


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
