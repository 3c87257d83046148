"""A playbook against what each principal did."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from bot.hunts.library import Playbook
from bot.model import AddressClass, Event, Hit, Level, Outcome, Severity, is_containment

WEAK_RARITY = 0.6
"""Refused support calls alone are worth a look if they are rare enough here together."""
_MOST_EVIDENCE = 20
Rarity = Callable[[str], float]
Habitual = Callable[[str, str], bool]


def matches(
    playbook: Playbook,
    events: Iterable[Event],
    rarity: Rarity,
    habitual: Habitual,
    *,
    sizes: Mapping[str, int] | None = None,
    steps: bool = False,
) -> Iterator[Hit]:
    """One hit for each principal that ``playbook`` fits, the rarest calls first.

    ``rarity`` of an event is from 0 to 1; ``habitual`` tells whether a principal made an event before. Whoever always
    makes these calls is still a hit, and a quiet one. ``sizes`` tells for how many calls an event stands, by its id;
    with ``steps``, as many core calls as the playbook asks for are a hit without the rest of a match, too.
    """
    reading = _Reading(playbook, rarity, habitual, sizes or {}, steps)
    hits = (reading.hit_of(who, calls) for who, calls in sorted(_by_principal(playbook, events).items()))
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
    return not (event.by_service or service or _is_containment(playbook, event))


def _is_containment(playbook: Playbook, event: Event) -> bool:
    """Whether the call stops a thief: AWS and we ourselves put policies on users, and nobody else takes them off."""
    policy = event.detail.policy if event.detail is not None else None
    if event.name in playbook.not_to_contain:
        return event.family == "aws-internal" or is_containment(policy)
    return event.name in playbook.only_containment and policy is not None and not is_containment(policy)


@dataclass(frozen=True, slots=True)
class _Reading:
    """One playbook, and what it is read against."""

    playbook: Playbook
    rarity: Rarity
    habitual: Habitual
    sizes: Mapping[str, int]
    steps: bool

    def hit_of(self, who: str, calls: Sequence[Event]) -> Hit | None:
        levels: list[tuple[Level, Callable[[_Window], bool]]] = [
            ("match", lambda window: window.matches(self.playbook)),
            ("weak", lambda window: window.is_weak(self.rarity)),
        ]
        if self.steps:
            levels.append(("step", lambda window: window.has_core(self.playbook)))
        for level, fits in levels:
            held = self._held(calls, fits)
            if held:
                return _quietened(self._hit(who, held, level), self.playbook, self.habitual)
        return None

    def _held(self, calls: Sequence[Event], fits: Callable[[_Window], bool]) -> list[Event]:
        """Every call that lies in a window that fits."""
        window, within = _Window(self.playbook, self.sizes), timedelta(hours=self.playbook.window_hours)
        held, taken, start = list[Event](), 0, 0
        for n, event in enumerate(calls):
            window.add(event)
            while event.at - calls[start].at > within:
                window.remove(calls[start])
                start += 1
            if fits(window):
                held += calls[max(start, taken) : n + 1]
                taken = n + 1
        return held

    def _hit(self, who: str, calls: Sequence[Event], level: Level) -> Hit:
        playbook, rarity = self.playbook, self.rarity
        ends: defaultdict[str, Counter[str]] = defaultdict(Counter)
        for event in calls:
            ends[event.name][event.outcome.value] += self.sizes.get(event.id, 1)
        names = {name: ends[name].total() for name in sorted(ends)}
        places = Counter(event.ip for event in calls if event.ip and event.address_class is AddressClass.PUBLIC)
        told = ", ".join(sorted(names, key=lambda name: (name not in playbook.impact, -rarity(name), name))[:4])
        newest = sorted(calls, key=lambda event: (event.at, event.id), reverse=True)
        return Hit(
            hunt=playbook.name,
            source_ip=min(places, key=lambda ip: (-places[ip], ip), default=None),
            keys=tuple(sorted({event.key for event in calls if event.key})),
            principals=(who,),
            events=names,
            first_seen=calls[0].at,
            last_seen=max(event.at for event in calls),
            severity=_severity(playbook, calls, level),
            level=level,
            sentence=f"{playbook.title}: {who} made {sum(names.values())} calls of it, among them {told}.",
            evidence=tuple(event.id for event in newest[:_MOST_EVIDENCE]),
            rarity=round(sum(rarity(name) for name in names), 4),
            outcomes=dict(sorted(sum(ends.values(), Counter[str]()).items())),
            regions=tuple(sorted({event.region for event in calls if event.region})),
            title=playbook.title,
            tactic=playbook.tactic,
            calls={name: dict(sorted(ends[name].items())) for name in names},
            core=tuple(name for name in names if name in playbook.impact),
        )


class _Window:
    """The calls in a sliding window, counted."""

    def __init__(self, playbook: Playbook, sizes: Mapping[str, int]) -> None:
        self._impact = playbook.impact
        self._sizes = sizes
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
        self._total += by * self._sizes.get(event.id, 1)

    def remove(self, event: Event) -> None:
        self.add(event, -1)

    def has_core(self, playbook: Playbook) -> bool:
        return len(self._core) >= playbook.min_core

    def matches(self, playbook: Playbook) -> bool:
        core, distinct = len(self._core), len(self._core) + len(self._support)
        enough = core >= playbook.min_core and distinct >= playbook.min_distinct and self._total >= playbook.min_events
        return enough and (len(self._regions) >= playbook.multi_region or core > playbook.min_core)

    def is_weak(self, rarity: Rarity) -> bool:
        if self._core or not self._denied:
            return False
        return round(sum(rarity(name) for name in sorted(self._support)), 4) >= WEAK_RARITY


def _quietened(hit: Hit, playbook: Playbook, habitual: Habitual) -> Hit:
    telling = [name for name in hit.events if name in playbook.impact] or list(hit.events)
    if not all(habitual(who, name) for who in hit.principals for name in telling):
        return hit
    return replace(hit, severity="low", sentence=f"{hit.sentence} All that tells it apart was its habit before, too.")


def _severity(playbook: Playbook, calls: Iterable[Event], level: Level) -> Severity:
    """Only what succeeded has an impact; a refused attempt shows what was wanted."""
    if level != "match":
        return "low"
    done = any(event.name in playbook.impact and event.outcome is Outcome.OK for event in calls)
    return "high" if done and playbook.tactic != "discovery" else "medium"
