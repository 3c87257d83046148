"""A state file of every earlier version becomes one of this version, or stays as it was."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from bot.database import Database, open_reader, open_writer, sqlite3
from bot.history import schema as history_schema
from bot.history.writing import HistoryWriter
from bot.store.migrations import migrations
from bot.store.state import State, StateUnavailable, reader_of, serving_lock
from bot.store.upgrading import NAMES


def of_version(path: Path, last: str) -> Path:
    """A file as the version left it whose newest migration was ``last``, with something in it."""
    with closing(open_writer(path)) as db:
        names = list(NAMES)
        rest = names[names.index(last) + 1 :]
        migrations.apply(db, stop_before=rest[:1])
        db.execute("INSERT INTO messages (slot, channel, ts) VALUES ('card:1', 'C1', '1.0')")
        db.execute(
            "INSERT INTO deliveries (id, source, fingerprint, received_at, payload, state)"
            " VALUES ('d1', 'siem', 'f1', '2026-11-20T10:00:00Z', '{}', 'triaged')"
        )
    return path


def tables(db: Database) -> set[tuple[str, str]]:
    """Every table, index and trigger with its columns, however it came to be written."""
    found = {
        (name, ",".join(sorted(f"{c[1]} {c[2]} {c[3]} {c[5]}" for c in db.execute(f'PRAGMA table_info("{name}")'))))
        for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    }
    found |= {(name, sql) for name, sql in db.execute("SELECT name, sql FROM sqlite_master WHERE type <> 'table'")}
    return found


@pytest.fixture(scope="module")
def newest(tmp_path_factory: pytest.TempPathFactory) -> set[tuple[str, str]]:
    path = tmp_path_factory.mktemp("newest") / "state.db"
    State(path).close()
    with closing(open_reader(path)) as db:
        return tables(db)


@pytest.mark.parametrize("version", NAMES)
def test_every_earlier_schema_becomes_this_one_with_all_that_was_in_it(
    version: str, newest: set[tuple[str, str]], tmp_path: Path
) -> None:
    path = of_version(tmp_path / "state.db", version)
    with State(path, exclusive=True) as state:
        assert tables(state.read()) == newest
        assert state.read().execute("SELECT slot, channel FROM messages").fetchall() == [("card:1", "C1")]
        assert state.read().execute("SELECT id FROM deliveries").fetchall() == [("d1",)]
        assert state.read().execute("PRAGMA foreign_key_check").fetchall() == []


@pytest.mark.parametrize("version", [NAMES[0], NAMES[-2]])
def test_a_copy_from_before_an_upgrade_is_kept_beside_the_file(version: str, tmp_path: Path) -> None:
    path = of_version(tmp_path / "state.db", version)
    State(path).close()
    (kept,) = tmp_path.glob("state.db.before-*")
    assert NAMES[-1] in kept.name
    with closing(open_reader(kept)) as db:
        assert [each.name for each in migrations.applied(db)][-1] == version
        assert db.execute("SELECT count(*) FROM messages").fetchone() == (1,)
    assert kept.stat().st_mode & 0o077 == 0
    State(path).close()
    assert [*tmp_path.glob("state.db.before-*")] == [kept]


def test_a_new_file_needs_no_copy(tmp_path: Path) -> None:
    State(tmp_path / "state.db").close()
    assert [*tmp_path.glob("*before*")] == []


def applied_by_a_newer(path: Path, set_name: str) -> None:
    with closing(open_writer(path)) as db:
        db.execute(
            "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES (?, 'm999_tomorrow', '')",
            [set_name],
        )


@pytest.mark.parametrize("serving", [True, False])
def test_a_file_of_a_newer_version_is_refused_and_left_alone(tmp_path: Path, *, serving: bool) -> None:
    path = tmp_path / "state.db"
    State(path).close()
    applied_by_a_newer(path, migrations.name)
    before = hashlib.sha256(path.read_bytes()).hexdigest()
    with pytest.raises(StateUnavailable, match=r"newer version.*m999_tomorrow.*run that version"):
        State(path, exclusive=serving)
    assert hashlib.sha256(path.read_bytes()).hexdigest() == before
    assert [*tmp_path.glob("*before*")] == []


def test_a_history_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    HistoryWriter(path).close()
    applied_by_a_newer(path, history_schema.migrations.name)
    with pytest.raises(sqlite3.OperationalError, match="newer version"):
        HistoryWriter(path)


def test_an_upgrade_that_fails_leaves_the_file_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = of_version(tmp_path / "state.db", NAMES[4])

    def failing(db: Database) -> None:
        db.execute("CREATE TABLE half (x)")
        raise sqlite3.OperationalError("database or disk is full")

    steps: Sequence[object] = migrations._migrations
    monkeypatch.setattr(steps[-1], "fn", failing)
    with pytest.raises(StateUnavailable, match="full"):
        State(path)
    with closing(open_reader(path)) as db:
        assert [each.name for each in migrations.applied(db)] == list(NAMES[:5])
        assert "half" not in db.table_names()
    monkeypatch.undo()
    State(path).close()


def test_nobody_upgrades_under_a_serving_bot(tmp_path: Path) -> None:
    path = of_version(tmp_path / "state.db", NAMES[3])
    with serving_lock(path), pytest.raises(StateUnavailable, match="already running"):
        State(path)
    with closing(open_reader(path)) as db:
        assert len(migrations.applied(db)) == 4


def test_who_only_looks_is_told_nothing_of_another_version(tmp_path: Path) -> None:
    assert reader_of(of_version(tmp_path / "state.db", NAMES[3])) is None
