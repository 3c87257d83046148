"""Whatever order records come in, how often, in which files and by which way: the answers are the same."""

from __future__ import annotations

import gzip
import json
import random
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.history import decoding
from bot.history.load import LoadReport, describe, load_logs, load_paths
from bot.history.sources import Delivery, LogObject
from bot.history.sqlite import SqliteHistory
from bot.model import Kind, Observable, Span
from tests.history.made import ACCOUNT, ALWAYS, KALI, KEY, MADE_FROM, record
from tests.history.plain import Plain, in_plain_order

Record = dict[str, Any]

OTHER = "444455556666"
KEYS = (KEY, f"{KEY[:-1]}B", None)
ASKED = (
    *(Observable(Kind.ACCESS_KEY, value) for value in KEYS if value),
    *(Observable(Kind.PRINCIPAL, value) for value in ("alice", f"{ACCOUNT}:user/bob")),
    *(Observable(Kind.ACCOUNT, value) for value in (ACCOUNT, OTHER)),
    *(Observable(Kind.IP, "203.0.113.5"), Observable(Kind.EVENT, "sts:AssumeRole"), Observable(Kind.USER_AGENT, KALI)),
)
MIDNIGHT = MADE_FROM + timedelta(days=2)
DAYS = (
    Span(MIDNIGHT - timedelta(seconds=1), MIDNIGHT),
    Span(MADE_FROM + timedelta(days=1, hours=11), MADE_FROM + timedelta(days=3, hours=13)),
)


@st.composite
def _records(draw: st.DrawFn) -> Record:
    """Of few kinds, around a few moments, with ids that meet those of others in other accounts and in corrections."""
    number = draw(st.integers(1, 30))
    name = draw(st.sampled_from(("alice", "bob")))
    identity = record()["userIdentity"] | {"userName": name, "arn": f"arn:aws:iam::{ACCOUNT}:user/{name}"}
    identity["accessKeyId"] = draw(st.sampled_from(KEYS))
    moments = (-1, 0, 1, 43_200, -86_400, 86_399)
    at = MIDNIGHT + timedelta(seconds=draw(st.sampled_from(moments)))
    made = record(
        number,
        eventTime=at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        recipientAccountId=draw(st.sampled_from((ACCOUNT, OTHER))),
        awsRegion=draw(st.sampled_from(("us-east-1", "eu-west-1"))),
        sourceIPAddress=draw(st.sampled_from(("203.0.113.5", "198.51.100.7"))),
        userIdentity=identity,
    )
    return made | draw(st.one_of(st.just({}), st.just({}), _bearings()))


def _bearings() -> st.SearchStrategy[Record]:
    """What makes a record more than an ordinary one."""
    return st.one_of(
        st.sampled_from(("s1", "s2")).map(lambda shared: {"sharedEventID": shared}),
        st.integers(1, 12).map(
            lambda n: {"addendum": {"reason": "UPDATED_DATA", "originalEventID": record(n)["eventID"]}}
        ),
        st.integers(1, 30).map(lambda number: {"eventID": f"no-uuid-{number}"}),
        st.integers(1, 9).map(_minting),
    )


def _minting(number: int) -> Record:
    given_out = {"credentials": {"accessKeyId": f"ASIA{number:016}"}}
    call = {"eventSource": "sts.amazonaws.com", "eventName": "AssumeRole", "errorCode": None}
    return call | {"responseElements": given_out}


_NO_TWO_ALIKE = st.lists(
    _records(), max_size=16, unique_by=lambda made: (str(made["eventID"]), made["recipientAccountId"])
)
FORMS = ("whole", "array", "lines", "gzip")
_WAYS = st.lists(
    st.tuples(
        st.sampled_from(("file", "object", "delivery")),
        st.sampled_from(("whole", "array", "lines", "gzip")),
        st.booleans(),
    ),
    min_size=1,
    max_size=5,
)
"""How each part of the records comes: by which way, in which form, and whether in a load of its own."""

_FORMS: dict[str, Callable[[Sequence[Record]], bytes]] = {
    "whole": lambda records: json.dumps({"Records": records}).encode(),
    "array": lambda records: json.dumps(records, indent=1).encode(),
    "lines": lambda records: b"\n".join(json.dumps(each).encode() for each in records) or b"[]",
    "gzip": lambda records: gzip.compress(json.dumps({"Records": records}).encode()),
}


@settings(max_examples=40)
@given(_NO_TWO_ALIKE, _WAYS, st.randoms(use_true_random=False), st.integers(0, 8), st.integers(1, 7))
def test_order_repetition_files_and_ways_change_no_answer(
    records: list[Record], ways: list[tuple[str, str, bool]], chance: random.Random, twice: int, batch: int
) -> None:
    mixed = records + chance.sample(records, min(twice, len(records)))
    chance.shuffle(mixed)
    parts = [mixed[number :: len(ways)] for number in range(len(ways))]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        one, many = SqliteHistory(folder / "one.sqlite"), SqliteHistory(folder / "many.sqlite")
        (folder / "one.json").write_bytes(_FORMS["whole"](records))
        load_paths(one, [folder / "one.json"])
        reports = _in_batches(batch, lambda: [*_loaded(many, folder, parts, ways)])
        assert sum(report.events for report in reports) == describe(one).events
        assert sum(report.events + report.duplicates for report in reports) == len(mixed)
        assert _told(one) == _told(many)
        _assert_newest_events(many)
        if all(str(each["eventID"]).startswith("0000") for each in records):
            # Of one second, ids that are no UUIDs come in an order of their own.
            _assert_plain(many, Plain.of_records(records))
        one.close()
        many.close()


def _in_batches(size: int, run: Callable[[], list[LoadReport]]) -> list[LoadReport]:
    usual, decoding.BATCH = decoding.BATCH, size
    try:
        return run()
    finally:
        decoding.BATCH = usual


def _loaded(
    history: SqliteHistory, folder: Path, parts: Sequence[Sequence[Record]], ways: Sequence[tuple[str, str, bool]]
) -> list[LoadReport]:
    reports: list[LoadReport] = []
    paths: list[Path] = []
    logs: list[LogObject | Delivery] = []
    for number, (part, (way, form, alone)) in enumerate(zip(parts, ways, strict=True)):
        text = _FORMS[form](part)
        if way == "file":
            paths.append(folder / f"{number}.json")
            paths[-1].write_bytes(text)
        elif way == "object":
            logs.append(LogObject(f"s3://trail/{number}", len(text), "1", lambda text=text: text))  # type: ignore[misc]
        else:
            logs.append(Delivery("eventbridge:queue", text))
        if alone or number == len(parts) - 1:
            reports += [load_logs(history, logs)] if logs else []
            reports += [load_paths(history, paths)] if paths else []
            paths, logs = [], []
    return reports


def _told(history: SqliteHistory) -> tuple[Any, ...]:
    """Everything a history says, but for what tells of its files."""
    held = describe(history)
    return (
        *(history.uses(each, span) for each in ASKED for span in (ALWAYS, *DAYS)),
        *(history.events(each, span, limit=limit) for each in ASKED for span in (ALWAYS, *DAYS) for limit in (1, 99)),
        *(history.principal(each, DAYS[0].until) for each in ASKED),
        *(history.coverage(span) for span in (ALWAYS, *DAYS)),
        *(history.everyones_events(span) for span in DAYS),
        *(sorted(history.everyones_habits(span), key=repr) for span in DAYS),
        *(history.callers(span.since.date(), span.until.date()) for span in DAYS),
        *(history.newest(), history.span(), replace(held, files=0, duplicates=0)),
    )


def _assert_plain(history: SqliteHistory, plain: Plain) -> None:
    for each in ASKED:
        for span in (ALWAYS, *DAYS):
            assert in_plain_order(history.uses(each, span)) == plain.uses(each, span)
            assert list(history.events(each, span)) == plain.of(each, span)
    assert history.callers(_day(0), _day(9)) == plain.callers(Span(MADE_FROM, MADE_FROM + timedelta(days=9)))


def _assert_newest_events(history: SqliteHistory) -> None:
    """What a coverage says of each region is what its accounts' events say, in the midst of a day too."""
    accounts = [Observable(Kind.ACCOUNT, account) for account in (ACCOUNT, OTHER)]
    for span in DAYS:
        newest: dict[str, datetime] = {}
        for event in (event for each in accounts for event in history.events(each, span)):
            newest[event.region] = max(event.at, newest.get(event.region, event.at))
        coverage = history.coverage(span)
        assert newest == (dict(coverage.regions) if coverage else {})


def _day(number: int) -> Any:
    day: datetime = MADE_FROM + timedelta(days=number)
    return day.date()
