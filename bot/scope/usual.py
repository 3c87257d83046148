"""What was usual before the window: who used which event, address and client, on how many days."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date

from bot.model import THIN_BASELINE_DAYS, THIN_BASELINE_EVENTS, AddressClass, Habit, inside, site_of
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


class Usual:
    """The baseline, counted. Nothing of the window judged is in it.

    ``earlier`` are habits from before ``habits``: they count only for principals that have too few of them.
    """

    def __init__(self, habits: Iterable[Habit], rules: HabitRules, earlier: Iterable[Habit] = ()) -> None:
        self._rules = rules
        self.users_of_event: defaultdict[str, set[str]] = defaultdict(set)
        self.users_of_address: defaultdict[str, set[str]] = defaultdict(set)
        self.users_of_agent: defaultdict[str, set[str]] = defaultdict(set)
        self.days: set[date] = set()
        self.keys: set[str] = set()
        """Those used on any of the days, the earlier ones among them."""
        self._days: defaultdict[str, set[date]] = defaultdict(set)
        self._calls: defaultdict[str, int] = defaultdict(int)
        self._events: defaultdict[str, set[str]] = defaultdict(set)
        self._families: defaultdict[str, set[str]] = defaultdict(set)
        self._agents: defaultdict[str, set[str]] = defaultdict(set)
        self._address_days: defaultdict[tuple[str, str], set[date]] = defaultdict(set)
        self._addresses: defaultdict[str, dict[str, set[date]]] = defaultdict(dict)
        for habit in habits:
            self._count(habit)
        earlier = tuple(earlier)
        self.keys.update(habit.key for habit in earlier if habit.key)
        for habit in [each for each in earlier if self.is_thin(each.principal)]:
            self._count_own(habit)

    @property
    def principals(self) -> set[str]:
        return set(self._days)

    def is_thin(self, principal: str) -> bool:
        """Too little is known to call anything new: fewer than 20 calls or 3 days."""
        return self._calls[principal] < THIN_BASELINE_EVENTS or len(self._days[principal]) < THIN_BASELINE_DAYS

    @property
    def thin(self) -> bool:
        """The organisation itself is hardly known: no shared exit and no habit can be told from the days there are."""
        return len(self.days) < self._rules.familiar_spread_days

    def used(self, principal: str, event: str) -> bool:
        return event in self._events[principal]

    def families(self, principal: str) -> set[str]:
        return self._families[principal]

    def used_agent(self, principal: str, agent: str) -> bool:
        return agent in self._agents[principal]

    def familiar(self, holder: str, place: str) -> bool:
        """Used on 3 days or more, spread over 10 or more."""
        days = self._address_days.get((holder, place))
        if not days or len(days) < self._rules.familiar_days:
            return False
        return (max(days) - min(days)).days + 1 >= self._rules.familiar_spread_days

    def first_day(self, holder: str, place: str) -> date | None:
        return min(self._address_days.get((holder, place), ()), default=None)

    def residents(self, place: str) -> int:
        """How many keys and roles are at home at an address."""
        return sum(1 for who, where in list(self._address_days) if where == place and self.familiar(who, where))

    def roams(self, principal: str) -> bool:
        """CI runners and vendors get a new address all the time; people have a handful."""
        return len(self._addresses[principal]) > self._rules.roaming_addresses

    def places(self, principal: str) -> Iterator[tuple[str, set[date]]]:
        yield from self._addresses[principal].items()

    def is_service(self, principal: str) -> bool:
        """A machine by its habits: at work every day, weekends too, with one client or two, none of them a browser."""
        kind, _, name = principal.partition("/")
        if principal.startswith("service:") or (kind.endswith(":role") and name.startswith("AWSServiceRoleFor")):
            return True
        families = self._families[principal]
        human = len(families) > self._rules.service_clients or any(
            each.startswith(("browser", "console")) for each in families
        )
        enough = len(self.days) >= self._rules.familiar_spread_days
        return enough and not human and len(self._days[principal]) >= self._rules.service_share_of_days * len(self.days)

    def _count(self, habit: Habit) -> None:
        place = pivot_of(habit.ip, habit.address_class)
        self.days.add(habit.day)
        self.users_of_event[habit.event].add(habit.principal)
        self.users_of_agent[habit.user_agent].add(habit.principal)
        if place:
            self.users_of_address[place].add(habit.principal)
        self._count_own(habit)

    def _count_own(self, habit: Habit) -> None:
        who, place = habit.principal, pivot_of(habit.ip, habit.address_class)
        if habit.key:
            self.keys.add(habit.key)
        self._days[who].add(habit.day)
        self._calls[who] += habit.count
        self._events[who].add(habit.event)
        self._families[who].add(habit.family)
        self._agents[who].add(habit.user_agent)
        if place:
            self._address_days[holder(habit.key, who), place].add(habit.day)
            self._addresses[who].setdefault(place, set()).add(habit.day)


def own(place: str, networks: Iterable[str]) -> bool:
    """Whether a place is one of the organisation's own exits."""
    return inside(place.split("/", 1)[0], networks)
