"""Our record of one story."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bot.model.alert import Alert
from bot.model.change import Change, Waiting
from bot.model.observable import Observable
from bot.model.scope import Ruling
from bot.model.times import Window
from bot.model.triage import Triage


@dataclass(frozen=True, slots=True)
class Case:
    """Our record of one story about one observable, and everything its card shows."""

    id: int
    environment: str
    subject: Observable | None
    """``None`` where the alert names nothing that can be looked up."""
    title: str
    channel: str
    open: bool
    opened_at: datetime
    window: Window
    alerts: tuple[Alert, ...]
    """Oldest first."""
    triage: Triage | None = None
    """``None`` until the first answer is in."""
    changes: tuple[Change, ...] = ()
    """Oldest first."""
    rulings: tuple[Ruling, ...] = ()
    """What analysts decided about keys of its scope, the newest for each key."""
    waiting: tuple[Waiting, ...] = ()
    """Plans that need another person's approval, oldest first."""
