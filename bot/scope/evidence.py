"""One key against what is known of the attacker: every trace they share, each with its weight and its events."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from bot.families import terminal_of
from bot.model import Event, Evidence, Outcome
from bot.scope.ground import Ground
from bot.scope.pivots import Pivots
from bot.scope.rules import FIRST_LOOKS
from bot.scope.usual import pivot_of

_MOST_EVENTS = 5
_MOST_NAMED = 5


@dataclass(frozen=True, slots=True)
class Judged:
    """A key's evidence, and what it comes to."""

    key: str
    principal: str | None
    evidence: tuple[Evidence, ...]
    score: float
    by_lineage: bool
    damped: bool
    """A machine at its usual place: what speaks against it counts less."""


def judge(ground: Ground, pivots: Pivots, key: str) -> Judged:
    """Everything that ties ``key`` to the attacker."""
    candidate = _Candidate(ground, pivots, key)
    evidence = candidate.evidence()
    network = any(each.class_ in {"network", "lineage"} for each in evidence)
    damped = bool(evidence) and not network and ground.is_service(candidate.principal)
    factor = ground.rules.habits.service_factor if damped else 1.0
    score = round(factor * combined([each.weight for each in evidence]), 4)
    by_lineage = any(each.kind == "lineage" for each in evidence)
    return Judged(key, candidate.principal or None, evidence, score, by_lineage, damped)


def visited(ground: Ground, pivots: Pivots, key: str) -> dict[str, list[Event]]:
    """The attacker's addresses a key was used from where it is not at home, each with the calls."""
    found: dict[str, list[Event]] = {}
    for event in ground.calls(key):
        place = pivot_of(event.ip, event.address_class)
        if place in pivots.addresses and place is not None and not ground.is_familiar(event):
            found.setdefault(place, []).append(event)
    return found


class _Candidate:
    def __init__(self, ground: Ground, pivots: Pivots, key: str) -> None:
        self.ground = ground
        self.pivots = pivots
        self.key = key
        self.events: Sequence[Event] = ground.calls(key)
        self.principal = ground.principal_of(key) or ""
        self.own = ground.own(self.principal)
        self.weights = ground.rules.weights
        self.visits = visited(ground, pivots, key)
        self.fresh = [event for event in self.events if ground.is_fresh(self.principal, event.name)]
        self.novelty = ground.novelty(self.principal)

    def evidence(self) -> tuple[Evidence, ...]:
        asked = (
            self._lineage(),
            self._address() or self._network(),
            self._terminal(),
            self._offensive_client() or self._user_agent(),
            self._rare_events(),
            self._overlap(),
            self._recon_together(),
            self._denied_first(),
        )
        found = tuple(each for each in asked if each is not None)
        # That a call was refused ties a key to nobody.
        return () if all(each.kind == "denied" for each in found) else found

    def _lineage(self) -> Evidence | None:
        call = self.pivots.given_out.get(self.key)
        if call is None:
            return None
        what = f"{call.name} with {call.key} gave it out"
        if self.ground.is_unfamiliar_use(call):
            return _evidence(
                "lineage", "lineage", 1.0, f"{what} from {call.ip}, where its owner does not work.", [call]
            )
        weight = self.weights.session_from_usual_place
        return _evidence("usual lineage", "lineage", weight, f"{what}, but from the owner's usual place.", [call])

    def _address(self) -> Evidence | None:
        if not self.visits:
            return None
        before, place = min((self.ground.visitors_before(each), each) for each in self.visits)
        weight = self.weights.known_attacker_address if before else self.weights.attacker_address
        weight *= self.ground.rules.habits.thin_factor if self.ground.thin else 1.0
        days = self.ground.rules.habits.baseline_days
        known = (
            f"{_count(before, 'principal')} used in the {days} days before"
            if before
            else f"nobody used in the {days} days before"
        )
        calls = [event for each in sorted(self.visits) for event in self.visits[each]]
        return _evidence(
            "address", "network", weight, f"It was used from {place}, an address of the attacker's that {known}.", calls
        )

    def _network(self) -> Evidence | None:
        calls = [event for event in self.events if not self.ground.is_familiar(event) and self._first_in_network(event)]
        if not calls:
            return None
        network = self._network_of(calls[0])
        sentence = f"It was used from {network}, a hosting network the attacker uses, for the first time."
        return _evidence("network", "network", self.weights.hosting_network, sentence, calls)

    def _first_in_network(self, event: Event) -> bool:
        network = self._network_of(event)
        if network is None or network not in self.pivots.networks:
            return False
        before = (place for place, _ in self.own.places())
        return all(self.ground.network(place) != network for place in before)

    def _network_of(self, event: Event) -> str | None:
        place = pivot_of(event.ip, event.address_class)
        return self.ground.hosting_network(place) if place else None

    def _terminal(self) -> Evidence | None:
        if not self.pivots.terminals:
            return None
        calls = [event for event in self.events if terminal_of(event.user_agent) in self.pivots.terminals]
        sentence = "It was used in the attacker's own terminal: the AWS CLI session id is the same."
        return _evidence("terminal", "tool", self.weights.terminal, sentence, calls) if calls else None

    def _offensive_client(self) -> Evidence | None:
        calls = [
            event
            for event in self.events
            if event.family in self.pivots.clients and self.ground.client_is_new(self.principal, event.family)
        ]
        if not calls:
            return None
        weight = self.weights.offensive_client * self.novelty
        sentence = f"The attacker's client {calls[0].family} was used with it, which its owner never used."
        return _evidence("offensive client", "tool", weight, sentence, calls)

    def _user_agent(self) -> Evidence | None:
        calls = [
            event
            for event in self.events
            if event.user_agent in self.pivots.agents and not self.own.used_agent(event.user_agent)
        ]
        if not calls:
            return None
        weight = self.weights.user_agent * (self.ground.rules.habits.thin_factor if self.ground.thin else 1.0)
        sentence = "Exactly the attacker's client was used with it, down to the versions; hardly anyone has it."
        return _evidence("user agent", "tool", weight, sentence, calls)

    def _rare_events(self) -> Evidence | None:
        calls = [event for event in self.fresh if event.name in self.pivots.rare]
        if not calls:
            return None
        names = sorted({event.name for event in calls}, key=lambda name: (-self.ground.rarity(name), name))
        score = combined([self.weights.rare_event * self.ground.rarity(name) for name in names])
        weight = min(score, self.weights.rare_events_at_most) * self.novelty
        sentence = f"It made calls of the attacker's that are rare here and new to its owner: {self._counted(names)}."
        return _evidence("rare events", "behaviour", weight, sentence, calls)

    def _overlap(self) -> Evidence | None:
        fresh = {event.name for event in self.fresh}
        shared = fresh & self.pivots.events
        share = self._rarity(shared) / (self._rarity(fresh | self.pivots.rare) or 1.0)
        if round(share, 4) < self.ground.rules.thresholds.overlap:
            return None
        weight = self.weights.first_seen_overlap * share * self.novelty
        sentence = f"{share:.0%} of what is new or rare about it is what the attacker does."
        return _evidence(
            "overlap", "behaviour", weight, sentence, [event for event in self.fresh if event.name in shared]
        )

    def _recon_together(self) -> Evidence | None:
        visits = [event for each in sorted(self.visits) for event in self.visits[each]]
        calls = [
            event for event in visits if event.name in FIRST_LOOKS and self._is_new(event) and self._near_look(event)
        ]
        if not calls:
            return None
        minutes = self.ground.rules.thresholds.recon_minutes
        sentence = f"{calls[0].name} came from there within {minutes} minutes of the attacker's own first looks."
        return _evidence("recon", "behaviour", self.weights.recon_together * self.novelty, sentence, calls)

    def _is_new(self, event: Event) -> bool:
        ground = self.ground
        return ground.is_fresh(self.principal, event.name) or ground.client_is_new(self.principal, event.family)

    def _near_look(self, event: Event) -> bool:
        within = timedelta(minutes=self.ground.rules.thresholds.recon_minutes)
        return any(abs(event.at - look) <= within for look in self.pivots.looks)

    def _denied_first(self) -> Evidence | None:
        calls = [event for event in self.fresh if event.outcome is Outcome.DENIED]
        if not calls:
            return None
        names = _listed(sorted({event.name for event in calls}))
        sentence = f"Calls its owner never made before were refused: {names}."
        return _evidence("denied", "behaviour", self.weights.denied_first * self.novelty, sentence, calls)

    def _rarity(self, names: Iterable[str]) -> float:
        return sum(self.ground.rarity(name) for name in sorted(names))

    def _counted(self, names: Sequence[str]) -> str:
        before = (f"{name} ({_count(self.ground.users_before(name), 'principal')} before)" for name in names)
        return _listed(list(before))


def _evidence(kind: str, class_: str, weight: float, sentence: str, calls: Iterable[Event]) -> Evidence:
    ids = dict.fromkeys(event.id for event in sorted(calls, key=lambda each: (each.at, each.id), reverse=True))
    return Evidence(kind, class_, round(weight, 4), sentence, tuple(ids)[:_MOST_EVENTS])


def _listed(words: Sequence[str]) -> str:
    more = len(words) - _MOST_NAMED
    return ", ".join(words[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def combined(weights: Sequence[float]) -> float:
    """Independent traces together (noisy-OR), to 4 places so that no sum's last bit decides."""
    doubt = 1.0
    for weight in sorted(weights):
        doubt *= 1.0 - weight
    return round(1.0 - doubt, 4)
