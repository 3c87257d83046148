"""A finding in our normal form."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bot.model.observable import Observable


@dataclass(frozen=True, slots=True)
class Call:
    """The AWS call an alert tells of, as far as it says; evidence minutes before CloudTrail delivers it."""

    at: datetime
    key: str | None = None
    principal: str | None = None
    """An ARN, a user name or a principal id: whatever the alert gave."""
    ip: str | None = None
    user_agent: str | None = None
    event: str | None = None
    account: str | None = None
    region: str | None = None
    error_code: str | None = None


@dataclass(frozen=True, slots=True)
class Alert:
    """A finding in our normal form."""

    id: str
    source: str
    title: str
    severity: str | None
    at: datetime
    observables: tuple[Observable, ...]
    calls: tuple[Call, ...] = ()
    sample: bool = False
    secrets_removed: int = 0
    """How many secret access keys were cut out before anything was stored."""
    notes: tuple[str, ...] = ()
    """Sentences about the alert itself, e.g. what in it could not be read."""
    beside: tuple[Observable, ...] = ()
    """What it names beside what it is about: the cases of these are linked with its own, none is opened for them."""
    over: bool = False
    """Its sender says that it is over, or dealt with: it is told to its case, and opens none."""

    @property
    def evidence_id(self) -> str:
        return f"alert:{self.id}"
