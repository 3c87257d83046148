"""Rows of a search's queries → its answers, in normal form."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from bot.families import terminal_of
from bot.history.address import classify
from bot.history.athena.columns import record_of
from bot.history.athena.crowd import AGENTS, BEFORE, CALLS, DAYS, EVENTS, HABITS, LISTED, LONG_AGO, PEOPLE, Asked
from bot.history.athena.rows import SEPARATOR, Result, Row, Seen
from bot.history.athena.scan import Scan
from bot.history.athena.sql import SEEN
from bot.history.athena.sql import Stretch as Read
from bot.history.athena.topics import SERVICE
from bot.history.normal import moment, reading_of
from bot.history.raw import UnreadableError
from bot.history.user_agent import MAX_LENGTH, family_of
from bot.model import (
    MANY_USERS,
    AddressClass,
    Coverage,
    Event,
    Habit,
    Holder,
    Span,
    Trace,
    Users,
    site_of,
)
from bot.scope.source import Spans


@dataclass
class Left:
    """Who left a trace: before (``more`` are all, where too many to be listed), and with which keys in the window.

    ``whole``: every key is there, not only those of principals that never left it before.
    """

    before: set[str] = field(default_factory=set)
    more: int = 0
    holders: set[Holder] = field(default_factory=set)

    @property
    def whole(self) -> bool:
        return self.more <= LISTED

    @property
    def users(self) -> Users:
        count = len(self.before) if self.whole else max(self.more, len(self.before))
        return Users(count, tuple(sorted(self.before)) if count <= MANY_USERS else ())


@dataclass
class Known:
    """All that is known for one search over ``spans``, and what logs were read for it."""

    spans: Spans
    calls: dict[str, list[Event]] = field(default_factory=dict)
    habits: dict[tuple[str, bool], list[Habit]] = field(default_factory=dict)
    """By principal, and whether of the time before the baseline."""
    traces: dict[Trace, Left] = field(default_factory=dict)
    owners: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """The principals of the keys that left a trace."""
    people: set[str] | None = None
    days: set[date] = field(default_factory=set)
    read: list[Read] = field(default_factory=list)
    seen: list[Seen] = field(default_factory=list)
    unreadable: int = 0

    def add(self, asked: Asked, rows: Iterable[Row]) -> None:
        """What a query about ``asked`` brought."""
        self.calls |= {key: [] for key in asked.keys}
        self.habits |= {(principal, long_ago): [] for principal in asked.principals for long_ago in (False, True)}
        self.traces |= {trace: Left() for trace in asked.traces}
        told: defaultdict[str, list[Row]] = defaultdict(list)
        for row in rows:
            told[row[0] or ""].append(row)
        if asked.everybody:
            self.people = {like.principal.id for _, like in self._read_all(told[PEOPLE])}
            self.days = {date.fromisoformat(row[2] or "") for row in told[DAYS]}
        self.seen += [
            Seen(row[4] or "", row[5] or "", moment(row[7] or ""), moment(row[8] or "")) for row in told[SEEN]
        ]
        for row, like in self._read_all(told[CALLS]):
            if like.key is not None and like.key in asked.keys:
                self.calls[like.key] += _each(like, row[9] or "")
        for row, like in self._read_all(told[HABITS]):
            if like.principal.id in asked.principals and not like.by_service:
                self.habits[like.principal.id, row[1] == LONG_AGO] += _by_day(like, row[9] or "")
        wanted = set(asked.traces)
        for topic in (EVENTS, AGENTS, "address"):
            for row, like in self._read_all(told[topic]):
                if not like.by_service:
                    for trace in wanted & _traces(topic, row[3] or ""):
                        self._left(self.traces[trace], row, like)

    def population(self) -> int | None:
        """How many principals did anything; AWS's own services do not count."""
        return None if self.people is None else sum(not each.startswith(SERVICE) for each in self.people)

    def coverage(self, span: Span, accounts: Sequence[str], regions: Sequence[str]) -> tuple[Coverage | None] | None:
        """What the logs hold of ``span``; ``None`` if they were not read for all of it."""
        seen = [replace(each, last=min(each.last, span.until)) for each in self.seen if each.first <= span.until]
        result = Result(seen=seen, unreadable=self.unreadable)
        return Scan((), tuple(self.read), result, tuple(accounts), tuple(regions)).coverage(span)

    def _left(self, left: Left, row: Row, like: Event) -> None:
        if row[1] == BEFORE:
            left.before.add(like.principal.id)
            left.more = max(left.more, int(row[10] or 0))
        else:
            left.more = max(left.more, int(row[10] or 0))
            if like.key:
                left.holders.add(Holder(like.key, like.principal.id))
                self.owners[like.key].add(like.principal.id)

    def _read_all(self, rows: Iterable[Row]) -> Iterator[tuple[Row, Event]]:
        for row in rows:
            try:
                record = record_of(
                    json.loads(row[2] or "[]"), event_id="-", at=row[7] or "", account=row[4], region=row[5]
                )
                yield row, reading_of(record).event
            except UnreadableError:
                self.unreadable += int(row[6] or 0)


def _each(like: Event, entries: str) -> list[Event]:
    pairs = (entry.partition(" ") for entry in entries.split(SEPARATOR) if entry)
    return [replace(like, id=event_id, at=moment(at)) for at, _, event_id in pairs]


def _by_day(like: Event, entries: str) -> list[Habit]:
    what = like.principal.id, like.ip, like.address_class, like.user_agent, like.family, like.name
    pairs = (entry.partition(" ") for entry in entries.split(SEPARATOR) if entry)
    return [Habit(date.fromisoformat(day), like.key, *what, int(count)) for day, _, count in pairs]


def _traces(topic: str, subject: str) -> set[Trace]:
    """What a record with ``subject`` leaves behind."""
    if topic == EVENTS:
        return {Trace("event", subject[:256])}
    if topic == AGENTS:
        agent = subject[:MAX_LENGTH]
        terminal = terminal_of(agent)
        told = {Trace("agent", agent), Trace("family", family_of(agent))}
        return told | ({Trace("terminal", terminal)} if terminal else set())
    ip, address_class = classify(subject)
    return {Trace("address", site_of(ip))} if ip and address_class is AddressClass.PUBLIC else set()
