"""Decoding beside storing: files → batches, by processes of their own where there is enough to read.

A decoder is ``python -m bot.history.decoders``: the paths come on its standard input, its batches leave on its standard
output, each with its length before it. It knows nothing of the history file, so it may be lost at any point. There are
two: decoding takes longer than storing. Each is given stretches of files that lie together, so that the batches of both
do not touch the same uses in turn.
"""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from queue import Queue
from typing import IO

import msgspec

from bot.history.batch import Batch, Manner
from bot.history.decoding import batches
from bot.history.sources import LogFile

WORTHWHILE_BYTES = 16 * 1024 * 1024
"""Less than this (as the files stand on disk) is decoded sooner than a process has started."""
PROCESSES = 2
_STRETCH_BYTES = 16 * 1024 * 1024
"""As the files stand on disk: about a batch."""
_WAITING = 1
_LENGTH = 8


class DecoderLost(OSError):
    """A decoding process ended before its files did. What was stored is right; the load is to be run again."""


def decoded(logs: Sequence[LogFile]) -> Iterator[Batch]:
    """Everything in the files. Raises ``DecoderLost``."""
    files = [log for log in logs if not log.stream]
    if sum(max(0, log.identity[0]) for log in files) < WORTHWHILE_BYTES:
        yield from batches(logs)
    else:
        yield from batches(log for log in logs if log.stream)
        yield from _from_processes(files)


def _from_processes(logs: Sequence[LogFile]) -> Iterator[Batch]:
    found: Queue[bytes | None] = Queue(maxsize=_WAITING)
    with ExitStack() as stack:
        decoders = [stack.enter_context(_Decoder(paths, found)) for paths in _shares(logs)]
        for _ in decoders:
            # Each says once that it has ended.
            while (frame := found.get()) is not None:
                yield _unpacked(frame)
        if any(decoder.process.wait() for decoder in decoders):
            raise DecoderLost("a decoding process was ended; run the same `triage ingest` again to load the rest")


def _shares(logs: Sequence[LogFile]) -> list[list[Path]]:
    """The files of each process, by turns."""
    shares: list[list[Path]] = [[] for _ in range(PROCESSES)]
    given = 0
    for log in logs:
        shares[given // _STRETCH_BYTES % PROCESSES].append(log.path)
        given += max(0, log.identity[0])
    return [share for share in shares if share]


class _Frame(msgspec.Struct, array_like=True):
    """A batch on its way: what its manners say is said once, and each of them names what it says by position."""

    said: list[str | bool | int | None]
    manners: list[list[int]]
    rest: Batch


def _packed(batch: Batch) -> bytes:
    said: dict[str | bool | int | None, int] = {}
    manners = [[said.setdefault(each, len(said)) for each in manner] for manner in batch.manners]
    rest = msgspec.structs.replace(batch, manners=[])
    return msgspec.msgpack.encode(_Frame(list(said), manners, rest))


def _unpacked(frame: bytes) -> Batch:
    read = msgspec.msgpack.decode(frame, type=_Frame)
    read.rest.manners = [Manner._make(map(read.said.__getitem__, manner)) for manner in read.manners]
    return read.rest


class _Decoder:
    """A decoding process, and the thread that takes its batches."""

    def __init__(self, paths: Sequence[Path], found: Queue[bytes | None]) -> None:
        self._found = found
        self._over = threading.Event()
        self.process = subprocess.Popen(  # noqa: S603 - this very Python and module
            [sys.executable, "-m", __name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
        self._thread = threading.Thread(target=self._take, args=(paths,), daemon=True)

    def __enter__(self) -> _Decoder:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self.process.kill()
        while self._thread.is_alive():
            # The thread may be waiting for room in the queue.
            if not self._found.empty():
                self._found.get_nowait()
            self._thread.join(0.01)
        self.process.wait()

    def _take(self, paths: Sequence[Path]) -> None:
        wanted, made = self.process.stdin, self.process.stdout
        assert wanted is not None  # noqa: S101 - both were asked for
        assert made is not None  # noqa: S101 - same
        with made:
            try:
                with wanted:
                    wanted.write(msgspec.msgpack.encode([os.fsencode(path) for path in paths]))
                while not self._over.is_set() and (frame := _frame(made)):
                    self._found.put(frame)
            except OSError:
                pass
            self._found.put(None)


def _frame(made: IO[bytes]) -> bytes:
    return made.read(int.from_bytes(made.read(_LENGTH), "big"))


def _main() -> None:
    gc.disable()  # there are no cycles to find among millions of small objects
    paths = msgspec.msgpack.decode(sys.stdin.buffer.read(), type=list[bytes])
    for batch in batches([LogFile(Path(os.fsdecode(path))) for path in paths]):
        frame = _packed(batch)
        sys.stdout.buffer.write(len(frame).to_bytes(_LENGTH, "big"))
        sys.stdout.buffer.write(frame)
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    _main()
