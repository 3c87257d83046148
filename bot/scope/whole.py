"""``bot.scope.source.Source`` over all events and habits of an organisation, in memory.

For whoever looks at all of them anyway, as detections do, and for a history that cannot look a trace up.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Protocol, TypeVar

from bot.families import terminal_of
from bot.model import MANY_USERS, Coverage, Event, Habit, Holder, Span, Trace, Users
from bot.scope.source import Source
from bot.scope.usual import pivot_of

Answer = TypeVar("Answer")


class Complete(Protocol):
    """A history that gives out everything."""

    def coverage(self, span: Span) -> Coverage | None: ...

    def population(self, span: Span) -> int: ...

    def everyones_events(self, span: Span) -> Sequence[Event]:
        """Every event of ``span``."""

    def everyones_habits(self, span: Span) -> Sequence[Habit]:
        """What every principal did on each day of ``span``."""


class Whole(Source):
    """Remembers what it was given. ``events`` are those of spans that are at hand."""

    def __init__(self, history: Complete, events: Mapping[Span, Sequence[Event]] | None = None) -> None:
        self._history = history
        self._at_hand = dict(events or {})
        self._known: dict[Hashable, object] = {}

    def coverage(self, span: Span) -> Coverage | None:
        return self._history.coverage(span)

    def population(self, span: Span) -> int:
        return self._history.population(span)

    def days(self, span: Span) -> int:
        return len({habit.day for habit in self.everyones_habits(span)})

    def users(self, trace: Trace, span: Span) -> Users:
        found = self._principals(trace, span)
        return Users(len(found), tuple(sorted(found)) if len(found) <= MANY_USERS else ())

    def holders(self, trace: Trace, span: Span) -> Sequence[Holder]:
        return tuple(sorted(self._once(("holders", span), lambda: _holders(self._events(span))).get(trace, ())))

    def newcomers(self, event: str, span: Span, before: Span, doubted: Sequence[str]) -> Sequence[Holder]:
        trace = Trace("event", event)
        known = self._principals(trace, before) - set(doubted)
        return tuple(each for each in self.holders(trace, span) if each.principal not in known)

    def habits(self, principal: str, span: Span) -> Sequence[Habit]:
        return self._once(("habits of", span), lambda: _by_principal(self.everyones_habits(span))).get(principal, [])

    def calls(self, key: str, span: Span) -> Sequence[Event]:
        return self._once(("calls of", span), lambda: _by_key(self._events(span))).get(key, [])

    def _principals(self, trace: Trace, span: Span) -> set[str]:
        return self._once(("users", span), lambda: _users(self.everyones_habits(span))).get(trace, set())

    def everyones_habits(self, span: Span) -> Sequence[Habit]:
        return self._once(("habits", span), lambda: self._history.everyones_habits(span))

    def _events(self, span: Span) -> Sequence[Event]:
        if span not in self._at_hand:
            self._at_hand[span] = self._history.everyones_events(span)
        return self._at_hand[span]

    def _once(self, question: Hashable, ask: Callable[[], Answer]) -> Answer:
        if question not in self._known:
            self._known[question] = ask()
        answer: Answer = self._known[question]  # type: ignore[assignment] # each question has answers of one type
        return answer


def _traces(of: Event | Habit, event: str) -> Iterable[Trace]:
    yield Trace("event", event)
    yield Trace("agent", of.user_agent)
    yield Trace("family", of.family)
    if place := pivot_of(of.ip, of.address_class):
        yield Trace("address", place)
    if terminal := terminal_of(of.user_agent):
        yield Trace("terminal", terminal)


def _holders(events: Iterable[Event]) -> Mapping[Trace, set[Holder]]:
    found: defaultdict[Trace, set[Holder]] = defaultdict(set)
    for event in events:
        if event.key and not event.by_service:
            for trace in _traces(event, event.name):
                found[trace].add(Holder(event.key, event.principal.id))
    return found


def _users(habits: Iterable[Habit]) -> Mapping[Trace, set[str]]:
    found: defaultdict[Trace, set[str]] = defaultdict(set)
    for habit in habits:
        for trace in _traces(habit, habit.event):
            found[trace].add(habit.principal)
    return found


def _by_principal(habits: Iterable[Habit]) -> Mapping[str, list[Habit]]:
    found: defaultdict[str, list[Habit]] = defaultdict(list)
    for habit in habits:
        found[habit.principal].append(habit)
    return found


def _by_key(events: Iterable[Event]) -> Mapping[str, list[Event]]:
    found: defaultdict[str, list[Event]] = defaultdict(list)
    for event in events:
        if event.key:
            found[event.key].append(event)
    return found
