"""Readings → the answers of a history, in memory: for sources that hand out records and keep no store of ours.

The rules are those of the store: an event is known by its account and id, a correction takes the place of what it
corrects, and of an action that several accounts logged the caller's own account's record counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from bot.history.normal import Reading
from bot.history.packing import packed_id
from bot.history.rolled import oldest_first
from bot.model import Event, Use

_EVIDENCE = 2
_NO_TIME = datetime.min.replace(tzinfo=UTC)


def unique(readings: Iterable[Reading]) -> list[Reading]:
    """Each event of each account once; of two corrections of one event that with the greater id."""
    known: dict[tuple[str, str], Reading] = {}
    for reading in readings:
        which = (reading.event.account, reading.event.id)
        held = known.get(which)
        if held is None or (reading.amended_by or "") > (held.amended_by or ""):
            known[which] = reading
    return list(known.values())


def counted_once(readings: Sequence[Reading]) -> list[Event]:
    """The events without the copies of one action that other accounts logged too."""
    first: dict[str, Reading] = {}
    for reading in sorted(readings, key=_precedence):
        if reading.shared_id:
            first.setdefault(reading.shared_id, reading)
    return [each.event for each in readings if not each.shared_id or first[each.shared_id] is each]


def newest_first(events: Iterable[Event]) -> list[Event]:
    """In the order of the store: events of one second by their id, copies of one event by their account."""
    ordered = sorted(events, key=lambda event: event.account)
    ordered.sort(key=_by_time_and_id, reverse=True)
    return ordered


def uses_of(events: Iterable[Event]) -> tuple[Use, ...]:
    """The events counted by day and by everything that tells two kinds of call apart; oldest first."""
    groups: dict[Use, list[Event]] = {}
    for event in newest_first(events):
        groups.setdefault(kind_of(event), []).append(event)
    return oldest_first(_counted(kind, group) for kind, group in groups.items())


def _precedence(reading: Reading) -> tuple[bool, str, bytes]:
    return not reading.home, reading.event.account, packed_id(reading.event.id)[0]


def _by_time_and_id(event: Event) -> tuple[datetime, bool, bytes]:
    packed, uuid = packed_id(event.id)
    return event.at, uuid, packed


def kind_of(event: Event) -> Use:
    """What all events of one use share, with nothing counted."""
    return Use(
        day=event.at.date(),
        key=event.key,
        principal=event.principal.id,
        ip=event.ip,
        address_class=event.address_class,
        user_agent=event.user_agent,
        family=event.family,
        event=event.name,
        outcome=event.outcome,
        error_code=event.error_code,
        region=event.region,
        account=event.account,
        by_service=event.by_service,
        count=0,
        first_seen=_NO_TIME,
        last_seen=_NO_TIME,
        evidence=(),
        detail=event.detail,
    )


def use_of(event: Event) -> Use:
    """One event as a use of its own."""
    return _counted(kind_of(event), [event])


def _counted(kind: Use, group: Sequence[Event]) -> Use:
    """``group`` is of one kind, the newest first."""
    evidence = tuple(dict.fromkeys(event.id for event in group[:_EVIDENCE]))
    return kind._replace(count=len(group), first_seen=group[-1].at, last_seen=group[0].at, evidence=evidence)
