"""Who made a thing, and when: what the history and the records behind it say of the calls that made or changed it.

The records are read again from their logs; where those are gone, who made a thing is not known, and that is said.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.made.kinds import KEY, MadeKind
from bot.model import Event, History, HistoryUnavailableError, Kind, Observable, Outcome, Records, Span, rfc3339

WINDOW = timedelta(days=14)
"""A thing older than this was not made by the thief of an incident that is being contained now."""
MOST_EVENTS = 500
_BEGINNING = datetime(2006, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Making:
    """A call that made or changed a thing."""

    event: Event
    parameters: Mapping[str, Any]

    @property
    def sentence(self) -> str:
        who = f"{self.event.principal.id}" + (f" with {self.event.key}" if self.event.key else "")
        return f"{self.event.name} by {who} from {self.event.ip or 'an unknown address'} at {rfc3339(self.event.at)}."


class Makings:
    """Asks the history. ``history`` and ``records`` give ``None`` where there are none."""

    def __init__(
        self,
        clock: Callable[[], datetime],
        history: Callable[[], History | None] = lambda: None,
        records: Callable[[], Records | None] = lambda: None,
    ) -> None:
        self._clock = clock
        self._history = history
        self._records = records

    def is_recent(self, made_at: datetime) -> bool:
        """Whether a thing AWS says was made at ``made_at`` can be the thief's."""
        return made_at >= self._clock() - WINDOW

    def key(self, key: str) -> Making | None:
        """The call that gave out a long-term key."""
        minted = (event for event in self._events(*KEY.calls) if event.minted == key)
        found = next(minted, None)
        return Making(found, {}) if found else None

    def of(self, value: str, *kinds: MadeKind) -> tuple[Making, ...]:
        """The answered calls that made or changed the thing of ``kinds`` named ``value``, the newest first."""
        found = [
            Making(event, asked)
            for kind in kinds
            for name in kind.calls
            for event in self._events(name)
            if (asked := self._asked(event.id)).get(kind.parameter) == value
        ]
        return tuple(sorted(found, key=lambda each: (each.event.at, each.event.id), reverse=True))

    def _events(self, name: str) -> Iterator[Event]:
        history = self._history()
        if history is None:
            return
        try:
            span = Span(_BEGINNING, self._clock())
            events = history.events(Observable(Kind.EVENT, name), span, limit=MOST_EVENTS)
        except HistoryUnavailableError:
            return
        yield from (event for event in events if event.outcome is Outcome.OK)

    def _asked(self, event_id: str) -> Mapping[str, Any]:
        records = self._records()
        return (records.parameters(event_id) if records else None) or {}


def told(making: Making | None) -> str:
    """Who made it, for the preview."""
    if making is None:
        return "Who made it is not known: the CloudTrail history holds no record of it."
    return f"Made by {making.sentence}"
