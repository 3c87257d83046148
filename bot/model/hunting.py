"""What hunts find, and how enrichers may ask for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

from bot.model.observable import Observable

Level = Literal["match", "weak", "step"]
"""``step``: as many of the calls that matter by themselves as a playbook asks for, without the rest of a match."""
Severity = Literal["critical", "high", "medium", "low"]


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
    title: str = ""
    tactic: str = ""
    """Of a playbook: ``impact``, ``persistence``, ``defense-evasion`` …"""
    calls: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """How each event ended, and how often."""
    core: tuple[str, ...] = ()
    """Those of the events that matter by themselves."""


@dataclass(frozen=True, slots=True)
class Hits:
    found: tuple[Hit, ...] = ()
    cut: str | None = None
    """What was not looked at, in words; ``None`` if everything was."""


class Hunts(Protocol):
    """Hunts around one address or one principal, in the recent part of a triage's window."""

    def enumeration(self, ip: str) -> Hits:
        """Where ``ip`` (for IPv6, its /64) was used to try several keys."""

    def playbooks(self, observable: Observable) -> Hits:
        """Which known playbooks the calls of a key or principal resemble."""
