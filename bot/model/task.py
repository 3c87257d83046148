"""What is left for a person to do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bot.model.change import Actor


@dataclass(frozen=True, slots=True)
class Task:
    """A step that was refused or failed: what was tried, why it did not work, and what a person does now."""

    id: int
    case: int
    title: str
    """What was tried."""
    why: str
    commands: tuple[str, ...]
    """What a person with rights of their own can type."""
    opened_at: datetime
    taken_by: Actor | None = None
    done_by: Actor | None = None
    """``None`` while it is open."""
    done_at: datetime | None = None
    outcome: str = ""
    """What came of it."""

    @property
    def open(self) -> bool:
        return self.done_at is None
