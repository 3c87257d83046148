"""What was usual in the two weeks before a hunt's window."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from datetime import date

from bot.model import THIN_BASELINE_DAYS, THIN_BASELINE_EVENTS, Habit, family_is_new
from bot.scope.usual import LONG_TERM_KEY, pivot_of

SSO = ":sso/"
RARITY_UNKNOWN = 0.5
ARRIVALS = 5
"""Days on which a pipeline came from a new address."""
PIPELINE = "web:"


def names_of(key: str | None, principal: str) -> set[str]:
    """Everything a habit is remembered under: the long-term key, the principal, the person in all accounts."""
    names = {principal}
    if key and key.startswith(LONG_TERM_KEY):
        names.add(key)
    if SSO in principal:
        names.add(f"sso/{principal.partition(SSO)[2]}")
    return names


class Before:
    """Habits before the window."""

    def __init__(self, habits: Iterable[Habit]) -> None:
        self.users: defaultdict[str, set[str]] = defaultdict(set)
        self._users_of_event: defaultdict[str, set[str]] = defaultdict(set)
        self._principals: set[str] = set()
        self._days: set[date] = set()
        self._pairs: set[tuple[str, str]] = set()
        self._families: defaultdict[str, set[str]] = defaultdict(set)
        self._events: defaultdict[str, set[str]] = defaultdict(set)
        self._first_used: defaultdict[str, dict[str, date]] = defaultdict(dict)
        self._active: defaultdict[str, set[date]] = defaultdict(set)
        self._calls: defaultdict[str, int] = defaultdict(int)
        for habit in habits:
            self._count(habit)

    def rarity(self, event: str) -> float:
        """From 1 (nobody used it) to 0 (everybody did); 0.5 where too little is known to say."""
        population = len(self._principals) + 1
        if self.thin or population < 2:
            return RARITY_UNKNOWN
        users = len(self._users_of_event.get(event, ()))
        return math.log(population / (users + 1)) / math.log(population)

    @property
    def thin(self) -> bool:
        return len(self._days) < THIN_BASELINE_DAYS

    @property
    def days(self) -> int:
        return len(self._days)

    def knows(self, names: Iterable[str], place: str) -> bool:
        return any((name, place) in self._pairs for name in names)

    def client_is_new(self, names: Iterable[str], family: str) -> bool:
        return all(family_is_new(family, self._families[name]) for name in names)

    def knows_enough(self, names: Iterable[str]) -> bool:
        """Whether anything can be called new: 20 calls on 3 days."""
        return any(
            self._calls[name] >= THIN_BASELINE_EVENTS and len(self._active[name]) >= THIN_BASELINE_DAYS
            for name in names
        )

    def used(self, name: str, event: str) -> bool:
        return event in self._events[name]

    def roams(self, names: Iterable[str], event: str) -> bool:
        """A new address on most active days, and this very call: a pipeline or a roaming vendor.

        Five such days at least: somebody who was seen on a few only, in two offices and at home, is neither. Of a
        pipeline that says it is one, by its OIDC subject, three are enough.
        """
        names = tuple(names)
        return any(map(self._arrives_daily, names)) and any(event in self._events[name] for name in names)

    def _arrives_daily(self, name: str) -> bool:
        active = len(self._active[name])
        arrivals = len(set(self._first_used[name].values()))
        least = THIN_BASELINE_DAYS if name.startswith(PIPELINE) else ARRIVALS
        return arrivals >= least and arrivals > active / 2

    def _count(self, habit: Habit) -> None:
        place = pivot_of(habit.ip, habit.address_class)
        self._days.add(habit.day)
        self._users_of_event[habit.event].add(habit.principal)
        self._principals.add(habit.principal)
        if place:
            self.users[place].add(habit.principal)
        for name in names_of(habit.key, habit.principal):
            self._active[name].add(habit.day)
            self._calls[name] += habit.count
            self._families[name].add(habit.family)
            self._events[name].add(habit.event)
            if place:
                self._pairs.add((name, place))
                known = self._first_used[name].get(place, habit.day)
                self._first_used[name][place] = min(known, habit.day)
