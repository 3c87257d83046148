"""A playbook from one incident: what its thief did, and hardly anybody here does, drafted for an analyst's yes."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import pairwise

from bot.hunts.library import Playbook
from bot.model import Event, Outcome
from bot.scope.ground import Ground

RARE = 0.6
"""An event nobody was refused belongs to it from this rarity up: common calls tell one thief from nobody."""
WINDOW_HOURS = 24
MIN_DISTINCT = 2
SOON = timedelta(minutes=10)
TACTIC = "incident"
_NAME = re.compile(r"[a-z0-9.-]+:[A-Za-z0-9_]+")
"""Event names as CloudTrail has them; whatever else a record holds is no name to search for."""


@dataclass(frozen=True, slots=True)
class Draft:
    """``playbook`` with, for each event, how many of the ``keys`` made it, how rare it is, and who was refused."""

    playbook: Playbook
    keys: int
    used_by: Mapping[str, int]
    rarity: Mapping[str, float]
    refused: frozenset[str]
    pairs: tuple[tuple[str, str], ...] = field(default=())
    """Events that followed each other within ten minutes, with two keys or more."""


def draft(name: str, keys: Collection[str], ground: Ground) -> Draft | None:
    """What ``keys`` did away from where their owners work: events rare here or refused, made with two of the keys or
    more (with one, if there is only one). On half of the keys an event is core, else it is support. ``None`` where
    nothing is left that would tell this thief from anybody.
    """
    calls = {key: found for key in sorted(keys) if (found := _telling(ground, key))}
    if not calls:
        return None
    used = Counter(event for found in calls.values() for event in {each.name for each in found})
    least = min(2, len(calls))
    kept = {event: count for event, count in sorted(used.items()) if count >= least}
    core = frozenset(event for event, count in kept.items() if 2 * count >= len(calls))
    if not core:
        return None
    playbook = Playbook(
        name=name,
        title=f"What the thief of {name} did",
        tactic=TACTIC,
        window_hours=WINDOW_HOURS,
        min_core=1,
        min_distinct=min(MIN_DISTINCT, len(kept)),
        core=core,
        support=frozenset(kept) - core,
    )
    refused = {each.name for found in calls.values() for each in found if each.outcome is Outcome.DENIED}
    rarity = {event: round(ground.rarity(event), 2) for event in kept}
    return Draft(playbook, len(calls), kept, rarity, frozenset(refused & kept.keys()), _pairs(calls, kept, least))


def _telling(ground: Ground, key: str) -> list[Event]:
    return [
        event
        for event in ground.calls(key)
        if _NAME.fullmatch(event.name)
        and ground.is_unfamiliar_use(event)
        and (event.outcome is Outcome.DENIED or ground.rarity(event.name) >= RARE)
    ]


def _pairs(calls: Mapping[str, list[Event]], kept: Mapping[str, int], least: int) -> tuple[tuple[str, str], ...]:
    made_by: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for key, found in calls.items():
        ours = [event for event in found if event.name in kept]
        for one, next_ in pairwise(ours):
            if one.name != next_.name and next_.at - one.at <= SOON:
                made_by[one.name, next_.name].add(key)
    return tuple(sorted(pair for pair, keys in made_by.items() if len(keys) >= least))


def as_toml(found: Draft) -> str:
    """The draft as a playbook's file, which ``load_playbook`` reads again, with the reason of each event."""
    playbook = found.playbook
    order = [f"#   {one} -> {next_}" for one, next_ in found.pairs]
    lines = [
        f"# Drafted from {found.keys} key{'s' if found.keys != 1 else ''}, used away from where their owners work.",
        *(["# Within ten minutes of each other:", *order] if order else []),
        f"title = {json.dumps(playbook.title)}",
        f"tactic = {json.dumps(playbook.tactic)}",
        f"window_hours = {playbook.window_hours:g}",
        f"min_core = {playbook.min_core}",
        f"min_distinct = {playbook.min_distinct}",
        *_events(found, "core", playbook.core),
        *_events(found, "support", playbook.support),
    ]
    return "\n".join(lines) + "\n"


def _events(found: Draft, name: str, events: frozenset[str]) -> list[str]:
    ordered = sorted(events, key=lambda event: (-found.rarity[event], event))
    return [f"{name} = [", *(f"    {json.dumps(event)},  # {_why(found, event)}" for event in ordered), "]"]


def _why(found: Draft, event: str) -> str:
    refused = ", refused" if event in found.refused else ""
    return f"{found.used_by[event]} of {found.keys} keys, rarity {found.rarity[event]:.2f}{refused}"
