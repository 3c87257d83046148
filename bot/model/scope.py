"""What scoping found: every key in the same hands, each with its reasons."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, NamedTuple

from bot.model.history import Coverage
from bot.model.judgement import Gap
from bot.model.observable import Observable
from bot.model.sweep import Deed, Sweep
from bot.model.times import Span

EVIDENCE_CLASSES = ("lineage", "network", "behaviour", "tool")
"""Kinds of evidence, in the order they are told. One alone can be explained away; two cannot easily."""


MANY_USERS = 50
"""Beyond so many principals it is no longer told who they are: what they all do is nobody's secret."""


class Trace(NamedTuple):
    """What several keys may have in common, with its value as it stands in a record.

    An ``address`` may be an IPv6 /64; an ``agent`` is a whole user agent, a ``family`` its normal form, a
    ``terminal`` the session id of an AWS CLI in it.
    """

    kind: Literal["address", "event", "agent", "family", "terminal"]
    value: str


class Holder(NamedTuple):
    """A key and its principal's id."""

    key: str
    principal: str


@dataclass(frozen=True, slots=True)
class Users:
    """How many principals left a trace, and who, as ids: empty where they are more than ``MANY_USERS``."""

    count: int
    principals: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Evidence:
    """One trace a key shares with the attacker's."""

    kind: str
    class_: str
    weight: float
    sentence: str
    events: tuple[str, ...]
    """Ids of the key's own events."""


@dataclass(frozen=True, slots=True)
class Suspicion:
    """A key with what speaks against it. ``round`` is the one it was found in; leads are of round 0."""

    key: str
    principal: str | None
    round: int
    score: float
    evidence: tuple[Evidence, ...]
    first_seen: datetime | None = None
    """Of the use that is not its owner's, where there is any; else of all its use in the window."""
    last_seen: datetime | None = None
    calls: Mapping[str, int] = field(default_factory=dict)
    """That use by event name, the most frequent first."""

    @property
    def classes(self) -> tuple[str, ...]:
        held = {each.class_ for each in self.evidence}
        return tuple(name for name in EVIDENCE_CLASSES if name in held)


@dataclass(frozen=True, slots=True)
class Excluded:
    """An address, a principal or a key that was looked at and set aside."""

    what: str
    why: str


@dataclass(frozen=True, slots=True)
class RareEvent:
    """An event that hardly anybody used before. Service accounts are not counted."""

    event: str
    principals_before: int
    principals_ever: int


@dataclass(frozen=True, slots=True)
class Attacker:
    """What is known of the attacker: what the confirmed keys did away from where their owners work."""

    ips: tuple[str, ...] = ()
    families: tuple[str, ...] = ()
    events: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Stroke:
    """What one confirmed key was used for in one short time, from one place with one client: pictures are drawn of it.

    Of what is its owner's habit only the times are kept: ``place`` and ``family`` are empty.
    """

    key: str
    at: datetime
    """When that time begins."""
    place: str
    family: str
    refused: bool
    rare: bool
    calls: int

    @property
    def thiefs(self) -> bool:
        return bool(self.place or self.family)


@dataclass(frozen=True, slots=True)
class Scope:
    """Every key in the same hands as the leads. To confirm is to recommend containment: a person decides."""

    leads: tuple[Observable, ...]
    window: Span
    baseline: Span
    searched: Coverage | None
    rounds: int
    confirmed: tuple[Suspicion, ...]
    """By round, then key."""
    suspects: tuple[Suspicion, ...]
    """The strongest first. They never lead to anyone else."""
    excluded: tuple[Excluded, ...]
    rare_events: tuple[RareEvent, ...]
    attacker: Attacker
    gaps: tuple[Gap, ...]
    deeds: tuple[Deed, ...] = ()
    """What the confirmed keys made, changed or gave out, in all regions: the thief's first, then by time."""
    sweep: Sweep | None = None
    """What is left of it; ``None`` before AWS was asked."""
    strokes: tuple[Stroke, ...] = ()
    """What pictures are drawn of, by key, then time."""
    cost: str | None = None
    """What asking the history cost, in a sentence; ``None`` where it costs nothing."""


@dataclass(frozen=True, slots=True)
class Ruling:
    """What an analyst decided about one key of a scope: it belongs to it, or it does not."""

    key: str
    belongs: bool
    reason: str
    by: str
    at: datetime
