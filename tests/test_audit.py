from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import audit
from bot.database import Database, open_writer, sqlite3, storable
from bot.model import Actor
from bot.store.migrations import migrations

AT = datetime(2026, 11, 20, 14, 3, 11, tzinfo=UTC)
ANA = Actor("slack:T0MADE:U0ANA", "Ana")


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    database = open_writer(tmp_path / "state.db")
    migrations.apply(database)
    yield database
    database.close()


def fill(db: Database, number: int = 5) -> None:
    for each in range(number):
        audit.append(db, actor=ANA, operation="approve", target=f"key {each}", result="approved", at=AT)


def without_guards(db: Database) -> Database:
    """What somebody who can write the file can do."""
    for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        db.execute(f"DROP TRIGGER {name}")
    return db


def test_an_entry_keeps_everything(db: Database) -> None:
    number = audit.append(
        db,
        actor=ANA,
        operation="execute disable_access_key",
        target="a key",
        reason="stolen",
        before={"status": "Active"},
        after={"status": "Inactive"},
        result="confirmed",
        at=AT,
    )
    (entry,) = audit.entries(db)
    assert (number, entry.seq, entry.at, entry.actor, entry.actor_name) == (1, 1, "2026-11-20T14:03:11Z", ANA.id, "Ana")
    assert (entry.operation, entry.target, entry.reason) == ("execute disable_access_key", "a key", "stolen")
    assert (entry.before, entry.after, entry.result) == ('{"status": "Active"}', '{"status": "Inactive"}', "confirmed")


@pytest.mark.parametrize("number", [0, 1, 5])
def test_a_whole_record_verifies(db: Database, number: int) -> None:
    fill(db, number)
    assert audit.verify(db) == []


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit SET result = 'x' WHERE seq = 3",
        "DELETE FROM audit WHERE seq = 3",
        "DELETE FROM audit",
        "DELETE FROM audit_head",
        "UPDATE audit_head SET entries = 2",
        "REPLACE INTO audit SELECT * FROM audit WHERE seq = 3",
    ],
)
def test_the_table_refuses_to_be_changed(db: Database, statement: str) -> None:
    fill(db)
    with pytest.raises(sqlite3.DatabaseError, match="append-only"):
        db.execute(statement)
    assert audit.verify(db) == []


@pytest.mark.parametrize("column", [name for name in audit.COLUMNS.split(", ") if name not in {"seq", "hash"}])
def test_an_edited_column_is_found(db: Database, column: str) -> None:
    fill(db)
    without_guards(db).execute(f"UPDATE audit SET {column} = 'forged' WHERE seq = 3")  # noqa: S608
    assert "Entry 3 was changed: its hash does not fit it." in audit.verify(db)


def test_an_entry_forged_with_a_fitting_hash_of_its_own_breaks_the_chain(db: Database) -> None:
    fill(db)
    forged = audit.entries(db)[2]
    fields = [
        3,
        forged.at,
        forged.actor,
        forged.actor_name,
        forged.operation,
        "another key",
        "",
        "{}",
        "{}",
        "approved",
    ]
    mark = audit.link(forged.previous, fields)
    without_guards(db).execute("UPDATE audit SET target = 'another key', hash = ? WHERE seq = 3", [mark])
    assert audit.verify(db) == ["Entry 4 does not follow entry 3: one of them was replaced."]


@pytest.mark.parametrize(
    ("where", "sentence"),
    [
        ("seq = 3", "Entries 3 to 3 are missing."),
        ("seq IN (2, 3)", "Entries 2 to 3 are missing."),
        ("seq = 1", "Entries 1 to 1 are missing."),
        ("seq >= 4", "The record ends at entry 3, but 5 were written."),
        ("seq > 0", "The record ends at entry 0, but 5 were written."),
    ],
)
def test_what_was_cut_out_is_found(db: Database, where: str, sentence: str) -> None:
    fill(db)
    without_guards(db).execute(f"DELETE FROM audit WHERE {where}")  # noqa: S608
    assert audit.verify(db) == [sentence]


def test_a_replaced_last_entry_is_found(db: Database) -> None:
    fill(db)
    last = audit.entries(db)[-1]
    fields = [5, last.at, last.actor, last.actor_name, last.operation, "other", "", "{}", "{}", "approved"]
    mark = audit.link(last.previous, fields)
    without_guards(db).execute("UPDATE audit SET target = 'other', hash = ? WHERE seq = 5", [mark])
    assert audit.verify(db) == ["Entry 5 is not the last one that was written: it was replaced."]


def test_a_missing_count_is_found(db: Database) -> None:
    fill(db)
    without_guards(db).execute("DELETE FROM audit_head")
    assert audit.verify(db) == ["The count of entries is missing, so a cut-off end could not be seen."]


def test_hostile_text_is_kept_and_the_chain_holds(db: Database) -> None:
    for text in ("\ud800", "'; DROP TABLE audit; --", "\x00\u202e", '","', "é" * 9000):
        audit.append(db, actor=Actor(text, text), operation=text, target=text, reason=text, result=text, at=AT)
    assert audit.verify(db) == []
    assert len(audit.entries(db)) == 5


def test_an_undone_transaction_leaves_no_gap(db: Database) -> None:
    fill(db, 1)
    db.execute("BEGIN IMMEDIATE")
    fill(db, 1)
    db.execute("ROLLBACK")
    fill(db, 1)
    assert audit.verify(db) == []


@given(st.text(st.characters(codec=None), max_size=50), st.integers(0, 30))
def test_whatever_comes_in_becomes_storable(text: str, longest: int) -> None:
    kept = storable(text, longest)
    assert len(kept) <= longest
    assert kept.encode().decode() == kept
