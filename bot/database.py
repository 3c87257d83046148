"""The one module that imports SQLite, and the only way to open a connection.

``pysqlite3`` (a current SQLite in a wheel) is taken where it is installed: SQLite before 3.51.3 can corrupt a WAL
database that two connections reset at once, and distributions still ship older ones.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

from sqlite_utils import Database

__all__ = ["Database", "open_reader", "open_writer", "safe_for_two_writers", "sqlite3", "storable"]


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
    opened.
    """
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


def storable(text: str, longest: int) -> str:
    """At most ``longest`` characters, without lone surrogates: JSON from outside can hold them, SQLite raises."""
    return text[:longest].encode("utf-8", "replace").decode()
