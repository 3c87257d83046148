"""The history as a backtest asks it: each day read once, and a theft laid over it. Nothing of either is written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Protocol

from bot.history.overlay import WithEvents
from bot.model import Event, Habit, History, Span

_SECOND = timedelta(seconds=1)


class Kept(Protocol):
    """What is asked of the history beyond ``bot.model.History``: everybody at once."""

    def everyones_events(self, span: Span) -> Sequence[Event]: ...

    def everyones_habits(self, span: Span) -> Sequence[Habit]: ...


def day_span(day: date) -> Span:
    """A UTC day, to its last second."""
    midnight = datetime.combine(day, time(), UTC)
    return Span(midnight, midnight + timedelta(days=1) - _SECOND)


class DayByDay:
    """Habits by the day, each day read once and kept until every later question begins after it.

    The baseline of one day is that of the next, but for a day.
    """

    def __init__(self, kept: Kept) -> None:
        self._kept = kept
        self._days: dict[date, tuple[Habit, ...]] = {}
        self.events = 0
        """Read so far."""

    def everyones_events(self, span: Span) -> Sequence[Event]:
        found = self._kept.everyones_events(span)
        self.events += len(found)
        return found

    def everyones_habits(self, span: Span) -> Sequence[Habit]:
        if span.since.time() != time() or (span.until + _SECOND).time() != time():
            return self._kept.everyones_habits(span)
        days = (span.until.date() - span.since.date()).days + 1
        return [habit for n in range(days) for habit in self._of(span.since.date() + timedelta(days=n))]

    def forget(self, before: date) -> None:
        """No day before ``before`` will be asked for again."""
        for day in [day for day in self._days if day < before]:
            del self._days[day]

    def _of(self, day: date) -> tuple[Habit, ...]:
        if day not in self._days:
            self._days[day] = tuple(self._kept.everyones_habits(day_span(day)))
        return self._days[day]


class Laid(WithEvents):
    """A history with ``events`` laid over it, for everybody's events and habits, too."""

    def __init__(self, history: History, days: Kept, events: Iterable[Event] = ()) -> None:
        super().__init__(history, sorted(events, key=lambda event: (event.at, event.id)))
        self._kept = days

    def everyones_events(self, span: Span) -> Sequence[Event]:
        held = self._kept.everyones_events(span)
        laid = [event for event in self._events if event.at in span]
        return [*reversed(laid), *held] if laid else held

    def everyones_habits(self, span: Span) -> Sequence[Habit]:
        held = self._kept.everyones_habits(span)
        laid = habits_of(event for event in self._events if event.at in span)
        return [*held, *laid] if laid else held


def habits_of(events: Iterable[Event]) -> list[Habit]:
    """``events`` counted by the day, as a store counts them."""
    counts = Counter(
        Habit(
            *(event.at.date(), event.key, event.principal.id, event.ip, event.address_class),
            *(event.user_agent, event.family, event.name),
        )
        for event in events
        if not event.by_service
    )
    return [replace(habit, count=count) for habit, count in counts.items()]
