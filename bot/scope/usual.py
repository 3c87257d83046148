"""What was usual before the window for one principal: which event, address and client, on how many days."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import date

from bot.model import THIN_BASELINE_DAYS, THIN_BASELINE_EVENTS, AddressClass, Habit, Trace, inside, site_of
from bot.scope.rules import HabitRules

LONG_TERM_KEY = "AKIA"


def pivot_of(ip: str | None, address_class: AddressClass) -> str | None:
    """The address as one place in the internet, IPv6 as its /64; ``None`` for everything that is not public."""
    if ip is None or address_class is not AddressClass.PUBLIC:
        return None
    return site_of(ip)


def holder(key: str | None, principal: str) -> str:
    """Whose habit an address is: a long-term key's own; a session lives too short and has its principal's."""
    return key if key and key.startswith(LONG_TERM_KEY) else principal


class Own:
    """The baseline of one principal, counted. Nothing of the window judged is in it.

    ``earlier`` tells of the time before the baseline, and is asked where the baseline alone knows too little.
    """

    def __init__(
        self, principal: str, habits: Iterable[Habit], earlier: Callable[[], Iterable[Habit]], rules: HabitRules
    ) -> None:
        self.principal = principal
        self.families: set[str] = set()
        self._rules = rules
        self._calls = 0
        self._days: set[date] = set()
        self._events: set[str] = set()
        self._agents: set[str] = set()
        self._at_home: defaultdict[tuple[str, str], set[date]] = defaultdict(set)
        self._places: defaultdict[str, set[date]] = defaultdict(set)
        for habit in habits:
            self._count(habit)
        self._days_of_baseline, self._clients = len(self._days), frozenset(self.families)
        if self.thin:
            for habit in earlier():
                self._count(habit)

    @property
    def thin(self) -> bool:
        """Too little is known to call anything new: fewer than 20 calls or 3 days."""
        return self._calls < THIN_BASELINE_EVENTS or len(self._days) < THIN_BASELINE_DAYS

    def used(self, event: str) -> bool:
        return event in self._events

    def left(self, trace: Trace) -> bool:
        """Whether one of its calls left an event, a user agent or an address as its trace."""
        left = {"event": self._events, "agent": self._agents, "family": self.families, "address": self._places}
        return trace.value in left.get(trace.kind, ())

    def used_agent(self, agent: str) -> bool:
        return agent in self._agents

    def familiar(self, key: str | None, place: str) -> bool:
        """Used on 3 days or more, spread over 10 or more."""
        days = self._at_home.get((holder(key, self.principal), place))
        if not days or len(days) < self._rules.familiar_days:
            return False
        return (max(days) - min(days)).days + 1 >= self._rules.familiar_spread_days

    def first_day(self, key: str | None, place: str) -> date | None:
        return min(self._at_home.get((holder(key, self.principal), place), ()), default=None)

    def roams(self) -> bool:
        """CI runners and vendors get a new address all the time; people have a handful."""
        return len(self._places) > self._rules.roaming_addresses

    def places(self) -> Iterator[tuple[str, set[date]]]:
        yield from self._places.items()

    def is_machine(self, days: int) -> bool:
        """A machine by its habits: at work every day, weekends too, with one client or two, none of them a browser.

        ``days`` is on how many days of the baseline anybody was at work.
        """
        kind, _, name = self.principal.partition("/")
        if self.principal.startswith("service:") or (kind.endswith(":role") and name.startswith("AWSServiceRoleFor")):
            return True
        return works_like_a_machine(self._days_of_baseline, days, self._clients, self._rules)

    def _count(self, habit: Habit) -> None:
        place = pivot_of(habit.ip, habit.address_class)
        self._days.add(habit.day)
        self._calls += habit.count
        self._events.add(habit.event)
        self.families.add(habit.family)
        self._agents.add(habit.user_agent)
        if place:
            self._at_home[holder(habit.key, self.principal), place].add(habit.day)
            self._places[place].add(habit.day)


def works_like_a_machine(at_work: int, days: int, families: Collection[str], rules: HabitRules) -> bool:
    """At work on nearly all of ``days``, weekends too, with one client or two, none of them a browser."""
    human = len(families) > rules.service_clients or any(each.startswith(("browser", "console")) for each in families)
    return days >= rules.familiar_spread_days and not human and at_work >= rules.service_share_of_days * days


def own(place: str, networks: Iterable[str]) -> bool:
    """Whether a place is one of the organisation's own exits."""
    return inside(place.split("/", 1)[0], networks)
