"""How much the detections tell of in the large organisation and in the demo's, and what of a theft there."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from bot.backtest.replay import Noise, Told, noise, replay
from bot.backtest.theft import ADDRESSES, KEYS, Victim, theft
from bot.hunts.watching import Searched
from bot.ipdata import LocalAddressData
from bot.model import Event
from bot.scope.ground import Known
from tests.large.cast import Person
from tests.large.history import LAST, Large

KNOWN = Known(origin=LocalAddressData().origin)
ALERTS_A_WEEK = 1.0
"""All detections together may tell of so much on ordinary days."""


def days_before(last: date, days: int) -> list[date]:
    """``days`` days up to ``last``, oldest first."""
    return [last - timedelta(days=n) for n in range(days - 1, -1, -1)]


def ordinary(history: Searched, last: date, days: int) -> Noise:
    """What the ``days`` days up to ``last`` tell."""
    return noise(days, replay(history, days_before(last, days), KNOWN))


def owners(large: Large) -> Sequence[Person]:
    """Those whose keys are stolen: the first seven IAM users."""
    return [person for person in large.cast.people if person.key][:KEYS]


def stolen(large: Large) -> tuple[Event, ...]:
    """The theft of seven keys on the last day."""
    victims = [Victim(person.key or "", person.principals[0]) for person in owners(large)]
    return theft(victims, large.until - timedelta(hours=6), ADDRESSES[:2])


def on_the_day(large: Large) -> list[Told]:
    """What is told on the day of the theft."""
    return list(replay(large.with_events(stolen(large)), [LAST], KNOWN))
