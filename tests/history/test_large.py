"""A log of any size is read as it comes: the same records, at the same places, in bounded memory."""

from __future__ import annotations

import gzip
import json
import tracemalloc
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from bot.history import content, forms
from bot.history.evidence import event_record
from bot.history.forms import Broken, RawRecord
from bot.history.load import load_paths
from bot.history.sources import LogFile
from bot.history.sqlite import SqliteHistory
from tests.history.made import record

Log = Sequence[dict[str, Any]]
FORMS: dict[str, Callable[[Log], bytes]] = {
    "whole": lambda records: json.dumps({"before": [1, "]"], "Records": records, "after": "["}).encode(),
    "array": lambda records: b"\xef\xbb\xbf " + json.dumps(records, indent=2).encode(),
    "lines": lambda records: b"\n".join(json.dumps(each).encode() for each in records),
    "gzip": lambda records: gzip.compress(json.dumps({"Records": records}).encode()),
    "gzip lines": lambda records: gzip.compress(b"".join(json.dumps(each).encode() + b"\r\n" for each in records)),
}
ODD = {"requestParameters": {"quotes": '"}]{[\\', "deep": [{"a": [1, {"b": "]}"}]}]}, "userAgent": '\\\\" é 😀'}


@pytest.fixture
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything is large, and comes in pieces that cut strings and records."""
    monkeypatch.setattr(content, "LARGE", 3_000)
    monkeypatch.setattr("bot.history.sources.CHUNK", 701)
    monkeypatch.setattr(content, "CHUNK", 701)


@pytest.mark.usefixtures("small_pieces")
@pytest.mark.parametrize("form", FORMS)
def test_a_large_log_holds_what_a_small_one_does(tmp_path: Path, form: str) -> None:
    records = [record(number, **(ODD if number % 3 else {})) for number in range(60)]
    log = tmp_path / "log.json"
    log.write_bytes(FORMS[form](records))
    found = list(LogFile(log).content().records())
    assert LogFile(log).content().rest is not None
    assert [each.position for each in found if isinstance(each, RawRecord)] == list(range(60))
    assert [json.loads(bytes(each.text)) for each in found if isinstance(each, RawRecord)] == records
    history = SqliteHistory(tmp_path / "history.sqlite")
    assert load_paths(history, [log]).events == 60
    assert event_record(history, str(records[50]["eventID"]))["userAgent"] == ODD["userAgent"]


@pytest.mark.usefixtures("small_pieces")
@pytest.mark.parametrize(
    ("text", "records", "reason"),
    [
        (FORMS["whole"]([record(n) for n in range(20)])[:-900], 18, forms._BREAKS_OFF),
        (gzip.compress(FORMS["array"]([record(n) for n in range(20)]), 0)[:-900], 18, "a truncated gzip file"),
        (b'{"x": "' + b"y" * 9_000 + b'"}', 0, "not a CloudTrail log"),
        (FORMS["lines"]([record(1), record(2, userAgent="A" * 9_000), record(3)]), 2, "a line larger than 0 MB"),
        (
            FORMS["whole"]([record(n) for n in range(5)] + [record(5, userAgent="A" * 9_000)]),
            5,
            "a record larger than 0 MB",
        ),
    ],
)
def test_what_cannot_be_read_of_a_large_log_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: bytes, records: int, reason: str
) -> None:
    monkeypatch.setattr(forms, "PENDING", 5_000)
    log = tmp_path / "log.json"
    log.write_bytes(text)
    found = list(LogFile(log).content().records())
    assert len([each for each in found if isinstance(each, RawRecord)]) == records
    assert [each.reason.startswith(reason) for each in found if isinstance(each, Broken)] == [True]


def test_a_log_of_a_hundred_megabytes_takes_no_more_memory_than_its_batch(tmp_path: Path) -> None:
    padding = {"requestParameters": {"x": "y" * 40_000}}
    log = tmp_path / "log.json.gz"
    with gzip.open(log, "wb", 1) as file:
        file.write(b'{"Records": [')
        file.write(b",".join(json.dumps(record(number, **padding)).encode() for number in range(2_500)))
        file.write(b"]}")
    tracemalloc.start()
    try:
        assert load_paths(SqliteHistory(tmp_path / "history.sqlite"), [log]).events == 2_500
        assert tracemalloc.get_traced_memory()[1] < 80 * 1024**2
    finally:
        tracemalloc.stop()
