"""A clock that jumps: nothing waits for the time it was put back, and what is due by the day stays so."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.database import Database
from bot.store import clocks, jobs, outbox
from bot.store.clocks import ClockWatch
from bot.store.state import State

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
BACK = NOW - timedelta(hours=3)
MESSAGE = {"text": "a", "blocks": []}


def add(db: Database, kind: str, now: datetime, wait: float = 0.0, pool: str = "triage") -> None:
    jobs.add(db, kind, {}, now, pool=pool, due_at=now + timedelta(seconds=wait))


def due(state: State, kind: str) -> float:
    return float(state.read().execute("SELECT due_at FROM jobs WHERE kind = ?", [kind]).fetchone()[0])


def test_after_a_jump_back_nothing_waits_for_it(state: State) -> None:
    def before(db: Database) -> None:
        add(db, "held", NOW)
        held = jobs.claim(db, "triage", NOW)
        assert held is not None
        add(db, "failed", NOW)
        failed = jobs.claim(db, "triage", NOW)
        assert failed is not None
        jobs.retry(db, failed, "it failed", NOW)
        add(db, "verify", NOW, 60.0)
        add(db, "digest", NOW, 7200.0, pool="upkeep")
        outbox.show(db, "card", "C1", MESSAGE, NOW)
        db.execute(
            "INSERT INTO messages (slot, channel, ts, shown_at) VALUES ('old', 'C1', '1.0', ?)", [NOW.timestamp()]
        )

    state.write(before)
    assert state.write(lambda db: jobs.claim(db, "triage", BACK)) is None
    assert state.write(lambda db: clocks.mend(db, BACK)) == 6
    assert due(state, "failed") <= BACK.timestamp() + 2
    assert due(state, "verify") == BACK.timestamp() + 60
    assert due(state, "digest") == NOW.timestamp() + 7200
    assert outbox.waiting(state.read(), BACK)
    assert state.read().execute("SELECT max(shown_at) FROM messages").fetchone()[0] == BACK.timestamp()
    lease = state.read().execute("SELECT leased_until FROM jobs WHERE kind = 'held'").fetchone()[0]
    assert lease == BACK.timestamp() + jobs.LEASE_SECONDS


def test_without_a_jump_nothing_is_touched(state: State) -> None:
    state.write(lambda db: add(db, "verify", NOW, 900.0))
    state.write(lambda db: outbox.show(db, "card", "C1", MESSAGE, NOW))
    state.write(lambda db: jobs.claim(db, "triage", NOW))
    assert state.write(lambda db: clocks.mend(db, NOW)) == 0


class Hands:
    """A clock that people put back, and one that nobody can."""

    def __init__(self) -> None:
        self.now, self.steady = NOW, 100.0

    def pass_by(self, seconds: float, jump: float = 0.0) -> None:
        self.now += timedelta(seconds=seconds + jump)
        self.steady += seconds


@pytest.mark.parametrize(
    ("jump", "noticed"), [(-3600.0, True), (-10.0, True), (-2.0, False), (0.0, False), (900.0, False)]
)
def test_a_clock_that_is_put_back_is_noticed(tmp_path: Path, jump: float, *, noticed: bool) -> None:
    hands = Hands()
    with State(tmp_path / "state.db") as state:
        watch = ClockWatch(state, lambda: hands.now, lambda: hands.steady)
        hands.pass_by(2.0)
        assert watch.step() is False
        state.write(lambda db: add(db, "verify", hands.now, 60.0))
        hands.pass_by(2.0, jump)
        watch.step()
        expected = hands.now.timestamp() + 60 if noticed else NOW.timestamp() + 62
        assert due(state, "verify") == expected


def test_a_jump_that_could_not_be_mended_is_mended_later(tmp_path: Path) -> None:
    hands = Hands()
    with State(tmp_path / "state.db") as state:
        watch = ClockWatch(state, lambda: hands.now, lambda: hands.steady)
        state.write(lambda db: add(db, "verify", hands.now, 60.0))
        state.close()
        hands.pass_by(2.0, -3600.0)
        watch.step()
    with State(tmp_path / "state.db") as state:
        watch._state = state
        watch.step()
        assert due(state, "verify") == hands.now.timestamp() + 60
