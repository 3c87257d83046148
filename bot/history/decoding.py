"""Logs → batches of grouped events; the part of a load that needs no history file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from bot.history import raw
from bot.history.batch import Batch, FileRead
from bot.history.content import Content
from bot.history.forms import Broken, RawRecord
from bot.history.grouping import Groups, Memory, Single, Stretch, Tally
from bot.history.raw import Brief, UnreadableError
from bot.history.sources import Source

BATCH = 40_000
"""Events in a batch, about. Larger ones store faster (uses are touched less often) and take more memory."""

_OVER = 1.25
"""How much larger a batch may be to end with a log: one that begins within a log has to be renumbered."""
_STRETCH = 10_000
_FILES = 2_000


def batches(logs: Iterable[Source]) -> Iterator[Batch]:
    """Everything in the logs, in batches of about ``BATCH`` events; a large log is spread over several."""
    memory, groups = Memory(), Groups()
    for log in logs:
        read = _Reading(log)
        for found in read.records():
            groups.add(found, read.tally, memory)
            if groups.events >= BATCH * _OVER:
                groups.files.append(read.so_far(done=False))
                yield groups.finished()
                groups = Groups()
        groups.files.append(read.so_far(done=True))
        if groups.events >= BATCH or len(groups.files) >= _FILES:
            yield groups.finished()
            groups = Groups()
    if groups.files:
        yield groups.finished()


class _Reading:
    """One log on its way."""

    def __init__(self, log: Source) -> None:
        self.tally = Tally()
        self._log = log
        self._identity = log.identity
        self._begins = True
        self._told = 0

    def records(self) -> Iterator[Stretch | Single]:
        """Its records, some at a time; what cannot be read is set aside."""
        content, most = self._log.content(), min(_STRETCH, BATCH)
        usual = None if content.broken or content.rest or self._log.kept else raw.briefs(content.text)
        if usual is None:
            yield from self._one_by_one(content, most)
            return
        for start in range(0, len(usual), most):
            some = usual[start : start + most]
            yield Stretch(some, range(start, start + len(some)))

    def so_far(self, *, done: bool) -> FileRead:
        """What is to be told of it with the batch in hand."""
        tally, begins = self.tally, self._begins
        records, self._told, self._begins = tally.taken - self._told, tally.taken, False
        aside = tally.set_aside() if done else []
        return FileRead(
            self._log.name, *self._identity, records, begins, done, aside, self._log.stream, tally.newest_day()
        )

    def _one_by_one(self, content: Content, most: int) -> Iterator[Stretch | Single]:
        """The records of a log in another form, or with oddities in it: each is decoded alone."""
        usual: list[tuple[Brief, int, int | None]] = []
        held = 0
        for found in content.records():
            if isinstance(found, Broken):
                self.tally.leave(found.line, found.reason)
                continue
            brief = None if self._log.kept else raw.brief(memoryview(found.text))
            if brief is not None:
                usual.append((brief, found.position, found.line))
                held += len(memoryview(found.text))
            single = None if brief is not None else self._single(found)
            if usual and (single is not None or len(usual) >= most or held > raw.MAX_RECORD_BYTES):
                yield _stretch(usual)
                usual, held = [], 0
            if single is not None:
                yield single
        if usual:
            yield _stretch(usual)

    def _single(self, found: RawRecord) -> Single | None:
        text = memoryview(found.text)
        try:
            record = raw.decode(text)
        except UnreadableError as reason:
            self.tally.leave(found.line, str(reason))
            return None
        return Single(record, found.position, found.line, bytes(text) if self._log.kept else None)


def _stretch(usual: Sequence[tuple[Brief, int, int | None]]) -> Stretch:
    records, positions, lines = zip(*usual, strict=True)
    return Stretch(records, positions, lines)
