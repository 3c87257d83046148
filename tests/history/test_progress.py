"""What a person, or a log, sees of a load."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.history import load
from bot.history.load import Progress, load_logs, load_paths
from bot.history.progress import Shown, sentence
from bot.history.sources import Delivery
from bot.history.sqlite import SqliteHistory
from tests.history.made import record, write


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def _shown(stream: io.StringIO, seconds: list[float]) -> str:
    times: Iterator[float] = iter([0.0, *seconds])
    shown = Shown(stream, lambda: next(times))
    for number in range(len(seconds)):
        shown(Progress(files=number * 10, of_files=100, records=number * 6_000))
    shown.close()
    return stream.getvalue()


def test_a_person_sees_one_line_that_changes() -> None:
    text = _shown(_Terminal(), [0.0, 1.0, 1.1, 3.0])
    assert "\n" not in text
    assert text.count("\r") == 3
    assert "30 of 100 files, 18,000 events, 6,000/s, 0:00:07 left" in text
    assert " 30% " in text


def test_a_log_gets_a_line_a_minute() -> None:
    text = _shown(io.StringIO(), [0.0, 30.0, 60.0, 90.0, 119.0, 121.0])
    assert text.splitlines()[0].endswith("20 of 100 files, 12,000 events, 200/s, 0:04:00 left")
    assert len(text.splitlines()) == 2


def test_what_was_loaded_before_counts_as_done_and_not_as_speed(tmp_path: Path) -> None:
    history = SqliteHistory(tmp_path / "history.sqlite")
    first, second = (write(tmp_path / f"{number}.json", [record(number)]) for number in (1, 2))
    load_paths(history, [first])
    seen: list[Progress] = []
    load_paths(history, [first, second], seen.append)
    assert seen == [Progress(1, 2, 1), Progress(2, 2, 2)]


def test_while_logs_are_still_listed_nobody_knows_how_many_there_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(load, "_PORTION", 2)
    logs = [Delivery("sqs:logs", json.dumps(record(number)).encode()) for number in range(5)]
    seen: list[Progress] = []
    load_logs(SqliteHistory(tmp_path / "history.sqlite"), iter(logs), seen.append)
    assert [each.of_files for each in seen] == [None, None, None, None, 5, 5]
    assert sentence(seen[1], 2, 1.0) == "2 files so far, 2 events, 2/s"
