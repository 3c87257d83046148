"""Old days leave, the rest stays as it was, and the file gets smaller."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.history import retention
from bot.history.load import describe, load_paths
from bot.history.retention import retire
from bot.model import Kind, Observable, Span
from tests.history.made import ACCOUNT, ALWAYS, key, loaded, record, write

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)


def _at(number: int, moment: datetime) -> dict[str, object]:
    return record(number, eventTime=moment.strftime("%Y-%m-%dT%H:%M:%SZ"))


def test_whole_days_before_the_kept_ones_go(tmp_path: Path) -> None:
    edge = datetime(2026, 11, 13, tzinfo=UTC)
    history = loaded(tmp_path, _at(1, edge - timedelta(seconds=1)), _at(2, edge), _at(3, NOW))
    assert retire(history.path, NOW, days=10).events == 1
    assert [event.at for event in history.events(key(), ALWAYS)] == [NOW, edge]
    assert retire(history.path, NOW, days=10).events == 0


def test_what_is_left_answers_as_if_the_rest_had_never_been(tmp_path: Path) -> None:
    chosen = [_at(number, NOW - timedelta(hours=number * 7)) for number in range(150)]
    shared = [
        record(number, sharedEventID=f"s{number // 2}", recipientAccountId=f"{number % 2:012d}", eventTime=at)
        for number in range(900, 908)
        for at in ["2026-10-30T00:00:00Z" if number < 904 else "2026-11-20T00:00:00Z"]
    ]
    history = loaded(tmp_path, *chosen, *shared)
    (tmp_path / "only").mkdir()
    kept = [each for each in (*chosen, *shared) if str(each["eventTime"]) >= "2026-11-13"]
    only = loaded(tmp_path / "only", *kept)
    retire(history.path, NOW, days=10)
    for observable in (key(), Observable(Kind.ACCOUNT, ACCOUNT), Observable(Kind.EVENT, "iam:ListUsers")):
        assert history.uses(observable, ALWAYS) == only.uses(observable, ALWAYS)
        assert history.events(observable, ALWAYS) == only.events(observable, ALWAYS)
    first, last = (NOW - timedelta(days=60)).date(), NOW.date()
    assert history.callers(first, last) == only.callers(first, last) == {"iam:ListUsers": 1}
    assert history.callers(first, datetime(2026, 11, 12, tzinfo=UTC).date()) == {}
    assert (history.coverage(ALWAYS), describe(history).events) == (only.coverage(ALWAYS), describe(only).events)


def test_the_file_gets_smaller_under_a_reader(tmp_path: Path) -> None:
    many = [record(number, sourceIPAddress=f"198.51.{number // 250}.{number % 250}") for number in range(4_000)]
    history = loaded(tmp_path, *many, _at(9_999, NOW))
    before = history.path.stat().st_size
    assert len(history.events(key(), ALWAYS, limit=9_999)) == 4_001
    gone = retire(history.path, NOW, days=1)
    assert len(history.events(key(), ALWAYS, limit=9_999)) == 1
    assert gone.events == 4_000
    assert history.path.stat().st_size < before / 2
    assert gone.bytes > before / 2


def test_a_run_that_was_cut_off_is_simply_run_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    many = [_at(number, NOW - timedelta(days=number % 30)) for number in range(300)]
    history = loaded(tmp_path, *many)
    monkeypatch.setattr(retention, "_AT_ONCE", 3)
    monkeypatch.setattr(retention, "_drop_the_rest", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        retire(history.path, NOW, days=10)
    monkeypatch.undo()
    retire(history.path, NOW, days=10)
    days = {event.at.date() for event in history.events(key(), ALWAYS)}
    assert min(days) == (NOW - timedelta(days=10)).date()
    span = Span(NOW - timedelta(days=30), NOW)
    assert history.callers(span.since.date(), (NOW - timedelta(days=11)).date()) == {}


def test_a_load_goes_on_after_old_days_left(tmp_path: Path) -> None:
    history = loaded(tmp_path, _at(1, NOW - timedelta(days=40)), _at(2, NOW))
    retire(history.path, NOW, days=10)
    report = load_paths(history, [write(tmp_path / "more.json", [_at(2, NOW), _at(3, NOW)])])
    assert (report.events, report.duplicates) == (1, 1)
