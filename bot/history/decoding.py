"""Logs → batches of grouped events; the part of a load that needs no history file.

Most records of a log differ from an earlier one in nothing that is kept but their second and id. So what a record's
caller, client, address and call come to in normal form is worked out once and remembered; all others go the way of
``bot.history.normal``, which is also what defines the answer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from itertools import count

from bot.history import raw
from bot.history.batch import Batch, FileRead, Manner, Related, day_and_second, manner_of
from bot.history.content import Broken, Content
from bot.history.details import detail_of, has_detail, text_of
from bot.history.kept import Kept, packed
from bot.history.normal import Reading, event_name, minted_key, mints, reading_of
from bot.history.outcome import SIGN_IN_NAME, outcome_of
from bot.history.packing import entry, packed_id, uuid_bytes
from bot.history.raw import Brief, UnreadableError
from bot.history.sources import Source
from bot.model import Outcome

BATCH = 80_000
"""Events in a batch. Larger ones store faster (uses are touched less often) and take more memory."""

_REMEMBERED = 20_000
_FILES = 2_000
_SECONDS = {
    f"T{hour:02}:{minute:02}:{second:02}Z": (hour * 60 + minute) * 60 + second
    for hour in range(24)
    for minute in range(60)
    for second in range(60)
}
_EPOCH = date(1970, 1, 1)

Told = tuple[object, ...]
"""What decides a manner, as the record writes it."""


def batches(logs: Iterable[Source]) -> Iterator[Batch]:
    """Everything in the logs, in batches of about ``BATCH`` events; a large log is spread over several."""
    memory, batch = _Memory(), _Growing()
    for log in logs:
        read = _Reading(log)
        for found in read.records():
            batch.add(found, read, memory)
            if batch.events >= BATCH:
                batch.note(read, done=False)
                yield batch.finished()
                batch = _Growing()
        batch.note(read, done=True)
        if len(batch.files) >= _FILES:
            yield batch.finished()
            batch = _Growing()
    if batch.files:
        yield batch.finished()


class _Reading:
    """One log on its way; counts what was taken of it and what was set aside."""

    def __init__(self, log: Source) -> None:
        self.log = log
        self.size, self.changed = log.identity
        self.position = 0
        self.taken = 0
        self.begins = True
        self.newest = ""
        """The UTC day of its newest record so far, as in ``2026-11-23``."""
        self.line: int | None = None
        self.text: bytes | None = None
        """The JSON text of the record in hand, where the history is to keep it."""
        self._counts: Counter[str] = Counter()
        self._lines: dict[str, int | None] = {}

    def records(self) -> Iterator[Brief | raw.Record]:
        content = self.log.content()
        usual = None if content.broken or self.log.kept else raw.briefs(content.text)
        if usual is None:
            yield from self._one_by_one(content)
            return
        for position, found in enumerate(usual):
            self.position = position
            yield found

    def set_aside(self, line: int | None, reason: str) -> None:
        self._counts[reason] += 1
        self._lines.setdefault(reason, line)

    def aside(self) -> list[tuple[int | None, str, int]]:
        return [(self._lines[reason], reason, times) for reason, times in sorted(self._counts.items())]

    def _one_by_one(self, content: Content) -> Iterator[Brief | raw.Record]:
        for found in content.records():
            self.line = found.line
            if isinstance(found, Broken):
                self.set_aside(found.line, found.reason)
                continue
            self.position = found.position
            try:
                yield self._decoded(memoryview(found.text))
            except UnreadableError as reason:
                self.set_aside(found.line, str(reason))

    def _decoded(self, text: memoryview) -> Brief | raw.Record:
        if self.log.kept:
            self.text = bytes(text)
            return raw.decode(text)
        return raw.brief(text) or raw.decode(text)


def _detail(found: Brief, name: str, outcome: Outcome) -> str | None:
    if not has_detail(name, outcome):
        return None
    return text_of(detail_of(name, outcome, found.error_message, raw.request_of(found)))


class _Memory:
    """What records told → its manner, for as many as may be remembered."""

    def __init__(self) -> None:
        self._manners: dict[Told, Manner] = {}
        self._callers: dict[bytes, int] = {}
        self._numbers = count()
        self._days: dict[str, int] = {}

    def caller(self, identity: bytes) -> int:
        """A number for a caller as written; another one after it was forgotten."""
        number = self._callers.get(identity)
        if number is None:
            if len(self._callers) >= _REMEMBERED:
                self._callers.clear()
                self._manners.clear()
            number = self._callers[identity] = next(self._numbers)
        return number

    def manner(self, told: Told) -> Manner | None:
        return self._manners.get(told)

    def learn(self, told: Told, manner: Manner) -> None:
        if len(self._manners) >= _REMEMBERED:
            self._manners.clear()
        self._manners[told] = manner

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


@dataclass
class _Growing:
    """A batch that is being filled."""

    events: int = 0
    files: list[FileRead] = field(default_factory=list)
    related: list[Related] = field(default_factory=list)
    odd_ids: list[tuple[bytes, str]] = field(default_factory=list)
    minted: list[tuple[int, bytes, str]] = field(default_factory=list)
    kept: list[Kept] = field(default_factory=list)
    _uses: dict[tuple[int, Manner], int] = field(default_factory=dict)
    _packed: list[list[bytes]] = field(default_factory=list)
    _told: dict[Told, list[bytes]] = field(default_factory=dict)

    def add(self, found: Brief | raw.Record, read: _Reading, memory: _Memory) -> None:
        try:
            if isinstance(found, raw.Record):
                self._add_reading(reading_of(found), read)
            elif not self._add_usual(found, read, memory):
                self._add_reading(reading_of(raw.whole(found)), read)
        except UnreadableError as reason:
            read.set_aside(read.line, str(reason))

    def _add_usual(self, found: Brief, read: _Reading, memory: _Memory) -> bool:
        """Take a record that others have no bearing on; ``False`` for one that must be read as a whole."""
        time, event_id = found.event_time, found.event_id
        if not time or not event_id or found.shared_id or bytes(found.addendum) or found.event_name == SIGN_IN_NAME:
            return False
        second, uuid = _SECONDS.get(time[10:]), uuid_bytes(event_id)
        if second is None or uuid is None or found.event_category == "Insight":
            return False
        name = event_name(found.event_source or "", found.event_name or "")
        outcome = outcome_of(found.error_code, found.error_message)
        told = (
            *(time[:10], found.event_source, found.event_name, found.region, found.source, found.user_agent),
            *(found.error_code, outcome, found.recipient, _detail(found, name, outcome)),
            memory.caller(bytes(found.identity)),
        )
        alike = self._told.get(told) or self._learned(told, found, memory)
        if alike is None:
            return False
        if mints(name):
            self._mint(memory.day(time[:10]), uuid, minted_key(raw.response_of(found), name))
        alike.append(entry(second, uuid, len(self.files), read.position, uuid=True))
        self._took(read, time[:10])
        return True

    def _mint(self, day: int | None, event_id: bytes, key: str | None) -> None:
        if key is not None and day is not None:
            self.minted.append((day, event_id, key))

    def _learned(self, told: Told, found: Brief, memory: _Memory) -> list[bytes] | None:
        day = memory.day(str(told[0]))
        if day is None:
            return None
        manner = memory.manner(told[1:])
        if manner is None:
            manner = manner_of(reading_of(raw.whole(found)).event)
            memory.learn(told[1:], manner)
        alike = self._told[told] = self._packed[self._use(day, manner)]
        return alike

    def _add_reading(self, reading: Reading, read: _Reading) -> None:
        event = reading.event
        (day, second), (event_id, uuid) = day_and_second(event), packed_id(event.id)
        if read.text is not None and (text := packed(read.text)) is not None:
            self.kept.append(Kept(day, event_id, text, reading.amended_by is not None))
        use, made = (
            self._use(day, manner_of(event)),
            entry(second, event_id, len(self.files), read.position, uuid=uuid),
        )
        if not uuid:
            self.odd_ids.append((event_id, event.id))
        if reading.shared_id or reading.amended_by:
            self.related.append(Related(use, made, reading.shared_id, reading.amended_by, reading.home))
        else:
            self._packed[use].append(made)
        self._mint(day, event_id, event.minted)
        self._took(read, event.at.date().isoformat())

    def _took(self, read: _Reading, day: str) -> None:
        self.events += 1
        read.taken += 1
        read.newest = max(read.newest, day)

    def _use(self, day: int, manner: Manner) -> int:
        use = self._uses.setdefault((day, manner), len(self._uses))
        if use == len(self._packed):
            self._packed.append([])
        return use

    def note(self, read: _Reading, *, done: bool) -> None:
        aside = read.aside() if done else []
        name, stream = read.log.name, read.log.kept
        newest = (date.fromisoformat(read.newest) - _EPOCH).days if read.newest else None
        self.files.append(FileRead(name, read.size, read.changed, read.taken, read.begins, done, aside, stream, newest))
        read.taken, read.begins = 0, False

    def finished(self) -> Batch:
        entries = [b"".join(each) for each in self._packed]
        return Batch(self.files, list(self._uses), entries, self.related, self.odd_ids, self.minted, self.kept)
