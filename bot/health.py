"""How the running bot is: what keeps it from its work (`/readyz`, the Home tab), the figures of `/metrics`."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from bot import paging
from bot.database import Database
from bot.history.follow import Following
from bot.history.sqlite import SqliteHistory
from bot.intake.polling import AlertQueue
from bot.metrics import Now
from bot.model import HistoryUnavailableError
from bot.slack import troubles
from bot.store import spoilt
from bot.store.state import State, StateUnavailable, touch

LATE = timedelta(minutes=5)
"""Work that has been due for so long and is not taken up: the workers hang, or there is more than they can do."""
FOLLOWED = "trail"
"""What the queue of the trail's notices is called among the queues of alerts."""


class Socket(Protocol):
    """The way from Slack."""

    def alive(self) -> bool: ...

    def why(self) -> str: ...


class Health:
    """Asks everything the bot is made of. Every method may block, and may be called from any thread.

    ``socket`` is ``None`` where Slack calls us; ``following`` where no queue brings the trail's notices, ``history``
    where none is kept here.
    """

    def __init__(
        self,
        state: State,
        clock: Callable[[], datetime],
        *,
        socket: Socket | None,
        queues: Sequence[AlertQueue],
        following: Callable[[], Following] | None,
        history: SqliteHistory | None,
    ) -> None:
        self._state = state
        self._clock = clock
        self._socket = socket
        self._queues = queues
        self._following = following
        self._history = history
        self.listening: Callable[[], bool] = lambda: True
        """Whether the public port takes requests; whoever opens it says so."""

    def problems(self) -> list[str]:
        """A sentence for each thing that keeps the bot from working; empty if nothing does."""
        return list(self._problems())

    def now(self) -> Now:
        """The figures that no table has."""
        following = self._following() if self._following is not None else None
        queues = {queue.source: queue.problem is None for queue in self._queues}
        if following is not None:
            queues[FOLLOWED] = following.problem is None
        return Now(
            slack=None if self._socket is None else self._socket.alive(),
            queues=queues,
            history=self._newest(),
            behind=following.queue_age if following is not None else None,
            problems=len(self.problems()),
        )

    def databases(self) -> tuple[Path, ...]:
        return (self._state.path, *([self._history.path] if self._history is not None else []))

    def tell_of_damage(self, say: Callable[[Database, str, str], None]) -> None:
        """Have ``say`` tell the channel of every database that was moved aside, in a slot of its own: once."""
        for sentence in self._damage():
            slot = f"damaged:{hashlib.sha256(sentence.encode()).hexdigest()[:16]}"
            self._state.write(lambda db, slot=slot, told=sentence: say(db, slot, f"{told}."))  # type: ignore[misc]

    def _problems(self) -> Iterator[str]:
        if self._socket is not None and not self._socket.alive():
            yield f"Slack's socket is not connected{self._socket.why()}"
        if not self.listening():
            yield "The port for alerts and Slack takes nothing: the bot is starting or ending"
        try:
            self._state.write(touch)
        except StateUnavailable as error:
            yield str(error)
        yield from self._damage()
        for queue in self._queues:
            if queue.problem is not None:
                yield f"No alerts are taken from the queue of {queue.source}: {queue.problem}"
        following = self._following() if self._following is not None else None
        if following is not None and following.problem is not None:
            yield f"The history does not follow the trail: {following.problem}"
        db = self._state.read()
        yield from self._late(db)
        yield from troubles.sentences(db)
        yield from paging.problems(db)

    def _late(self, db: Database) -> Iterator[str]:
        moment = self._clock().timestamp()
        rows = db.execute(
            "SELECT pool, count(*), ? - min(due_at) FROM jobs WHERE state = 'ready' AND due_at < ? AND pool <> 'upkeep'"
            " GROUP BY 1",
            [moment, (self._clock() - LATE).timestamp()],
        )
        for pool, count, age in rows.fetchall():
            yield f"{count} jobs of {pool} wait, the oldest for {age / 60:.0f} minutes: more comes in than can be done"

    def _damage(self) -> Iterator[str]:
        for file in self.databases():
            yield from spoilt.sentences(file)

    def _newest(self) -> datetime | None:
        try:
            return self._history.newest() if self._history is not None else None
        except HistoryUnavailableError:
            return None
