"""Threads that carry out jobs: nothing half, nothing lost, and an orderly end."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bot.database import Database
from bot.store import jobs
from bot.store.jobs import Job
from bot.store.state import State
from bot.workers import Commit, Workers, nothing

NOW = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    with State(tmp_path / "workers.db") as opened:
        yield opened


Handle = Callable[[Job], Commit]


@pytest.fixture
def employ(state: State) -> Iterator[Callable[[Handle], Workers]]:
    employed: list[Workers] = []

    def start(handle: Handle) -> Workers:
        workers = Workers(state, lambda: NOW, {"work": handle})
        workers.start("pool", 2)
        employed.append(workers)
        return workers

    yield start
    for workers in employed:
        workers.stop(5)


def queue(state: State, **payload: Any) -> None:
    state.write(lambda db: jobs.add(db, "work", payload, NOW, pool="pool"))


def ended(state: State, *wanted: str) -> bool:
    with state.changed:
        return state.changed.wait_for(lambda: states(state) == list(wanted), 10)


def states(state: State) -> list[str]:
    return [row[0] for row in state.read().execute("SELECT state FROM jobs ORDER BY id")]


def test_what_a_handler_changes_is_committed_with_the_end_of_its_job(
    state: State, employ: Callable[[Handle], Workers]
) -> None:
    def handle(job: Job) -> Commit:
        def commit(db: Database) -> None:
            jobs.add(db, "next", job.payload, NOW, pool="elsewhere")

        return commit

    employ(handle)
    queue(state, n=1)
    assert ended(state, "done", "ready")


def test_a_job_that_fails_comes_back_and_its_neighbour_is_done(
    state: State, employ: Callable[[Handle], Workers]
) -> None:
    def handle(job: Job) -> Commit:
        if job.payload["fails"]:
            raise RuntimeError("made up")
        return nothing

    employ(handle)
    queue(state, fails=True)
    queue(state, fails=False)
    assert ended(state, "ready", "done")
    assert state.read().execute("SELECT error FROM jobs WHERE id = 1").fetchone() == ("RuntimeError: made up",)


def test_stopping_finishes_what_is_held_and_takes_nothing_new(
    state: State, employ: Callable[[Handle], Workers]
) -> None:
    held, go_on = threading.Barrier(3), threading.Event()

    def handle(job: Job) -> Commit:
        held.wait(10)
        go_on.wait(10)
        return nothing

    workers = employ(handle)
    for n in range(3):
        queue(state, n=n)
    held.wait(10)
    workers.stop(0)
    go_on.set()
    workers.stop(10)
    assert states(state) == ["done", "done", "ready"]


def test_one_that_never_ends_is_left_behind_and_claimed_again(
    state: State, employ: Callable[[Handle], Workers]
) -> None:
    taken, never = threading.Event(), threading.Event()

    def handle(job: Job) -> Commit:
        taken.set()
        never.wait(30)
        return nothing

    workers = employ(handle)
    queue(state, n=1)
    assert taken.wait(10)
    workers.stop(0.05)
    assert states(state) == ["leased"]
    assert state.write(jobs.release_all) == 1
    never.set()
