"""One customer or business unit, and what it says of itself."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Environment:
    """One customer or business unit."""

    name: str = "default"
    accounts: frozenset[str] = frozenset()
    """Empty: every account."""
    channel: str = ""
    own_networks: tuple[str, ...] = ()
    usual_countries: tuple[str, ...] = ()
