"""What an attacker, a disk or an export may put among the logs: taken, or told with file, line and reason."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from bot.cli import app
from bot.history import content
from tests.history.made import record

Aside = tuple[int | None, str, int]
"""Line, reason and count of what is set aside."""


@dataclass(frozen=True)
class Log:
    text: bytes
    events: int
    aside: tuple[Aside, ...] = ()


def _whole(*records: Any) -> bytes:
    return json.dumps({"Records": records}).encode()


def _lines(*records: Any) -> bytes:
    return b"\n".join(json.dumps(each).encode() for each in records)


def _odd(number: int, **changes: Any) -> Log:
    """An odd record beside an ordinary one: both are taken."""
    return Log(_whole(record(number, **changes), record(number + 1)), 2)


_DEEP = b'{"eventID": "deep", "requestParameters": ' + b'{"a":' * 20_000 + b"1" + b"}" * 20_000 + b"}"
_KEYLESS = record(1)["userIdentity"] | {"accessKeyId": None}
_LOST = "what stands after the break is lost"

LOGS: Mapping[str, Log] = {
    "empty.json": Log(b"", 0, ((None, "empty", 1),)),
    "records_empty.json": Log(b'{"Records": []}', 0),
    "records_missing.json": Log(b'{"Events": []}', 0, ((None, "no Records", 1),)),
    "records_of_nothing.json": Log(b'{"Records": [null, 1, "x", []]}', 0, ((None, "not a JSON object", 4),)),
    "array.json": Log(json.dumps([record(100), record(101)]).encode(), 2),
    "lines.jsonl": Log(_lines(record(110), record(111)), 2),
    "lines_of_envelopes.jsonl": Log(_whole(record(112)) + b"\n" + b'{"Records": []}\n' + _whole(record(113)), 2),
    "lines_broken.jsonl": Log(
        _lines(record(120)) + b'\n{"eventID": "cu\n' + _lines(record(121)) + b"\n[]\n",
        2,
        ((2, "not valid JSON", 1), (4, "not a JSON object", 1)),
    ),
    "truncated.json.gz": Log(
        gzip.compress(_whole(record(130), record(131)), 0)[:-700], 1, ((None, f"a truncated gzip file: {_LOST}", 1),)
    ),
    "damaged.json.gz": Log(b"\x1f\x8bno gzip at all", 0, ((None, f"a damaged gzip file: {_LOST}", 1),)),
    "bomb.json.gz": Log(
        gzip.compress(_whole(record(140))[:-1] + b" " * 20_000_000 + b"}"),
        1,
        ((None, "unpacks to more than 16 MB, 200 times its size: the rest was not read", 1),),
    ),
    "large_record.json": Log(
        _whole(record(150), record(151, requestParameters="x" * 11_000_000)),
        1,
        ((None, "a record larger than 10 MB", 1),),
    ),
    "not_utf8.json": Log(_whole(record(160, userAgent="caf@")).replace(b"caf@", b"caf\xe9"), 1),
    "utf16.json": Log(
        _whole(record(161)).decode().encode("utf-16"),
        0,
        ((None, "not a CloudTrail log: neither JSON lines nor JSON with Records", 1),),
    ),
    "nan.json": _odd(170, requestParameters=float("nan"), additionalEventData={"x": float("-inf")}),
    "deep.json": Log(
        b'{"Records": [' + _lines(record(180)) + b"," + _DEEP + b"]}", 1, ((None, "a record nested too deeply", 1),)
    ),
    "unclosed.json": Log(b'{"Records": [' + b'{"a":' * 50_000, 0, ((None, f"the JSON breaks off: {_LOST}", 1),)),
    "timestamp.json": _odd(190, **{"eventTime": ..., "@timestamp": "2026-11-20T14:03:11.123Z"}),
    "no_identity.json": _odd(200, userIdentity=...),
    "no_key.json": _odd(202, userIdentity=_KEYLESS),
    "addresses.json": Log(
        _whole(*(record(210 + n, sourceIPAddress=ip) for n, ip in enumerate(("999.1.1.1", "1.2.3", "::g", "\x00", 7)))),
        5,
    ),
    "key_of_21_characters.json": _odd(220, userIdentity={"type": "IAMUser", "accessKeyId": "AIDARTX3GSDSQAAAAAAAA"}),
    "masked_key.json": _odd(222, userIdentity={"type": "IAMUser", "accessKeyId": "AKIA****************"}),
    "future.json": _odd(230, eventTime="2999-12-31T23:59:59Z"),
    "no_time.json": Log(
        _whole(
            record(240, eventTime=...), record(241, eventTime="soon"), record(242, eventTime="99999-01-01T00:00:00Z")
        ),
        0,
        ((None, "eventTime is not a time", 2), (None, "no eventTime", 1)),
    ),
    "digest.json": Log(b'{"digestEndTime": "2026-11-20T14:03:11Z", "logFiles": []}', 0, ((None, "no Records", 1),)),
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(content, "BOMB_BYTES", 16 * 1024**2)
    logs = tmp_path / "logs"
    logs.mkdir()
    for name, log in LOGS.items():
        (logs / name).write_bytes(log.text)
    return logs


def test_everything_is_taken_or_told_with_file_line_and_reason(folder: Path) -> None:
    history = str(folder.parent / "history.sqlite")
    loaded = CliRunner().invoke(app, ["ingest", str(folder), "--history", history, "--json"])
    told = CliRunner().invoke(app, ["history", "--history", history, "--json"])
    shown = CliRunner().invoke(app, ["history", "--history", history])
    assert [each.exit_code for each in (loaded, told, shown)] == [0, 0, 0]
    assert not any("Traceback" in each.output for each in (loaded, told, shown))
    expected = [
        {"file": str(folder / name), "line": line, "reason": reason, "count": count}
        for name, log in LOGS.items()
        for line, reason, count in log.aside
    ]
    for document in (json.loads(loaded.stdout), json.loads(told.stdout)):
        assert sorted(document["set_aside"], key=repr) == sorted(expected, key=repr)
        assert document["events"] == sum(log.events for log in LOGS.values())
        assert document["files"] == len(LOGS)
    for name, log in LOGS.items():
        for _, reason, _ in log.aside:
            assert (name in shown.stdout, reason in " ".join(shown.stdout.split())) == (True, True)
