"""Keeps the history within minutes of AWS: takes the notices of a queue, loads what they name, then deletes them.

A message is deleted only once what it names is stored, or set aside for good: killed at any point, nothing is lost, and
what was stored is known again. What is not there yet, or not allowed yet, is asked for again, ever less often.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import structlog

from bot.history.bucket import Bucket, BucketUnavailable, NotNow
from bot.history.load import Loader, LoadReport
from bot.history.notices import NoNotice, Notice, WrittenLog, notice_of
from bot.history.queue import Message, Queue, QueueUnavailable
from bot.history.sources import Delivery, Log, LogObject, Undelivered, Unfetched
from bot.history.sqlite import SqliteHistory
from bot.model import HistoryUnavailableError

MOST_AT_ONCE = 100
"""Messages whose logs are loaded together: fewer transactions, and done well before they are anybody else's again."""
SOON = timedelta(seconds=30)
SELDOM = timedelta(minutes=15)
"""The first and the longest time after which something is asked for again."""
MOST_TRIES = 40
"""About nine hours, by these times; then a log that cannot be had stays set aside."""
COUNTED_EVERY = timedelta(minutes=1)

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Following:
    """How well the history keeps up. The counts are since the start of this process."""

    looked_at: datetime | None = None
    """When the queue last answered."""
    queue_age: timedelta | None = None
    """How long the oldest message of that answer had waited; none if the queue was empty."""
    waiting: int | None = None
    """About how many messages are in the queue; ``None`` if it was not said."""
    newest_event: datetime | None = None
    """The time of the newest event that came this way."""
    messages: int = 0
    logs: int = 0
    events: int = 0
    set_aside: int = 0
    tried_again: int = 0
    problem: str | None = None
    """Why the last look failed, a sentence; ``None`` if it did not."""


class Follower:
    """Follows one queue. ``bucket`` gives the bucket of a name; ``buckets`` are those taken from, every one if empty.

    ``step`` is for one thread, ``status`` for any.
    """

    def __init__(
        self,
        queue: Queue,
        bucket: Callable[[str], Bucket],
        history: SqliteHistory,
        clock: Callable[[], datetime],
        buckets: Iterable[str] = (),
    ) -> None:
        self._queue = queue
        self._bucket = bucket
        self._loader = Loader(history)
        self._clock = clock
        self._buckets = frozenset(buckets)
        self._stream = f"sqs:{queue.name}"
        self._status = Following()
        self._lock = threading.Lock()
        self._failures = 0
        self._not_before: datetime | None = None
        self._counted_at: datetime | None = None

    def status(self) -> Following:
        with self._lock:
            return self._status

    def step(self) -> bool:
        """Load what the next messages name; ``False`` if there were none, or if it failed and is to be tried later.

        Waits a few seconds for a message. What goes wrong is in the status and the log; nothing is raised for it.
        """
        if self._not_before is not None and self._clock() < self._not_before:
            return False
        try:
            busy = self._look()
        except (QueueUnavailable, BucketUnavailable, HistoryUnavailableError) as error:
            self._failed(str(error))
            return False
        self._failures, self._not_before = 0, None
        return busy

    def close(self) -> None:
        """Let the history go, once ``step`` is called no more."""
        self._loader.close()

    # ------------------------------------------------------------------------------------------------ one look

    def _look(self) -> bool:
        messages = self._taken()
        now = self._clock()
        age = max((max(now - each.sent_at, timedelta(0)) for each in messages), default=None)
        self._note(looked_at=now, queue_age=age, waiting=self._count(now), problem=None)
        if not messages:
            return False
        try:
            self._load(messages)
        except (BucketUnavailable, HistoryUnavailableError):
            self._queue.give_back(messages, lambda _: SOON)
            raise
        return True

    def _taken(self) -> list[Message]:
        messages = more = self._queue.take(wait=True)
        while more and len(messages) < MOST_AT_ONCE:
            more = self._queue.take(wait=False)
            messages = [*messages, *more]
        return messages

    def _load(self, messages: Sequence[Message]) -> None:
        work = _Work(self._stream)
        for message in messages:
            self._read(message, work)
        report = self._loader.load(work.logs())
        done, later = work.settled(messages)
        self._queue.delete(done)
        self._queue.give_back(later, _again_after)
        self._count_up(report, messages, later)

    def _read(self, message: Message, work: _Work) -> None:
        try:
            notice = notice_of(message.body)
        except NoNotice as reason:
            log.warning("a message of the queue is no notice and was set aside", message=message.id, reason=str(reason))
            work.undelivered(f"a message that is no notice of a log: {reason}")
            return
        work.records(notice)
        for written in notice.logs:
            if self._buckets and written.bucket not in self._buckets:
                log.warning("a log of another bucket was named", message=message.id, bucket=written.bucket)
                work.undelivered("a message that names a bucket not in [aws] log_buckets")
            else:
                work.add(message, written, self._bucket(written.bucket))

    # -------------------------------------------------------------------------------------------------- status

    def _count(self, now: datetime) -> int | None:
        if self._counted_at is not None and now - self._counted_at < COUNTED_EVERY:
            return self._status.waiting
        self._counted_at = now
        try:
            return self._queue.waiting()
        except QueueUnavailable:
            return None

    def _count_up(self, report: LoadReport, messages: Sequence[Message], later: Sequence[Message]) -> None:
        known = self._status
        newest = max(report.searched.regions.values(), default=None) if report.searched and report.events else None
        self._note(
            newest_event=max(filter(None, (known.newest_event, newest)), default=None),
            messages=known.messages + len(messages),
            logs=known.logs + report.files,
            events=known.events + report.events,
            set_aside=known.set_aside + sum(each.count for each in report.set_aside),
            tried_again=known.tried_again + len(later),
        )

    def _failed(self, why: str) -> None:
        self._failures += 1
        pause = _pause(self._failures)
        self._not_before = self._clock() + pause
        if self._status.problem != why:
            log.warning("the queue of CloudTrail's logs is not followed", why=why, again_in=pause.total_seconds())
        self._note(problem=why)

    def _note(self, **changes: object) -> None:
        with self._lock:
            self._status = replace(self._status, **changes)  # type: ignore[arg-type]


@dataclass
class _Work:
    """What some messages ask for together, and what became of it."""

    stream: str
    _named: dict[str, tuple[LogObject, list[Message]]] = field(default_factory=dict)
    _records: list[bytes] = field(default_factory=list)
    _undelivered: list[str] = field(default_factory=list)
    _not_now: set[str] = field(default_factory=set)

    def add(self, message: Message, written: WrittenLog, bucket: Bucket) -> None:
        found = self._found(written, bucket)
        self._named.setdefault(found.name, (found, []))[1].append(message)

    def records(self, notice: Notice) -> None:
        self._records += notice.records

    def undelivered(self, reason: str) -> None:
        self._undelivered.append(reason)

    def logs(self) -> list[Log]:
        """Everything to load: logs, the records that were brought, and what nobody can read."""
        named = [replace(found, fetch=self._watched(found)) for found, _ in self._named.values()]
        brought = [Delivery(self.stream, b"\n".join(self._records))] if self._records else []
        return [*named, *brought, *(Undelivered(self.stream, reason) for reason in self._undelivered)]

    def settled(self, messages: Sequence[Message]) -> tuple[list[Message], list[Message]]:
        """The messages that have done their work, and those that are to come again."""
        open_ones = {message.id for name in self._not_now for message in self._named[name][1]}
        later = [each for each in messages if each.id in open_ones and each.received < MOST_TRIES]
        waiting = {each.id for each in later}
        return [each for each in messages if each.id not in waiting], later

    def _found(self, written: WrittenLog, bucket: Bucket) -> LogObject:
        """The log; one whose version nobody told is asked for it, so that it is known again however it is named."""
        if written.etag:
            return bucket.log_at(written.key, written.size, written.etag)
        try:
            return bucket.described(written.key)
        except Unfetched as reason:
            return replace(bucket.log_at(written.key, 0, ""), fetch=_refusing(reason))

    def _watched(self, found: LogObject) -> Callable[[], bytes]:
        def fetch() -> bytes:
            try:
                return found.fetch()
            except NotNow:
                self._not_now.add(found.name)
                raise

        return fetch


def _refusing(reason: Unfetched) -> Callable[[], bytes]:
    def fetch() -> bytes:
        raise reason

    return fetch


def _again_after(message: Message) -> timedelta:
    return _pause(message.received)


def _pause(times: int) -> timedelta:
    """How long to wait after something was tried so many times."""
    return min(SELDOM, SOON * (1 << min(max(times, 1) - 1, 10)))
