"""What is kept silent for a while."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bot.model.change import Actor
from bot.model.observable import Observable


@dataclass(frozen=True, slots=True)
class Snooze:
    """Alerts that name an observable are kept and counted, and shown to nobody, unless they are grave."""

    id: int
    environment: str
    """Empty: of every environment."""
    observable: Observable
    reason: str
    by: Actor
    at: datetime
    until: datetime
    lifted_by: Actor | None = None
    lifted_at: datetime | None = None
    hidden: int = 0
    """How many alerts it has covered so far."""
    cases: int = 0
    """How many cases these belong to."""

    def holds(self, at: datetime) -> bool:
        return self.lifted_at is None and self.at <= at < self.until


@dataclass(frozen=True, slots=True)
class Hidden:
    """What a snooze would have covered in a time that is over."""

    observable: Observable
    since: datetime
    until: datetime
    alerts: int
    cases: int
    grave: tuple[int, ...]
    """The cases among them that it would not have hidden, because they were grave."""
