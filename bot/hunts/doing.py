"""One principal's calls in a window beside what was usual for it, and what a detection says of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property

from bot.hunts.result import Severity
from bot.model import Event
from bot.scope.ground import Ground
from bot.scope.usual import pivot_of

_NAMED = 4


@dataclass(frozen=True, slots=True)
class Finding:
    """What one detection says of one principal. ``class_`` is the kind of oddity; a weak one needs another class."""

    detection: str
    class_: str
    sentence: str
    events: tuple[Event, ...]
    severity: Severity = "medium"
    telling: bool = True


@dataclass(frozen=True, slots=True)
class Keys:
    """What is known of keys beyond their use in the window."""

    asleep: frozenset[str] = frozenset()
    """Long-term keys older than 90 days that were used on none of the 90 before the window."""
    workloads: frozenset[str] = frozenset()
    """Of sessions that AWS gave to an instance, a task or a function."""


class Doing:
    """What one principal did in the window, with its own hands: not what services did for it."""

    def __init__(self, ground: Ground, principal: str, events: Sequence[Event], keys: Keys | None = None) -> None:
        self.ground = ground
        self.principal = principal
        self.events = sorted(events, key=lambda event: (event.at, event.id))
        self.keys = keys or Keys()

    @cached_property
    def fresh(self) -> list[Event]:
        """Calls the principal never made before."""
        return [event for event in self.events if self.ground.is_fresh(self.principal, event.name)]

    @cached_property
    def unfamiliar(self) -> list[Event]:
        """Calls made where it is not at home; a sign-in has no key, and is at home wherever one of the keys was."""
        return [event for event in self.events if self.ground.is_unfamiliar_use(event) and not self._knows_place(event)]

    def _knows_place(self, event: Event) -> bool:
        if event.key is not None:
            return False
        place = pivot_of(event.ip, event.address_class)
        return any(place == used for used, _ in self.ground.own(self.principal).places())

    @cached_property
    def away(self) -> frozenset[str]:
        """The ids of calls made where it is not at home."""
        return frozenset(event.id for event in self.unfamiliar)

    @property
    def is_known(self) -> bool:
        """Enough is known of the principal to call anything new."""
        return not self.ground.own(self.principal).thin

    def among(self, names: frozenset[str], events: Iterable[Event] | None = None) -> list[Event]:
        return [event for event in (self.events if events is None else events) if event.name in names]


def windows(events: Sequence[Event], within: timedelta) -> Iterator[list[Event]]:
    """For each event, those that came no longer than ``within`` before it."""
    start = 0
    for n, event in enumerate(events):
        while event.at - events[start].at > within:
            start += 1
        yield list(events[start : n + 1])


def found(
    detection: str,
    class_: str,
    sentence: str,
    calls: Sequence[Event],
    severity: Severity = "medium",
    *,
    telling: bool = True,
) -> Finding | None:
    return Finding(detection, class_, sentence, tuple(calls), severity, telling) if calls else None


def listed(names: Sequence[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")
