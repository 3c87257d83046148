"""What keys were before a window: asleep for months, or given by AWS to a machine."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from datetime import timedelta
from typing import Protocol

from bot.hunts.doing import Keys
from bot.hunts.roots import lineage_of
from bot.model import Coverage, Event, Gap, Habit, Kind, Observable, Span
from bot.scope.usual import LONG_TERM_KEY

DORMANT = timedelta(days=90)
MAKING = "iam:CreateAccessKey"
HOSTS = frozenset({*("ec2", "lambda", "ecs-tasks", "ecs", "eks", "batch", "codebuild", "glue", "sagemaker")})
"""Services that run a customer's programs and give them a role's sessions."""
_MOST_MADE = 10_000
_INSTANCE = re.compile(r"i-[0-9a-f]{8}(?:[0-9a-f]{9})?")
_QUESTION = "Has a sleeping key woken up?"


class Source(Protocol):
    def coverage(self, span: Span) -> Coverage | None: ...

    def events(self, observable: Observable, span: Span, *, limit: int = 1000) -> Sequence[Event]: ...


def keys_of(
    history: Source, before: Collection[Habit], events: Collection[Event], window: Span
) -> tuple[Keys, tuple[Gap, ...]]:
    """The keys of the window that slept before it, and those of machines; and what could not be told of them.

    ``before`` are everybody's habits of the 90 days before, ``events`` all of the window, with what services did.
    """
    own = {event.key for event in events if event.key and not event.by_service}
    silent = {key for key in own if key.startswith(LONG_TERM_KEY)} - {habit.key for habit in before}
    asleep = _asleep(history, before, silent, window) if silent else frozenset()
    keys = Keys(asleep=asleep if isinstance(asleep, frozenset) else frozenset(), workloads=workloads(events))
    return keys, (asleep,) if isinstance(asleep, Gap) else ()


def workloads(events: Iterable[Event]) -> frozenset[str]:
    """Keys of sessions that a service gave to a program it runs, and of instances, which name their sessions."""
    events = tuple(events)
    given = {
        key
        for key, call in lineage_of(events).items()
        if call.principal.id.startswith("service:") and _host(call.principal.id) in HOSTS
    }
    named = {event.key for event in events if event.key and event.session and _INSTANCE.fullmatch(event.session)}
    return frozenset(given | named)


def _host(service: str) -> str:
    return service.partition(":")[2].partition(".")[0]


def _asleep(history: Source, before: Iterable[Habit], silent: set[str], window: Span) -> frozenset[str] | Gap:
    """Those of ``silent`` (not used in the 90 days before) that are older than that: nobody made them since."""
    span = Span(window.since - DORMANT, window.until)
    covered = history.coverage(Span(span.since, window.since - timedelta(seconds=1)))
    reach = (window.since - covered.since).days if covered is not None else 0
    many = f"{len(silent)} key{'s were' if len(silent) > 1 else ' was'} not used"
    if reach < DORMANT.days - 1:
        return Gap(_QUESTION, f"{many} in the {reach} days before, and the history goes back no further")
    if not any(habit.event.startswith("iam:") for habit in before):
        return Gap(
            _QUESTION, f"{many} in the 90 days before, and without records of IAM nothing tells whether they are new"
        )
    made = history.events(Observable(Kind.EVENT, MAKING), span, limit=_MOST_MADE)
    return frozenset(silent - {event.minted for event in made if event.minted})
