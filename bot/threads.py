"""Threads for work that may hang: they never keep the process from ending."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextvars import copy_context
from queue import Empty, SimpleQueue
from typing import TypeVar

Result = TypeVar("Result")


class Threads:
    """Daemon threads that are used again; there are as many as were ever needed at once.

    They never keep the process from ending, and whoever keeps something by thread (a database connection) keeps few.
    """

    def __init__(self) -> None:
        self._work: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._idle = 0
        self._lock = threading.Lock()

    def run(self, work: Callable[[], None]) -> None:
        """Do ``work`` at once in a thread of its own. ``work`` must not raise; what it logs says what ours would."""
        here = copy_context()
        with self._lock:
            idle = self._idle > 0
            self._idle -= idle
        self._work.put(lambda: here.run(work))
        if not idle:
            threading.Thread(target=self._serve, name="enricher", daemon=True).start()

    def _serve(self) -> None:
        while True:
            self._work.get()()
            with self._lock:
                self._idle += 1


def done_within(
    threads: Threads, seconds: float, works: Sequence[Callable[[], Result]]
) -> list[Result | Exception | None]:
    """What each of ``works`` gave or raised, all begun at once; ``None`` for those that had not ended in time.

    What has not ended goes on in its thread, and its result is lost.
    """
    arrived: SimpleQueue[tuple[int, Result | Exception]] = SimpleQueue()
    for index, work in enumerate(works):
        threads.run(_reporting(index, work, arrived))
    results: list[Result | Exception | None] = [None] * len(works)
    until = time.monotonic() + seconds
    for _ in works:
        try:
            index, result = arrived.get(timeout=max(0.0, until - time.monotonic()))
        except Empty:
            break
        results[index] = result
    return results


def _reporting(
    index: int, work: Callable[[], Result], arrived: SimpleQueue[tuple[int, Result | Exception]]
) -> Callable[[], None]:
    def run() -> None:
        try:
            arrived.put((index, work()))
        except Exception as error:  # it belongs to whoever waits
            arrived.put((index, error))

    return run
