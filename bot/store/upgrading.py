"""A state file of an earlier version, brought up to date: a copy of it first, then all of its migrations or none.

https://www.sqlite.org/lang_transaction.html: tables and indexes are made in transactions like everything else.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import structlog

from bot.database import Database, copy
from bot.store.migrations import migrations

log = structlog.get_logger()

NAMES = tuple(each.name for each in migrations.pending(Database(memory=True)))
"""Every migration of this version, oldest first: an empty database has none of them."""


class NewerState(Exception):
    """The file was made by a later version; the message is a sentence."""


def schema_of(db: Database) -> str:
    """The newest migration that ``db`` has; empty if it has none. Raises :class:`NewerState`."""
    applied = [each.name for each in migrations.applied(db)]
    unknown = [each for each in applied if each not in NAMES]
    if unknown:
        raise NewerState(
            f"it was made by a newer version of this program ({unknown[-1]} is not known here): run that version,"
            " or restore a backup that was made before the upgrade"
        )
    return max(applied, key=NAMES.index, default="")


def is_behind(db: Database) -> bool:
    """Whether ``db`` was made by an earlier version, and is not empty."""
    return bool(schema_of(db)) and bool(migrations.pending(db))


def bring_up_to_date(writer: Database, path: Path) -> None:
    """Make every table that is not there yet. Of a file that is in use, a copy is made first and kept beside it.

    Raises :class:`NewerState`, ``sqlite3.Error``, ``OSError``; then the file is as it was.
    """
    before = schema_of(writer)
    if not migrations.pending(writer):
        return
    if before:
        kept = beside(path, f"before-{NAMES[-1]}")
        copy(path, kept)
        log.warning("the state file is of an earlier version and is brought up to date", before=before, copy=str(kept))
    writer.execute("BEGIN IMMEDIATE")
    try:
        migrations.apply(writer)
        writer.execute("COMMIT")
    except BaseException:
        if writer.conn.in_transaction:
            writer.execute("ROLLBACK")
        raise


def beside(path: Path, mark: str) -> Path:
    """A name beside ``path`` that says why it is there and since when, and that nothing has."""
    name = f"{path.name}.{mark}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    free = (path.with_name(name if not number else f"{name}-{number}") for number in range(1000))
    return next(each for each in free if not each.exists())
