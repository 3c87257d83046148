"""The large organisation as a history: days are made when they are asked for, and habits are kept."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta

from bot.backtest.laid import habits_of
from bot.history.concerning import concerns
from bot.model import Coverage, Event, Habit, Observable, Span
from tests.large.cast import Cast, make_cast
from tests.large.days import Day

LAST = date(2026, 11, 20)
"""A Friday: the day 0 of the organisation."""


class Large:
    """``days`` days up to the end of :data:`LAST`, and what is laid over them."""

    def __init__(self, seed: int, size: int, days: int, also: Iterable[Event] = ()) -> None:
        self.seed = seed
        self.days = days
        self.cast: Cast = make_cast(seed, size, days)
        self.also = tuple(also)
        self._events: dict[date, tuple[Event, ...]] = {}
        self._habits: dict[date, tuple[Habit, ...]] = {}

    @property
    def until(self) -> datetime:
        return datetime.combine(LAST, time(23, 59, 59), UTC)

    @property
    def since(self) -> datetime:
        return datetime.combine(LAST - timedelta(days=self.days - 1), time(), UTC)

    @property
    def span(self) -> Span:
        return Span(self.since, self.until)

    def with_events(self, also: Iterable[Event]) -> Large:
        """The same days with ``also`` laid over them."""
        other = Large.__new__(Large)
        other.__dict__ |= self.__dict__
        other.also = tuple(also)
        return other

    def newest(self) -> datetime:
        return self.until

    def coverage(self, span: Span) -> Coverage | None:
        held = span.intersection(Span(self.since, self.until))
        if held is None:
            return None
        return Coverage(held.since, held.until, tuple(self.cast.accounts), {"eu-central-1": held.until}, ())

    def population(self, span: Span) -> int:
        return len({habit.principal for habit in self.everyones_habits(span)})

    def everyones_events(self, span: Span) -> Sequence[Event]:
        made = (event for day in self._days(span) for event in self._of(day))
        return [event for event in (*made, *self.also) if event.at in span]

    def everyones_habits(self, span: Span) -> Sequence[Habit]:
        own = [habit for day in self._days(span) for habit in self._habits_of(day)]
        return [*own, *habits_of(event for event in self.also if event.at in span)]

    def events(self, observable: Observable, span: Span, *, limit: int = 1000) -> Sequence[Event]:
        """No long-term key is made in this organisation; of anything else the days in memory are read through."""
        if observable.value == "iam:CreateAccessKey":
            return []
        found = [event for event in self.everyones_events(span) if concerns(event, observable)]
        return sorted(found, key=lambda event: event.at, reverse=True)[:limit]

    def _days(self, span: Span) -> list[date]:
        first, last = max(span.since, self.since).date(), min(span.until, self.until).date()
        return [first + timedelta(days=n) for n in range((last - first).days + 1)]

    def _of(self, day: date) -> tuple[Event, ...]:
        if day not in self._events:
            midnight = datetime.combine(day, time(), UTC)
            if len(self._events) > 2:
                self._events.clear()
            self._events[day] = tuple(Day(self.seed, self.cast, midnight, (day - LAST).days).events())
        return self._events[day]

    def _habits_of(self, day: date) -> tuple[Habit, ...]:
        if day not in self._habits:
            self._habits[day] = tuple(habits_of(self._of(day)))
        return self._habits[day]
