"""The address data kept up to date by the bot that serves: a job that queues the next one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

import structlog

from bot.database import Database
from bot.ipdata.update import NotUpdated, Updated
from bot.store import jobs
from bot.store.jobs import Job

KIND = "update_ipdata"
POOL = "upkeep"

log = structlog.get_logger()


class Upkeep:
    """Fetches every ``hours`` (0: never), on whole multiples of them, so that a restart fetches no earlier."""

    def __init__(self, hours: int, fetch: Callable[[], Updated], clock: Callable[[], datetime]) -> None:
        self._every = timedelta(hours=hours)
        self._fetch = fetch
        self._clock = clock

    def begin(self, db: Database) -> None:
        """Queue the fetching of the present period, unless it has been."""
        if self._every:
            self._queue(db, self._period(self._clock()))

    def handlers(self) -> Mapping[str, Callable[[Job], Callable[[Database], None]]]:
        return {KIND: self._update}

    def _update(self, job: Job) -> Callable[[Database], None]:
        """Fetch; whatever comes of it, the next one is queued with the end of this one."""
        if not self._every:  # it was queued before somebody set update_hours to 0
            return self._next
        try:
            updated = self._fetch()
        except NotUpdated as error:
            log.warning("the address data was not updated", why=str(error))
        else:
            failed = [each.why for each in updated.lists if each.why]
            log.info("the address data was updated", lists=len(updated.lists), failed=failed)
        return self._next

    def _next(self, db: Database) -> None:
        if self._every:
            self._queue(db, self._period(self._clock()) + 1)

    def _period(self, at: datetime) -> int:
        return int(at.timestamp() // self._every.total_seconds())

    def _queue(self, db: Database, period: int) -> None:
        due_at = datetime.fromtimestamp(period * self._every.total_seconds(), UTC)
        once = f"{KIND}:{due_at:%Y-%m-%dT%H:%M}"
        jobs.add(db, KIND, {}, self._clock(), pool=POOL, once=once, due_at=due_at)
