"""One writer, whole transactions, and nothing acknowledged that is not on disk."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from bot.database import Database, open_reader
from bot.store.state import State, StateUnavailable

INSERT = "INSERT INTO messages (slot, channel, ts) VALUES (?, 'C1', '1.0')"


def slots(state: State) -> list[str]:
    return [row[0] for row in state.read().execute("SELECT slot FROM messages ORDER BY slot").fetchall()]


def test_a_change_is_on_disk_when_write_returns(state: State) -> None:
    assert state.write(lambda db: db.execute(INSERT, ["a"]).rowcount) == 1
    assert open_reader(state.path).execute("SELECT count(*) FROM messages").fetchone() == (1,)


def test_a_change_that_raises_leaves_nothing_and_the_writer_alive(state: State) -> None:
    def half(db: Database) -> None:
        db.execute(INSERT, ["half"])
        raise RuntimeError("half-way")

    with pytest.raises(RuntimeError, match="half-way"):
        state.write(half)
    state.write(lambda db: db.execute(INSERT, ["whole"]))
    assert slots(state) == ["whole"]


def test_changes_from_many_threads_do_not_mix(state: State) -> None:
    def add_two(name: str) -> None:
        def change(db: Database) -> None:
            db.execute(INSERT, [f"{name}-1"])
            db.execute(INSERT, [f"{name}-2"])

        state.write(change)

    threads = [threading.Thread(target=add_two, args=(f"{number:02}",)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(slots(state)) == 40


def test_sqlite_keeps_every_commit_through_a_power_cut(state: State) -> None:
    pragmas = state.write(lambda db: [db.execute(f"PRAGMA {name}").fetchone()[0] for name in PRAGMAS])
    assert dict(zip(PRAGMAS, pragmas, strict=True)) == PRAGMAS


PRAGMAS = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}


def test_readers_cannot_write(state: State) -> None:
    with pytest.raises(Exception, match="readonly"):
        state.read().execute(INSERT, ["reader"])


def test_two_serving_processes_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    with State(path, exclusive=True), pytest.raises(StateUnavailable, match="already running"):
        State(path, exclusive=True)
    State(path, exclusive=True).close()


def test_a_terminal_may_write_beside_a_serving_process(tmp_path: Path) -> None:
    with State(tmp_path / "state.db", exclusive=True) as serving, State(tmp_path / "state.db") as terminal:
        terminal.write(lambda db: db.execute(INSERT, ["terminal"]))
        assert slots(serving) == ["terminal"]


def test_a_full_disk_is_said_and_nothing_is_kept(state: State) -> None:
    state.write(lambda db: db.execute("PRAGMA max_page_count = 1"))
    with pytest.raises(StateUnavailable, match="full"):
        state.write(lambda db: db.execute(INSERT, ["x" * 100_000]))
    assert slots(state) == []


def test_a_closed_state_refuses_instead_of_hanging(state: State) -> None:
    state.close()
    with pytest.raises(StateUnavailable, match="closed"):
        state.write(lambda db: None)
