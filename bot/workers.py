"""Threads that carry out jobs. Small pools, so that a storm of alerts never stands before a click.

A handler does its slow work outside any transaction and returns the change to commit; that change and the end of the
job are one transaction. A handler that raises gives its job back for later.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from datetime import datetime

import structlog
from structlog.contextvars import bound_contextvars

from bot import counts
from bot.database import Database
from bot.store import jobs
from bot.store.concerning import case_of
from bot.store.jobs import Job
from bot.store.state import State, StateUnavailable

Commit = Callable[[Database], None]
Handler = Callable[[Job], Commit]

POLL_SECONDS = 0.25
"""How soon work is seen that another process queued, or that has become due; our own commits wake us at once."""

log = structlog.get_logger()


def nothing(db: Database) -> None:
    """The change of a handler that has nothing to commit but the end of its job."""


class Workers:
    """Pools of threads over the jobs table, and any other loop that must end with them."""

    def __init__(self, state: State, clock: Callable[[], datetime], handlers: Mapping[str, Handler]) -> None:
        self._state = state
        self._clock = clock
        self._handlers = handlers
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self, pool: str, threads: int, *, urgent: int = 0) -> None:
        """Carry out the jobs of ``pool`` on so many threads, and on ``urgent`` more those a person waits for."""
        for number in range(threads):
            self.loop(f"{pool}-{number}", lambda: self._work(pool))
        for number in range(urgent):
            self.loop(f"{pool}-urgent-{number}", lambda: self._work(pool, urgent=True))

    def loop(self, name: str, step: Callable[[], bool]) -> None:
        """Run ``step`` again and again on a thread of its own; while it returns False, wait for a change first."""
        thread = threading.Thread(target=self._run, args=(step,), name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def stop(self, timeout: float) -> None:
        """Let everybody finish what they hold; what is not finished in ``timeout`` seconds is claimed again later."""
        self._stopping.set()
        with self._state.changed:
            self._state.changed.notify_all()
        until = time.monotonic() + timeout
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))

    def _run(self, step: Callable[[], bool]) -> None:
        while not self._stopping.is_set():
            try:
                busy = step()
            except Exception:  # the loop must outlive a full disk or a fault in one step
                log.exception("a step failed; looking again soon")
                busy = False
            if not busy:
                with self._state.changed:
                    self._state.changed.wait(POLL_SECONDS)

    def _work(self, pool: str, *, urgent: bool = False) -> bool:
        if not jobs.waiting(self._state.read(), pool, self._clock(), urgent=urgent):
            return False
        job = self._state.write(lambda db: jobs.claim(db, pool, self._clock(), urgent=urgent))
        if job is None:
            return False
        case = case_of(self._state.read(), job.payload)
        about = {} if case is None else {"case": case}
        with bound_contextvars(job=job.id, kind=job.kind, **about):
            self._carry_out(job)
        return True

    def _end(self, db: Database, job: Job, commit: Commit) -> None:
        commit(db)
        jobs.finish(db, job, self._clock())

    def _carry_out(self, job: Job) -> None:
        try:
            commit = self._handlers[job.kind](job)
            self._state.write(lambda db: self._end(db, job, commit))
        except StateUnavailable:
            raise
        except jobs.LeaseLost:
            log.warning("a job took longer than its lease and was done elsewhere")
        except Exception as error:  # a job must never take its worker with it
            counts.JOB_FAILURES.add(job.kind)
            log.exception("a job failed and will be tried again", attempts=job.attempts)
            why = f"{type(error).__name__}: {error}"[:500]
            self._state.write(lambda db: jobs.retry(db, job, why, self._clock()))
