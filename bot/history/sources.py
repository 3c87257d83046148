"""Where the records of a load come from: files on this machine, objects in a bucket, deliveries of a queue."""

from __future__ import annotations

import hashlib
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from bot.history.content import CHUNK, Content, content_from

MAX_OBJECT_BYTES = 256 * 1024 * 1024
"""The largest object fetched, as it stands in its bucket: it passes through memory whole."""

THREADS = 32
"""Objects being fetched at once: as many as connections are kept, since each answer takes tens of milliseconds."""
BYTES_AHEAD = 64 * 1024 * 1024
"""Of objects that are fetched and not yet read, but for one larger than all this."""

Identity = tuple[int, int]
"""Size and version of a log; both -1 for one that cannot be known again."""
UNKNOWN: Identity = (-1, -1)


class Unfetched(Exception):
    """An object could not be fetched; the message is the reason, in words for people."""


class Source(Protocol):
    """One log. ``name`` says where it stands; no two logs share one, but for the deliveries of one stream."""

    @property
    def name(self) -> str: ...

    @property
    def identity(self) -> Identity: ...

    @property
    def kept(self) -> bool:
        """Whether its records stand nowhere else, so that the history is to keep them as they are."""

    @property
    def stream(self) -> bool:
        """Whether others share its name, and there is more of it every time."""

    def content(self) -> Content:
        """What it holds. Never raises."""


@dataclass(frozen=True, slots=True)
class LogFile:
    """A file on this machine."""

    path: Path

    @property
    def name(self) -> str:
        """The path as text, whatever bytes are in it."""
        return os.fsencode(self.path).decode("utf-8", "replace")

    @property
    def identity(self) -> Identity:
        """Size in bytes and time of change in nanoseconds."""
        try:
            known = self.path.stat()
        except OSError:
            return UNKNOWN
        return known.st_size, known.st_mtime_ns

    @property
    def kept(self) -> bool:
        return False

    @property
    def stream(self) -> bool:
        return False

    def content(self) -> Content:
        if self.path.exists() and not self.path.is_file():
            return Content(b"", "cannot be read: not a file")
        try:
            return content_from(self._chunks())
        except OSError as error:
            return Content(b"", f"cannot be read: {error.strerror or error}")

    def _chunks(self) -> Iterator[bytes]:
        with self.path.open("rb") as file:
            yield from iter(lambda: file.read(CHUNK), b"")


@dataclass(frozen=True, slots=True)
class Piped(LogFile):
    """What came on standard input: a file, but only while it is loaded."""

    @property
    def name(self) -> str:
        return "standard input"

    @property
    def identity(self) -> Identity:
        return UNKNOWN

    @property
    def stream(self) -> bool:
        return True


@dataclass(frozen=True, slots=True)
class LogObject:
    """A log in a bucket: fetched only if the history does not know it.

    ``name`` is its address (``s3://bucket/key``): it is shown, and ``triage event-record`` finds the record by it.
    ``size`` is in bytes as it stands there, ``version`` changes whenever its content does (an ETag). ``fetch`` gives
    its bytes, gzipped or not, and may raise :class:`Unfetched`; it is called from a thread of its own.
    """

    name: str
    size: int
    version: str
    fetch: Callable[[], bytes]

    @property
    def identity(self) -> Identity:
        digest = hashlib.blake2b(self.version.encode("utf-8", "replace"), digest_size=8).digest()
        return self.size, int.from_bytes(digest, "big") >> 1

    @property
    def kept(self) -> bool:
        return False

    @property
    def stream(self) -> bool:
        return False

    def content(self) -> Content:
        if self.size > MAX_OBJECT_BYTES:
            return Content(b"", f"larger than {MAX_OBJECT_BYTES // 1024**2} MB: it was not fetched")
        try:
            return content_from([self.fetch()])
        except Unfetched as reason:
            return Content(b"", f"could not be fetched: {reason}")


@dataclass(frozen=True, slots=True)
class Delivery:
    """Records that were brought, such as EventBridge's, and stand nowhere else: the history keeps them.

    ``name`` is that of the stream (``eventbridge:queue-name``), the same for all its deliveries. The records in
    ``text`` may have come before: an event is known by its id.
    """

    name: str
    text: bytes

    @property
    def identity(self) -> Identity:
        return UNKNOWN

    @property
    def kept(self) -> bool:
        return True

    @property
    def stream(self) -> bool:
        return True

    def content(self) -> Content:
        return content_from([self.text])


@dataclass(frozen=True, slots=True)
class Undelivered:
    """What a stream brought and nobody can read; it is set aside under the stream's ``name`` for this ``reason``."""

    name: str
    reason: str

    @property
    def identity(self) -> Identity:
        return UNKNOWN

    @property
    def kept(self) -> bool:
        return True

    @property
    def stream(self) -> bool:
        return True

    def content(self) -> Content:
        return Content(b"", self.reason)


Log = LogObject | Delivery | Undelivered
"""What is not a file on this machine."""


def fetched_ahead(logs: Iterable[Log], threads: int = THREADS) -> Iterator[Log]:
    """The same logs in the same order, while up to ``threads`` that come later are being fetched, as far as memory
    allows.
    """
    waiting: deque[tuple[Log, Future[bytes] | None]] = deque()
    ahead = 0
    pool = ThreadPoolExecutor(threads, thread_name_prefix="fetch")
    try:
        for log in logs:
            wanted = isinstance(log, LogObject) and log.size <= MAX_OBJECT_BYTES
            waiting.append((log, pool.submit(log.fetch) if isinstance(log, LogObject) and wanted else None))
            ahead += _size(log)
            while len(waiting) > threads or (ahead > BYTES_AHEAD and len(waiting) > 1):
                ahead -= _size(waiting[0][0])
                yield _with(*waiting.popleft())
        while waiting:
            yield _with(*waiting.popleft())
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _size(log: Log) -> int:
    return log.size if isinstance(log, LogObject) else 0


def _with(log: Log, fetched: Future[bytes] | None) -> Log:
    return replace(log, fetch=fetched.result) if isinstance(log, LogObject) and fetched is not None else log
