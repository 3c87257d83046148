"""What scoping found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.model import Coverage, Gap, Observable, Span

CLASSES = ("lineage", "network", "behaviour", "tool")
"""Kinds of evidence, in the order they are told. One alone can be explained away; two cannot easily."""


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

    @property
    def classes(self) -> tuple[str, ...]:
        held = {each.class_ for each in self.evidence}
        return tuple(name for name in CLASSES if name in held)


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


def combined(weights: Sequence[float]) -> float:
    """Independent traces together (noisy-OR), to 4 places so that no sum's last bit decides."""
    doubt = 1.0
    for weight in sorted(weights):
        doubt *= 1.0 - weight
    return round(1.0 - doubt, 4)
