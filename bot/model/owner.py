"""What the owner of a key was asked, and said."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.model.change import Actor


class Said(StrEnum):
    """The answer to “Was this you?”. It is evidence and never proof: a thief may read that mailbox."""

    YES = "yes"
    NO = "no"
    UNSURE = "unsure"


@dataclass(frozen=True, slots=True)
class OwnerAsked:
    """One question to one person, about one case."""

    id: int
    case: int
    person: str
    """``slack:<team>:<user>``."""
    why: str
    """What says that the key is theirs."""
    by: Actor
    at: datetime
    until: datetime
    """No answer is taken after this."""
    said: Said | None = None
    said_at: datetime | None = None

    def waits(self, at: datetime) -> bool:
        return self.said is None and at < self.until
