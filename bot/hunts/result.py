"""What hunts find."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from bot.model import Coverage, Gap, Span

Level = Literal["match", "weak"]
Severity = Literal["critical", "high", "medium", "low"]
SEVERITIES: tuple[Severity, ...] = ("critical", "high", "medium", "low")


@dataclass(frozen=True, slots=True)
class Hit:
    """One story a hunt found."""

    hunt: str
    source_ip: str | None
    keys: tuple[str, ...]
    principals: tuple[str, ...]
    events: Mapping[str, int]
    first_seen: datetime
    last_seen: datetime
    severity: Severity
    level: Level
    sentence: str
    evidence: tuple[str, ...]
    rarity: float = 0.0
    """How rare the calls are here, summed: what a list of hits is ordered by."""
    outcomes: Mapping[str, int] = field(default_factory=dict)
    """Attempts that were refused count for intent, only ``ok`` for impact."""
    regions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Hunted:
    """The hits of one or more hunts over a window."""

    window: Span
    searched: Coverage | None
    hits: tuple[Hit, ...]
    gaps: tuple[Gap, ...]
