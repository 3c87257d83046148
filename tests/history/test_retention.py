"""Old days leave, the rest stays as it was, and the file gets smaller."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.database import open_reader, open_writer, sqlite3
from bot.history import retention
from bot.history.load import describe, load_paths
from bot.history.retention import Retirement, retire
from bot.history.sqlite import SqliteHistory
from bot.model import HistoryUnavailableError, Kind, Observable
from tests.history.made import ACCOUNT, ALWAYS, KEY, key, loaded, record, write

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)


def _at(number: int, moment: datetime) -> dict[str, object]:
    return record(number, eventTime=moment.strftime("%Y-%m-%dT%H:%M:%SZ"))


def loaded_beside(folder: Path, name: str, *records: object) -> SqliteHistory:
    (folder / name).mkdir()
    return loaded(folder / name, *records)


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


def _everything(history: SqliteHistory) -> tuple[object, ...]:
    first, last = (NOW - timedelta(days=90)).date(), NOW.date()
    return (
        *(history.uses(observable, ALWAYS) for observable in (key(), OTHER_KEY, Observable(Kind.ACCOUNT, ACCOUNT))),
        *(history.events(observable, ALWAYS) for observable in (key(), OTHER_KEY)),
        *(history.coverage(ALWAYS), history.callers(first, last), describe(history)),
    )


def _by(number: int, at: datetime, access_key: str, ip: str) -> dict[str, object]:
    who = record()["userIdentity"] | {"accessKeyId": access_key}
    return _at(number, at) | {"userIdentity": who, "sourceIPAddress": ip}


def test_a_run_that_was_cut_off_anywhere_is_simply_run_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "_AT_ONCE", 30)
    many = [_at(number, NOW - timedelta(days=number % 60)) for number in range(180)]
    once = loaded(tmp_path, *many)
    retire(once.path, NOW, days=10)
    history = loaded_beside(tmp_path, "cut", *many)
    steps = 0
    for cut in range(99):
        retirement = Retirement(history.path, lambda: NOW, days=10)
        for _ in range(cut):
            retirement.step()
        steps += cut
        retirement.close()
        if cut > 12:
            break
    assert steps > 50
    assert _everything(history) == _everything(once)


OTHER_KEY = key("AKIARTX3GSDSQOTHERSS")


@pytest.mark.parametrize("pause", range(12))
def test_what_is_loaded_in_the_midst_of_a_run_stays_right(tmp_path: Path, pause: int) -> None:
    """Also where it uses again a key and an address that were about to be forgotten, and for a reader who knew them."""
    old = [_by(n, NOW - timedelta(days=40), OTHER_KEY.value, f"198.51.100.{n}") for n in range(20)]
    history = loaded(tmp_path, *old, _at(100, NOW))
    assert len(history.uses(OTHER_KEY, ALWAYS)) == 20
    more = [_by(200, NOW, OTHER_KEY.value, "198.51.100.7"), _by(201, NOW, "ASIARTX3GSDSQNEWNEWW", "192.0.2.9")]
    retirement = Retirement(history.path, lambda: NOW, days=10)
    for _ in range(pause):
        retirement.step()
    load_paths(history, [write(tmp_path / "more.json", more)])
    for _ in range(30):
        retirement.step()
    assert [use.ip for use in history.uses(OTHER_KEY, ALWAYS)] == ["198.51.100.7"]
    assert [use.ip for use in history.uses(key("ASIARTX3GSDSQNEWNEWW"), ALWAYS)] == ["192.0.2.9"]
    assert {event.key for event in history.events(Observable(Kind.ACCOUNT, ACCOUNT), ALWAYS)} == {
        KEY,
        OTHER_KEY.value,
        "ASIARTX3GSDSQNEWNEWW",
    }


def test_strings_that_no_event_has_any_more_leave_and_numbers_are_not_given_out_again(tmp_path: Path) -> None:
    old = [_by(n, NOW - timedelta(days=40), f"ASIA{n:016}", f"198.51.100.{n}") for n in range(50)]
    history = loaded(tmp_path, _at(100, NOW), *old)
    asked = [key(f"ASIA{n:016}") for n in range(50)]
    assert all(history.uses(each, ALWAYS) for each in asked)
    before = history.rows("SELECT max(id) FROM text")[0][0]
    retire(history.path, NOW, days=10)
    left = [value for (value,) in history.rows("SELECT value FROM text WHERE value LIKE 'ASIA%'")]
    assert len(left) <= 1
    assert len(history.rows("SELECT * FROM address")) <= 2
    load_paths(history, [write(tmp_path / "more.json", [_by(200, NOW, "ASIARTX3GSDSQNEWNEWW", "192.0.2.9")])])
    assert history.rows("SELECT id FROM text WHERE value = 'ASIARTX3GSDSQNEWNEWW'")[0][0] > before
    assert [use.key for use in history.uses(Observable(Kind.IP, "192.0.2.9"), ALWAYS)] == ["ASIARTX3GSDSQNEWNEWW"]


def test_what_is_known_of_a_file_goes_with_its_last_event(tmp_path: Path) -> None:
    history = SqliteHistory(tmp_path / "history.sqlite")
    old = [_at(1, NOW - timedelta(days=40)), {"odd": 1}]
    both = [_at(1, NOW - timedelta(days=40)), _at(2, NOW - timedelta(days=39)), _at(3, NOW)]
    paths = [write(tmp_path / "old.json", old), write(tmp_path / "both.json", both)]
    load_paths(history, paths)
    before = describe(history)
    assert (before.files, before.events, before.duplicates, len(before.set_aside)) == (2, 3, 1, 1)
    retire(history.path, NOW, days=10)
    after = describe(history)
    assert (after.files, after.events, after.duplicates, after.set_aside) == (1, 1, 1, ())
    again = load_paths(history, paths)
    assert (again.events, again.duplicates) == (1, 3)


def test_a_run_comes_every_hour(tmp_path: Path) -> None:
    history, clock = loaded(tmp_path, *(_at(n, NOW - timedelta(days=n)) for n in range(20))), [NOW]
    retirement = Retirement(history.path, lambda: clock[0], days=10)

    def left() -> int:
        for _ in range(40):
            assert retirement.step() is False
        return describe(history).events

    assert left() == 11
    clock[0] += timedelta(minutes=59)
    load_paths(history, [write(tmp_path / "more.json", [_at(50, NOW - timedelta(days=12))])])
    assert left() == 12
    clock[0] += timedelta(minutes=1)
    assert left() == 11
    clock[0] += timedelta(days=1)
    assert left() == 10
    retirement.close()


def test_a_reader_in_the_midst_of_a_question_sees_what_it_saw(tmp_path: Path) -> None:
    history = loaded(tmp_path, _at(1, NOW - timedelta(days=40)), _at(2, NOW))
    reader = open_reader(history.path)
    reader.execute("BEGIN")
    count = "SELECT sum(count) FROM use"
    assert reader.execute(count).fetchone()[0] == 2
    assert retire(history.path, NOW, days=10).events == 1
    assert (reader.execute(count).fetchone()[0], describe(history).events) == (2, 1)
    reader.close()


def test_a_history_that_cannot_be_written_does_not_end_the_bot(tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.sqlite"
    damaged.write_text("not a database at all, but long enough to be taken for one" * 20)
    retirement = Retirement(damaged, lambda: NOW, days=10)
    assert retirement.step() is False
    assert retirement.step() is False
    missing = Retirement(tmp_path / "missing.sqlite", lambda: NOW, days=10)
    assert missing.step() is False
    assert not (tmp_path / "missing.sqlite").exists()


def test_a_load_goes_on_after_old_days_left(tmp_path: Path) -> None:
    history = loaded(tmp_path, _at(1, NOW - timedelta(days=40)), _at(2, NOW))
    retire(history.path, NOW, days=10)
    report = load_paths(history, [write(tmp_path / "more.json", [_at(2, NOW), _at(3, NOW)])])
    assert (report.events, report.duplicates) == (1, 1)


def test_old_days_stay_where_two_processes_must_not_write(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 51, 2))
    assert retention.may_run() is False
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 51, 3))
    assert retention.may_run() is True


def test_a_history_of_an_older_version_is_brought_up_to_date_before_it_is_asked(tmp_path: Path) -> None:
    history = loaded(tmp_path, _at(1, NOW))
    with closing(open_writer(history.path)) as db:
        db.execute("DELETE FROM _sqlite_migrations WHERE name = 'm005_retired'")
        db.execute("DROP TABLE retired")
        db.execute("DROP INDEX file_newest")
        db.execute("ALTER TABLE file DROP COLUMN newest")
    older = SqliteHistory(history.path)
    assert not older.ready()
    with pytest.raises(HistoryUnavailableError, match="was made by an older version: `triage ingest`"):
        older.uses(key(), ALWAYS)
    load_paths(older, [write(tmp_path / "more.json", [_at(2, NOW)])])
    assert older.ready()
    assert sum(use.count for use in older.uses(key(), ALWAYS)) == 2
