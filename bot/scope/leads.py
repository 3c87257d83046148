"""Where a triage leads: which keys to start a scope from, and what its result says about the one triaged."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bot.model import EVIDENCE_CLASSES, Kind, Observable, Reason, Scope, Signal, Suspicion, Use, Verdict

SCOPED = frozenset({Verdict.INCIDENT, Verdict.PROBABLE, Verdict.SUSPICIOUS})
"""From here up a scope is made without being asked for: disabling one key of seven only warns the thief."""

QUESTION = "Which other keys are in the same hands?"
CONFIRMED = "scope.confirmed"
_NAMED = 3
_MOST_EVENTS = 10


def leads_of(observable: Observable, recent: Iterable[Use], reasons: Iterable[Reason]) -> tuple[Observable, ...]:
    """What to start from: a key or an address itself; of a principal the keys behind what speaks against it."""
    if observable.kind in {Kind.ACCESS_KEY, Kind.IP}:
        return (observable,)
    if observable.kind is not Kind.PRINCIPAL:
        return ()
    spoken = {event for reason in reasons if reason.points for event in reason.evidence}
    keys = {use.key for use in recent if use.key and spoken & set(use.evidence)}
    return tuple(Observable(Kind.ACCESS_KEY, key) for key in sorted(keys))


def others(scope: Scope, leads: Sequence[Observable]) -> tuple[Suspicion, ...]:
    """The confirmed keys beyond those the search was started from."""
    known = {lead.value for lead in leads}
    return tuple(each for each in scope.confirmed if each.key not in known)


def signals_of(scope: Scope, leads: Sequence[Observable]) -> tuple[Signal, ...]:
    """What the scope says of its leads (DOMAIN: *spread*); nothing where they stand alone."""
    found = others(scope, leads)
    if not found:
        return ()
    names = list(dict.fromkeys((each.principal or each.key).rpartition("/")[2] for each in found))
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    held = {name for each in found for name in each.classes}
    classes = ", ".join(name for name in EVIDENCE_CLASSES if name in held) or "an analyst's word"
    keys = "1 more key shows" if len(found) == 1 else f"{len(found)} more keys show"
    sentence = f"{keys} the same traces ({classes}): of {', '.join(names[:_NAMED])}{more}."
    events = dict.fromkeys(event for each in found for evidence in each.evidence for event in evidence.events)
    return (Signal(CONFIRMED, sentence, tuple(events)[:_MOST_EVENTS]),)
