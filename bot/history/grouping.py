"""Records → the groups of a batch: events that differ in nothing that is kept but their second and id.

Most records of a log are like an earlier one. So what a record's caller, client, address and call come to in normal
form is worked out once and remembered: a record that says the same of all of them takes one look. Those that cannot be
told so (an error, whose message differs every time; an IAM call, of which more is kept) have their caller remembered;
all others go the way of ``bot.history.normal``, which is also what defines the answer.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import islice, repeat
from typing import Any

from bot.history import raw
from bot.history.batch import Batch, FileRead, Manner, Related, day_and_second, manner_of
from bot.history.details import detail_of, has_detail, text_of
from bot.history.kept import Kept, packed
from bot.history.normal import event_name, minted_key, mints, reading_of
from bot.history.outcome import SIGN_IN_NAME, outcome_of
from bot.history.packing import beginning, entry, packed_id, uuids_bytes
from bot.history.raw import Brief, UnreadableError
from bot.model import Outcome

_REMEMBERED = 20_000
_EPOCH = date(1970, 1, 1)
_BEGINNINGS = {
    f"T{hour:02}:{minute:02}:{second:02}Z": beginning((hour * 60 + minute) * 60 + second, uuid=True)
    for hour in range(24)
    for minute in range(60)
    for second in range(60)
}
"""The second of a time as written → how the entry of such an event begins."""

Told = tuple[object, ...]
"""What decides a manner, as the record writes it."""
Append = Callable[[bytes], None]
Glance = tuple[Told, bytes]
"""The same of a record of which no more is kept: what it says in strings, and its caller as JSON."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Records in nothing unusual, in their order, each with its position and line in the log."""

    records: Sequence[Brief]
    positions: Sequence[int]
    lines: Iterable[int | None] = field(default_factory=lambda: repeat(None))


@dataclass(frozen=True, slots=True)
class Single:
    """A record that is read as a whole; its ``text`` where the history is to keep it."""

    record: raw.Record
    position: int
    line: int | None
    text: bytes | None


class Tally:
    """What was taken of one log, and what was not and why."""

    def __init__(self) -> None:
        self.taken = 0
        self._newest = ""
        self._counts: Counter[str] = Counter()
        self._lines: dict[str, int | None] = {}

    def take(self, records: int, newest: str) -> None:
        """``newest`` is a UTC day, as in ``2026-11-23``."""
        self.taken += records
        self._newest = max(self._newest, newest)

    def leave(self, line: int | None, reason: str) -> None:
        self._counts[reason] += 1
        self._lines.setdefault(reason, line)

    def set_aside(self) -> list[tuple[int | None, str, int]]:
        """The first line, the reason and the count of what was left."""
        return [(self._lines[reason], reason, times) for reason, times in sorted(self._counts.items())]

    def newest_day(self) -> int | None:
        return (date.fromisoformat(self._newest) - _EPOCH).days if self._newest else None


def _nowhere(_: bytes) -> None:
    raise AssertionError("no day is at hand yet")


@dataclass(slots=True)
class DayOfBatch:
    """A UTC day in one batch."""

    day: int


@dataclass(slots=True)
class Met:
    """A glance that was met before: its manner, and where the entries of the day that is at hand go."""

    manner: Manner
    at: DayOfBatch | None = None
    append: Append = _nowhere


class Memory:
    """What records told → its manner, for as many as may be remembered. Outlives a batch."""

    def __init__(self) -> None:
        self.met: dict[Glance, Met] = {}
        self._manners: dict[Told, Manner] = {}
        self._same: dict[Hashable, Any] = {}
        self._days: dict[str, int] = {}

    def learn(self, glance: Glance, manner: Manner) -> None:
        """What is told so has this manner, always."""
        if len(self.met) >= _REMEMBERED:
            self.met.clear()
        self.met[self._kept(glance)] = Met(manner)

    def manner(self, told: Told, found: Brief) -> Manner:
        """Raises ``UnreadableError``."""
        manner = self._manners.get(told)
        if manner is None:
            manner = manner_of(reading_of(raw.whole(found)).event)
            if len(self._manners) >= _REMEMBERED:
                self._manners.clear()
            self._manners[self._kept(told)] = manner
        return manner

    def day(self, text: str) -> int | None:
        day = self._days.get(text)
        if day is None:
            try:
                day = (date.fromisoformat(text) - _EPOCH).days
            except ValueError:
                return None
            if len(self._days) < _REMEMBERED:
                self._days[text] = day
        return day

    def _kept(self, told: Any) -> Any:
        """The same with each of its strings kept once."""
        if isinstance(told, tuple):
            return tuple(self._kept(each) for each in told)
        if len(self._same) >= _REMEMBERED:
            self._same.clear()
        return self._same.setdefault(told, told)


@dataclass
class Groups:
    """A batch that is being filled. Records belong to the log that follows the last of ``files``."""

    events: int = 0
    files: list[FileRead] = field(default_factory=list)
    _related: list[Related] = field(default_factory=list)
    _odd_ids: list[tuple[bytes, str]] = field(default_factory=list)
    _minted: list[tuple[int, bytes, str]] = field(default_factory=list)
    _kept: list[Kept] = field(default_factory=list)
    _manners: dict[Manner, int] = field(default_factory=dict)
    _uses: dict[tuple[int, int], int] = field(default_factory=dict)
    _packed: list[list[bytes]] = field(default_factory=list)
    _days: dict[str, DayOfBatch] = field(default_factory=dict)

    def finished(self) -> Batch:
        entries = [b"".join(sorted(each)) for each in self._packed]
        return Batch(
            *(self.files, list(self._manners), list(self._uses), entries),
            *(self._related, self._odd_ids, self._minted, self._kept),
        )

    def add(self, found: Stretch | Single, tally: Tally, memory: Memory) -> None:
        if isinstance(found, Single):
            try:
                self._take_whole(found, tally)
            except UnreadableError as reason:
                tally.leave(found.line, str(reason))
        else:
            self._add_stretch(found, tally, memory)

    def _add_stretch(self, found: Stretch, tally: Tally, memory: Memory) -> None:
        """Take each record at a glance, if one like it was seen on that day of this batch, else by a closer look.

        What is done for every record is done by columns: it is most of the time of a load.
        """
        records = found.records
        times = [record.event_time or "" for record in records]
        ids = uuids_bytes([record.event_id for record in records])
        glances = list(zip(map(raw.told_of, records), [bytes(record.identity) for record in records], strict=True))
        starts = [_BEGINNINGS.get(time[10:]) for time in times]
        closer: Iterable[int] = range(len(records))
        if None not in ids and None not in starts:
            file = self._file()
            places = [file + position.to_bytes(4, "big") for position in found.positions]
            entries = list(map(b"".join, zip(starts, ids, places, strict=True)))  # type: ignore[arg-type] # none is None
            closer = self._glance(_by_day(times), glances, entries, memory)
            tally.take(len(records) - len(closer), max(times)[:10])
            self.events += len(records) - len(closer)
        lines = list(islice(found.lines, len(records)))
        for number in closer:
            record, event_id, position = records[number], ids[number], found.positions[number]
            try:
                if not self._look_closer(record, glances[number], event_id, position, memory):
                    self._take_whole(Single(raw.whole(record), position, lines[number], None), tally)
                else:
                    self._took(tally, 1, times[number][:10])
            except UnreadableError as reason:
                tally.leave(lines[number], str(reason))

    def _glance(
        self, days: Mapping[str, Sequence[int]], glances: Sequence[Glance], entries: Sequence[bytes], memory: Memory
    ) -> list[int]:
        """Take the records that are like an earlier one; returns which are not."""
        unlike: list[int] = []
        known = memory.met.get
        for text, numbers in days.items():
            day = self._day(text, memory)
            if day is None:
                unlike += numbers
                continue
            for number in numbers:
                met = known(glances[number])
                if met is not None and met.at is day:
                    met.append(entries[number])
                elif met is None or mints(met.manner.name):
                    unlike.append(number)
                else:
                    met.at, met.append = day, self._packed[self._use(day.day, met.manner)].append
                    met.append(entries[number])
        return unlike

    def _day(self, text: str, memory: Memory) -> DayOfBatch | None:
        day = self._days.get(text)
        if day is None and (number := memory.day(text)) is not None:
            day = self._days[text] = DayOfBatch(number)
        return day

    def _look_closer(self, found: Brief, glance: Glance, event_id: bytes | None, position: int, memory: Memory) -> bool:
        """Take a record without its nested parts, but for what is kept of them; ``False`` if it must be read whole."""
        time = found.event_time or ""
        start, day = _BEGINNINGS.get(time[10:]), memory.day(time[:10])
        if start is None or day is None or event_id is None:
            return False
        met = memory.met.get(glance)
        manner = met.manner if met is not None else _closely(found, glance, memory)
        if manner is None:
            return False
        alike = self._packed[self._use(day, manner)]
        if mints(manner.name):
            self._mint(day, event_id, minted_key(raw.response_of(found), manner.name))
        alike.append(start + event_id + self._file() + position.to_bytes(4, "big"))
        return True

    def _take_whole(self, found: Single, tally: Tally) -> None:
        """Raises ``UnreadableError``."""
        reading = reading_of(found.record)
        event = reading.event
        (day, second), (event_id, uuid) = day_and_second(event), packed_id(event.id)
        if found.text is not None and (text := packed(found.text)) is not None:
            self._kept.append(Kept(day, event_id, text, reading.amended_by is not None))
        use, made = (
            self._use(day, manner_of(event)),
            entry(second, event_id, len(self.files), found.position, uuid=uuid),
        )
        if not uuid:
            self._odd_ids.append((event_id, event.id))
        if reading.shared_id or reading.amended_by:
            self._related.append(Related(use, made, reading.shared_id, reading.amended_by, reading.home))
        else:
            self._packed[use].append(made)
        self._mint(day, event_id, event.minted)
        self._took(tally, 1, event.at.date().isoformat())

    def _mint(self, day: int, event_id: bytes, key: str | None) -> None:
        if key is not None:
            self._minted.append((day, event_id, key))

    def _took(self, tally: Tally, records: int, newest: str) -> None:
        self.events += records
        tally.take(records, newest)

    def _file(self) -> bytes:
        return len(self.files).to_bytes(4, "big")

    def _use(self, day: int, manner: Manner) -> int:
        number = self._manners.setdefault(manner, len(self._manners))
        use = self._uses.setdefault((day, number), len(self._uses))
        if use == len(self._packed):
            self._packed.append([])
        return use


def _closely(found: Brief, glance: Glance, memory: Memory) -> Manner | None:
    """The manner of a record; ``None`` if other records bear on it, it is no call, or more of it is kept."""
    if found.shared_id or found.addendum or found.event_name == SIGN_IN_NAME or found.event_category == "Insight":
        return None
    name = event_name(found.event_source or "", found.event_name or "")
    outcome = outcome_of(found.error_code, found.error_message)
    detail = _detail(found, name, outcome)
    told = (
        *(found.event_source, found.event_name, found.region, found.source, found.user_agent, found.error_code),
        *(outcome, found.recipient, detail, glance[1]),
    )
    manner = memory.manner(told, found)
    if not has_detail(name, outcome) and not found.error_message:
        memory.learn(glance, manner)
    return manner


def _detail(found: Brief, name: str, outcome: Outcome) -> str | None:
    if not has_detail(name, outcome):
        return None
    return text_of(detail_of(name, outcome, found.error_message, raw.request_of(found)))


def _by_day(times: Sequence[str]) -> Mapping[str, Sequence[int]]:
    """The positions of the times of each day. Those of one log are most often of one."""
    day = min(times)[:10]
    if day == max(times)[:10]:
        return {day: range(len(times))}
    days = defaultdict[str, list[int]](list)
    for number, time in enumerate(times):
        days[time[:10]].append(number)
    return days
