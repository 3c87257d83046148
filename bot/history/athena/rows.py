"""Rows of a query's result → roll-ups in normal form."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from bot.history.athena.columns import record_of
from bot.history.athena.sql import SEEN
from bot.history.normal import moment, reading_of
from bot.history.raw import UnreadableError
from bot.model import Event

SEPARATOR = "\x1f"

Row = Sequence[str | None]
Entry = tuple[datetime, str]
"""When an event was, and its id."""


@dataclass(frozen=True, slots=True)
class RollUp:
    """Events that differ in nothing but second and id: ``like`` is one of them, ``entries`` are the newest of all."""

    subject: str
    like: Event
    count: int
    first: datetime
    last: datetime
    entries: tuple[Entry, ...]

    @property
    def whole(self) -> bool:
        """Whether every event of it is in ``entries``."""
        return len(self.entries) >= self.count


@dataclass(frozen=True, slots=True)
class Seen:
    """What an account's log of a region holds between two edges, read whatever was asked about."""

    account: str
    region: str
    first: datetime
    last: datetime


@dataclass(slots=True)
class Result:
    """Everything a query brought, by topic. ``unreadable`` is the number of records that tell no call."""

    by_topic: dict[int, list[RollUp]] = field(default_factory=dict)
    seen: list[Seen] = field(default_factory=list)
    unreadable: int = 0


def result_of(rows: Iterable[Row]) -> Result:
    """Read what ``bot.history.athena.sql.query_of`` returns."""
    result = Result()
    for topic, told, subject, account, region, calls, first, last, entries in rows:
        since, until = moment(first or ""), moment(last or "")
        if topic == SEEN:
            result.seen.append(Seen(account or "", region or "", since, until))
            continue
        try:
            like = _like(json.loads(told or "[]"), account, region, first or "")
        except UnreadableError:
            result.unreadable += int(calls or 0)
            continue
        found = RollUp(subject or "", like, int(calls or 0), since, until, _entries(entries or ""))
        result.by_topic.setdefault(int(topic or 0), []).append(found)
    return result


def _like(told: Sequence[str | None], account: str | None, region: str | None, at: str) -> Event:
    return reading_of(record_of(told, event_id="-", at=at, account=account, region=region)).event


def _entries(text: str) -> tuple[Entry, ...]:
    """The newest first."""
    pairs = (entry.partition(" ") for entry in text.split(SEPARATOR) if entry)
    return tuple((moment(at), event_id) for at, _, event_id in pairs)
