"""Access-key enumeration: one address asks who several keys are, and what they are worth."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from bot.history.access_key import account_of
from bot.hunts.result import Hit, Severity
from bot.hunts.roots import root_of
from bot.hunts.usual import Before, names_of
from bot.model import Event, offensive_name
from bot.scope.rules import FIRST_LOOKS
from bot.scope.usual import LONG_TERM_KEY, own, pivot_of

HUNT = "enumeration"
_SHARED = 5
"""An address this many principals used before is a shared exit: there only one and the same new client counts."""
_MANY_ROOTS = 3
_MOST_EVIDENCE = 20


@dataclass(frozen=True, slots=True)
class Variant:
    """How close together how many roots must ask; ``strangers`` only from an address nobody used before."""

    within: timedelta
    roots: int
    strangers: bool


FAST = Variant(timedelta(minutes=60), 2, strangers=False)
SLOW = Variant(timedelta(hours=24), 3, strangers=True)


@dataclass(frozen=True, slots=True)
class Look:
    """A first look at a key from an address its root never used."""

    event: Event
    root: str
    new_client: bool
    """A client that is new to a root of whom enough is known."""


def enumerations(
    events: Iterable[Event], before: Before, lineage: Mapping[str, Event], own_networks: Sequence[str] = ()
) -> Iterator[Hit]:
    """One hit for each address and UTC day, by address and day; ``lineage`` as ``roots.lineage_of`` makes it."""
    for place, looks in sorted(_looks(events, before, lineage, own_networks).items()):
        fast = _days(place, looks, before, FAST)
        slow = _days(place, looks, before, SLOW)
        for day in sorted(fast.keys() | slow.keys()):
            yield _hit(place, fast.get(day) or slow[day], before, slow=day not in fast)


def _looks(
    events: Iterable[Event], before: Before, lineage: Mapping[str, Event], own_networks: Sequence[str]
) -> dict[str, list[Look]]:
    found: defaultdict[str, list[Look]] = defaultdict(list)
    for event in sorted({event.id: event for event in events}.values(), key=lambda each: (each.at, each.id)):
        place = pivot_of(event.ip, event.address_class)
        if place is None or event.key is None or not _is_asked(event) or own(place, own_networks):
            continue
        root = root_of(event.key, event.principal.id, lineage)
        names = {*names_of(event.key, event.principal.id), root}
        if not before.knows(names, place) and not before.roams(names, event.name):
            new = before.client_is_new(names, event.family) and before.knows_enough(names)
            found[place].append(Look(event, root, new))
    return found


def _is_asked(event: Event) -> bool:
    return event.name in FIRST_LOOKS and not event.by_service and not event.principal.id.startswith("service:")


def _days(place: str, looks: Sequence[Look], before: Before, variant: Variant) -> dict[date, list[Look]]:
    """The looks of every window that fires, by the day of the look that made it fire."""
    users = len(before.users.get(place, ()))
    found: defaultdict[date, dict[str, Look]] = defaultdict(dict)
    if variant.strangers and users:
        return {}
    for counted in _of_one_client(looks) if users >= _SHARED else [list(looks)]:
        start = 0
        for n, look in enumerate(counted):
            while look.event.at - counted[start].event.at > variant.within:
                start += 1
            window = counted[start : n + 1]
            if _fires(window, variant):
                found[look.event.at.date()] |= {each.event.id: each for each in window}
    return {day: list(held.values()) for day, held in found.items()}


def _of_one_client(looks: Iterable[Look]) -> list[list[Look]]:
    """Those with a new client, by client: on any day several people have new laptops, and a thief has one machine."""
    found: defaultdict[str, list[Look]] = defaultdict(list)
    for look in looks:
        if look.new_client:
            found[look.event.family].append(look)
    return [found[family] for family in sorted(found)]


def _fires(window: Sequence[Look], variant: Variant) -> bool:
    """Enough roots, and of more than one principal: a person who changes from one key to the other is no thief."""
    roots = {look.root for look in window}
    return len(roots) >= variant.roots and len({_person(look) for look in window}) >= 2


def _person(look: Look) -> str:
    return look.event.principal.id if look.root.startswith(LONG_TERM_KEY) else look.root


def _hit(place: str, looks: Sequence[Look], before: Before, *, slow: bool) -> Hit:
    events = [look.event for look in looks]
    keys = tuple(sorted({event.key for event in events if event.key}))
    who = tuple(sorted({event.principal.id for event in events}))
    first, last = min(event.at for event in events), max(event.at for event in events)
    began = {event.key: event.at for event in sorted(events, key=lambda each: each.at, reverse=True)}
    minutes = max(1, round((max(began.values()) - first).total_seconds() / 60))
    who_asks = f"{len(keys)} keys of {len(who)} identities made the same 'who am I' calls"
    sentence = f"{who_asks} from {place} within {minutes} minutes."
    newest = sorted(events, key=lambda event: (event.at, event.id), reverse=True)
    return Hit(
        hunt=HUNT,
        source_ip=place,
        keys=keys,
        principals=who,
        events=dict(sorted(Counter(event.name for event in events).items())),
        first_seen=first,
        last_seen=last,
        severity=_severity(looks),
        level="weak" if before.thin else "match",
        sentence=sentence + (" Slowly, from an address nobody used before." if slow else ""),
        evidence=tuple(event.id for event in newest[:_MOST_EVIDENCE]),
        rarity=float(len({look.root for look in looks})),
        outcomes=dict(sorted(Counter(event.outcome.value for event in events).items())),
        regions=tuple(sorted({event.region for event in events if event.region})),
    )


def _severity(looks: Sequence[Look]) -> Severity:
    long_term = {look.event.key for look in looks if (look.event.key or "").startswith(LONG_TERM_KEY)}
    accounts = {account_of(key or "") or key for key in long_term}
    if any(look.event.principal.id.endswith(":root") for look in looks) or (len(long_term) >= 2 and len(accounts) >= 2):
        return "critical"
    many = len({look.root for look in looks}) >= _MANY_ROOTS
    return "high" if many or any(offensive_name(look.event.family) for look in looks) else "medium"
