"""The questions of a history answered the plainest way: every record read, all events in a list."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from bot.history.address import classify
from bot.history.files import log_files
from bot.history.forms import RawRecord
from bot.history.normal import Reading, reading_of
from bot.history.principal import id_of_arn
from bot.history.raw import decode
from bot.history.sources import LogFile
from bot.model import Event, Habit, Kind, Observable, Span, Use, inside, terminal_of


class Plain:
    """The unique events of ``records`` (their JSON), and what a history says of them.

    A correction stands for what it corrects; of the copies of one action that several accounts logged, all but one
    count for their own account alone.
    """

    def __init__(self, records: Iterable[bytes]) -> None:
        found: dict[tuple[str, str], Reading] = {}
        for each in map(reading_of, map(decode, records)):
            name = (each.event.id, each.event.account)
            if name not in found or (each.amended_by or "") > (found[name].amended_by or ""):
                found[name] = each
        copies = _copies(found.values())
        self.all = [each.event for each in found.values()]
        self.once = [event for name, event in zip(found, self.all, strict=True) if name not in copies]
        self._of: dict[Observable, list[Event]] = {}

    @classmethod
    def of_files(cls, paths: Sequence[Path]) -> Plain:
        return cls(_texts(paths))

    @classmethod
    def of_records(cls, records: Iterable[dict[str, Any]]) -> Plain:
        return cls(json.dumps(each).encode() for each in records)

    def of(self, observable: Observable, span: Span) -> list[Event]:
        """The events of ``observable`` in ``span``, the newest first."""
        if observable not in self._of:
            everything = self.all if observable.kind is Kind.ACCOUNT else self.once
            found = [event for event in everything if concerns(event, observable)]
            found.sort(key=lambda event: event.account)
            self._of[observable] = sorted(found, key=lambda event: (event.at, event.id), reverse=True)
        return [event for event in self._of[observable] if event.at in span]

    def uses(self, observable: Observable, span: Span) -> tuple[Use, ...]:
        alike: defaultdict[tuple[Any, ...], list[Event]] = defaultdict(list)
        for each in self.of(observable, span):
            alike[
                (
                    *(each.at.date(), each.key, each.principal.id, each.ip, each.address_class, each.user_agent),
                    *(each.family, each.name, each.outcome, each.error_code, each.region, each.account),
                    *(each.by_service, each.detail),
                )
            ].append(each)
        return in_plain_order(_use(same, events) for same, events in alike.items())

    def habits(self, span: Span) -> list[Habit]:
        counts: defaultdict[Any, int] = defaultdict(int)
        for each in self.once:
            if each.at in span and not each.by_service:
                who = (each.at.date(), each.key, each.principal.id, each.ip, each.address_class)
                counts[(*who, each.user_agent, each.family, each.name)] += 1
        return sorted((_habit(same, count) for same, count in counts.items()), key=repr)

    def population(self, span: Span) -> int:
        """By whole UTC days."""
        days = [event for event in self.once if span.since.date() <= event.at.date() <= span.until.date()]
        return len({event.principal.id for event in days if not event.principal.id.startswith("service:")})

    def callers(self, span: Span) -> dict[str, int]:
        who: defaultdict[str, set[str]] = defaultdict(set)
        for each in self.once:
            if each.at in span:
                who[each.name].add(each.principal.id)
        return {name: len(principals) for name, principals in who.items()}


def in_plain_order(uses: Iterable[Use]) -> tuple[Use, ...]:
    """The oldest first; those that began in the same second in an order of no meaning that is always the same."""
    return tuple(sorted(uses, key=lambda use: (use.first_seen, repr(use))))


def concerns(event: Event, observable: Observable) -> bool:
    """Whether ``event`` is one of those that are asked about; a principal may be named by id, ARN or bare name."""
    value, who = observable.value, event.principal
    told: dict[Kind, set[str | None]] = {
        Kind.ACCESS_KEY: {event.key},
        Kind.PRINCIPAL: {who.id} if ":" in value else {who.id.partition("/")[2]},
        Kind.IP: {event.ip, *(n for n in (value,) if "/" in n and event.ip and inside(event.ip, [n]))},
        Kind.USER_AGENT: _names(event.user_agent, event.family),
        Kind.EVENT: {event.name, event.name.partition(":")[2]},
        Kind.ACCOUNT: {event.account},
    }
    if observable.kind is Kind.USER_AGENT:
        value = value.lower()
    if observable.kind is Kind.PRINCIPAL and value.startswith("arn:"):
        return who.arn == value or who.id == id_of_arn(value)
    return (classify(value)[0] if observable.kind is Kind.IP and "/" not in value else value) in told[observable.kind]


def _names(user_agent: str, family: str) -> set[str | None]:
    """Everything a client is called: whole, by what it begins with, by its family and as that is shown."""
    agent = user_agent.lower()
    ways = {agent, agent.removeprefix("[")}
    begins = {way[:end] for way in ways for end, sign in enumerate(way) if sign in " /]"}
    shown = " ".join(part for part in family.split("|") if part != "-")
    tool = family.partition("|")[0]
    return {*ways, *begins, family, tool, shown, f"sid/{terminal_of(user_agent)}"}


def _texts(paths: Sequence[Path]) -> Iterator[bytes]:
    for path in log_files(paths):
        for each in LogFile(path).content().records():
            assert isinstance(each, RawRecord)
            yield bytes(each.text)


def _copies(readings: Iterable[Reading]) -> set[tuple[str, str]]:
    shared: defaultdict[str, list[Reading]] = defaultdict(list)
    for each in readings:
        if each.shared_id:
            shared[each.shared_id].append(each)
    ordered = (
        sorted(each, key=lambda one: (not one.home, one.event.account, one.event.id)) for each in shared.values()
    )
    return {(each.event.id, each.event.account) for copies in ordered for each in copies[1:]}


def _own_first(reading: Reading) -> tuple[bool, str, str]:
    """The copy in the caller's own account counts, else that of the lowest account."""
    return not reading.home, reading.event.account, reading.event.id


def _use(same: tuple[Any, ...], events: list[Event]) -> Use:
    day, key, principal, ip, kind, agent, family, name, *rest = same
    outcome, error, region, account, by_service, detail = rest
    ids = tuple(event.id for event in events[:2])
    seen = (len(events), events[-1].at, events[0].at, ids)
    told = (outcome, error, region, account, by_service)
    return Use(day, key, principal, ip, kind, agent, family, name, *told, *seen, detail=detail)


def _habit(same: tuple[Any, ...], count: int) -> Habit:
    day, key, principal, ip, kind, agent, family, name = same
    return Habit(day, key, principal, ip, kind, agent, family, name, count)
