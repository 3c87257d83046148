"""When something is due that is written as cron writes it: minute, hour, day, month, weekday, in a time zone.

The forms are those of POSIX crontab, with steps (``*/15``) and names of neither months nor days. Where both day and
weekday are restricted, either is enough, as in cron.
https://pubs.opengroup.org/onlinepubs/9799919799/utilities/crontab.html
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

FIELDS = (("minute", 0, 59), ("hour", 0, 23), ("day", 1, 31), ("month", 1, 12), ("weekday", 0, 7))
FURTHEST_DAYS = 4 * 366
"""The 29th of February comes every four years; what does not come by then never does, or as good as never."""


@dataclass(frozen=True, slots=True)
class Cron:
    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    """0 is Sunday."""
    either: bool
    """Day and weekday are both restricted, and one of them is enough."""

    def after(self, at: datetime, zone: str = "UTC") -> datetime:
        """The first moment after ``at`` that it names, by the clocks of ``zone``; both aware, in UTC.

        A time that the clocks skip comes an hour later, one that they show twice comes once. Raises ``ValueError`` if
        there is none within four years.
        """
        here = ZoneInfo(zone)
        day = at.astimezone(here).date()
        for number in range(FURTHEST_DAYS):
            found = day + timedelta(days=number)
            if not self._on(found.month, found.day, found.isoweekday() % 7):
                continue
            for hour in sorted(self.hours):
                for minute in sorted(self.minutes):
                    local = datetime(found.year, found.month, found.day, hour, minute, tzinfo=here)
                    if (moment := local.astimezone(UTC)) > at:
                        return moment
        raise ValueError("never comes: there is no such day")

    def _on(self, month: int, day: int, weekday: int) -> bool:
        if month not in self.months:
            return False
        by_day, by_weekday = day in self.days, weekday in self.weekdays
        return by_day or by_weekday if self.either else by_day and by_weekday


def parse_cron(text: str) -> Cron:
    """Read five fields. Raises ``ValueError`` with a sentence."""
    fields = text.split()
    if len(fields) != len(FIELDS):
        raise ValueError(f'must have five fields, minute hour day month weekday, as in "0 8 * * 1": {text!r}')
    read = [_field(field, *limits) for field, limits in zip(fields, FIELDS, strict=True)]
    weekdays = frozenset(day % 7 for day in read[4])
    cron = Cron(read[0], read[1], read[2], read[3], weekdays, either=fields[2] != "*" and fields[4] != "*")
    cron.after(datetime(2026, 1, 1, tzinfo=UTC))
    return cron


def _field(text: str, name: str, low: int, high: int) -> frozenset[int]:
    found: set[int] = set()
    for part in text.split(","):
        span, _, step = part.partition("/")
        first, _, last = span.partition("-")
        if span == "*":
            first, last = str(low), str(high)
        numbers = (first, last or first, step or "1")
        if not all(number.isascii() and number.isdigit() for number in numbers):
            raise ValueError(f"names a {name} that cron does not know: {text!r}")
        begin, end, every = (int(number) for number in numbers)
        if not low <= begin <= end <= high or not every:
            raise ValueError(f"names a {name} outside {low} to {high}: {text!r}")
        found.update(range(begin, end + 1, every))
    return frozenset(found)
