"""How far a load is, for whoever waits for it."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from typing import TextIO

from bot.history.load import Progress

EVERY_BAR = 0.2
EVERY_LINE = 60.0
"""Seconds between two looks of a bar, and between two lines in a log."""

_BAR = 24


class Line:
    """Says on ``stream`` how far something is: a line drawn over itself where a person watches, else one a minute."""

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream
        self._clock = clock
        self._watched = stream.isatty()
        self.started = self._last = clock()

    def tell(self, text: Callable[[float], str]) -> None:
        """Show ``text`` (of the seconds so far), unless one was just shown."""
        now = self._clock()
        if now - self._last >= (EVERY_BAR if self._watched else EVERY_LINE):
            self._last = now
            shown = text(now - self.started)
            self._stream.write(f"\r\x1b[K{shown}" if self._watched else f"{shown}\n")
            self._stream.flush()

    def close(self) -> None:
        """Leave the line to what is written next."""
        if self._watched:
            self._stream.write("\r\x1b[K")
            self._stream.flush()


class Shown(Line):
    """Shows the progress of a load."""

    _known: int | None = None

    def __call__(self, progress: Progress) -> None:
        if self._known is None:
            # What was known from before took no time, and says nothing about the rate.
            self._known = progress.records
        read = progress.records - self._known
        self.tell(lambda seconds: sentence(progress, read, seconds))


def sentence(progress: Progress, read: int, seconds: float) -> str:
    """Files, events, rate and what remains; ``read`` records took ``seconds`` so far."""
    rate = read / seconds if seconds > 0 else 0.0
    speed = f"{progress.records:,} events, {rate:,.0f}/s"
    if progress.of_files is None:
        return f"{progress.files:,} files so far, {speed}"
    done = progress.files / progress.of_files if progress.of_files else 1.0
    bar = "█" * round(done * _BAR) + "░" * (_BAR - round(done * _BAR))
    files = f"{progress.files:,} of {progress.of_files:,} files"
    return f"{bar} {done:4.0%}  {files}, {speed}{_remaining(done, seconds)}"


def _remaining(done: float, seconds: float) -> str:
    if not 0 < done < 1:
        return ""
    return f", {timedelta(seconds=round(seconds / done - seconds))} left"
