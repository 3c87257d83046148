"""A clock that is put back: what waits by the old one would wait as long as it went back.

Put forward, a clock only makes things due: leases end early, and whoever finishes second finds that out. Put back, a
lease that ended with its worker, a second try and an edit of a message would stand still for the length of the jump.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

from bot.database import Database
from bot.model import rfc3339
from bot.store import jobs, outbox
from bot.store.state import State, StateUnavailable

NOTICED = timedelta(seconds=5)
"""A jump back of less is waited out; clocks that are kept in step are slewed, not put back."""
LONGEST_RETRY = timedelta(minutes=61)
"""Nothing that failed is tried again later than this: Slack may ask for an hour."""
LOOK_SECONDS = 1.0

_LEASE = "SET leased_until = ? WHERE state IN ('leased', 'sending') AND leased_until > ?"
"""A lease cannot end later than one taken now."""
_RETRY = "SET due_at = ? WHERE state = 'ready' AND attempts > 0 AND due_at > ?"
_QUEUED = """SET due_at = ? + max(0, due_at - strftime('%s', created_at)), created_at = ?
    WHERE state = 'ready' AND created_at > ?"""
"""What was queued in what is the future now keeps the wait it was given."""
_SHOWN = "UPDATE messages SET shown_at = ? WHERE shown_at > ?"

log = structlog.get_logger()


def mend(db: Database, now: datetime) -> int:
    """Have nothing wait longer than it would have waited from ``now``; how much there was. Inside a transaction.

    What is due at a time of day (digests, drills, updates) is left alone.
    """
    moment, latest = now.timestamp(), (now + LONGEST_RETRY).timestamp()
    count = 0
    for table, lease, others in (
        ("jobs", jobs.LEASE_SECONDS, "AND pool <> 'upkeep'"),
        ("outbox", outbox.LEASE_SECONDS, ""),
    ):
        held = moment + lease
        queued = [moment, rfc3339(now), rfc3339(now + NOTICED)]
        count += db.execute(f"UPDATE {table} {_LEASE}", [held, held + NOTICED.total_seconds()]).rowcount
        count += db.execute(f"UPDATE {table} {_RETRY}", [moment, latest]).rowcount
        count += db.execute(f"UPDATE {table} {_QUEUED} {others}", queued).rowcount
    return count + int(db.execute(_SHOWN, [moment, moment]).rowcount)


class ClockWatch:
    """Sees that the clock was put back, against one that never is. One thread calls :meth:`step`."""

    def __init__(
        self, state: State, clock: Callable[[], datetime], steady: Callable[[], float] = time.monotonic
    ) -> None:
        self._state = state
        self._clock = clock
        self._steady = steady
        self._last = (clock(), steady())

    def step(self) -> bool:
        """Look once a second; always ``False``: there is no hurry."""
        now, steady = self._clock(), self._steady()
        before, then = self._last
        if steady - then < LOOK_SECONDS:
            return False
        expected = before + timedelta(seconds=steady - then)
        if expected - now > NOTICED:
            log.warning("the clock was put back", seconds=round((expected - now).total_seconds()))
            try:
                self._state.write(lambda db: mend(db, now))
            except StateUnavailable:  # looked at again, and said where it matters
                return False
        self._last = (now, steady)
        return False
