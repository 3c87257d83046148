"""Loads and retirements in processes that die by SIGKILL at a chosen moment: between any two steps of SQLite.

The product has no hooks for this: the connection that writes counts its virtual machine's instructions, in a process
that is forked for each death from one that has everything imported (``python -m tests.history.killed``).
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from bot.database import Database, open_writer
from bot.history import decoding, retention, writing
from bot.history.load import load_logs, load_paths
from bot.history.retention import retire
from bot.history.sources import LogObject
from bot.history.sqlite import SqliteHistory

INSTRUCTIONS = 50
"""What one tick is."""
BATCH = 25


def load(history: Path, paths: Sequence[str]) -> None:
    """Every other file as a file, the rest as objects of a bucket; in small batches."""
    decoding.BATCH = BATCH
    asked = SqliteHistory(history)
    load_paths(asked, [Path(path) for path in paths[::2]])
    load_logs(asked, [LogObject(f"s3://trail/{path}", 1, "1", Path(path).read_bytes) for path in paths[1::2]])
    asked.close()


def let_leave(history: Path, now: str, days: int) -> None:
    retention._AT_ONCE = 20
    retire(history, datetime.fromisoformat(now), days)


JOBS: dict[str, Callable[..., None]] = {"load": load, "let_leave": let_leave}


class Mortals:
    """Runs jobs in processes of their own."""

    def __init__(self, nursery: subprocess.Popen[str]) -> None:
        self._nursery = nursery

    def ticks(self, job: str, *arguments: object) -> int:
        """Run a job to its end; returns how many moments there are to die in it."""
        died, ticks = self._run(job, 0, arguments)
        assert died == 0
        return ticks

    def die(self, at: int, job: str, *arguments: object) -> None:
        """Run a job and kill it at tick ``at``, counted from 1."""
        died, _ = self._run(job, at, arguments)
        assert died == signal.SIGKILL

    def _run(self, job: str, at: int, arguments: Sequence[object]) -> tuple[int, int]:
        assert self._nursery.stdin is not None
        assert self._nursery.stdout is not None
        self._nursery.stdin.write(json.dumps([job, at, *arguments], default=str) + "\n")
        self._nursery.stdin.flush()
        died, ticks = json.loads(self._nursery.stdout.readline())
        return int(died), int(ticks)


@contextmanager
def mortals() -> Iterator[Mortals]:
    command = [sys.executable, "-m", __name__]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as nursery:
        yield Mortals(nursery)
        assert nursery.stdin is not None
        nursery.stdin.close()


def _main() -> None:
    for line in sys.stdin:
        job, at, first, *rest = json.loads(line)
        told, telling = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(told)
            _live(JOBS[job], at, telling, [Path(first), *rest])
        os.close(telling)
        with os.fdopen(told, "rb") as ticks:
            counted = int(ticks.read() or 0)
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{json.dumps([os.waitstatus_to_exitcode(status) * -1, counted])}\n")
        sys.stdout.flush()


def _live(job: Callable[..., None], at: int, telling: int, arguments: Sequence[Any]) -> None:
    ticks = 0

    def tick() -> int:
        nonlocal ticks
        ticks += 1
        if ticks == at:
            os.kill(os.getpid(), signal.SIGKILL)
        return 0

    def counting(path: Path, *, synchronous: str = "FULL") -> Database:
        db = open_writer(path, synchronous=synchronous)
        db.conn.set_progress_handler(tick, INSTRUCTIONS)
        return db

    for module in (writing, retention):
        vars(module)["open_writer"] = counting
    status = 1
    try:
        job(*arguments)
        os.write(telling, str(ticks).encode())
        status = 0
    finally:
        os._exit(status)


if __name__ == "__main__":
    _main()
