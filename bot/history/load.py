"""CloudTrail files → the history: what `triage ingest` does, and what `triage history` tells.

Loading the same files again changes nothing. Batches are committed as they come and a file is marked as read in the
transaction of its last batch, so a killed load is simply run again.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from pathlib import Path

from bot.history.coverage import Place, covered
from bot.history.files import Broken, RawRecord, log_files, raw_records
from bot.history.normal import Reading, reading_of
from bot.history.raw import UnreadableError, decode
from bot.history.sqlite import SqliteHistory
from bot.history.writing import HistoryWriter
from bot.model import Coverage, Event, Span

BATCH = 20_000

Positioned = tuple[int, Reading]
"""A reading, and where in its file its record stands."""


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


def load_paths(history: SqliteHistory, paths: Sequence[Path]) -> LoadReport:
    """Load files and folders into ``history``, which is made if it is not there.

    Never raises for what is in a file. Raises ``sqlite3.Error`` (of ``bot.database``) if the history cannot be
    written.
    """
    started = time.monotonic()
    writer = HistoryWriter(history.path)
    run = _Run()
    try:
        for path in log_files(paths):
            _load_file(writer, path, run)
    finally:
        writer.close()
    return run.report(time.monotonic() - started)


def describe(history: SqliteHistory) -> HistoryReport:
    """What the whole history holds. Raises ``HistoryUnavailableError``."""
    events, keys, principals = history.rows(
        "SELECT count(*), count(DISTINCT key), count(DISTINCT principal) FROM event"
    )[0]
    files, records = history.rows("SELECT count(*), coalesce(sum(records), 0) FROM file WHERE done")[0]
    accounts = history.rows("SELECT value FROM text WHERE id IN (SELECT account FROM event) AND value <> '' ORDER BY 1")
    aside = history.rows(
        "SELECT path, line, reason, count FROM set_aside JOIN file ON file.id = set_aside.file ORDER BY 1, 2, 3"
    )
    return HistoryReport(
        events=events,
        duplicates=max(0, records - events),
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
    places: dict[tuple[str, str], datetime] = field(default_factory=dict)
    oldest: datetime | None = None
    set_aside: list[SetAside] = field(default_factory=list)

    def saw(self, event: Event) -> None:
        self.records += 1
        if event.key:
            self.keys.add(event.key)
        self.principals.add(event.principal.id)
        place = (event.account, event.region)
        self.places[place] = max(event.at, self.places.get(place, event.at))
        self.oldest = min(event.at, self.oldest or event.at)

    def report(self, seconds: float) -> LoadReport:
        return LoadReport(
            events=self.added,
            duplicates=self.records - self.added,
            files=self.files,
            accounts=tuple(sorted({account for account, _ in self.places if account})),
            keys=len(self.keys),
            principals=len(self.principals),
            searched=self._searched(),
            set_aside=tuple(self.set_aside),
            seconds=round(seconds, 3),
        )

    def _searched(self) -> Coverage | None:
        if self.oldest is None:
            return None
        places = [Place(account, region, at) for (account, region), at in self.places.items()]
        span = Span(self.oldest, max(self.places.values()))
        return covered(span, span, places, unread=sum(each.count for each in self.set_aside), unfinished=0)


def _load_file(writer: HistoryWriter, path: Path, run: _Run) -> None:
    name = os.fsencode(path).decode("utf-8", "replace")
    aside, taken = _Aside(), 0
    for batch, last in _batches(_readings(path, aside)):
        with writer.transaction():
            file = writer.begin_file(name)
            run.added += writer.add(file, batch)
            taken += len(batch)
            if last:
                writer.end_file(file, taken, aside.entries())
        for _, reading in batch:
            run.saw(reading.event)
    run.files += 1
    run.set_aside += [SetAside(name, *entry) for entry in aside.entries()]


def _batches(readings: Iterator[Positioned]) -> Iterator[tuple[list[Positioned], bool]]:
    """At least one batch, and whether it is the last."""
    batch = list(islice(readings, BATCH))
    while following := list(islice(readings, BATCH)):
        yield batch, False
        batch = following
    yield batch, True


class _Aside:
    """Reasons a file's records were set aside, each with its first line and how often."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._lines: dict[str, int | None] = {}

    def add(self, line: int | None, reason: str) -> None:
        self._counts[reason] += 1
        self._lines.setdefault(reason, line)

    def entries(self) -> list[tuple[int | None, str, int]]:
        return [(self._lines[reason], reason, count) for reason, count in sorted(self._counts.items())]


def _readings(path: Path, aside: _Aside) -> Iterator[Positioned]:
    for found in raw_records(path):
        reading = _reading(found, aside)
        if reading is not None and isinstance(found, RawRecord):
            yield found.position, reading


def _reading(found: RawRecord | Broken, aside: _Aside) -> Reading | None:
    if isinstance(found, Broken):
        aside.add(found.line, found.reason)
        return None
    try:
        return reading_of(decode(memoryview(found.text)))
    except UnreadableError as reason:
        aside.add(found.line, str(reason))
        return None
