"""The lists are fetched as often as the settings say, whatever comes of each time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from bot.database import Database
from bot.ipdata import LocalAddressData
from bot.ipdata.sources import Source, Sources
from bot.ipdata.update import NotUpdated, Updated, update
from bot.ipdata.upkeep import KIND, POOL, Upkeep
from bot.store import jobs
from bot.store.state import State
from bot.workers import Workers
from tests.publisher import Told, publishing

NOW = datetime(2026, 11, 24, 13, 30, tzinfo=UTC)


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    with State(tmp_path / "state.db") as opened:
        yield opened


class Fetching:
    """Counts, and fails as it is told."""

    def __init__(self, failure: NotUpdated | None = None) -> None:
        self.times = 0
        self.failure = failure

    def __call__(self) -> Updated:
        self.times += 1
        if self.failure is not None:
            raise self.failure
        return Updated(NOW, Path(), ())


def carry_out(state: State, upkeep: Upkeep, at: datetime) -> None:
    """Do the job that is due at ``at``, as a worker would."""
    job = state.write(lambda db: jobs.claim(db, POOL, at))
    assert job is not None
    commit = upkeep.handlers()[KIND](job)

    def end(db: Database) -> None:
        commit(db)
        jobs.finish(db, job, at)

    state.write(end)


def due(state: State) -> list[str]:
    rows = state.read().execute("SELECT due_at FROM jobs WHERE state = 'ready'")
    return [f"{datetime.fromtimestamp(row[0], UTC):%d %H:%M}" for row in rows]


@pytest.mark.parametrize("failure", [None, NotUpdated("the disk is full")])
def test_each_time_queues_the_next(state: State, failure: NotUpdated | None) -> None:
    fetching = Fetching(failure)
    upkeep = Upkeep(12, fetching, lambda: NOW)
    state.write(upkeep.begin)
    assert due(state) == ["24 12:00"]
    carry_out(state, upkeep, NOW)
    assert (fetching.times, due(state)) == (1, ["25 00:00"])


def test_a_restart_fetches_no_earlier(state: State) -> None:
    upkeep = Upkeep(12, Fetching(), lambda: NOW)
    state.write(upkeep.begin)
    carry_out(state, upkeep, NOW)
    state.write(upkeep.begin)
    assert due(state) == ["25 00:00"]
    later = Upkeep(12, Fetching(), lambda: NOW + timedelta(days=3))
    state.write(later.begin)
    assert due(state) == ["25 00:00", "27 12:00"]


def test_never_is_never(state: State) -> None:
    fetching = Fetching()
    never = Upkeep(0, fetching, lambda: NOW)
    state.write(never.begin)
    assert due(state) == []
    state.write(Upkeep(12, fetching, lambda: NOW).begin)
    carry_out(state, never, NOW)
    assert (fetching.times, due(state)) == (0, [])


def test_the_workers_of_a_bot_fetch_and_its_questions_have_the_new_lists(state: State, tmp_path: Path) -> None:
    """What ``triage serve`` does: a job, real HTTP, and address data that was opened long before."""
    known = LocalAddressData(folder=tmp_path / "ipdata")
    assert known.origin("11.0.0.9").provider is None
    made = Source("made", "made list", "https://lists.example.com/made.txt", "lines", provider="Made-up")
    with publishing() as mirror:
        mirror.pages["/lists.example.com/made.txt"] = Told(b"11.0.0.0/24\n")
        fetch = partial(update, tmp_path / "ipdata", lambda: NOW, mirror=mirror.origin, sources=Sources((made,)))
        upkeep = Upkeep(1, fetch, lambda: NOW)
        workers = Workers(state, lambda: NOW, upkeep.handlers())
        state.write(upkeep.begin)
        workers.start(POOL, 1)
        with state.changed:
            assert state.changed.wait_for(lambda: due(state) == ["24 14:00"], 20)
        workers.stop(5)
    assert known.origin("11.0.0.9").provider == "Made-up"
