"""A playbook against what each principal did."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta

from bot.hunts.library import Playbook
from bot.hunts.result import Hit, Level, Severity
from bot.model import AddressClass, Event, Outcome

WEAK_RARITY = 0.6
"""Refused support calls alone are worth a look if they are rare enough here together."""
_MOST_EVIDENCE = 20
Rarity = Callable[[str], float]
Habitual = Callable[[str, str], bool]


def matches(playbook: Playbook, events: Iterable[Event], rarity: Rarity, habitual: Habitual) -> Iterator[Hit]:
    """One hit for each principal that ``playbook`` fits, the rarest calls first.

    ``rarity`` of an event is from 0 to 1; ``habitual`` tells whether a principal made an event before. Whoever always
    makes these calls is still a hit, and a quiet one.
    """
    hits = (
        _hit_of(playbook, who, calls, rarity, habitual)
        for who, calls in sorted(_by_principal(playbook, events).items())
    )
    yield from sorted((hit for hit in hits if hit), key=lambda hit: (-hit.rarity, hit.principals))


def _by_principal(playbook: Playbook, events: Iterable[Event]) -> dict[str, list[Event]]:
    wanted = playbook.impact | playbook.support
    found: defaultdict[str, dict[str, Event]] = defaultdict(dict)
    for event in events:
        if event.name in wanted and _counts(playbook, event):
            found[event.principal.id][event.id] = event
    return {who: sorted(held.values(), key=lambda each: (each.at, each.id)) for who, held in found.items()}


def _counts(playbook: Playbook, event: Event) -> bool:
    who = event.principal
    service = who.id.startswith("service:") or who.name.startswith("AWSServiceRoleFor") or who.name in playbook.noisy
    by_aws = event.name in playbook.not_by_aws and event.family == "aws-internal"
    return not (event.by_service or service or by_aws)


def _hit_of(playbook: Playbook, who: str, calls: Sequence[Event], rarity: Rarity, habitual: Habitual) -> Hit | None:
    levels: tuple[tuple[Level, Callable[[_Window], bool]], ...] = (
        ("match", lambda window: window.matches(playbook)),
        ("weak", lambda window: window.is_weak(rarity)),
    )
    for level, fits in levels:
        held = _held(playbook, calls, fits)
        if held:
            return _quietened(_hit(playbook, who, held, level, rarity), playbook, habitual)
    return None


def _held(playbook: Playbook, calls: Sequence[Event], fits: Callable[[_Window], bool]) -> list[Event]:
    """Every call that lies in a window that fits."""
    window, within, held, taken = _Window(playbook), timedelta(hours=playbook.window_hours), list[Event](), 0
    start = 0
    for n, event in enumerate(calls):
        window.add(event)
        while event.at - calls[start].at > within:
            window.remove(calls[start])
            start += 1
        if fits(window):
            held += calls[max(start, taken) : n + 1]
            taken = n + 1
    return held


class _Window:
    """The calls in a sliding window, counted."""

    def __init__(self, playbook: Playbook) -> None:
        self._impact = playbook.impact
        self._core: Counter[str] = Counter()
        self._support: Counter[str] = Counter()
        self._regions: Counter[str] = Counter()
        self._denied = 0
        self._total = 0

    def add(self, event: Event, by: int = 1) -> None:
        names = self._core if event.name in self._impact else self._support
        for counter, value in ((names, event.name), (self._regions, event.region)):
            counter[value] += by
            if not counter[value]:
                del counter[value]
        self._denied += by * (event.outcome is Outcome.DENIED)
        self._total += by

    def remove(self, event: Event) -> None:
        self.add(event, -1)

    def matches(self, playbook: Playbook) -> bool:
        core, distinct = len(self._core), len(self._core) + len(self._support)
        enough = core >= playbook.min_core and distinct >= playbook.min_distinct and self._total >= playbook.min_events
        return enough and (len(self._regions) >= playbook.multi_region or core > playbook.min_core)

    def is_weak(self, rarity: Rarity) -> bool:
        if self._core or not self._denied:
            return False
        return round(sum(rarity(name) for name in sorted(self._support)), 4) >= WEAK_RARITY


def _hit(playbook: Playbook, who: str, calls: Sequence[Event], level: Level, rarity: Rarity) -> Hit:
    names = Counter(event.name for event in calls)
    places = Counter(event.ip for event in calls if event.ip and event.address_class is AddressClass.PUBLIC)
    told = ", ".join(sorted(names, key=lambda name: (name not in playbook.impact, -rarity(name), name))[:4])
    newest = sorted(calls, key=lambda event: (event.at, event.id), reverse=True)
    return Hit(
        hunt=playbook.name,
        source_ip=min(places, key=lambda ip: (-places[ip], ip), default=None),
        keys=tuple(sorted({event.key for event in calls if event.key})),
        principals=(who,),
        events=dict(sorted(names.items())),
        first_seen=calls[0].at,
        last_seen=max(event.at for event in calls),
        severity=_severity(playbook, calls, level),
        level=level,
        sentence=f"{playbook.title}: {who} made {len(calls)} calls of it, among them {told}.",
        evidence=tuple(event.id for event in newest[:_MOST_EVIDENCE]),
        rarity=round(sum(rarity(name) for name in sorted(names)), 4),
        outcomes=dict(sorted(Counter(event.outcome.value for event in calls).items())),
        regions=tuple(sorted({event.region for event in calls if event.region})),
    )


def _quietened(hit: Hit, playbook: Playbook, habitual: Habitual) -> Hit:
    telling = [name for name in hit.events if name in playbook.impact] or list(hit.events)
    if not all(habitual(who, name) for who in hit.principals for name in telling):
        return hit
    return replace(hit, severity="low", sentence=f"{hit.sentence} All that tells it apart was its habit before, too.")


def _severity(playbook: Playbook, calls: Iterable[Event], level: Level) -> Severity:
    """Only what succeeded has an impact; a refused attempt shows what was wanted."""
    if level == "weak":
        return "low"
    done = any(event.name in playbook.impact and event.outcome is Outcome.OK for event in calls)
    return "high" if done and playbook.tactic != "discovery" else "medium"
