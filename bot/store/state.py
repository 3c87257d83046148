"""The state file: one writing thread, any number of readers.

Everything that belongs together is one function handed to :meth:`State.write`: it runs alone, inside one
``BEGIN IMMEDIATE`` transaction with ``synchronous=FULL``, and its result is returned only after the commit. What the
caller was told is therefore on disk.
"""

from __future__ import annotations

import fcntl
import queue
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, nullcontext
from contextvars import Context, copy_context
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from bot.database import Database, open_reader, open_writer, sqlite3
from bot.store import spoilt
from bot.store.migrations import migrations
from bot.store.upgrading import NewerState, bring_up_to_date, is_behind

Result = TypeVar("Result")
_Change = tuple[Callable[[Database], Any], Future[Any]]
TELL_SECONDS = 0.02
"""Those who wait for commits are woken no more often: each wakes to ask the file, and there are two dozen of them."""
TELL: _Change = (lambda _: None, Future())
"""Stands for no change: it is time to wake them."""


class StateUnavailable(Exception):
    """The state file could not be written (disk full, locked, closed); nothing of the change was kept."""


class StateReader:
    """The bot's own state for somebody who only looks: nothing is made, moved on or locked."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._readers = threading.local()

    def read(self) -> Database:
        """This thread's read-only connection; sees every committed change."""
        if not hasattr(self._readers, "database"):
            self._readers.database = open_reader(self.path)
        database: Database = self._readers.database
        return database


def reader_of(path: Path) -> StateReader | None:
    """What a command may look up in ``path``; ``None`` where no bot of this version keeps its state."""
    if not path.is_file():
        return None
    reader = StateReader(path)
    try:
        return None if migrations.pending(reader.read()) else reader
    except sqlite3.Error:
        return None


class State(StateReader):
    """The bot's own state.

    ``exclusive=True`` takes the serving lock beside the file, so that one process alone runs jobs; readers and single
    changes from a terminal need no lock. Raises :class:`StateUnavailable` if another process has the lock, or if the
    file cannot be opened. A damaged file is moved aside by who serves, who begins with an empty one; :attr:`aside`
    says where it is.
    """

    def __init__(self, path: Path, *, exclusive: bool = False) -> None:
        super().__init__(path)
        self._lock = serving_lock(path) if exclusive else nullcontext()
        self._lock.__enter__()
        self._changes: queue.SimpleQueue[_Change | None] = queue.SimpleQueue()
        self._closed = False
        self.changed = threading.Condition()
        """Notified soon after every commit of this process: waiting workers look again."""
        try:
            self.aside = spoilt.move_aside(path) if exclusive else None
            writer = _opened(path, serving=exclusive)
        except BaseException as error:
            self._lock.__exit__(None, None, None)
            if isinstance(error, OSError | sqlite3.Error | NewerState):
                raise StateUnavailable(f"the state file {path} cannot be opened: {error}") from error
            raise
        self._thread = threading.Thread(target=self._write_all, args=(writer,), name="state-writer", daemon=True)
        self._thread.start()

    def write(self, change: Callable[[Database], Result]) -> Result:
        """Run ``change`` in a transaction of its own and return its result once that is committed.

        Whatever ``change`` raises is raised here and nothing is kept. Raises :class:`StateUnavailable` if SQLite
        could not begin or commit.
        """
        if self._closed:
            raise StateUnavailable("the state file is closed")
        done: Future[Result] = Future()
        # What a change logs says what its caller's thread would: which case it is about.
        self._changes.put((partial(_in_context, copy_context(), change), done))
        return done.result()

    def close(self) -> None:
        """Finish the changes already handed in, then close."""
        if not self._closed:
            self._closed = True
            self._changes.put(None)
            self._thread.join()
            self._lock.__exit__(None, None, None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _write_all(self, writer: Database) -> None:
        told, owed = float("-inf"), False
        while (item := self._next(told if owed else None)) is not None:
            if item is not TELL:
                owed = _carry_out(writer, *item) or owed
            if owed and time.monotonic() >= told + TELL_SECONDS:
                told, owed = time.monotonic(), False
                with self.changed:
                    self.changed.notify_all()
        writer.close()

    def _next(self, told: float | None) -> _Change | None:
        """The next change, or ``None`` to end; ``TELL`` once those who wait are owed a word since ``told``."""
        try:
            return self._changes.get(timeout=None if told is None else max(0.0, told + TELL_SECONDS - time.monotonic()))
        except queue.Empty:
            return TELL


def touch(db: Database) -> None:
    """Write a page that means nothing, as the least that shows whether the disk takes anything."""
    number = db.execute("PRAGMA user_version").fetchone()[0]
    db.execute(f"PRAGMA user_version = {(number + 1) % 2**31}")


def _opened(path: Path, *, serving: bool) -> Database:
    writer = open_writer(path)
    try:
        # Nobody may serve while its tables change: an older version would not know them.
        with serving_lock(path) if is_behind(writer) and not serving else nullcontext():
            bring_up_to_date(writer, path)
    except BaseException:
        writer.close()
        raise
    return writer


def _in_context(context: Context, change: Callable[[Database], Result], db: Database) -> Result:
    return context.run(change, db)


def _carry_out(writer: Database, change: Callable[[Database], Any], done: Future[Any]) -> bool:
    """Whether it was committed; whoever handed it in is told either way."""
    try:
        done.set_result(_in_transaction(writer, change))
    except sqlite3.Error as error:
        done.set_exception(StateUnavailable(f"the state file could not be written: {error}"))
    except BaseException as error:  # it belongs to the caller, and this thread must live on
        done.set_exception(error)
    else:
        return True
    return False


def _in_transaction(writer: Database, change: Callable[[Database], Result]) -> Result:
    writer.execute("BEGIN IMMEDIATE")
    try:
        result = change(writer)
        writer.execute("COMMIT")
    except BaseException:
        if writer.conn.in_transaction:
            writer.execute("ROLLBACK")
        raise
    return result


@contextmanager
def serving_lock(path: Path) -> Iterator[None]:
    """Hold what only one process can hold: the right to serve on the state file ``path``.

    Raises :class:`StateUnavailable` if another process has it, or if the folder cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = path.with_name(path.name + ".lock").open("w")
    except OSError as error:
        raise StateUnavailable(f"the folder of the state file {path} cannot be written: {error.strerror}") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise StateUnavailable(f"another `triage serve` is already running on {path}") from error
        yield
