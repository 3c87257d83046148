"""The answers a history gave last: who asks for the record of an event has its id from one of them."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from datetime import date

from bot.model import Event, Use

_REMEMBERED = 30_000
"""Uses and events, some hundred bytes each."""


class Recent:
    """Safe from any thread."""

    def __init__(self) -> None:
        self._uses: deque[Sequence[Use]] = deque()
        self._events: deque[Sequence[Event]] = deque()

    def gave_uses(self, answer: Sequence[Use]) -> None:
        self._uses.append(answer)
        while sum(map(len, tuple(self._uses))) > _REMEMBERED and len(self._uses) > 1:
            self._uses.popleft()

    def gave_events(self, answer: Sequence[Event]) -> None:
        self._events.append(answer)
        while sum(map(len, tuple(self._events))) > _REMEMBERED and len(self._events) > 1:
            self._events.popleft()

    def day_of(self, event_id: str) -> date | None:
        """The UTC day of an event that one of the last answers named."""
        for events in reversed(tuple(self._events)):
            for event in events:
                if event.id == event_id:
                    return event.at.date()
        for uses in reversed(tuple(self._uses)):
            for use in uses:
                if event_id in use.evidence:
                    return use.day
        return None
