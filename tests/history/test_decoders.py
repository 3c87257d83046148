"""A process of its own decodes; nothing depends on it but speed."""

from __future__ import annotations

import gzip
import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bot.history import decoders, decoding
from bot.history.decoders import DecoderLost
from bot.history.evidence import RecordUnavailable, event_record
from bot.history.load import Progress, SetAside, describe, load_paths
from bot.history.sqlite import SqliteHistory
from tests.history.made import ALWAYS, DATA, key, record, write
from tests.history.test_sqlite import INVICTUS


@pytest.fixture(autouse=True)
def always_a_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoders, "WORTHWHILE_BYTES", 0)


def test_the_answers_are_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    beside = SqliteHistory(tmp_path / "beside.sqlite")
    report = load_paths(beside, [DATA])
    monkeypatch.setattr(decoders, "WORTHWHILE_BYTES", 2**62)
    inside = SqliteHistory(tmp_path / "inside.sqlite")
    assert load_paths(inside, [DATA]).events == report.events == 3313
    assert beside.uses(INVICTUS, ALWAYS) == inside.uses(INVICTUS, ALWAYS)
    assert beside.events(INVICTUS, ALWAYS, limit=5000) == inside.events(INVICTUS, ALWAYS, limit=5000)
    assert describe(beside) == describe(inside)


def test_what_cannot_be_read_is_told_all_the_same(tmp_path: Path) -> None:
    bad = tmp_path / os.fsdecode(b"caf\xe9.json.gz")
    bad.write_bytes(gzip.compress(json.dumps({"Records": [record(1), 7]}).encode())[:-4])
    report = load_paths(SqliteHistory(tmp_path / "history.sqlite"), [bad])
    assert [(each.reason, each.count) for each in report.set_aside] == [
        ("a truncated gzip file: what stands after the break is lost", 1),
        ("not a JSON object", 1),
    ]
    assert report.events == 1


def test_a_lost_decoder_is_told_and_the_load_is_run_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[int] = []
    start = subprocess.Popen

    def popen(command: list[str], **options: Any) -> subprocess.Popen[bytes]:
        small = ["-c", "from bot.history import decoders, decoding; decoding.BATCH = 10; decoders._main()"]
        process: subprocess.Popen[bytes] = start([command[0], *small], **options)
        ran.append(process.pid)
        return process

    def kill(_: Progress) -> None:
        if ran:
            os.kill(ran[-1], signal.SIGKILL)

    logs = [write(tmp_path / f"{part}.json", [record(part * 1000 + each) for each in range(1000)]) for part in range(9)]
    history = SqliteHistory(tmp_path / "history.sqlite")
    with monkeypatch.context() as patched:
        patched.setattr(subprocess, "Popen", popen)
        with pytest.raises(DecoderLost, match="again"):
            load_paths(history, logs, kill)
    assert ran
    assert 0 < describe(history).events < 9000
    load_paths(history, logs)
    assert (describe(history).events, describe(history).duplicates) == (9000, 0)
    assert len(history.events(key(), ALWAYS, limit=9999)) == 9000


def test_a_batch_may_be_of_many_files_and_a_file_of_many_batches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoding, "BATCH", 7)
    monkeypatch.setattr(decoders, "WORTHWHILE_BYTES", 2**62)
    logs = [write(tmp_path / f"{part}.json", [record(part * 10 + n) for n in range(part)]) for part in range(1, 10)]
    history = SqliteHistory(tmp_path / "history.sqlite")
    seen: list[Progress] = []
    assert load_paths(history, logs, seen.append).events == 45
    assert [each.files for each in seen][-1] == 9
    assert (describe(history).duplicates, describe(history).files) == (0, 9)
    again = load_paths(history, logs)
    assert (again.events, again.duplicates, again.files) == (0, 45, 9)


def test_standard_input_is_read_and_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    history = SqliteHistory(tmp_path / "history.sqlite")
    beside = write(tmp_path / "beside.json", [record(9)])
    for number in (1, 2):
        text = gzip.compress(json.dumps({"Records": [record(number), 7]}).encode())
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(text)))
        assert load_paths(history, [Path("-"), beside]).events == (2 if number == 1 else 1)
    held = describe(history)
    assert (held.events, held.duplicates, held.files) == (3, 0, 2)
    assert held.set_aside == (SetAside("standard input", None, "not a JSON object", 2),)
    with pytest.raises(RecordUnavailable, match="loaded from standard input, record 1, and that record is no longer"):
        event_record(history, str(record(2)["eventID"]))


def test_a_pattern_names_files(tmp_path: Path) -> None:
    for number, name in enumerate(("a.json", "b.json", "c.txt")):
        write(tmp_path / name, [record(number)])
    assert load_paths(SqliteHistory(tmp_path / "history.sqlite"), [tmp_path / "*.json"]).events == 2
