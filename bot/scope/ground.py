"""The ground a key is judged on: what was usual, who is a machine, which addresses prove nothing."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property, partial

from bot.model import (
    MANY_USERS,
    AddressOrigin,
    Doubted,
    Event,
    Habit,
    Holder,
    Span,
    Trace,
    Users,
    family_is_new,
    named_by,
    offensive_name,
    trusted_habits,
)
from bot.scope.rules import Rules, shipped
from bot.scope.source import Source, Spans
from bot.scope.usual import Own, own, pivot_of

_SECOND = timedelta(seconds=1)

Origin = Callable[[str], AddressOrigin]


@dataclass(frozen=True)
class Known:
    """What the organisation says of itself, and what its analysts decided."""

    own_networks: tuple[str, ...] = ()
    service_accounts: frozenset[str] = frozenset()
    """Principal ids."""
    automation: tuple[str, ...] = ()
    """Patterns of principals that are machines, as config or an analyst states them."""
    people: tuple[str, ...] = ()
    """Patterns of principals that are none, whatever their habits say: an analyst's word."""
    set_aside: Mapping[str, str] = field(default_factory=dict)
    """Keys an analyst took out, each with the reason."""
    counted_in: Mapping[str, str] = field(default_factory=dict)
    """Keys an analyst put in, each with the reason: the search goes on from them, too."""
    doubted: Doubted = field(default_factory=dict)
    """Principals of open cases: what they did since those began is no part of what was usual."""
    origin: Origin = AddressOrigin
    rules: Rules = field(default_factory=shipped)


class Ground:
    """Baseline and window of one search, looked up as it goes and then remembered.

    ``told`` are events of the window that only an alert tells of. What services did is left out. The history's own
    errors pass through.
    """

    def __init__(self, source: Source, window: Span, known: Known, told: Iterable[Event] = ()) -> None:
        self.known = known
        self.rules = known.rules
        self.window = window
        self.baseline = baseline_of(window.since, known.rules)
        widened = window.since - timedelta(days=known.rules.habits.widened_days)
        self.earlier = Span(widened, self.baseline.since - _SECOND)
        self._source = source.over(Spans(window, self.baseline, self.earlier))
        self._told: defaultdict[str, list[Event]] = defaultdict(list)
        for event in told:
            if event.key and event.at in window:
                self._told[event.key].append(event)
        self._calls: dict[str, tuple[Event, ...]] = {}
        self._unfamiliar: dict[tuple[object, ...], bool] = {}
        self._owns: dict[str, Own] = {}
        self._users: dict[Trace, Users] = {}
        self._holders: dict[Trace, tuple[Holder, ...]] = {}
        self._newcomers: dict[str, tuple[Holder, ...]] = {}

    @cached_property
    def days(self) -> int:
        """On how many days of the baseline anybody did anything."""
        return self._source.days(self.baseline)

    @cached_property
    def population(self) -> int:
        return self._source.population(Span(self.baseline.since, self.window.until))

    @property
    def thin(self) -> bool:
        """The organisation itself is hardly known: no shared exit and no habit can be told from the days there are."""
        return self.days < self.rules.habits.familiar_spread_days

    def calls(self, key: str) -> tuple[Event, ...]:
        """A key's own calls in the window, once each and oldest first, whatever order and however often they came."""
        calls = self._calls.get(key)
        if calls is None:
            events = [*self._source.calls(key, self.window), *self._told.get(key, ())]
            once = {event.id: event for event in events if not event.by_service}
            calls = self._calls[key] = tuple(sorted(once.values(), key=lambda each: (each.at, each.id)))
        return calls

    def principal_of(self, key: str) -> str | None:
        """A key's principal, as its newest event says."""
        calls = self.calls(key)
        return calls[-1].principal.id if calls else None

    def own(self, principal: str) -> Own:
        """What a principal did before the window."""
        known = self._owns.get(principal)
        if known is None:
            earlier = partial(self._habits, principal, self.earlier)
            known = Own(principal, self._habits(principal, self.baseline), earlier, self.rules.habits)
            self._owns[principal] = known
        return known

    def trusted(self, everyones_habits: Callable[[Span], Iterable[Habit]]) -> list[Habit]:
        """Everybody's habits before the window, as far back as anybody's are asked for."""
        habits = (habit for span in (self.earlier, self.baseline) for habit in everyones_habits(span))
        return list(trusted_habits(habits, self.known.doubted))

    def holders(self, trace: Trace) -> tuple[Holder, ...]:
        """Every key that left a trace in the window."""
        found = self._holders.get(trace)
        if found is None:
            found = self._holders[trace] = tuple(self._source.holders(trace, self.window))
        return found

    def newcomers(self, event: str) -> tuple[Holder, ...]:
        """Every key that called ``event`` in the window and whose principal did not before."""
        found = self._newcomers.get(event)
        if found is None:
            asked = self._source.newcomers(event, self.window, self.baseline, sorted(self.known.doubted))
            found = self._newcomers[event] = tuple(asked)
        return found

    @property
    def told_of(self) -> frozenset[str]:
        """The keys that alerts tell of."""
        return frozenset(self._told)

    def is_service(self, principal: str) -> bool:
        if named_by(self.known.people, principal):
            return False
        stated = principal in self.known.service_accounts or named_by(self.known.automation, principal)
        return stated or self.own(principal).is_machine(self.days)

    def people(self, principals: Collection[str]) -> set[str]:
        return {each for each in principals if not self.is_service(each)}

    def users_before(self, event: str) -> int:
        """How many principals used an event before the window; machines do not count, but where many used it."""
        users = self._before(Trace("event", event))
        return users.count if users.count > MANY_USERS else len(self.people(users.principals))

    def users_ever(self, event: str, stolen: Collection[str] = ()) -> int:
        """How many principals ever used a rare event; of machines only the ``stolen``."""
        used = {*self._before(Trace("event", event)).principals, *self.users_now(event)}
        return len(self.people(used) | used & set(stolen))

    def users_now(self, event: str) -> set[str]:
        """The principals that used an event in the window, with a key."""
        told = {each.principal.id for calls in self._told.values() for each in calls if each.name == event}
        return {each.principal for each in self.holders(Trace("event", event))} | told

    @cached_property
    def _rare_below(self) -> int:
        habits = self.rules.habits
        return min(habits.rare_at_most, max(2, math.ceil(habits.rare_share * self.population)))

    def is_rare(self, event: str) -> bool:
        return self.users_before(event) <= self._rare_below

    def rarity(self, event: str) -> float:
        """From 1 (nobody used it before) to 0 (everybody did): the inverse document frequency, normalised."""
        n = self.population + 1
        return max(0.0, math.log(n / (self.users_before(event) + 1)) / math.log(n)) if n > 1 else 1.0

    def is_rare_agent(self, agent: str) -> bool:
        """Whether hardly anybody had exactly this client before."""
        users = self._before(Trace("agent", agent)).count
        return bool(agent) and users <= self.rules.thresholds.rare_agent_principals

    def visitors_before(self, place: str) -> int:
        """How many principals used an address before the window."""
        return self._before(Trace("address", place)).count

    def is_fresh(self, principal: str, event: str) -> bool:
        return not self.own(principal).used(event)

    def client_is_new(self, principal: str, family: str) -> bool:
        return family_is_new(family, self.own(principal).families)

    def is_familiar(self, event: Event) -> bool:
        """Made where the key (for a session: its principal) is at home, or from no place at all."""
        place = pivot_of(event.ip, event.address_class)
        who = event.principal.id
        if place is None or own(place, self.known.own_networks):
            return True
        return self.own(who).familiar(event.key, place) or self._roams_near(who, place)

    def is_unfamiliar_use(self, event: Event) -> bool:
        """Only such use leads on: the owner of a stolen key goes on working, from the office that everyone shares.

        At a place of the key's own only a new penetration-testing client is unfamiliar (a new laptop is not), at an
        exit that many share any new client.
        """
        what = event.key, event.principal.id, event.ip, event.address_class, event.family
        known = self._unfamiliar.get(what)
        if known is None:
            known = self._unfamiliar[what] = self._leads_on(event)
        return known

    def _leads_on(self, event: Event) -> bool:
        new_client = self.client_is_new(event.principal.id, event.family)
        if self.is_familiar(event):
            return new_client and offensive_name(event.family) is not None
        place = pivot_of(event.ip, event.address_class)
        return new_client or place is None or self.proves_nothing(place) is None

    def proves_nothing(self, place: str) -> str | None:
        """Why an address is no evidence against anyone; ``None`` if it may be."""
        if own(place, self.known.own_networks):
            return "one of the organisation's own exits"
        users = self.visitors_before(place)
        if users >= self.rules.thresholds.shared_address_principals:
            return f"used by {users} principals in the {self.rules.habits.baseline_days} days before"
        return None

    def network(self, place: str) -> str | None:
        """The provider or AS an address belongs to, where known."""
        origin = self.known.origin(place.split("/", 1)[0])
        return f"AS{origin.asn}" if origin.asn is not None else origin.provider

    def hosting_network(self, place: str) -> str | None:
        return self.network(place) if self.known.origin(place.split("/", 1)[0]).hosting else None

    def is_rented(self, place: str) -> bool:
        """Whether an address is a hosting provider's or a VPN's, and not of AWS, Google or Microsoft."""
        origin = self.known.origin(place.split("/", 1)[0])
        return bool(origin.hosting or origin.vpn or origin.tor) and not origin.big_three

    def is_outside_aws(self, place: str) -> bool:
        """Whether an address is known to be none of AWS's; nothing at all may be known of it."""
        origin = self.known.origin(place.split("/", 1)[0])
        known = origin.asn is not None or origin.provider is not None or origin.hosting is not None
        return known and origin.provider != "AWS"

    def novelty(self, principal: str) -> float:
        """What "never before" is worth: half where hardly anything is known of before."""
        return self.rules.habits.thin_factor if self.own(principal).thin else 1.0

    def _habits(self, principal: str, span: Span) -> Iterable[Habit]:
        return trusted_habits(self._source.habits(principal, span), self.known.doubted)

    def _before(self, trace: Trace) -> Users:
        users = self._users.get(trace)
        if users is None:
            users = self._users[trace] = self._without_doubted(trace, self._source.users(trace, self.baseline))
        return users

    def _without_doubted(self, trace: Trace, users: Users) -> Users:
        """Without those that left a trace only since they are in doubt; of many users it is not told who they are."""
        new = {each for each in users.principals if each in self.known.doubted and not self.own(each).left(trace)}
        if not new:
            return users
        return Users(users.count - len(new), tuple(each for each in users.principals if each not in new))

    def _roams_near(self, principal: str, place: str) -> bool:
        """A runner's new address in a network it uses anyway; an address elsewhere is evidence like any other."""
        if not self.own(principal).roams():
            return False
        return self.network(place) in self._usual_networks(principal)

    def _usual_networks(self, principal: str) -> set[str]:
        days: dict[str, set[object]] = {}
        for place, seen in self.own(principal).places():
            network = self.network(place)
            if network:
                days.setdefault(network, set()).update(seen)
        return {network for network, seen in days.items() if len(seen) >= self.rules.habits.roaming_days}


def baseline_of(since: datetime, rules: Rules) -> Span:
    """What a window from ``since`` on is judged against."""
    return Span(since - timedelta(days=rules.habits.baseline_days), since - _SECOND)
