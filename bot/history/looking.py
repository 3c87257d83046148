"""How far a question to LookupEvents is, for whoever waits for it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime

from bot.history.progress import Line
from bot.model import rfc3339


@dataclass(frozen=True, slots=True)
class Looking:
    """How far a question is."""

    what: str
    regions: int
    of_regions: int
    events: int = 0
    back_to: datetime | None = None

    def __str__(self) -> str:
        reached = f", back to {rfc3339(self.back_to)}" if self.back_to else ""
        return (
            f"Looking up {self.what} in CloudTrail: {self.regions} of {self.of_regions} regions asked,"
            f" {self.events:,} events{reached}"
        )


Watch = Callable[[Looking], None]


@dataclass
class Progress:
    """Counts what the regions of one question have answered."""

    watch: Watch
    looking: Looking
    lock: threading.Lock = field(default_factory=threading.Lock)

    def page(self, events: int, oldest: datetime | None) -> None:
        with self.lock:
            reached = min(filter(None, (self.looking.back_to, oldest)), default=None)
            self.looking = replace(self.looking, events=self.looking.events + events, back_to=reached)
            self.watch(self.looking)

    def region(self) -> None:
        with self.lock:
            self.looking = replace(self.looking, regions=self.looking.regions + 1)
            self.watch(self.looking)


class Told(Line):
    """Shows how far a question is, and nothing once all regions have answered."""

    def __call__(self, looking: Looking) -> None:
        if looking.regions == looking.of_regions:
            self.close()
        else:
            self.tell(lambda _: str(looking))
