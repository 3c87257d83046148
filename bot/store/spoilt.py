"""A damaged database: moved aside, never deleted, and spoken of as long as it lies there."""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path

import structlog

from bot.database import copy, damage, is_damage, open_reader, sqlite3
from bot.store.upgrading import beside

MARK = "damaged"

log = structlog.get_logger()


def damaged(path: Path, *, thorough: bool = True) -> str | None:
    """What is wrong with the database ``path``; ``None`` if nothing is, or if there is none.

    ``thorough``: every page is looked at, which takes a second for some 500 MB; else only what opening it needs.
    Raises ``sqlite3.OperationalError`` if it cannot be had just now.
    """
    if not path.exists() or not path.stat().st_size:
        return None
    try:
        with closing(open_reader(path)) as db:
            if thorough:
                return damage(db, quick=True)
            db.execute("SELECT count(*) FROM sqlite_master").fetchone()
            return None
    except sqlite3.DatabaseError as error:
        if not is_damage(error):
            raise
        return str(error)


def move_aside(path: Path, *, thorough: bool = True) -> Path | None:
    """Move the database ``path`` out of the way if it is damaged, with what SQLite keeps beside it; where it is now.

    Only for whoever alone may have it open. Raises ``OSError``, ``sqlite3.OperationalError``.
    """
    why = damaged(path, thorough=thorough)
    if why is None:
        return None
    target = beside(path, MARK)
    for suffix in ("-wal", "-shm", ""):  # the database last: until then the next start finds it damaged still
        part = path.with_name(path.name + suffix)
        if part.exists():
            part.replace(target.with_name(target.name + suffix))
    log.error("a damaged database was moved aside; an empty one takes its place", file=str(target), why=why)
    return target


def sentences(path: Path) -> list[str]:
    """One for each database that was moved aside from ``path`` and still lies there."""
    parts = path.parent.glob(f"{path.name}.{MARK}-*")
    return [
        f"{path.name} was damaged: it lies at {each} since, and an empty one took its place."
        " Restore a backup, or delete that file once nothing of it is needed"
        for each in sorted(parts)
        if not each.name.endswith(("-wal", "-shm"))
    ]


def replace(path: Path, source: Path, mark: str) -> Path | None:
    """Put a copy of the database ``source`` in the place of ``path``; where the old one is now, if there was one.

    Killed at any point, ``path`` is the old or the new one. Nobody may have ``path`` open: raises
    ``sqlite3.OperationalError`` if somebody has; ``OSError``.
    """
    new, old = path.with_name(f"{path.name}.new"), None
    new.unlink(missing_ok=True)
    copy(source, new)
    if path.exists():
        _alone(path)
        old = beside(path, mark)
        os.link(path, old)
        for suffix in ("-wal", "-shm"):
            part = path.with_name(path.name + suffix)
            if part.exists():
                part.replace(old.with_name(old.name + suffix))
    new.replace(path)
    _flush(path.parent)
    return old


def _alone(path: Path) -> None:
    """See that nobody else has ``path`` open, and have its log written into it: a mode that only one can set."""
    try:
        with closing(sqlite3.connect(str(path), isolation_level=None, timeout=0.0)) as db:
            db.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.DatabaseError as error:
        if not is_damage(error):
            raise


def _flush(folder: Path) -> None:
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
