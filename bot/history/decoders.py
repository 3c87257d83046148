"""Decoding beside storing: files → batches, by processes of their own where there is enough to read.

A decoder is ``python -m bot.history.decoders``: the paths come on its standard input, its batches leave on its standard
output, each with its length before it. It knows nothing of the history file, so it may be lost at any point.
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

from bot.history.batch import Batch
from bot.history.decoding import batches

WORTHWHILE_BYTES = 16 * 1024 * 1024
"""Less than this (as the files stand on disk) is decoded sooner than a process has started."""
MOST_DECODERS = 2
"""One core stores; what two decode is as much as it takes."""

_BLOCK = 32
_WAITING = 1
_LENGTH = 8


class DecoderLost(OSError):
    """A decoding process ended before its files did. What was stored is right; the load is to be run again."""


def decoded(paths: Sequence[Path]) -> Iterator[Batch]:
    """Everything in the files. Raises ``DecoderLost``."""
    if sum(map(_size, paths)) < WORTHWHILE_BYTES:
        yield from batches(paths)
    else:
        yield from _from_processes(paths, min(MOST_DECODERS, os.cpu_count() or 1))


def _from_processes(paths: Sequence[Path], number: int) -> Iterator[Batch]:
    found: Queue[bytes | None] = Queue(maxsize=_WAITING)
    with ExitStack() as open_ones:
        decoders = [open_ones.enter_context(_Decoder(_share(paths, each, number), found)) for each in range(number)]
        running = len(decoders)
        while running:
            frame = found.get()
            if frame is None:
                running -= 1
            else:
                yield msgspec.msgpack.decode(frame, type=Batch)
        if any(decoder.process.wait() for decoder in decoders):
            raise DecoderLost("a decoding process was ended; run the same `triage ingest` again to load the rest")


def _share(paths: Sequence[Path], which: int, number: int) -> list[Path]:
    """Every ``number``-th block of files, so that all decoders read logs of about the same time."""
    return [path for at, path in enumerate(paths) if at // _BLOCK % number == which]


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


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _main() -> None:
    gc.disable()  # there are no cycles to find among millions of small objects
    paths = msgspec.msgpack.decode(sys.stdin.buffer.read(), type=list[bytes])
    for batch in batches([Path(os.fsdecode(path)) for path in paths]):
        frame = msgspec.msgpack.encode(batch)
        sys.stdout.buffer.write(len(frame).to_bytes(_LENGTH, "big"))
        sys.stdout.buffer.write(frame)
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    _main()
