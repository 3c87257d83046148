"""A damaged database is moved aside and spoken of; none is deleted, and one that cannot be had just now is left."""

from __future__ import annotations

import random
from contextlib import closing
from pathlib import Path

import pytest

from bot.database import open_reader, open_writer, sqlite3
from bot.store import spoilt
from bot.store.state import State, StateUnavailable

PAGE = 4096


def filled(path: Path) -> Path:
    with State(path) as state:
        state.write(
            lambda db: db.conn.executemany(
                "INSERT INTO messages (slot, channel, ts) VALUES (?, 'C1', '1.0')",
                [[f"slot-{number}"] for number in range(5000)],
            )
        )
    return path


def overwritten(path: Path, start: int, size: int) -> bytes:
    content = bytearray(path.read_bytes())
    content[start : start + size] = random.Random(7).randbytes(min(size, len(content) - start))
    path.write_bytes(content)
    return bytes(content)


@pytest.mark.parametrize(
    ("start", "size"),
    [(0, PAGE), (16, 200), (PAGE, PAGE), (40 * PAGE, 3 * PAGE)],
    ids=["its head", "some of its head", "its first table", "pages in the middle"],
)
def test_who_serves_moves_a_damaged_file_aside_and_begins_anew(tmp_path: Path, start: int, size: int) -> None:
    path = filled(tmp_path / "state.db")
    damaged = overwritten(path, start, size)
    with State(path, exclusive=True) as state:
        assert state.aside is not None
        assert state.aside.read_bytes() == damaged
        assert state.read().execute("SELECT count(*) FROM messages").fetchone() == (0,)
    (sentence,) = spoilt.sentences(path)
    assert str(state.aside) in sentence
    assert "Restore a backup" in sentence
    with State(path, exclusive=True) as again:
        assert again.aside is None
    state.aside.unlink()
    assert spoilt.sentences(path) == []


def test_a_file_cut_short_is_damaged(tmp_path: Path) -> None:
    path = filled(tmp_path / "state.db")
    path.write_bytes(path.read_bytes()[: 20 * PAGE])
    with State(path, exclusive=True) as state:
        assert state.aside is not None


def test_a_terminal_moves_nothing(tmp_path: Path) -> None:
    path = filled(tmp_path / "state.db")
    before = overwritten(path, 0, PAGE)
    with pytest.raises(StateUnavailable, match="cannot be opened"):
        State(path)
    assert path.read_bytes() == before


def test_a_whole_file_and_none_and_an_empty_one_are_left_alone(tmp_path: Path) -> None:
    path = filled(tmp_path / "state.db")
    assert spoilt.move_aside(path) is None
    assert spoilt.move_aside(tmp_path / "none.db") is None
    (tmp_path / "empty.db").touch()
    assert spoilt.move_aside(tmp_path / "empty.db") is None


def test_a_file_in_use_is_not_replaced(tmp_path: Path) -> None:
    path, other = filled(tmp_path / "state.db"), filled(tmp_path / "other.db")
    with State(path), pytest.raises(sqlite3.OperationalError, match="locked"):
        spoilt.replace(path, other, "replaced")
    assert [*tmp_path.glob("*replaced*")] == []


def test_what_is_replaced_is_kept_with_all_that_was_committed(tmp_path: Path) -> None:
    path, other = filled(tmp_path / "state.db"), tmp_path / "other.db"
    State(other).close()
    with closing(open_writer(path)) as db:  # what stands in the log alone
        db.execute("PRAGMA wal_autocheckpoint = 0")
        db.execute("INSERT INTO messages (slot, channel, ts) VALUES ('last', 'C1', '1.0')")
    old = spoilt.replace(path, other, "replaced")
    assert old is not None
    with closing(open_reader(old)) as db:
        assert db.execute("SELECT count(*) FROM messages").fetchone() == (5001,)
    with closing(open_reader(path)) as db:
        assert db.execute("SELECT count(*) FROM messages").fetchone() == (0,)
