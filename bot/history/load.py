"""CloudTrail files → the history: what `triage ingest` does, and what `triage history` tells.

Loading the same files again changes nothing. Batches are committed as they come and a file is marked as read in the
transaction of its last batch, so a killed load is simply run again.
"""

from __future__ import annotations

import gc
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TypeVar

from bot.database import sqlite3
from bot.history import packing
from bot.history.batch import Batch, Manner
from bot.history.coverage import Place, covered
from bot.history.decoders import decoded
from bot.history.decoding import batches
from bot.history.files import log_files
from bot.history.moments import moment
from bot.history.schema import DAY
from bot.history.sources import Log, LogFile, Piped, Source, fetched_ahead
from bot.history.sqlite import SqliteHistory
from bot.history.writing import HistoryWriter
from bot.model import Coverage, HistoryUnavailableError, Span

STDIN = Path("-")
_PORTION = 5_000
"""Logs at a time of those that are not files: what is known of each is held until it is read."""

L = TypeVar("L", bound=Source)
Portion = tuple[Sequence[L], bool]
"""Some logs, and whether they are the last."""


@dataclass(frozen=True, slots=True)
class SetAside:
    """Records (or a whole file) that could not be taken; ``line`` is the first one's, in JSON lines."""

    file: str
    line: int | None
    reason: str
    count: int


@dataclass(frozen=True, slots=True)
class HistoryReport:
    """What a history holds. ``keys`` and ``principals`` are counts, ``events`` are unique records."""

    events: int
    duplicates: int
    files: int
    accounts: tuple[str, ...]
    keys: int
    principals: int
    searched: Coverage | None
    set_aside: tuple[SetAside, ...]


@dataclass(frozen=True, slots=True)
class LoadReport(HistoryReport):
    """What one load read. ``events`` were not held before, ``duplicates`` were (or came twice in this load)."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a load is: files read to their end, and all of them; records read or known from before."""

    files: int
    of_files: int | None
    """``None`` while the files are still being listed."""
    records: int


Watch = Callable[[Progress], None]


def load_paths(history: SqliteHistory, paths: Sequence[Path], progress: Watch = lambda _: None) -> LoadReport:
    """Load files, folders, what patterns match, and ``-`` for standard input into ``history``; it is made if missing.

    A file that was read to its end before, all of it, and has not changed since, is not read again: its records count
    as duplicates. ``progress`` is called after every transaction.

    Never raises for what is in a file. Raises ``HistoryUnavailableError`` if the history cannot be written,
    ``bot.history.decoders.DecoderLost`` if a process that helps was ended: the load is then run again.
    """
    with _with_stdin(paths) as (given, piped):
        files = [*piped, *(LogFile(path) for path in log_files(given))]
        return _load(history, lambda: closing(HistoryWriter(history.path)), [(files, True)], decoded, progress)


def load_logs(history: SqliteHistory, logs: Iterable[Log], progress: Watch = lambda _: None) -> LoadReport:
    """Load logs that are not files here into ``history``: see :meth:`Loader.load`."""
    with closing(Loader(history)) as loader:
        return loader.load(logs, progress)


class Loader:
    """Loads logs that are not files here: objects in a bucket, and what a queue delivered. For one thread.

    Between two loads it remembers what it has touched of the history, so that a little of it now and then costs little.
    """

    def __init__(self, history: SqliteHistory) -> None:
        self._history = history
        self._writer: HistoryWriter | None = None
        self._opened: tuple[int, int] | None = None

    def load(self, logs: Iterable[Log], progress: Watch = lambda _: None) -> LoadReport:
        """Load ``logs``; they are taken from their source some thousands at a time.

        An object that was read to its end before, all of it, and has the same size and version is not fetched again:
        its records count as duplicates. What could not be fetched is set aside, and tried again by the next load that
        names it. Everything is committed when this returns.

        Never raises for what is in a log. Raises ``HistoryUnavailableError`` if the history cannot be written, what
        ``logs`` raises, and what a ``fetch`` raises but ``bot.history.sources.Unfetched``: the load is then run again.
        """
        try:
            return _load(self._history, self._at_hand, _portions(logs), _fetching, progress)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let the history go; a later load takes it up again."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    @contextmanager
    def _at_hand(self) -> Iterator[HistoryWriter]:
        """The writer, a new one where the file is no longer the one that it writes."""
        if self._writer is None or _inode(self._history.path) != self._opened:
            self.close()
            self._writer = HistoryWriter(self._history.path)
            self._opened = _inode(self._history.path)
        yield self._writer


def _inode(path: Path) -> tuple[int, int] | None:
    try:
        known = path.stat()
    except OSError:
        return None
    return known.st_dev, known.st_ino


def _fetching(unread: Sequence[Log]) -> Iterator[Batch]:
    return batches(fetched_ahead(unread))


def _portions(logs: Iterable[L]) -> Iterator[Portion[L]]:
    rest = iter(logs)
    while portion := list(islice(rest, _PORTION)):
        yield portion, len(portion) < _PORTION


@contextmanager
def _with_stdin(paths: Sequence[Path]) -> Iterator[tuple[Sequence[Path], Sequence[Piped]]]:
    """The paths without ``-``, and what comes on standard input: as a file, for the time of the load."""
    if STDIN not in paths:
        yield paths, ()
        return
    with tempfile.TemporaryDirectory() as folder:
        spooled = Path(folder) / "stdin"
        with spooled.open("wb") as file:
            shutil.copyfileobj(sys.stdin.buffer, file)
        yield [path for path in paths if path != STDIN], [Piped(spooled)]


@contextmanager
def _no_cycle_collection() -> Iterator[None]:
    """A load makes millions of small objects and no cycles: looking for those takes a fifth of its time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _load(
    history: SqliteHistory,
    open_writer: Callable[[], AbstractContextManager[HistoryWriter]],
    portions: Iterable[Portion[L]],
    decode: Callable[[Sequence[L]], Iterator[Batch]],
    progress: Watch,
) -> LoadReport:
    started = time.monotonic()
    run = _Run()
    try:
        with open_writer() as writer, _no_cycle_collection():
            listed = 0
            for logs, last in portions:
                listed += len(logs)
                unread = [log for log in logs if not run.skipped(writer, log)]
                progress(run.progress(listed if last else None))
                for batch in decode(unread):
                    run.saw(batch, writer.store(batch))
                    progress(run.progress(listed if last else None))
    except sqlite3.Error as error:
        raise HistoryUnavailableError(f"the history {history.path} could not be written: {error}") from error
    return run.report(time.monotonic() - started, history)


_LONG_AGO = -(2**62)

_ACCOUNTS = """SELECT DISTINCT a.value FROM place_day w JOIN place p ON p.id = w.place JOIN text a ON a.id = p.account
    WHERE a.value <> '' ORDER BY 1"""
_COUNTS = """SELECT (SELECT coalesce(sum(count), 0) FROM use), count(DISTINCT key), count(DISTINCT principal)
    FROM manner m WHERE EXISTS (SELECT 1 FROM use u WHERE u.manner = m.id)"""


def describe(history: SqliteHistory) -> HistoryReport:
    """What the whole history holds. Raises ``HistoryUnavailableError``."""
    events, keys, principals = history.rows(_COUNTS)[0]
    files, records = history.rows("SELECT count(*), coalesce(sum(records), 0) FROM file WHERE done")[0]
    gone, read_of_gone = history.rows("SELECT events, records FROM retired")[0]
    accounts = history.rows(_ACCOUNTS)
    aside = history.rows(
        "SELECT path, line, reason, count FROM set_aside JOIN file ON file.id = set_aside.file ORDER BY 1, 2, 3"
    )
    return HistoryReport(
        events=events,
        duplicates=max(0, records + read_of_gone - events - gone),
        files=files,
        accounts=tuple(row[0] for row in accounts),
        keys=keys,
        principals=principals,
        searched=_everything(history),
        set_aside=tuple(SetAside(*row) for row in aside),
    )


def _everything(history: SqliteHistory) -> Coverage | None:
    span = history.span()
    return history.coverage(span) if span else None


@dataclass
class _Run:
    """What one load has read so far."""

    records: int = 0
    added: int = 0
    files: int = 0
    keys: set[str] = field(default_factory=set)
    principals: set[str] = field(default_factory=set)
    places: dict[tuple[str, str], int] = field(default_factory=dict)
    oldest: int | None = None
    set_aside: list[SetAside] = field(default_factory=list)

    def skipped(self, writer: HistoryWriter, log: Source) -> bool:
        """Whether a log need not be read again; if so it counts as read."""
        records = writer.finished(log.name, *log.identity)
        if records is not None:
            self.files += 1
            self.records += records
        return records is not None

    def saw(self, batch: Batch, added: int) -> None:
        self.added += added
        self.records += batch.records
        self.files += sum(file.done for file in batch.files)
        self.set_aside += [SetAside(file.path, *entry) for file in batch.files for entry in file.set_aside]
        for (day, manner), packed in zip(batch.uses, batch.packed, strict=True):
            if packed:
                self._saw(day, batch.manners[manner], packed[: packing.KEY], packed[-packing.ENTRY :])
        for each in batch.related:
            day, manner = batch.uses[each.use]
            self._saw(day, batch.manners[manner], each.entry, each.entry)

    def _saw(self, day: int, manner: Manner, first: bytes, last: bytes) -> None:
        """Note events of a day, from the first to the last."""
        if manner.key:
            self.keys.add(manner.key)
        self.principals.add(manner.principal)
        place, start = (manner.account, manner.region), day * DAY
        newest, oldest = self.places.get(place), self.oldest
        if newest is None or newest < start + DAY:
            self.places[place] = max(newest or _LONG_AGO, start + packing.second_of(last))
        if oldest is None or oldest > start:
            at = start + packing.second_of(first)
            self.oldest = at if oldest is None else min(oldest, at)

    def progress(self, of_files: int | None) -> Progress:
        return Progress(self.files, of_files, self.records)

    def report(self, seconds: float, history: SqliteHistory) -> LoadReport:
        return LoadReport(
            events=self.added,
            duplicates=self.records - self.added,
            files=self.files,
            accounts=tuple(sorted({account for account, _ in self.places if account})),
            keys=len(self.keys),
            principals=len(self.principals),
            searched=self._searched() or _everything(history),
            set_aside=tuple(self.set_aside),
            seconds=round(seconds, 3),
        )

    def _searched(self) -> Coverage | None:
        if self.oldest is None:
            return None
        places = [Place(account, region, moment(at)) for (account, region), at in self.places.items()]
        span = Span(moment(self.oldest), moment(max(self.places.values())))
        return covered(span, span, places, unread=sum(each.count for each in self.set_aside), unfinished=0)
