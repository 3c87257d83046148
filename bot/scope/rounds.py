"""The search: rounds over frozen pivots until nothing new is found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from bot.model import Evidence, Suspicion
from bot.scope.evidence import Judged, judge, visited
from bot.scope.ground import Ground
from bot.scope.pivots import Pivots, attackers_events, pivots_of

_LEAD = "The search started from it."


@dataclass
class Search:
    """What the rounds came to."""

    confirmed: dict[str, Suspicion]
    suspects: tuple[Suspicion, ...] = ()
    damped: tuple[Judged, ...] = ()
    blocked: dict[str, int] = field(default_factory=dict)
    """Addresses that too many came to in one round, each with how many principals."""
    pivots: Pivots = field(default_factory=Pivots)
    rounds: int = 0
    stopped: str | None = None
    """Why the search ended before it was done."""


def search(ground: Ground, leads: Collection[str], places: Iterable[str] = ()) -> Search:
    """Every key tied to ``leads`` (keys) and ``places`` (addresses the attacker is known to use)."""
    found = Search({key: _lead(ground, key) for key in sorted({*leads, *ground.known.counted_in})})
    places = frozenset(places)
    for number in range(1, ground.rules.thresholds.rounds + 1):
        found.rounds = number
        judged = _round(ground, found, places)
        new = {each.key: _suspicion(ground, each, number) for each in judged if _is_confirmed(ground, each)}
        found.confirmed |= new
        found.suspects = _suspects(ground, judged, new, number)
        found.damped = tuple(each for each in judged if each.damped)
        if not new:
            return found
        found.stopped = _too_many(ground, found.confirmed)
        if found.stopped:
            return found
    found.stopped = f"new keys were still found in round {found.rounds}, the last that is made"
    return found


def _round(ground: Ground, found: Search, places: frozenset[str]) -> list[Judged]:
    """All other keys against one frozen set of pivots; made again without an address that too many came to."""
    while True:
        found.pivots = pivots_of(ground, found.confirmed, places, found.blocked)
        others = [key for key in _candidates(ground, found.pivots) if key not in found.confirmed]
        crowded = _crowded(ground, found.pivots, others)
        if not crowded:
            return [judge(ground, found.pivots, key) for key in others]
        found.blocked |= crowded


def _candidates(ground: Ground, pivots: Pivots) -> list[str]:
    """Every key that shares a trace with the attacker, or was given out by him, but those an analyst set aside.

    Of everybody's own: whoever called before what the attacker calls shares nothing by that. Nor is another address of
    the same hosting network looked for: without any other trace that makes nobody a suspect.
    """
    found = {each.key for event in pivots.events for each in ground.newcomers(event)}
    found |= {each.key for trace in pivots.traces() for each in ground.holders(trace)}
    return sorted((found | ground.told_of | set(pivots.given_out)) - set(ground.known.set_aside))


def _crowded(ground: Ground, pivots: Pivots, keys: Sequence[str]) -> Mapping[str, int]:
    """A whole office behind one new address is no gang: such an address is evidence against nobody."""
    visitors: dict[str, set[str]] = {}
    for key in keys:
        for place in visited(ground, pivots, key):
            visitors.setdefault(place, set()).add(ground.principal_of(key) or "")
    most = ground.rules.thresholds.explosion_principals
    return {place: len(who) for place, who in sorted(visitors.items()) if len(who) > most}


def _is_confirmed(ground: Ground, judged: Judged) -> bool:
    # Half the internet rents from the same few providers: a shared one makes suspects stronger, and is no second class.
    two = len({each.class_ for each in judged.evidence if each.kind != "network"}) >= 2
    return judged.by_lineage or (two and judged.score >= ground.rules.thresholds.confirm)


def _suspects(
    ground: Ground, judged: Sequence[Judged], new: Mapping[str, Suspicion], number: int
) -> tuple[Suspicion, ...]:
    left = (each for each in judged if each.key not in new and each.score >= ground.rules.thresholds.suspect)
    return tuple(sorted((_suspicion(ground, each, number) for each in left), key=lambda each: (-each.score, each.key)))


def _suspicion(ground: Ground, judged: Judged, number: int) -> Suspicion:
    used = _used(ground, judged.key)
    return Suspicion(judged.key, judged.principal, number, judged.score, judged.evidence, *used)


def _lead(ground: Ground, key: str) -> Suspicion:
    calls = attackers_events(ground, [key])[-5:] or list(ground.calls(key))[-1:]
    why = ground.known.counted_in.get(key)
    sentence = _LEAD if why is None else f"An analyst counts it in: {why}"
    told = Evidence("lead", "lead", 1.0, sentence, tuple(event.id for event in reversed(calls)))
    return Suspicion(key, ground.principal_of(key), 0, 1.0, (told,), *_used(ground, key))


def _used(ground: Ground, key: str) -> tuple[datetime | None, datetime | None, dict[str, int]]:
    """When a key was used by others than its owner, first and last, and for what; where nothing tells, all its use."""
    events = attackers_events(ground, [key]) or list(ground.calls(key))
    times = [event.at for event in events]
    counts = Counter(event.name for event in events)
    calls = dict(sorted(counts.items(), key=lambda each: (-each[1], each[0])))
    return min(times, default=None), max(times, default=None), calls


def _too_many(ground: Ground, confirmed: Mapping[str, Suspicion]) -> str | None:
    most = ground.rules.thresholds.most_confirmed
    who = {each.principal for each in confirmed.values() if each.principal}
    if len(confirmed) > most or (len(who) > 2 and len(who) > ground.population / 2):
        return f"{len(confirmed)} keys were found, which looks like the loss of an administrator or a whole account"
    return None
