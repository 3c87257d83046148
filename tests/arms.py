"""An installation whose environments are armed, as two people would have armed it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from bot.model import Actor
from bot.remediation import arming
from bot.store.state import State

PEOPLE = (Actor("slack:T0MADE:U0ANA", "Ana"), Actor("slack:T0MADE:U0BEN", "Ben"))


def arm(state: State, environment: str = "default", at: datetime | None = None) -> None:
    """Have changes in ``environment`` made, not rehearsed."""
    moment = at or datetime.now(UTC)
    state.write(lambda db: arming.keep_check(db, environment, (), moment))
    for who in PEOPLE:
        state.write(lambda db, who=who: arming.arm(db, environment, who, who.id, "a test", moment))  # type: ignore[misc]


def armed_file(path: Path) -> None:
    """A state file, made here if need be, whose environment ``default`` is armed."""
    state = State(path)
    arm(state)
    state.close()
