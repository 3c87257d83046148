"""Stands in front of Bolt in HTTP mode.

Bolt parses before it verifies: odd JSON, timestamps or signatures raise in it, and a request replayed within five
minutes passes. Here the raw bytes are verified first, and each signature is let through once.
"""

from __future__ import annotations

from collections import OrderedDict
from datetime import datetime

from bot.intake.signatures import TOLERANCE_SECONDS

MAX_REMEMBERED = 100_000


class Replays:
    """Remembers signatures for as long as their timestamps stay valid. Used from the event loop only."""

    def __init__(self) -> None:
        self._until: OrderedDict[str, float] = OrderedDict()

    def first(self, signature: str, now: datetime) -> bool:
        """True if ``signature`` was not seen within the time in which it would be valid."""
        self._forget(now.timestamp())
        if signature in self._until:
            return False
        # A timestamp may be ahead of our clock by the tolerance, and then stays valid for twice as long.
        self._until[signature] = now.timestamp() + 2 * TOLERANCE_SECONDS
        return True

    def forget(self, signature: str) -> None:
        """Let ``signature`` through again: what it came with was not taken care of."""
        self._until.pop(signature, None)

    def _forget(self, now: float) -> None:
        while self._until and (len(self._until) > MAX_REMEMBERED or next(iter(self._until.values())) < now):
            self._until.popitem(last=False)
