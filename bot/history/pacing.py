"""A pace that several threads keep together, for services that refuse whoever asks too often."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class Pacer:
    """Lets one caller through at a time, ``per_second`` of them. Clock and pause are in seconds."""

    def __init__(
        self,
        per_second: float,
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], object] = time.sleep,
    ) -> None:
        self._between = 1 / per_second
        self._clock = clock
        self._pause = pause
        self._next = clock()
        self._lock = threading.Lock()

    def turn(self, until: float) -> bool:
        """Wait for the caller's turn; ``False``, at once, if it would come after ``until`` (as the clock counts)."""
        with self._lock:
            now = self._clock()
            turn = max(now, self._next)
            if turn > until:
                return False
            self._next = turn + self._between
        if turn > now:
            self._pause(turn - now)
        return True
