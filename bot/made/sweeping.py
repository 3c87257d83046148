"""The sweep: what the calls of a scope made, each thing once, with its state now and what answers it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.made import doors, identities, kinds, rights, sessions, trust
from bot.made.calls import kind_of
from bot.made.kinds import MadeKind
from bot.made.looking import Looking
from bot.made.tracing import State, Trace
from bot.model import Deed, Gap, Made, Records, Scope, Standing, Sweep, rfc3339

_ROOMS = (identities, rights, trust, doors, sessions)
PERMISSIONS = frozenset[str]().union(*(room.PERMISSIONS for room in _ROOMS))
"""Every call with which AWS is asked what is left."""
MOST_ASKED = 100
"""Things whose state is asked for; the rest are listed without."""
QUESTION = "What is left of what these keys made?"
NO_RECORD = "its record can no longer be read, so its name is not known"
NO_WAY = "the bot does not know how to ask about it"
TOO_MANY = f"only the first {MOST_ASKED} are asked about"

_TRACINGS = {tracing.kind: tracing for room in _ROOMS for tracing in room.TRACINGS}
_TOLD = frozenset({kinds.KEY, kinds.SENDING, kinds.OTHER})
"""What the history itself tells enough of: reading a record again may mean reading a large log."""
_KINDS = {kind.name: kind for kind in (*_TRACINGS, kinds.OTHER)}


def sweep(scope: Scope, records: Records | None, looking: Looking) -> Sweep:
    """What is left of what the confirmed keys of ``scope`` made, changed or gave out."""
    at, found = looking.at, _things(scope.deeds, records)
    things = tuple(
        _made(thing, _state(thing, looking, at) if number < MOST_ASKED else State(Standing.UNKNOWN, TOO_MANY))
        for number, thing in enumerate(found)
    )
    return Sweep(at, things, tuple(_gaps(things)))


@dataclass(frozen=True, slots=True)
class _Thing:
    """One thing, and the calls that concern it, the oldest first."""

    kind: MadeKind
    name: str
    traces: tuple[Trace, ...]
    thiefs: bool

    @property
    def last(self) -> Trace:
        return self.traces[-1]


def _things(deeds: Iterable[Deed], records: Records | None) -> list[_Thing]:
    """Every thing once, the thief's first, then by time."""
    grouped: dict[tuple[str, str, str, str], list[tuple[Deed, Trace]]] = {}
    for deed in sorted(deeds, key=lambda each: (each.event.at, each.event.id)):
        kind = kind_of(deed.event)
        if kind is None:
            continue
        trace, tracing = _trace(deed, kind, records), _TRACINGS.get(kind)
        if tracing is not None and not tracing.concerns(trace):
            continue
        name = tracing.named(trace) if tracing is not None else trace.event.name
        # Without a name, every call may be about a thing of its own.
        which = name or f"?{trace.event.id}"
        grouped.setdefault((kind.name, trace.account, trace.region, which), []).append((deed, trace))
    things = [
        _Thing(
            _KINDS[kind],
            "" if which.startswith("?") else which,
            tuple(trace for _, trace in group),
            any(deed.thiefs for deed, _ in group),
        )
        for (kind, _, _, which), group in grouped.items()
    ]
    return sorted(things, key=lambda each: (not each.thiefs, each.traces[0].at, each.kind.name, each.name))


def _trace(deed: Deed, kind: MadeKind, records: Records | None) -> Trace:
    asked = records.parameters(deed.event.id) if records is not None and kind not in _TOLD else None
    return Trace(deed.event, asked or {}, is_read=asked is not None)


def _state(thing: _Thing, looking: Looking, at: datetime) -> State:
    tracing = _TRACINGS.get(thing.kind)
    if tracing is None:
        return State(Standing.UNKNOWN, NO_WAY)
    if not thing.name:
        return State(Standing.UNKNOWN, NO_RECORD)
    if thing.kind is kinds.SESSION and (ended := sessions.ends_at(thing.last)) <= at:
        return State(Standing.GONE, f"ended by itself at {rfc3339(ended)} at the latest")
    return looking(thing.last, tracing)


def _made(thing: _Thing, state: State) -> Made:
    first, tracing = thing.traces[0], _TRACINGS.get(thing.kind)
    answer = tracing.answer(thing.last) if tracing is not None and thing.name else None
    by_hand = answer.commands if answer else tuple(f"triage event-record {each.event.id}" for each in thing.traces[:3])
    return Made(
        kind=thing.kind.name,
        name=thing.name,
        account=first.account,
        region=first.region,
        calls=tuple(dict.fromkeys(trace.event.name for trace in thing.traces)),
        key=first.event.key,
        principal=first.event.principal.id,
        ip=first.event.ip,
        at=first.at,
        thiefs=thing.thiefs,
        evidence=tuple(trace.event.id for trace in thing.traces),
        standing=state.standing,
        told=state.told,
        remediation="disable_created" if state.target else answer.remediation if answer else None,
        target=state.target or (answer.target if answer else None),
        commands=state.commands or by_hand,
    )


def _gaps(things: Sequence[Made]) -> Iterator[Gap]:
    """Why things could not be asked about, each reason once with how many."""
    unknown = [thing for thing in things if thing.standing is Standing.UNKNOWN and thing.kind != kinds.OTHER.name]
    for why in dict.fromkeys(thing.told for thing in unknown if thing.kind != kinds.SESSION.name):
        count = sum(thing.told == why for thing in unknown)
        yield Gap(QUESTION, f"{count} of {len(things)} could not be asked about: {why}")
