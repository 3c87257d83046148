"""Logs that are not files here: objects in a bucket, deliveries of a queue."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bot.history import kept, sources
from bot.history.evidence import RecordUnavailable, event_record
from bot.history.load import Progress, SetAside, describe, load_logs, load_paths
from bot.history.raw_records import RawRecords
from bot.history.retention import retire
from bot.history.sources import Delivery, LogObject, Unfetched, fetched_ahead
from bot.history.sqlite import SqliteHistory
from bot.model import Kind, Observable
from tests.history.made import ALWAYS, key, record, write
from tests.history.test_retention import NOW

ID = str(record(1)["eventID"])
LOG = "s3://trail/AWSLogs/111122223333/CloudTrail/us-east-1/2026/11/20/a.json.gz"
STREAM = "eventbridge:cloudtrail"


class Bucket:
    """Objects by their address, and which were fetched."""

    def __init__(self, **objects: list[Any]) -> None:
        self.objects = objects
        self.fetched: list[str] = []

    def log(self, name: str, version: str = "1") -> LogObject:
        return LogObject(f"s3://trail/{name}", 1, version, lambda: self.fetch(f"s3://trail/{name}"))

    def fetch(self, address: str) -> bytes:
        self.fetched.append(address)
        try:
            return gzip.compress(json.dumps({"Records": self.objects[address.rpartition("/")[2]]}).encode())
        except KeyError:
            raise Unfetched("there is no such object") from None


@pytest.fixture
def history(tmp_path: Path) -> SqliteHistory:
    return SqliteHistory(tmp_path / "history.sqlite")


def delivery(*records: Any) -> Delivery:
    return Delivery(STREAM, json.dumps(records).encode())


def test_an_object_is_fetched_once_and_again_when_it_has_changed(history: SqliteHistory) -> None:
    bucket = Bucket(a=[record(1), record(2)], b=[record(3)])
    logs = [bucket.log("a"), bucket.log("b")]
    seen: list[Progress] = []
    first = load_logs(history, logs, seen.append)
    again = load_logs(history, logs)
    assert (first.events, first.duplicates, first.files) == (3, 0, 2)
    assert (again.events, again.duplicates, again.files) == (0, 3, 2)
    assert seen[-1] == Progress(2, 2, 3)
    bucket.objects["a"].append(record(4))
    assert load_logs(history, [bucket.log("a", "2"), bucket.log("b")]).events == 1
    assert bucket.fetched == [f"s3://trail/{name}" for name in ("a", "b", "a")]
    assert (describe(history).events, describe(history).duplicates, describe(history).files) == (4, 0, 2)


def test_what_could_not_be_fetched_is_told_and_tried_again(history: SqliteHistory) -> None:
    bucket = Bucket(a=[record(1)])
    reason = "could not be fetched: there is no such object"
    report = load_logs(history, [bucket.log("gone"), bucket.log("a")])
    assert report.set_aside == describe(history).set_aside == (SetAside("s3://trail/gone", None, reason, 1),)
    assert report.events == 1
    bucket.objects["gone"] = [record(2)]
    assert load_logs(history, [bucket.log("gone"), bucket.log("a")]).events == 1
    assert describe(history).set_aside == ()


def test_an_object_that_is_too_large_is_not_fetched(history: SqliteHistory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "MAX_OBJECT_BYTES", 1024**2)
    bucket = Bucket(a=[record(1)])
    large = LogObject("s3://trail/a", 1024**2 + 1, "1", lambda: bucket.fetch("s3://trail/a"))
    report = load_logs(history, [large])
    assert [aside.reason for aside in report.set_aside] == ["larger than 1 MB: it was not fetched"]
    assert bucket.fetched == []


def test_a_fetch_that_fails_for_another_reason_ends_the_load(history: SqliteHistory) -> None:
    def fetch() -> bytes:
        raise PermissionError("no credentials")

    with pytest.raises(PermissionError):
        load_logs(history, [LogObject(LOG, 1, "1", fetch)])


def test_objects_are_fetched_beside_each_other_and_come_in_order() -> None:
    together = threading.Barrier(3)

    def meet(number: int) -> Callable[[], bytes]:
        def fetch() -> bytes:
            together.wait(10)
            return str(number).encode()

        return fetch

    logs = [LogObject(f"s3://trail/{number}", 1, "1", meet(number)) for number in range(9)]
    texts = [log.content().text for log in fetched_ahead(logs, threads=3)]
    assert texts == [str(number).encode() for number in range(9)]


def test_large_objects_are_not_all_held_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "BYTES_AHEAD", 100)
    fetched: list[int] = []

    def fetching(number: int) -> Callable[[], bytes]:
        def fetch() -> bytes:
            fetched.append(number)
            return b"x"

        return fetch

    logs = [LogObject(f"s3://trail/{number}", 60, "1", fetching(number)) for number in range(9)]
    for number, log in enumerate(fetched_ahead(logs)):
        assert log.content().text == b"x"
        assert max(fetched) <= number + 1
    assert len(fetched) == 9


def test_an_event_of_an_object_says_where_its_record_is_or_shows_it(history: SqliteHistory) -> None:
    bucket = Bucket(a=[record(7), record(1, requestParameters={"userName": "bob"})])
    load_logs(history, [bucket.log("a")])
    with pytest.raises(RecordUnavailable, match=r"record 2 of s3://trail/a. Fetch it with `aws s3 cp s3://trail/a - "):
        event_record(history, ID)
    assert event_record(history, ID, bucket.fetch)["requestParameters"] == {"userName": "bob"}
    assert RawRecords(history, bucket.fetch).parameters(ID) == {"userName": "bob"}
    assert RawRecords(history).parameters(ID) is None
    bucket.objects["a"].reverse()
    with pytest.raises(RecordUnavailable, match="that object has changed since"):
        event_record(history, ID, bucket.fetch)
    del bucket.objects["a"]
    with pytest.raises(RecordUnavailable, match="could not be fetched: there is no such object"):
        event_record(history, ID, bucket.fetch)


def test_what_was_delivered_is_kept_without_its_secrets(history: SqliteHistory, tmp_path: Path) -> None:
    canary = "IQoJb3JpZ2luX2VjECANARY"
    credentials = {"accessKeyId": "ASIARTX3GSDSQAAAAAAA", "sessionToken": canary}
    parameters = {"userName": "bob", "password": canary}
    told = record(1, responseElements={"credentials": credentials}, requestParameters=parameters)
    assert load_logs(history, [delivery(record(2), told)]).events == 2
    shown = event_record(history, ID)
    assert shown["requestParameters"] == {"userName": "bob", "password": "[secret removed]"}
    assert RawRecords(history).parameters(ID) == shown["requestParameters"]
    db = history.rows("SELECT packed FROM kept")
    assert len(db) == 2
    assert not any(canary.encode() in kept.unpacked(packed) for (packed,) in db)


def test_deliveries_of_one_stream_add_up_and_an_event_counts_once(history: SqliteHistory, tmp_path: Path) -> None:
    first = load_logs(history, [delivery(record(1), 7), delivery(record(2), 7, record(3, eventTime="soon"))])
    again = load_logs(history, [delivery(record(2)), delivery(record(4))])
    from_file = load_paths(history, [write(tmp_path / "log.json", [record(4), record(5)])])
    assert [(each.events, each.duplicates) for each in (first, again, from_file)] == [(2, 0), (1, 1), (1, 1)]
    held = describe(history)
    assert (held.events, held.duplicates, held.files) == (4, 2, 2)
    assert held.set_aside == (
        SetAside(STREAM, None, "eventTime is not a time", 1),
        SetAside(STREAM, None, "not a JSON object", 2),
    )


def test_a_correction_that_was_delivered_is_what_is_shown(history: SqliteHistory) -> None:
    update = {"reason": "UPDATED_DATA", "originalEventID": ID}
    correction = record(2, addendum=update, sourceIPAddress="198.51.100.7")
    for records in ([record(1)], [correction], [record(1)]):
        load_logs(history, [delivery(*records)])
    assert event_record(history, ID)["sourceIPAddress"] == "198.51.100.7"
    assert [event.ip for event in history.events(key(), ALWAYS)] == ["198.51.100.7"]


@pytest.mark.parametrize(("limit", "value"), [("DAYS", 10), ("BYTES", 600)])
def test_what_is_kept_is_bounded(
    history: SqliteHistory, monkeypatch: pytest.MonkeyPatch, limit: str, value: int
) -> None:
    monkeypatch.setattr(kept, limit, value)
    old, new = record(1, eventTime="2026-11-10T00:00:00Z"), record(2, eventTime="2026-11-22T00:00:00Z")
    load_logs(history, [delivery(old, new)])
    retire(history.path, NOW)
    assert event_record(history, str(new["eventID"]))
    with pytest.raises(RecordUnavailable, match=f"{STREAM}, record 1, and that record is no longer kept"):
        event_record(history, ID)
    assert len(history.events(Observable(Kind.EVENT, "iam:ListUsers"), ALWAYS)) == 2


def test_a_delivered_record_nested_deeply_is_cut_and_shown(history: SqliteHistory) -> None:
    deep: Any = "end"
    for _ in range(400):
        deep = [deep]
    load_logs(history, [delivery(record(1, requestParameters={"deep": deep}))])
    assert "[nested too deeply to be shown]" in json.dumps(event_record(history, ID))
