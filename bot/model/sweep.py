"""What the keys in one pair of hands made, changed or gave out, and what is left of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.model.event import Event
from bot.model.judgement import Gap


@dataclass(frozen=True, slots=True)
class Deed:
    """An answered call of a confirmed key that made, changed or gave something out."""

    event: Event
    thiefs: bool
    """It was made as only the thief uses the key; where not, its owner may have made it."""


class Standing(StrEnum):
    """What is left of a thing, in the words people read."""

    EXISTS = "exists"
    DISABLED = "disabled"
    GONE = "gone"
    UNKNOWN = "could not ask"


@dataclass(frozen=True, slots=True)
class Made:
    """One thing that was made, changed or given out, with its state now and what answers it."""

    kind: str
    """As people call it: ``access key``, ``trust policy``, ``function URL``."""
    name: str
    """Which one; empty where the call's record can no longer be read."""
    account: str
    region: str
    calls: tuple[str, ...]
    """The names of the calls, the first first."""
    key: str | None
    """The confirmed key that made the first of them, and who stood behind it."""
    principal: str
    ip: str | None
    at: datetime
    """Of the first call."""
    thiefs: bool
    evidence: tuple[str, ...]
    """Ids of the events, the first first."""
    standing: Standing = Standing.UNKNOWN
    told: str = ""
    """What AWS says of it, or why it could not be asked."""
    remediation: str | None = None
    """The change that answers it, with its ``target``; ``None``: ``commands`` are for a person to run."""
    target: str | None = None
    commands: tuple[str, ...] = ()

    @property
    def is_open(self) -> bool:
        """Whether something is left to be done about it, as far as anybody knows."""
        return self.standing in {Standing.EXISTS, Standing.UNKNOWN}


@dataclass(frozen=True, slots=True)
class Sweep:
    """Everything that the confirmed keys of a scope left behind, the thief's first, then by time."""

    at: datetime
    """When AWS was asked."""
    things: tuple[Made, ...]
    gaps: tuple[Gap, ...] = ()
