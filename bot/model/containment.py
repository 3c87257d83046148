"""Many changes as one: previewed together, approved at once, carried out one by one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.model.change import Actor, Change, Plan, Refusal


class Step(StrEnum):
    """What is done for all targets before anything of the next step is."""

    KEYS = "keys"
    ORGANISATION = "organisation"
    USERS = "users"
    PASSWORDS = "passwords"
    SESSIONS = "sessions"
    ADDRESSES = "addresses"
    MADE = "made"
    UNDO = "undo"


@dataclass(frozen=True, slots=True)
class ContainmentRow:
    """One target of one step: its plan, or why there is none."""

    step: Step
    remediation: str
    target: str
    plan: Plan | None
    refusal: Refusal | None
    """Why it was not planned, or not approved."""
    change: Change | None = None
    """``None`` until it is approved."""
    missing: int = 0
    """How many more people must approve it; 0 before anybody has."""


@dataclass(frozen=True, slots=True)
class Containment:
    """Everything that is to be done about one thief. ``undo_of``: what is to be taken back of another containment."""

    id: str
    case: int | None
    undo_of: str | None
    requested_by: Actor
    created_at: datetime
    expires_at: datetime
    rows: tuple[ContainmentRow, ...]
    """In the order they are carried out."""
