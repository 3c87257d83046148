"""``Sweep`` → its part of the JSON document of ``triage scope``, and the same in lines for people."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bot.made import kinds
from bot.model import Made, Scope, Sweep, rfc3339

Json = dict[str, Any]

TITLE = "Made, changed or given out by these keys"
NOTHING = "Nothing of the kind is on record of these keys in this time."
NOT_THIEFS = "maybe its owner's doing"


def sweep_document(sweep: Sweep) -> Json:
    """What ``triage scope --json`` has of it under ``sweep``."""
    return {
        "asked_at": rfc3339(sweep.at),
        "things": [_thing(thing) for thing in sweep.things],
        "gaps": [{"question": gap.question, "why": gap.why} for gap in sweep.gaps],
    }


def _thing(thing: Made) -> Json:
    return {
        "kind": thing.kind,
        "name": thing.name or None,
        "account": thing.account,
        "region": thing.region,
        "calls": list(thing.calls),
        "key": thing.key,
        "principal": thing.principal,
        "source_ip": thing.ip,
        "first_seen": rfc3339(thing.at),
        "attackers": thing.thiefs,
        "state": thing.standing.value,
        "state_detail": thing.told or None,
        "remediation": thing.remediation,
        "target": thing.target,
        "commands": list(thing.commands),
        "evidence": list(thing.evidence),
    }


def what(thing: Made) -> str:
    """The thing, as people call it."""
    if thing.kind == kinds.OTHER.name:
        times = f" ({len(thing.evidence)} times)" if len(thing.evidence) > 1 else ""
        return f"{thing.name}{times} in {thing.account}, {thing.region}"
    return f"{thing.kind} {thing.name or 'of an unknown name'}"


def state(thing: Made) -> str:
    """What is left of it, in words."""
    return f"{thing.standing.value}: {thing.told}" if thing.told else thing.standing.value


def origin(thing: Made) -> str:
    """Which calls, with which key, from where and when."""
    doubt = "" if thing.thiefs else f"; {NOT_THIEFS}"
    whose = f" with {thing.key}" if thing.key else ""
    calls = ", ".join(thing.calls)
    first = f"{calls}{whose} from {thing.ip or 'an unknown address'} at {rfc3339(thing.at)}"
    more = len(thing.evidence) - 1
    again = f", and {more} more call{'s' if more > 1 else ''}" if more else ""
    return f"{first}{again}{doubt}"


def answers(thing: Made) -> tuple[str, ...]:
    """What to type about it; nothing where nothing is left of it."""
    if not thing.is_open:
        return ()
    if thing.remediation and thing.target:
        return (f"triage plan {thing.remediation} {thing.target}",)
    return thing.commands


def in_lines(thing: Made) -> Iterator[str]:
    """One thing, for people: what and its state, where it comes from, what answers it."""
    yield f"{what(thing)} ({state(thing)})"
    yield origin(thing)
    yield from answers(thing)


def sweep_text(scope: Scope) -> Iterator[str]:
    """The lines of a terminal; none before a sweep was made, or without a confirmed key."""
    if scope.sweep is None or not scope.confirmed:
        return
    if not scope.sweep.things:
        yield f"  {NOTHING}"
    for thing in scope.sweep.things:
        first, *rest = in_lines(thing)
        yield f"  {first}"
        yield from (f"      {line}" for line in rest)
