"""Files in, with everything that can be wrong with them."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.history import content as log_content
from bot.history import raw
from bot.history.load import HistoryReport, SetAside, describe, load_paths
from bot.history.sqlite import SqliteHistory
from bot.model import Kind, Observable
from tests.history.made import ACCOUNT, ALWAYS, DATA, key, loaded, loaded_with_report, record, write


def load(
    folder: Path, content: bytes, name: str = "log.json"
) -> tuple[SqliteHistory, list[tuple[int | None, str, int]]]:
    path = folder / name
    path.write_bytes(content)
    history = SqliteHistory(folder / "history.sqlite")
    report = load_paths(history, [path])
    assert all(aside.file == str(path) for aside in report.set_aside)
    assert describe(history).set_aside == report.set_aside
    return history, [(aside.line, aside.reason, aside.count) for aside in report.set_aside]


def held(history: SqliteHistory) -> int:
    return describe(history).events


def dumped(*records: Any) -> bytes:
    return json.dumps({"Records": records}).encode()


LINES = b"\n".join(json.dumps(record(number)).encode() for number in (1, 2))


@pytest.mark.parametrize(
    "content",
    [
        dumped(record(1), record(2)),
        b"\xef\xbb\xbf \n" + dumped(record(1), record(2)),
        json.dumps({"Records": [record(1), record(2)]}, indent=2).encode(),
        json.dumps([record(1), record(2)]).encode(),
        json.dumps([record(1), record(2)], indent=1).encode(),
        LINES,
        LINES + b"\n\n",
        LINES.replace(b"\n", b"\r\n"),
        dumped(record(1)) + b"\n" + dumped(record(2)),
        gzip.compress(dumped(record(1), record(2))),
        gzip.compress(LINES[:500]) + gzip.compress(LINES[500:]),
    ],
)
def test_every_shape_of_file_is_read(tmp_path: Path, content: bytes) -> None:
    history, aside = load(tmp_path, content)
    assert (held(history), aside) == (2, [])


def test_one_record_alone_is_read(tmp_path: Path) -> None:
    history, aside = load(tmp_path, json.dumps(record(), indent=1).encode())
    assert (held(history), aside) == (1, [])


LATER_LOST = "the JSON breaks off: what stands after the break is lost"
TRUNCATED = "a truncated gzip file: what stands after the break is lost"
DAMAGED = "a damaged gzip file: what stands after the break is lost"
BOMB = "unpacks to more than 2 MB, 200 times its size: the rest was not read"
NO_LOG = "not a CloudTrail log: neither JSON lines nor JSON with Records"


@pytest.mark.parametrize(
    ("content", "events", "aside"),
    [
        (b"", 0, (None, "empty", 1)),
        (b" \n", 0, (None, "empty", 1)),
        (b"{}", 0, (None, "no Records", 1)),
        (b'{"Records": null}', 0, (None, "no Records", 1)),
        (b'{"digestStartTime": "2026"}', 0, (None, "no Records", 1)),
        (b'{"Records": {}}', 0, (None, NO_LOG, 1)),
        (b"hello", 0, (None, NO_LOG, 1)),
        (b"\x00\xff" * 99, 0, (None, NO_LOG, 1)),
        (b'{"Records": [1, "x", null]}', 0, (None, "not a JSON object", 3)),
        (dumped(record(1), record(2))[:-40], 1, (None, LATER_LOST, 1)),
        (gzip.compress(dumped(record(1), record(2)), 0)[:-60], 1, (None, TRUNCATED, 1)),
        (gzip.compress(dumped(record(1)))[:-4], 1, (None, TRUNCATED, 1)),
        (gzip.compress(dumped(record(1))) + b"junk", 1, (None, DAMAGED, 1)),
        (b"\x1f\x8bnot gzip at all", 0, (None, DAMAGED, 1)),
        (LINES + b'\n{"eventID": "x', 2, (3, "not valid JSON", 1)),
        (b"{broken\n" + LINES, 2, (1, "not valid JSON", 1)),
        (b"[" * 200_000, 0, (None, LATER_LOST, 1)),
        (b'{"Records": [' + b'{"a":' * 100_000, 0, (None, LATER_LOST, 1)),
        (dumped(record(1, eventID=...)), 0, (None, "no eventID", 1)),
        (dumped(record(1, eventID="")), 0, (None, "no eventID", 1)),
        (dumped(record(1, eventTime=...)), 0, (None, "no eventTime", 1)),
        (dumped(record(1, eventTime="yesterday")), 0, (None, "eventTime is not a time", 1)),
        (dumped(record(1, eventTime="0001-01-01T00:00:00+09:00")), 0, (None, "eventTime is not a time", 1)),
        (dumped(record(1, eventName=...)), 0, (None, "no eventName", 1)),
        (dumped(record(1, eventSource=7)), 0, (None, "no eventSource", 1)),
        (dumped(record(1, eventCategory="Insight")), 0, (None, "a CloudTrail Insights record, not a call", 1)),
    ],
)
def test_what_cannot_be_read_is_set_aside_and_the_rest_is_kept(
    tmp_path: Path, content: bytes, events: int, aside: tuple[int | None, str, int]
) -> None:
    history, found = load(tmp_path, content)
    assert (held(history), found) == (events, [aside])


def test_a_record_nested_too_deeply_does_not_take_its_neighbours_with_it(tmp_path: Path) -> None:
    deep = b'{"eventID": "x", "requestParameters": ' + b"[" * 50_000 + b"]" * 50_000 + b"}"
    good = [json.dumps(record(number)).encode() for number in (1, 2)]
    history, aside = load(tmp_path, b'{"Records": [' + b",".join([good[0], deep, good[1]]) + b"]}")
    assert (held(history), aside) == (2, [(None, "a record nested too deeply", 1)])


def test_a_gzip_bomb_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_content, "LARGE", 1024**2)
    monkeypatch.setattr(log_content, "BOMB_BYTES", 2 * 1024**2)
    whole = dumped(record(1), record(2))
    history, aside = load(tmp_path, gzip.compress(whole[:-2] + b" " * (3 * 1024**2) + whole[-2:]))
    assert (held(history), aside) == (2, [(None, BOMB, 1)])


def test_a_record_that_is_too_large_is_set_aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(raw, "MAX_RECORD_BYTES", 5000)
    history, aside = load(tmp_path, dumped(record(1), record(2, requestParameters="x" * 5000)))
    assert (held(history), aside) == (1, [(None, "a record larger than 10 MB", 1)])


@pytest.mark.parametrize(
    "changes",
    [
        {"userIdentity": ...},
        {"userIdentity": "root"},
        {"userIdentity": {"type": 7, "sessionContext": [], "onBehalfOf": "x"}},
        {"userAgent": ["a"], "errorCode": 404, "awsRegion": None, "recipientAccountId": 111122223333},
        {"sourceIPAddress": "999.999.999.999"},
        {"sourceIPAddress": {"v4": "203.0.113.5"}},
        {"userAgent": "A" * 50_000},
        {"userAgent": "\x00\x1b[31m<!channel>\ud800"},
        {"eventTime": "2999-01-01T00:00:00Z"},
        {"eventTime": ..., "@timestamp": "2026-11-20T14:03:11.123Z"},
        {"eventTime": "2026-11-20T14:03:11"},
        {"requestParameters": float("nan")},
        {"addendum": "late"},
        {"eventID": "not-a-uuid"},
        {"eventID": "0" * 36},
        {"eventName": "20150331"},
    ],
)
def test_an_odd_record_is_still_a_record(tmp_path: Path, changes: dict[str, Any]) -> None:
    history, report = loaded_with_report(tmp_path, record(1, **changes), record(9))
    assert (report.events, report.set_aside) == (2, ())
    assert len(history.events(Observable(Kind.EVENT, "iam:ListUsers"), ALWAYS)) == (1 if "eventName" in changes else 2)


def test_bytes_that_are_not_utf8_are_replaced(tmp_path: Path) -> None:
    history, aside = load(tmp_path, dumped(record(userAgent="caf@")).replace(b"caf@", b"caf\xe9"))
    assert [event.user_agent for event in history.events(key(), ALWAYS)] == ["caf\ufffd"]
    assert aside == []


@pytest.mark.parametrize("value", ["AIDARTX3GSDSQAAAAAAAA", "AKIA****************", "AKIA…AAAA"])
def test_masked_and_other_ids_are_kept_as_they_are(tmp_path: Path, value: str) -> None:
    history = loaded(tmp_path, record(userIdentity={"type": "IAMUser", "accessKeyId": value, "userName": "alice"}))
    assert [use.key for use in history.uses(key(value), ALWAYS)] == [value]


@pytest.mark.parametrize(
    ("source", "name", "expected"),
    [
        ("lambda.amazonaws.com", "CreateFunction20150331", "lambda:CreateFunction"),
        ("lambda.amazonaws.com", "UpdateFunctionCode20150331v2", "lambda:UpdateFunctionCode"),
        ("cloudfront.amazonaws.com", "CreateDistribution2020_05_31", "cloudfront:CreateDistribution"),
        ("ses.amazonaws.com", "GetSendQuota", "ses:GetSendQuota"),
        ("ec2.amazonaws.com", "DescribeInstancesV2", "ec2:DescribeInstancesV2"),
    ],
)
def test_event_names_lose_the_date_of_their_api(tmp_path: Path, source: str, name: str, expected: str) -> None:
    (event,) = loaded(tmp_path, record(eventSource=source, eventName=name)).events(key(), ALWAYS)
    assert event.name == expected


def test_the_same_event_id_in_two_accounts_is_two_events(tmp_path: Path) -> None:
    records = (record(1), record(1), record(1, recipientAccountId="444455556666"))
    _, report = loaded_with_report(tmp_path, *records)
    assert (report.events, report.duplicates) == (2, 1)


def test_a_folder_is_read_without_what_stands_beside_the_logs(tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    for name in ("CloudTrail", "CloudTrail-Digest", ".git"):
        (logs / name).mkdir(parents=True)
        write(logs / name / "a.json", [record(1)])
    (logs / "LICENSE").write_text("MIT")
    write(logs / "export", [record(2)])
    history = SqliteHistory(tmp_path / "history.sqlite")
    report = load_paths(history, [logs, logs / "export"])
    assert (report.events, report.duplicates, report.files, report.set_aside) == (2, 0, 2, ())


def test_a_file_that_is_not_there_is_set_aside(tmp_path: Path) -> None:
    report = load_paths(SqliteHistory(tmp_path / "history.sqlite"), [tmp_path / "no.json", Path(os.devnull)])
    assert [aside.reason for aside in report.set_aside] == [
        "cannot be read: No such file or directory",
        "cannot be read: not a file",
    ]


def test_secrets_never_reach_the_history(tmp_path: Path) -> None:
    canary = "IQoJb3JpZ2luX2VjECANARY"
    credentials = {"accessKeyId": "ASIARTX3GSDSQAAAAAAA", "secretAccessKey": canary, "sessionToken": canary}
    hidden = {"type": "IAMUser", "userName": "HIDDEN_DUE_TO_SECURITY_REASONS", "accountId": ACCOUNT}
    odd = record(2, responseElements={"credentials": credentials}, awsRegion=7, userIdentity=hidden)
    history = loaded(tmp_path, record(1, responseElements={"credentials": credentials}, requestParameters=canary), odd)
    stored = b"".join(path.read_bytes() for path in tmp_path.glob("history.sqlite*"))
    assert held(history) == 2
    assert canary.encode() not in stored
    assert b"HIDDEN_DUE" not in stored


def test_tokens_in_real_records_never_reach_the_history(tmp_path: Path) -> None:
    load_paths(SqliteHistory(tmp_path / "history.sqlite"), [DATA])
    stored = b"".join(path.read_bytes() for path in tmp_path.glob("history.sqlite*"))
    tokens = [token for path in DATA.glob("*/*.json.gz") for token in _tokens(gzip.decompress(path.read_bytes()))]
    assert len(tokens) > 5
    assert [token for token in tokens if token in stored] == []


def _tokens(text: bytes) -> list[bytes]:
    parts = text.split(b'"sessionToken":')[1:]
    return [part.split(b'"')[1] for part in parts if part.lstrip().startswith(b'"')]


def test_loading_again_changes_nothing(tmp_path: Path) -> None:
    history = SqliteHistory(tmp_path / "history.sqlite")
    load_paths(history, [DATA])
    before = _everything(history)
    again = load_paths(history, [DATA])
    assert (again.events, again.duplicates, again.set_aside) == (0, 3313, ())
    assert _everything(history) == before


def test_a_file_that_grew_is_loaded_on(tmp_path: Path) -> None:
    history = loaded(tmp_path, record(1))
    report = load_paths(history, [write(tmp_path / "log.json", [record(1), record(2)])])
    assert (report.events, report.duplicates) == (1, 1)
    assert (describe(history).events, describe(history).duplicates, describe(history).files) == (2, 0, 1)


def _everything(history: SqliteHistory) -> tuple[HistoryReport, Any, Any]:
    accounts = [Observable(Kind.ACCOUNT, account) for account in describe(history).accounts]
    everything = [history.events(each, ALWAYS, limit=100_000) for each in accounts]
    return describe(history), everything, [history.uses(each, ALWAYS) for each in accounts]


# A child loads in small batches and says when each is about to be committed, so that it can be killed anywhere.
_CHILD = """
import sys
from pathlib import Path
from bot.history import decoding, load
from bot.history.sqlite import SqliteHistory

class Telling(load.HistoryWriter):
    def store(self, batch):
        print(batch.records, flush=True)
        return super().store(batch)

decoding.BATCH = 10
load.HistoryWriter = Telling
load.load_paths(SqliteHistory(Path(sys.argv[1])), [Path(each) for each in sys.argv[2:]])
"""


def _killed_load(history: Path, paths: Sequence[Path], after: int) -> None:
    command = [sys.executable, "-c", _CHILD, str(history), *map(str, paths)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        for _ in range(after):
            assert child.stdout.readline()
        child.send_signal(signal.SIGKILL)
    assert child.returncode == -signal.SIGKILL


def test_a_load_that_was_cut_off_is_told(tmp_path: Path) -> None:
    log = write(tmp_path / "log.json", [record(number) for number in range(2_000)])
    history = SqliteHistory(tmp_path / "history.sqlite")
    _killed_load(history.path, [log], 3)
    coverage = history.coverage(ALWAYS)
    assert coverage is not None
    assert "1 file(s) were not read to the end: run `triage ingest` on them again." in coverage.missing
    load_paths(history, [log])
    after = history.coverage(ALWAYS)
    assert after is not None
    assert not any("ingest" in sentence for sentence in after.missing)


_JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
_FIELDS = sorted({*record(), "addendum", "sharedEventID", "@timestamp", "eventCategory"})
_IDENTITY_FIELDS = ["type", "userName", "arn", "accountId", "accessKeyId", "invokedBy", "sessionContext", "onBehalfOf"]


@settings(max_examples=150, deadline=None)
@given(
    st.dictionaries(st.sampled_from(_FIELDS), _JSON, max_size=5),
    st.dictionaries(st.sampled_from(_IDENTITY_FIELDS), _JSON, max_size=4),
)
def test_any_value_in_any_field_is_kept_or_set_aside(changes: dict[str, Any], identity: dict[str, Any]) -> None:
    odd = record() | {"userIdentity": record()["userIdentity"] | identity} | changes
    with tempfile.TemporaryDirectory() as folder:
        history, report = loaded_with_report(Path(folder), odd)
        assert report.events + sum(aside.count for aside in report.set_aside) == 1
        assert describe(history).events == report.events
        history.close()


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=300), st.integers(0, 900), st.sampled_from([0, 1, 2]))
def test_any_bytes_are_read_or_set_aside(noise: bytes, cut: int, where: int) -> None:
    whole = dumped(record(1), record(2))
    content = (noise, whole[:cut] + noise + whole[cut:], gzip.compress(whole)[:cut] + noise)[where]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "log.json"
        path.write_bytes(content)
        history = SqliteHistory(Path(folder) / "history.sqlite")
        report = load_paths(history, [path])
        assert report.events or report.set_aside
        assert all(isinstance(aside, SetAside) for aside in report.set_aside)
        history.close()
