"""What is known of the attacker: what the confirmed keys did, wherever their owners are not at home."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from bot.families import terminal_of
from bot.model import Event, Trace, offensive_name
from bot.scope.ground import Ground
from bot.scope.rules import FIRST_LOOKS
from bot.scope.usual import pivot_of


@dataclass(frozen=True, slots=True)
class Pivots:
    """Frozen for one round: nothing found in a round is used in it, so the order of keys decides nothing."""

    addresses: frozenset[str] = frozenset()
    networks: frozenset[str] = frozenset()
    terminals: frozenset[str] = frozenset()
    clients: frozenset[str] = frozenset()
    """Offensive families."""
    agents: frozenset[str] = frozenset()
    """Raw user agents that were rare before."""
    events: frozenset[str] = frozenset()
    rare: frozenset[str] = frozenset()
    looks: tuple[datetime, ...] = ()
    """When the attacker asked who a key is and what it is worth."""
    given_out: Mapping[str, Event] = field(default_factory=dict)
    """Keys that the confirmed keys' calls gave out, each with the call; one from an unfamiliar place goes before."""

    def traces(self) -> Iterator[Trace]:
        """What other keys in the same hands may have left, too; what they called is asked otherwise."""
        yield from (Trace("address", each) for each in sorted(self.addresses))
        yield from (Trace("terminal", each) for each in sorted(self.terminals))
        yield from (Trace("family", each) for each in sorted(self.clients))
        yield from (Trace("agent", each) for each in sorted(self.agents))


def pivots_of(ground: Ground, confirmed: Collection[str], leads: Iterable[str], blocked: Collection[str]) -> Pivots:
    """What leads on from the ``confirmed`` keys and from the places ``leads``."""
    used = attackers_events(ground, confirmed)
    places = attackers_places(ground, used) | set(leads)
    addresses = {place for place in places - set(blocked) if ground.proves_nothing(place) is None}
    events = frozenset(event.name for event in used)
    return Pivots(
        addresses=frozenset(addresses),
        networks=frozenset(filter(None, map(ground.hosting_network, addresses))),
        terminals=frozenset(filter(None, (terminal_of(event.user_agent) for event in used))),
        clients=frozenset(event.family for event in used if offensive_name(event.family)),
        agents=frozenset(event.user_agent for event in used if ground.is_rare_agent(event.user_agent)),
        events=events,
        rare=frozenset(name for name in events if ground.is_rare(name)),
        looks=tuple(sorted({event.at for event in used if event.name in FIRST_LOOKS})),
        given_out=_given_out(ground, confirmed),
    )


def attackers_events(ground: Ground, confirmed: Collection[str]) -> list[Event]:
    """The unfamiliar use of the ``confirmed`` keys."""
    events = (event for key in sorted(confirmed) for event in ground.calls(key))
    return [event for event in events if ground.is_unfamiliar_use(event)]


def attackers_places(ground: Ground, used: Iterable[Event]) -> set[str]:
    """Where that use came from; where a penetration-testing client stood in the office, the office is not it."""
    return {
        place for event in used if not ground.is_familiar(event) and (place := pivot_of(event.ip, event.address_class))
    }


def _given_out(ground: Ground, confirmed: Collection[str]) -> dict[str, Event]:
    """In the order of evidence: the familiar first, so that an unfamiliar call takes the place of a familiar one."""
    calls = [event for key in sorted(confirmed) for event in ground.calls(key) if event.minted]
    calls.sort(key=lambda event: (ground.is_unfamiliar_use(event), event.at, event.id))
    return {event.minted: event for event in calls if event.minted}
