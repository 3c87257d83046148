"""Alerts from an SQS queue: taken, kept, then deleted. Nothing of ours need be reachable from anywhere.

A message is deleted only once what it holds is on disk; killed at any point, nothing is lost, and what was kept already
is known again. What cannot be read is kept as a dead letter, so that one message never stops the queue.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

import structlog

from bot.history.queue import Message, Queue, QueueUnavailable
from bot.intake.payload import Payload, Unreadable, read
from bot.store.state import StateUnavailable

MAX_BYTES = 1_100_000
"""SQS takes messages of up to 1 MiB."""
SOON = timedelta(seconds=5)
SELDOM = timedelta(minutes=5)
"""The first and the longest time after which a queue that did not answer is asked again."""

log = structlog.get_logger()


class Keep(Protocol):
    """Makes payloads durable before it returns. Raises ``StateUnavailable``, :class:`Unreadable`."""

    def __call__(self, source: str, payloads: Sequence[Payload]) -> Any: ...


class AlertQueue:
    """One queue of one source. ``bury`` keeps the text of a message that cannot be read, and why.

    :meth:`step` is for one thread. The queue's own policy says who may send to it.
    """

    def __init__(
        self,
        source: str,
        queue: Queue,
        keep: Keep,
        bury: Callable[[str, str, str], None],
        clock: Callable[[], datetime],
    ) -> None:
        self.source = source
        self._queue = queue
        self._keep = keep
        self._bury = bury
        self._clock = clock
        self._failures = 0
        self._not_before: datetime | None = None
        self.problem: str | None = None
        """Why the last look failed, a sentence; ``None`` if it did not."""

    def step(self) -> bool:
        """Keep and delete the next messages; ``False`` if there were none, or if it failed and is to be tried later.

        Waits a few seconds for a message. What goes wrong is in the log; nothing is raised for it.
        """
        if self._not_before is not None and self._clock() < self._not_before:
            return False
        try:
            messages = self._queue.take(wait=True)
            self._take_in(messages)
        except (QueueUnavailable, StateUnavailable) as error:
            self._failed(str(error))
            return False
        self._failures, self._not_before, self.problem = 0, None, None
        return bool(messages)

    def _take_in(self, messages: Sequence[Message]) -> None:
        kept: list[Message] = []
        try:
            for message in messages:
                self._keep_one(message)
                kept.append(message)
        except StateUnavailable:
            self._queue.give_back(messages[len(kept) :], lambda _: SOON)
            raise
        finally:
            self._queue.delete(kept)

    def _keep_one(self, message: Message) -> None:
        try:
            self._keep(self.source, read(message.body.encode(errors="replace"), MAX_BYTES))
        except Unreadable as reason:
            log.warning("a message is no alert; kept as a dead letter", source=self.source, message=message.id)
            self._bury(self.source, message.body, str(reason))

    def _failed(self, why: str) -> None:
        self._failures += 1
        pause = min(SELDOM, SOON * (1 << min(self._failures - 1, 10)))
        self._not_before = self._clock() + pause
        if self.problem != why:
            log.warning("no alerts are taken from a queue", source=self.source, why=why)
        self.problem = why
