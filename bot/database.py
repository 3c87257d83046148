"""The one module that imports SQLite, and the only way to open a connection.

``pysqlite3`` (a current SQLite in a wheel) is taken where it is installed: SQLite before 3.51.3 can corrupt a WAL
database that two connections reset at once, and distributions still ship older ones.
"""

from __future__ import annotations

import importlib
import os
from contextlib import closing
from pathlib import Path
from types import ModuleType

from sqlite_utils import Database

from bot.disks import network_disk

__all__ = [
    "Database",
    "copy",
    "damage",
    "is_damage",
    "open_reader",
    "open_writer",
    "safe_for_two_writers",
    "sqlite3",
    "storable",
]


def _driver() -> ModuleType:
    try:
        return importlib.import_module("pysqlite3.dbapi2")
    except ImportError:
        return importlib.import_module("sqlite3")


sqlite3 = _driver()

WAL_RESET_FIXED = (3, 51, 3)


def safe_for_two_writers() -> bool:
    """False where this SQLite has the WAL-reset bug, so that a second writing process must be refused."""
    return tuple(sqlite3.sqlite_version_info) >= WAL_RESET_FIXED


def open_writer(path: Path, *, synchronous: str = "FULL") -> Database:
    """The writing connection: WAL, autocommit off the driver's hands (callers say ``BEGIN IMMEDIATE`` themselves).

    Raises ``sqlite3.DatabaseError`` if ``path`` is not a database, ``sqlite3.OperationalError`` if it cannot be
    opened, or stands on a disk of another machine.
    """
    if kind := network_disk(path):
        sentence = f"it stands on {kind}, where SQLite's locks do not hold: name a path on a disk of this machine"
        raise sqlite3.OperationalError(sentence)
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(str(path), isolation_level=None, timeout=10.0, check_same_thread=False)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute(f"PRAGMA synchronous = {synchronous}")
    connection.execute("PRAGMA foreign_keys = ON")
    return Database(connection)


def open_reader(path: Path) -> Database:
    """A read-only connection; it never blocks on a writer and never creates the file."""
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None, timeout=10.0, check_same_thread=False
    )
    connection.execute("PRAGMA query_only = ON")
    return Database(connection)


def copy(source: Path, target: Path) -> None:
    """Write the database ``source`` as it is at one moment to ``target``, one file, on disk once this returns.

    Others may go on reading and writing. Raises ``sqlite3.Error``, ``OSError``; then nothing of ``target`` is left.
    """
    try:
        _copy(source, target)
    except BaseException:
        target.unlink(missing_ok=True)
        raise


def _copy(source: Path, target: Path) -> None:
    # Nobody but us may read it, from the first byte on.
    os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    with closing(open_reader(source)) as reader, closing(sqlite3.connect(str(target), isolation_level=None)) as writer:
        # All pages in one step: a reader of WAL holds nobody up, and the copy begins anew at no write of others.
        reader.conn.backup(writer, pages=-1)
        writer.execute("PRAGMA journal_mode = DELETE")
    with target.open("rb") as written:
        os.fsync(written.fileno())


def damage(db: Database, *, quick: bool = False) -> str | None:
    """What SQLite finds wrong with a whole database, its first word; ``quick``: without comparing its indexes."""
    try:
        found = db.execute(f"PRAGMA {'quick_check' if quick else 'integrity_check'}(1)").fetchone()[0]
    except sqlite3.DatabaseError as error:
        if not is_damage(error):
            raise
        return str(error)
    return None if found == "ok" else str(found).replace("\n", " ")


def is_damage(error: Exception) -> bool:
    """Whether SQLite says of a file that it is broken or no database, and not that it cannot be had just now."""
    return isinstance(error, sqlite3.DatabaseError) and not isinstance(error, sqlite3.OperationalError)


def storable(text: str, longest: int) -> str:
    """At most ``longest`` characters, without lone surrogates: JSON from outside can hold them, SQLite raises."""
    return text[:longest].encode("utf-8", "replace").decode()
