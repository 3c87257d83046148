"""A job is claimed by one worker at a time, finished once, and never lost."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from bot.database import Database
from bot.store import jobs
from bot.store.jobs import ATTEMPTS, LEASE_SECONDS, Job
from bot.store.migrations import migrations
from bot.store.state import State

NOW = datetime(2026, 11, 23, 10, tzinfo=UTC)
LATER = NOW + timedelta(seconds=LEASE_SECONDS + 1)


def add(state: State, kind: str = "triage", **options: object) -> bool:
    return state.write(lambda db: jobs.add(db, kind, {"case": 1}, NOW, pool="triage", **options))  # type: ignore[arg-type]


def claim(state: State, now: datetime = NOW) -> Job | None:
    return state.write(lambda db: jobs.claim(db, "triage", now))


def test_a_claimed_job_is_nobody_elses_until_its_lease_ends(state: State) -> None:
    add(state)
    first = claim(state)
    assert first is not None
    assert claim(state) is None
    second = claim(state, LATER)
    assert second is not None
    assert (second.id, second.attempts) == (first.id, 2)


def test_who_lost_the_lease_cannot_finish_nor_keep_its_change(state: State) -> None:
    add(state)
    slow = claim(state)
    quick = claim(state, LATER)
    assert slow is not None
    assert quick is not None

    def commit(db: Database) -> None:
        jobs.add(db, "effect", {}, NOW, pool="other")
        jobs.finish(db, slow, LATER)

    with pytest.raises(jobs.LeaseLost):
        state.write(commit)
    assert not jobs.waiting(state.read(), "other", LATER)
    state.write(lambda db: jobs.finish(db, quick, LATER))
    assert claim(state, LATER + timedelta(days=1)) is None


def test_a_dead_process_gives_its_jobs_back_at_once(state: State) -> None:
    add(state)
    claim(state)
    assert state.write(jobs.release_all) == 1
    assert claim(state) is not None


def test_a_failing_job_comes_back_later_each_time_and_is_kept_when_dead(state: State) -> None:
    add(state)
    now, pauses = NOW, []
    for _ in range(ATTEMPTS):
        job = claim(state, now)
        assert job is not None
        state.write(lambda db, job=job, now=now: jobs.retry(db, job, "boom", now))  # type: ignore[misc]
        row = state.read().execute("SELECT state, due_at, error FROM jobs").fetchone()
        pauses.append(row[1] - now.timestamp())
        now = datetime.fromtimestamp(max(row[1], now.timestamp()), UTC)
    assert row[0] == "dead"
    assert row[2] == "boom"
    assert pauses[:-1] == sorted(pauses[:-1])
    assert claim(state, now + timedelta(days=9)) is None


def test_a_job_waits_for_its_time(state: State) -> None:
    add(state, due_at=NOW + timedelta(minutes=15))
    assert claim(state) is None
    assert claim(state, NOW + timedelta(minutes=15)) is not None


def test_once_is_once_even_after_the_job_is_done(state: State) -> None:
    assert add(state, once="click:1")
    job = claim(state)
    assert job is not None
    state.write(lambda db: jobs.finish(db, job, NOW))
    assert not add(state, once="click:1")


def test_the_same_question_waits_once_but_is_asked_again_while_one_runs(state: State) -> None:
    def ask() -> bool:
        return state.write(lambda db: jobs.add_unless_waiting(db, "triage", {"case": 1}, NOW, pool="triage"))

    assert ask()
    assert not ask()
    claim(state)
    assert ask()


@given(st.lists(st.sampled_from(["triage", "ask", "act"])))
def test_pools_do_not_see_each_others_jobs(pools: list[str]) -> None:
    db = Database(memory=True)
    migrations.apply(db)
    for pool in pools:
        jobs.add(db, "kind", {}, NOW, pool=pool)
    claimed = 0
    while jobs.claim(db, "ask", NOW):
        claimed += 1
    assert claimed == pools.count("ask")


class Lifecycle(RuleBasedStateMachine):
    """Whatever workers do and however they die, each job's effect is kept exactly once."""

    def __init__(self) -> None:
        super().__init__()
        self.db = Database(memory=True)
        migrations.apply(self.db)
        self.now = NOW
        self.held: list[Job] = []
        self.added = 0
        self.effects: list[int] = []

    @rule()
    def add(self) -> None:
        self.added += jobs.add(self.db, "kind", {}, self.now, pool="p")

    @rule()
    def claim(self) -> None:
        if job := jobs.claim(self.db, "p", self.now):
            self.held.append(job)

    @rule(seconds=st.sampled_from([1, 60, 121]))
    def time_passes(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    @rule()
    def all_die(self) -> None:
        jobs.release_all(self.db)

    @rule(pick=st.integers(0, 9))
    def finish(self, pick: int) -> None:
        if self.held:
            job = self.held.pop(pick % len(self.held))
            try:
                jobs.finish(self.db, job, self.now)
            except jobs.LeaseLost:
                return
            self.effects.append(job.id)

    @invariant()
    def nothing_is_done_twice(self) -> None:
        assert len(self.effects) == len(set(self.effects))

    @invariant()
    def nothing_is_lost(self) -> None:
        kept = self.db.execute("SELECT count(*) FROM jobs WHERE state IN ('ready', 'leased', 'done')").fetchone()[0]
        assert kept == self.added


TestLifecycle = Lifecycle.TestCase
