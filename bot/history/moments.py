"""Moments as a history file keeps them: seconds and days of the Unix era."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from bot.history.schema import DAY, DAYS_OF_MANNER
from bot.model import Span

EPOCH = date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class Seconds:
    """A span in Unix seconds, both ends inclusive."""

    since: int
    until: int

    @classmethod
    def of(cls, span: Span) -> Seconds:
        return cls(int(span.since.timestamp()), int(span.until.timestamp()))

    @property
    def days(self) -> tuple[int, int]:
        """The first and the last day it touches."""
        return self.since // DAY, self.until // DAY

    @property
    def blocks(self) -> tuple[int, int]:
        """The first and the last block of manners it touches."""
        return self.since // DAY // DAYS_OF_MANNER, self.until // DAY // DAYS_OF_MANNER

    def of_day(self, day: int) -> tuple[int, int]:
        """The seconds of ``day`` it holds, the first and the last; the first is after the last if it holds none."""
        return max(self.since - day * DAY, 0), min(self.until - day * DAY, DAY - 1)


def moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def date_of(day: int) -> date:
    return EPOCH + timedelta(days=day)


def day_of(day: date) -> int:
    return (day - EPOCH).days
