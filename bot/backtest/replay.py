"""Ordinary days again: what the detections tell on each, in the words of an alert."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from bot.backtest.laid import day_span
from bot.hunts.result import Hit, Hunted
from bot.hunts.watching import Searched, alert_of, watch
from bot.model import Alert
from bot.scope.ground import Known

WEEK = 7


@dataclass(frozen=True, slots=True)
class Told:
    """An alert of one day, and what it is made of."""

    day: date
    alert: Alert
    hit: Hit

    @property
    def detections(self) -> tuple[str, ...]:
        return tuple(self.hit.hunt.split("+"))


@dataclass(frozen=True, slots=True)
class Noise:
    """What ordinary days tell. ``of`` counts the alerts that a detection has a part in."""

    days: int
    alerts: int
    of: Mapping[str, int]

    def a_week(self, alerts: int | None = None) -> float:
        """``alerts`` (default: all) for each seven days."""
        count = self.alerts if alerts is None else alerts
        return round(count * WEEK / self.days, 2) if self.days else 0.0


def watched(history: Searched, day: date, known: Known) -> Hunted:
    """What stands out on ``day``, a UTC day, as the bot would have found it at its end."""
    return watch(history, day_span(day).until, known)


def told(hunted: Hunted, day: date) -> Iterator[Told]:
    """The alerts of ``hunted``, each once."""
    seen: set[str] = set()
    for hit in hunted.hits:
        alert = alert_of(hit)
        if alert.id not in seen:
            seen.add(alert.id)
            yield Told(day, alert, hit)


def noise(days: int, alerts: Iterable[Told]) -> Noise:
    """``alerts`` of ``days`` days, counted."""
    alerts = tuple(alerts)
    return Noise(days, len(alerts), dict(Counter(each for one in alerts for each in sorted(set(one.detections)))))


def replay(history: Searched, days: Sequence[date], known: Known) -> Iterator[Told]:
    """Every alert of ``days``, oldest first. The history's own errors pass through."""
    for day in days:
        yield from told(watched(history, day, known), day)
