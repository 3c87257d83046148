"""The digests that come by themselves: jobs that tell a span and queue the next one, each span once."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from bot.cron import parse_cron
from bot.database import Database
from bot.digests import Digest, gather
from bot.model import rfc3339
from bot.store import jobs
from bot.store.jobs import Job
from bot.store.state import State
from bot.workers import Commit, Handler

KIND = "digest"
POOL = "upkeep"
DAILY, WEEKLY = "daily", "weekly"
SPANS = {DAILY: timedelta(days=1), WEEKLY: timedelta(days=7)}
"""How far back the first one of each looks; every later one begins where the one before ended."""

Tell = Callable[[Database, str, str, Digest], None]
"""Shows a digest once: ``(db, slot, channel, digest)``."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """When digests are due by the clocks of ``zone``, as cron writes it; empty for never."""

    daily: str
    weekly: str
    zone: str = "UTC"

    def cron(self, name: str) -> str:
        return {DAILY: self.daily, WEEKLY: self.weekly}[name]


class Digests:
    """``channels``: which environments each channel hears of."""

    def __init__(
        self,
        state: State,
        clock: Callable[[], datetime],
        schedule: Schedule,
        channels: Mapping[str, Sequence[str]],
        tell: Tell,
    ) -> None:
        self._state = state
        self._clock = clock
        self._schedule = schedule
        self._channels = channels
        self._tell = tell

    def begin(self, db: Database) -> None:
        """Queue the next digest of each kind; one that waits since before a restart, or is overdue, stays as it is."""
        for name in SPANS:
            cron = self._schedule.cron(name)
            waiting = [job for job in _waiting(db) if job["name"] == name]
            if any((job["cron"], job["zone"]) == (cron, self._schedule.zone) for job in waiting):
                continue
            began = min((datetime.fromisoformat(job["since"]) for job in waiting), default=None)
            _forget(db, name)
            if cron:
                self._queue(db, name, self._clock(), began)

    def handlers(self) -> dict[str, Handler]:
        return {KIND: self._told}

    def _told(self, job: Job) -> Commit:
        asked = job.payload
        since, until = (datetime.fromisoformat(asked[name]) for name in ("since", "until"))
        db = self._state.read()
        found = {channel: gather(db, since, until, names) for channel, names in self._channels.items()}

        def commit(db: Database) -> None:
            for channel, digest in found.items():
                if channel and (asked["name"] == WEEKLY or not digest.is_silent):
                    self._tell(db, f"digest:{asked['name']}:{asked['until']}:{channel}", channel, digest)
            if self._schedule.cron(asked["name"]):
                self._queue(db, asked["name"], max(until, self._clock() - SPANS[asked["name"]]), until)

        return commit

    def _queue(self, db: Database, name: str, after: datetime, since: datetime | None) -> None:
        cron, zone = self._schedule.cron(name), self._schedule.zone
        due = parse_cron(cron).after(after, zone)
        began = since if since is not None else due - SPANS[name]
        payload = {"name": name, "since": rfc3339(began), "until": rfc3339(due), "cron": cron, "zone": zone}
        jobs.add(db, KIND, payload, self._clock(), pool=POOL, once=f"{KIND}:{name}:{payload['until']}", due_at=due)


def _waiting(db: Database) -> list[dict[str, Any]]:
    rows = db.execute("SELECT payload FROM jobs WHERE kind = ? AND state = 'ready'", [KIND])
    return [json.loads(row[0]) for row in rows]


def _forget(db: Database, name: str) -> None:
    """Take back what was queued by another schedule."""
    db.execute(
        "DELETE FROM jobs WHERE kind = ? AND state = 'ready' AND json_extract(payload, '$.name') = ?", [KIND, name]
    )
