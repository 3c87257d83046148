"""Fire drills by the bot that serves: a job that queues the next one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

import structlog

from bot import summary
from bot.database import Database
from bot.remediation.drill import Drill
from bot.store import jobs
from bot.store.jobs import Job

KIND = "drill"
POOL = "upkeep"

log = structlog.get_logger()


class Drills:
    """Drills every canary every ``days`` (0: never), on whole multiples of them, so that a restart drills no earlier.

    ``say`` tells the channel of a drill that failed; of one that went well, the log.
    """

    def __init__(
        self, days: int, drill: Drill, clock: Callable[[], datetime], say: Callable[[Database, str, str], None]
    ) -> None:
        self._every = timedelta(days=days)
        self._drill = drill
        self._clock = clock
        self._say = say

    def begin(self, db: Database) -> None:
        """Queue the drill of the next period, unless it is."""
        if self._every:
            self._next(db)

    def handlers(self) -> Mapping[str, Callable[[Job], Callable[[Database], None]]]:
        return {KIND: self._drilled}

    def _drilled(self, job: Job) -> Callable[[Database], None]:
        done = [self._drill.run(key) for key in self._drill.secrets] if self._every else []
        told = {each.key: summary.drill_line(each) for each in done}
        failed = {each.key for each in done if each.problem}
        for key, sentence in told.items():
            log.info("a fire drill", key=key, told=sentence)

        if done and self._drill.undrilled:
            log.warning("not drilled", told=summary.undrilled_line(self._drill.undrilled))

        def commit(db: Database) -> None:
            for key in failed:
                self._say(db, f"drill:{key}:{job.id}", told[key])
            if self._every:
                self._next(db)

        return commit

    def _next(self, db: Database) -> None:
        seconds = self._every.total_seconds()
        due_at = datetime.fromtimestamp((self._clock().timestamp() // seconds + 1) * seconds, UTC)
        once = f"{KIND}:{due_at:%Y-%m-%dT%H:%M}"
        jobs.add(db, KIND, {}, self._clock(), pool=POOL, once=once, due_at=due_at)
