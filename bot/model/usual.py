"""What is ordinary for an organisation: stated in config, learned from the history, corrected by its analysts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Literal, Protocol

from bot.model.change import Actor
from bot.model.event import Habit
from bot.model.ports import AddressOrigin

Doubted = Mapping[str, datetime]
"""Principals of open cases, each with the moment from which on it is judged: what they did since may be a thief's, and
must not pass for usual, theirs or anybody's."""


def is_trusted(principal: str, at: datetime, doubted: Doubted) -> bool:
    """Whether what ``principal`` did at ``at`` may count as usual."""
    since = doubted.get(principal)
    return since is None or at < since


def trusted_habits(habits: Iterable[Habit], doubted: Doubted) -> Iterator[Habit]:
    """``habits`` without those of the days since their principal is in doubt, the first of them included."""
    if not doubted:
        yield from habits
        return
    days = {principal: since.date() for principal, since in doubted.items()}
    for habit in habits:
        since = days.get(habit.principal)
        if since is None or habit.day < since:
            yield habit


@dataclass(frozen=True, slots=True)
class UsualCountries:
    """Where an organisation works, and what may be said of it."""

    names: frozenset[str] = frozenset()
    source: Literal["config", "history"] | None = None
    """Which of the two was used; ``None`` if neither says anything."""
    words: str = ""
    """Where that comes from and since when, to stand in a sentence."""
    since: datetime | None = None
    """The oldest call it was learned from; ``None`` if it was not learned."""
    corrected: Mapping[str, bool] = field(default_factory=dict)
    """Countries that an analyst called usual or not: their word stands before both."""


@dataclass(frozen=True, slots=True)
class UsualProvider:
    """How much of what an organisation does comes from the addresses of one provider."""

    name: str
    usual: bool
    source: Literal["config", "history"]
    """Which of the two was used."""
    calls: int = 0
    """Sampled calls that came from it, ``of`` so many of everybody's."""
    of: int = 0
    principals: int = 0
    hosting: bool | None = None
    since: datetime | None = None
    """The oldest sampled call of all; ``None`` if it was not learned."""

    @property
    def words(self) -> str:
        """Where that comes from and since when."""
        if self.source == "config":
            return "stated in config"
        calls = f"{self.calls} of {self.of}" if self.calls else f"none of {self.of}"
        who = f", of {self.principals} principal{'s' if self.principals != 1 else ''}," if self.calls else ""
        return f"{calls} sampled calls{who} since {self.since:%Y-%m-%d}"


class Ordinary(StrEnum):
    """What an analyst may call usual, or not."""

    COUNTRY = "country"
    NETWORK = "network"
    """An address or network: an exit of our own."""
    AUTOMATION = "automation"
    """A principal, by name, id or ARN: a service account or CI."""


@dataclass(frozen=True, slots=True)
class Correction:
    """An analyst's word on what is usual in an environment."""

    environment: str
    kind: Ordinary
    value: str
    usual: bool
    reason: str
    by: Actor
    at: datetime


class Usual(Protocol):
    """What is ordinary in the environment under triage."""

    def countries(self, account: str | None, until: datetime) -> UsualCountries:
        """Where people work, as known at ``until``; ``account`` is the principal's, beside the environment's own.

        Raises what the history raises.
        """

    def provider(self, origin: AddressOrigin, account: str | None, until: datetime) -> UsualProvider | None:
        """What is known at ``until`` of the provider of an address; ``None`` where nobody can say."""
