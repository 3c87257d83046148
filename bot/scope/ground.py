"""The ground a key is judged on: what was usual, who is a machine, which addresses prove nothing."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from bot.model import AddressOrigin, Doubted, Event, Habit, family_is_new, named_by, offensive_name, trusted_habits
from bot.scope.rules import Rules, shipped
from bot.scope.usual import Usual, holder, own, pivot_of

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
    """Baseline and window of one search. ``events`` are the window's; what services did is left out."""

    def __init__(
        self, habits: Iterable[Habit], events: Iterable[Event], known: Known, earlier: Iterable[Habit] = ()
    ) -> None:
        self.known = known
        self.rules = known.rules
        trusted = (trusted_habits(some, known.doubted) for some in (habits, earlier))
        self.usual = Usual(next(trusted), known.rules.habits, next(trusted))
        self.events = _by_key(events)
        self._services: dict[str, bool] = {}

    @cached_property
    def principal_of(self) -> dict[str, str]:
        """Each key's principal, as its newest event says."""
        return {key: events[-1].principal.id for key, events in self.events.items()}

    @cached_property
    def population(self) -> int:
        return len(self.usual.principals | set(self.principal_of.values()))

    @cached_property
    def _rare_below(self) -> int:
        habits = self.rules.habits
        return min(habits.rare_at_most, max(2, math.ceil(habits.rare_share * self.population)))

    def is_service(self, principal: str) -> bool:
        known = self._services.get(principal)
        if known is None:
            stated = principal in self.known.service_accounts or named_by(self.known.automation, principal)
            known = stated or self.usual.is_service(principal)
            known = known and not named_by(self.known.people, principal)
            self._services[principal] = known
        return known

    def people(self, principals: Collection[str]) -> set[str]:
        return {each for each in principals if not self.is_service(each)}

    def users_before(self, event: str) -> int:
        """How many principals used an event before the window; machines do not count."""
        return len(self.people(self.usual.users_of_event.get(event, ())))

    def users_ever(self, event: str, stolen: Collection[str] = ()) -> int:
        """How many principals ever used it; of machines only the ``stolen``."""
        used = self.usual.users_of_event.get(event, set()) | self.users_now.get(event, set())
        return len(self.people(used) | used & set(stolen))

    @cached_property
    def users_now(self) -> dict[str, set[str]]:
        users: dict[str, set[str]] = {}
        for events in self.events.values():
            for event in events:
                users.setdefault(event.name, set()).add(event.principal.id)
        return users

    def is_rare(self, event: str) -> bool:
        return self.users_before(event) <= self._rare_below

    def rarity(self, event: str) -> float:
        """From 1 (nobody used it before) to 0 (everybody did): the inverse document frequency, normalised."""
        n = self.population + 1
        return max(0.0, math.log(n / (self.users_before(event) + 1)) / math.log(n)) if n > 1 else 1.0

    def is_fresh(self, principal: str, event: str) -> bool:
        return not self.usual.used(principal, event)

    def client_is_new(self, principal: str, family: str) -> bool:
        return family_is_new(family, self.usual.families(principal))

    def is_familiar(self, event: Event) -> bool:
        """Made where the key (for a session: its principal) is at home, or from no place at all."""
        place = pivot_of(event.ip, event.address_class)
        who = event.principal.id
        if place is None or own(place, self.known.own_networks):
            return True
        return self.usual.familiar(holder(event.key, who), place) or self._roams_near(who, place)

    def is_unfamiliar_use(self, event: Event) -> bool:
        """Only such use leads on: the owner of a stolen key goes on working, from the office that everyone shares.

        At a place of the key's own only a new penetration-testing client is unfamiliar (a new laptop is not), at an
        exit that many share any new client.
        """
        new_client = self.client_is_new(event.principal.id, event.family)
        if self.is_familiar(event):
            return new_client and offensive_name(event.family) is not None
        place = pivot_of(event.ip, event.address_class)
        return new_client or place is None or self.proves_nothing(place) is None

    def proves_nothing(self, place: str) -> str | None:
        """Why an address is no evidence against anyone; ``None`` if it may be."""
        if own(place, self.known.own_networks):
            return "one of the organisation's own exits"
        users = len(self.usual.users_of_address.get(place, ()))
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
        return self.rules.habits.thin_factor if self.usual.is_thin(principal) else 1.0

    def _roams_near(self, principal: str, place: str) -> bool:
        """A runner's new address in a network it uses anyway; an address elsewhere is evidence like any other."""
        if not self.usual.roams(principal):
            return False
        return self.network(place) in self._usual_networks(principal)

    def _usual_networks(self, principal: str) -> set[str]:
        days: dict[str, set[object]] = {}
        for place, seen in self.usual.places(principal):
            network = self.network(place)
            if network:
                days.setdefault(network, set()).update(seen)
        return {network for network, seen in days.items() if len(seen) >= self.rules.habits.roaming_days}


def _by_key(events: Iterable[Event]) -> dict[str, tuple[Event, ...]]:
    """Each key's own calls, once each and oldest first, whatever order and however often they came."""
    found: dict[str, dict[str, Event]] = {}
    for event in events:
        if event.key and not event.by_service:
            found.setdefault(event.key, {})[event.id] = event
    return {key: tuple(sorted(found[key].values(), key=lambda each: (each.at, each.id))) for key in sorted(found)}
