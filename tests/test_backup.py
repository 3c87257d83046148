"""A backup as people make it and put it back: consistent while the bot writes, read back, refused where it must be."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot import audit
from bot.audit import append
from bot.backup import BackupUnusable, Places, check, make
from bot.database import Database, open_reader, open_writer
from bot.evidence import shelf
from bot.evidence.shelf import Shelf
from bot.history.load import load_paths
from bot.history.sqlite import SqliteHistory
from bot.model import Actor
from bot.store.migrations import migrations
from bot.store.state import State
from tests.history import made
from tests.test_cli import DONE, REFUSED, USAGE, Triage, triage

__all__ = ("triage",)

AT = datetime(2026, 11, 23, 9, tzinfo=UTC)
ANA = Actor("local:ana", "Ana")
CASE = (
    "INSERT INTO cases (id, environment, title, channel, subject_kind, subject_value, state, opened_at, recent_since,"
    " until) VALUES (?, 'default', 'a', 'C1', 'ip', '203.0.113.7', 'closed', '', '', '')"
)


def entry(db: Database, number: int) -> None:
    append(db, actor=ANA, operation="approve", target=f"key {number}", result="approved", at=AT)


@pytest.fixture
def place(triage: Triage, tmp_path: Path) -> Path:
    """A bot with a case, two pieces of its evidence, three entries of the record, and a history."""
    store = Shelf(tmp_path / "state.evidence")

    def fill(db: Database) -> None:
        db.execute(CASE, [1])
        for name, content in (("told/triage.json.gz", b"told"), ("iam/user.json", b"user")):
            shelf.keep(db, 1, store.put(1, name, content), AT)
        shelf.keep(db, 1, shelf.Piece("iam/gone.json", gap="AWS did not answer"), AT)
        for number in range(3):
            entry(db, number)

    with State(tmp_path / "state.db") as state:
        state.write(fill)
    load_paths(SqliteHistory(tmp_path / "history.db"), [made.write(tmp_path / "log.json", [made.record(1)])])
    return tmp_path


def entries(path: Path) -> list[str]:
    with closing(open_reader(path)) as db:
        assert audit.verify(db) == []
        return [each.operation for each in audit.entries(db)]


def test_a_backup_is_made_read_back_and_put_in_the_place_of_what_is_there(triage: Triage, place: Path) -> None:
    done = triage("backup", "kept", "--with-history", "--json")
    assert (done.code, done.err) == (DONE, "")
    told = done.document
    assert (told["cases"], told["audit"]["entries"], told["history"], told["problems"]) == (1, 3, True, [])
    assert {str(each.relative_to(place / "kept")) for each in (place / "kept").rglob("*") if each.is_file()} >= {
        "manifest.json",
        "state.db",
        "history.db",
    }
    assert triage("restore", "kept", "--check").out.startswith("kept: whole, of ")
    with State(place / "state.db") as state:
        state.write(lambda db: entry(db, 9))
    for piece in (place / "state.evidence").rglob("*"):
        if piece.is_file():
            piece.unlink()
    (place / "history.db").unlink()
    back = triage("restore", "kept", "--reason", "the disk was lost", "--json")
    assert (back.code, back.err) == (DONE, "")
    assert entries(place / "state.db") == ["approve", "approve", "approve", "restore"]
    (replaced,) = back.document["replaced"]
    assert entries(Path(replaced)) == ["approve"] * 4
    with State(place / "state.db") as state:
        kept = Shelf(place / "state.evidence")
        assert [kept.read(case, each) for case, each in shelf.every_piece(state.read())] == [b"user", b"told"]
    assert SqliteHistory(place / "history.db").newest() is not None


def test_a_backup_is_for_its_owner_alone(triage: Triage, place: Path) -> None:
    triage("backup", "kept")
    files = [each for each in (place / "kept").rglob("*") if each.is_file()]
    assert [each for each in [place / "kept", *files] if each.stat().st_mode & 0o077] == []


def test_what_is_copied_while_others_write_is_of_one_moment(place: Path) -> None:
    """Two tables that are always equal in the state are equal in every copy, and the record is whole."""
    stop = threading.Event()
    with State(place / "state.db") as state:

        def both(db: Database) -> None:
            db.execute("INSERT INTO messages (slot, channel, ts) SELECT 's' || count(*), 'C', '1' FROM messages")
            entry(db, 0)

        def keep_writing() -> None:
            while not stop.is_set():
                state.write(both)

        writer = threading.Thread(target=keep_writing)
        writer.start()
        try:
            copies = [make(place / f"kept-{n}", Places(state.path, place / "state.evidence"), AT) for n in range(5)]
        finally:
            stop.set()
            writer.join()
    counts = []
    for each in copies:
        with closing(open_reader(each.folder / "state.db")) as db:
            messages = db.execute("SELECT count(*) FROM messages").fetchone()[0]
            assert len(audit.entries(db)) == messages + 3
            counts.append(messages)
    assert counts == sorted(counts)
    assert counts[-1] > counts[0]


def test_nothing_is_put_back_over_a_running_bot(triage: Triage, place: Path) -> None:
    triage("backup", "kept")
    with State(place / "state.db", exclusive=True):
        refused = triage("restore", "kept", "--reason", "x")
        assert (refused.code, refused.out) == (REFUSED, "")
        assert "already running" in refused.err
    with State(place / "state.db"):
        refused = triage("restore", "kept", "--reason", "x")
        assert refused.code == REFUSED
        assert "somebody has the files open" in refused.err
    assert entries(place / "state.db") == ["approve"] * 3
    assert [*place.glob("*.replaced-*")] == []


def damaged(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 0xFF
    file.write_bytes(content)


def forged(folder: Path) -> None:
    """Somebody edits the record, and the manifest so that it fits."""
    with closing(open_writer(folder / "state.db")) as db:
        db.execute("DROP TRIGGER audit_keeps_entries")
        db.execute("UPDATE audit SET actor_name = 'Bob' WHERE seq = 2")
        db.execute("PRAGMA journal_mode = DELETE")
    _told_anew(folder)


def newer(folder: Path) -> None:
    with closing(open_writer(folder / "state.db")) as db:
        db.execute(
            "UPDATE _sqlite_migrations SET name = 'm999_tomorrow' WHERE id = (SELECT max(id) FROM _sqlite_migrations)"
        )
        db.execute("PRAGMA journal_mode = DELETE")
    _told_anew(folder)


def broken(folder: Path) -> None:
    file = folder / "state.db"
    file.write_bytes(file.read_bytes()[:9000])
    _told_anew(folder)


def leads_out(folder: Path) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"]["../state.db"] = manifest["files"]["state.db"]
    (folder / "manifest.json").write_text(json.dumps(manifest))


def _told_anew(folder: Path) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"]["state.db"]["sha256"] = hashlib.sha256((folder / "state.db").read_bytes()).hexdigest()
    (folder / "manifest.json").write_text(json.dumps(manifest))


def a_piece(folder: Path) -> Path:
    return next((folder / "evidence").rglob("?" * 64))


SPOILT: dict[str, tuple[Callable[[Path], object], str]] = {
    "a byte of the state": (lambda folder: damaged(folder / "state.db"), "is not what was backed up"),
    "a byte of a piece of evidence": (
        lambda folder: damaged(a_piece(folder)),
        "is not what was backed up",
    ),
    "a piece is gone": (
        lambda folder: a_piece(folder).unlink(),
        "is missing from the backup",
    ),
    "no manifest": (lambda folder: (folder / "manifest.json").unlink(), "holds no backup"),
    "another manifest": (lambda folder: (folder / "manifest.json").write_text("[1]"), "holds no backup"),
    "a form of tomorrow": (
        lambda folder: (folder / "manifest.json").write_text('{"form": 2, "files": {"state.db": {}}}'),
        "no backup of this version's form",
    ),
    "a name that leads out of it": (leads_out, "../state.db is missing"),
    "the record was edited": (forged, "Entry 2 was changed"),
    "a newer schema": (newer, "newer version"),
    "it is cut short": (broken, "is damaged"),
}


@pytest.mark.parametrize("spoil", SPOILT)
def test_what_must_not_be_put_back_is_refused_with_the_reason(triage: Triage, place: Path, spoil: str) -> None:
    triage("backup", "kept")
    way, sentence = SPOILT[spoil]
    way(place / "kept")
    refused = triage("restore", "kept", "--reason", "x")
    assert (refused.code, refused.out) == (REFUSED, "")
    assert sentence in refused.err
    assert entries(place / "state.db") == ["approve"] * 3
    assert [*place.glob("*.replaced-*")] == []


def test_evidence_that_was_gone_before_is_said_and_the_rest_is_kept(triage: Triage, place: Path) -> None:
    next((place / "state.evidence").rglob("?" * 64)).unlink()
    made_ = triage("backup", "kept", "--json")
    assert made_.code == REFUSED
    assert len(made_.document["problems"]) == 1
    assert check(place / "kept").files == 2
    assert triage("restore", "kept", "--reason", "x").code == DONE


def test_a_backup_of_an_earlier_version_is_brought_up_to_date(triage: Triage, place: Path) -> None:
    old = place / "old" / "state.db"
    with closing(open_writer(old)) as db:
        migrations.apply(db, stop_before="m016_tasks")
        entry(db, 1)
    made_ = make(place / "kept", Places(old, place / "none"), AT)
    assert made_.schema == "m015_evidence"
    assert triage("restore", "kept", "--reason", "x").code == DONE
    assert entries(place / "state.db") == ["approve", "restore"]


def test_a_backup_that_fails_leaves_no_folder(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("bot.backup._write_manifest", full)
    with pytest.raises(BackupUnusable, match="No space left"):
        make(place / "kept", Places(place / "state.db", place / "state.evidence"), AT)
    assert [*place.glob("kept*")] == []


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (("backup", "taken"), REFUSED, "taken is there already"),
        (("restore", "taken", "--reason", "x"), REFUSED, "holds no backup"),
        (("restore", "none", "--reason", "x"), REFUSED, "holds no backup"),
        (("restore", "taken"), USAGE, "Say why"),
        (("restore",), USAGE, "FOLDER"),
    ],
)
def test_what_cannot_be_done_is_said(
    triage: Triage, place: Path, words: tuple[str, ...], code: int, sentence: str
) -> None:
    (place / "taken").mkdir()
    refused = triage(*words)
    assert refused.code == code
    assert sentence in refused.err


def test_without_a_state_there_is_nothing_to_back_up(triage: Triage, tmp_path: Path) -> None:
    assert "there is no state file state.db" in triage("backup").err
    assert [*tmp_path.iterdir()] == []
