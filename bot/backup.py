"""A backup: a folder with the state, every piece of evidence it knows of and, if wanted, the history.

The state is copied as it is at one moment, while others use it. A piece of evidence is on disk before the state knows
of it, and never changes; so the pieces are copied after the state, and none it knows of is missing. The folder has its
name only once everything in it was read back.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from bot import audit
from bot.database import Database, copy, damage, open_reader, sqlite3
from bot.evidence.shelf import EvidenceSpoilt, Shelf, every_piece
from bot.model import Actor, rfc3339
from bot.store import spoilt
from bot.store.state import State, StateUnavailable, serving_lock
from bot.store.upgrading import NewerState, schema_of

FORM = 1
MANIFEST, STATE, EVIDENCE, HISTORY = "manifest.json", "state.db", "evidence", "history.db"
REPLACED = "replaced"


class BackupUnusable(Exception):
    """A backup could not be made, or must not be restored; the message is a sentence."""


@dataclass(frozen=True, slots=True)
class Places:
    """Where a bot keeps what is backed up; ``history`` is ``None`` where it stays out."""

    state: Path
    evidence: Path
    history: Path | None = None


@dataclass(frozen=True, slots=True)
class Backup:
    """One backup and what it holds. ``problems`` are sentences about what was wrong before it was made."""

    folder: Path
    made_at: str
    schema: str
    cases: int
    entries: int
    head: str
    files: int
    bytes: int
    history: bool
    problems: tuple[str, ...] = ()

    def document(self) -> dict[str, Any]:
        told = {name: getattr(self, name) for name in ("made_at", "schema", "cases", "files", "bytes", "history")}
        record = {"entries": self.entries, "head": self.head if self.entries else None}
        return {"backup": str(self.folder), **told, "audit": record, "problems": list(self.problems)}


@dataclass(frozen=True, slots=True)
class Restored:
    """What was put back, and where what stood there is now."""

    backup: Backup
    replaced: tuple[Path, ...]


def default_name(at: datetime) -> str:
    return f"triage-backup-{at:%Y%m%dT%H%M%SZ}"


def make(folder: Path, places: Places, at: datetime) -> Backup:
    """Make a backup of ``places`` in ``folder``, which must not be there, and read it back.

    Raises :class:`BackupUnusable`; then there is no ``folder``.
    """
    if folder.exists():
        raise BackupUnusable(f"{folder} is there already: name another folder")
    if not places.state.is_file():
        raise BackupUnusable(f"there is no state file {places.state}: [store] path says where it is")
    part = folder.with_name(f"{folder.name}.part")
    try:
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(mode=0o700, parents=True)
        problems = _fill(part, places)
        _write_manifest(part, at)
        check(part)
        part.rename(folder)
    except (OSError, sqlite3.Error, NewerState) as error:
        raise BackupUnusable(f"the backup {folder} could not be made: {error}") from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return _described(folder, tuple(problems))


def check(folder: Path) -> Backup:
    """Read the whole backup in ``folder`` and see that everything in it is as it was written.

    Raises :class:`BackupUnusable` with a sentence for the first thing that is not.
    """
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        form, files = int(manifest["form"]), dict(manifest["files"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BackupUnusable(f"{folder} holds no backup: {MANIFEST} is not there, or is none") from error
    if form != FORM or STATE not in files:
        raise BackupUnusable(f"{folder} is no backup of this version's form ({FORM})")
    for name, told in files.items():
        _check_file(folder, name, told)
    for name in (STATE, HISTORY):
        if name in files:
            _check_database(folder / name)
    try:
        return _described(folder)
    except (NewerState, sqlite3.Error) as error:
        raise BackupUnusable(f"{folder / STATE} cannot be used: {error}") from error


def restore(folder: Path, places: Places, at: datetime, actor: Actor, reason: str) -> Restored:
    """Put the backup in ``folder`` in the place of what is there, which is kept beside it.

    The history is put back where the backup has one and ``places`` name where. Raises :class:`BackupUnusable`, and
    :class:`StateUnavailable` if somebody has the state open. Killed half-way, it is simply run again.
    """
    backup = check(folder)
    with closing(open_reader(folder / STATE)) as db:
        if wrong := audit.verify(db):
            raise BackupUnusable(f"the record of who did what is not whole in {folder}: {wrong[0]}")
    databases = [(places.history, HISTORY), (places.state, STATE)] if backup.history else [(places.state, STATE)]
    try:
        with serving_lock(places.state):
            _put_evidence(folder, places.evidence)
            replaced = [spoilt.replace(path, folder / name, REPLACED) for path, name in databases if path is not None]
    except sqlite3.OperationalError as error:
        raise StateUnavailable(f"somebody has the files open; stop every `triage` first ({error})") from error
    except (OSError, sqlite3.Error) as error:
        raise BackupUnusable(f"the backup {folder} could not be put back: {error}") from error
    with State(places.state) as state:
        state.write(lambda db: _record(db, backup, at, actor, reason))
    return Restored(backup, tuple(each for each in replaced if each is not None))


# ------------------------------------------------------------------------------------------------ written


def _fill(part: Path, places: Places) -> list[str]:
    copy(places.state, part / STATE)
    with closing(open_reader(part / STATE)) as db:
        schema_of(db)
        problems = audit.verify(db)
        problems += _copy_evidence(db, Shelf(places.evidence), Shelf(part / EVIDENCE))
    if places.history is not None:
        if not places.history.is_file():
            raise BackupUnusable(f"there is no history {places.history}: leave --with-history out")
        copy(places.history, part / HISTORY)
    return problems


def _copy_evidence(db: Database, source: Shelf, target: Shelf) -> list[str]:
    """Copy every piece that the state knows of; a sentence for each that is gone or was changed."""
    problems = []
    for case, piece in every_piece(db):
        try:
            target.put(case, piece.name, source.read(case, piece))
        except EvidenceSpoilt as spoiled:
            problems.append(str(spoiled))
    return problems


def _write_manifest(part: Path, at: datetime) -> None:
    files = {
        str(file.relative_to(part)): {"sha256": _hash(file), "size": file.stat().st_size}
        for file in sorted(part.rglob("*"))
        if file.is_file()
    }
    with open(part / MANIFEST, "x", encoding="utf-8", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
        json.dump({"form": FORM, "made_at": rfc3339(at), "files": files}, file, indent=1)
        file.flush()
        os.fsync(file.fileno())


# --------------------------------------------------------------------------------------------------- read


def _check_file(folder: Path, name: str, told: Mapping[str, Any]) -> None:
    file = folder / name
    # A manifest is read before it is trusted: no name in it may lead out of the folder.
    if ".." in Path(name).parts or Path(name).is_absolute() or file.is_symlink() or not file.is_file():
        raise BackupUnusable(f"{name} is missing from the backup {folder}")
    if _hash(file) != told.get("sha256"):
        raise BackupUnusable(f"{file} is not what was backed up: it was changed, or the disk lost some of it")


def _check_database(file: Path) -> None:
    try:
        with closing(open_reader(file)) as db:
            wrong = damage(db)
    except sqlite3.Error as error:
        wrong = str(error)
    if wrong is not None:
        raise BackupUnusable(f"{file} is damaged: {wrong}")


def _described(folder: Path, problems: tuple[str, ...] = ()) -> Backup:
    manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    with closing(open_reader(folder / STATE)) as db:
        schema = schema_of(db)
        cases = int(db.execute("SELECT count(*) FROM cases").fetchone()[0])
        entries, head = audit.head(db)
    return Backup(
        folder,
        manifest["made_at"],
        schema,
        cases,
        entries,
        head,
        len(manifest["files"]),
        sum(int(told["size"]) for told in manifest["files"].values()),
        HISTORY in manifest["files"],
        problems,
    )


def _hash(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


# ------------------------------------------------------------------------------------------------ put back


def _put_evidence(folder: Path, evidence: Path) -> None:
    with closing(open_reader(folder / STATE)) as db:
        source, target = Shelf(folder / EVIDENCE), Shelf(evidence)
        for case, piece in every_piece(db):
            try:
                target.read(case, piece)
            except EvidenceSpoilt:
                # What was missing already when the backup was made was said then.
                with suppress(EvidenceSpoilt):
                    target.put(case, piece.name, source.read(case, piece))


def _record(db: Database, backup: Backup, at: datetime, actor: Actor, reason: str) -> None:
    audit.append(
        db,
        actor=actor,
        operation="restore",
        target=f"backup of {backup.made_at}",
        result="restored",
        at=at,
        reason=reason,
        after={"entries": str(backup.entries), "head": backup.head},
    )
