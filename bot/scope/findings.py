"""What a search came to, as a person is told: who, who not and why, and what could not be asked."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from bot.made.calls import is_durable, kind_of
from bot.model import (
    AddressClass,
    Attacker,
    Coverage,
    Deed,
    Excluded,
    Gap,
    Kind,
    Observable,
    RareEvent,
    Scope,
    Span,
    Suspicion,
)
from bot.scope.ground import Ground
from bot.scope.pivots import attackers_events, attackers_places
from bot.scope.rounds import Search
from bot.scope.strokes import strokes_of
from bot.scope.usual import pivot_of


@dataclass(frozen=True, slots=True)
class Searched:
    """The window judged and the baseline before it, each with what the history holds of it."""

    window: Span
    baseline: Span
    of_window: Coverage | None
    of_baseline: Coverage | None


MOST_DEEDS = 300
"""Calls that made or changed something, the thief's first: a machine's stolen key may make a thousand of its own."""


def scope_of(ground: Ground, found: Search, leads: Sequence[Observable], searched: Searched) -> Scope:
    """The result of one search."""
    return Scope(
        leads=tuple(leads),
        window=searched.window,
        baseline=searched.baseline,
        searched=searched.of_window,
        rounds=found.rounds,
        confirmed=tuple(sorted(found.confirmed.values(), key=lambda each: (each.round, each.key))),
        suspects=found.suspects,
        excluded=tuple(sorted(set(_excluded(ground, found, leads)), key=lambda each: (each.what, each.why))),
        rare_events=_rare_events(ground, found),
        attacker=_attacker(ground, found),
        gaps=tuple(dict.fromkeys(_gaps(ground, found, leads, searched))),
        deeds=tuple(deeds_of(ground, found.confirmed)[:MOST_DEEDS]),
        strokes=strokes_of(ground, found.confirmed, searched.window),
    )


def deeds_of(ground: Ground, confirmed: Collection[str]) -> list[Deed]:
    """What the ``confirmed`` keys made, changed or gave out: the thief's first, then by time.

    What may be the owner's doing counts only where it is durable: a user or a right, not a session.
    """
    found = [
        Deed(event, ground.is_unfamiliar_use(event))
        for key in sorted(confirmed)
        for event in ground.calls(key)
        if (kind := kind_of(event)) is not None and (is_durable(kind) or ground.is_unfamiliar_use(event))
    ]
    return sorted(found, key=lambda each: (not each.thiefs, each.event.at, each.event.id))


def _attacker(ground: Ground, found: Search) -> Attacker:
    used = attackers_events(ground, found.confirmed)
    return Attacker(
        ips=tuple(sorted(found.pivots.addresses)),
        families=tuple(sorted({event.family for event in used})),
        events=tuple(sorted({event.name for event in used})),
    )


def _rare_events(ground: Ground, found: Search) -> tuple[RareEvent, ...]:
    """Every rare event of the confirmed keys, the rarest first."""
    stolen = {each.principal for each in found.confirmed.values() if each.principal}
    names = {event.name for key in found.confirmed for event in ground.calls(key)}
    rare = (
        RareEvent(name, ground.users_before(name), ground.users_ever(name, stolen))
        for name in names
        if ground.is_rare(name)
    )
    return tuple(sorted(rare, key=lambda each: (each.principals_before, each.event)))


def _excluded(ground: Ground, found: Search, leads: Sequence[Observable]) -> Iterator[Excluded]:
    yield from _excluded_places(ground, found, leads)
    yield from (Excluded(key, f"set aside: {why}") for key, why in ground.known.set_aside.items())
    for each in found.damped:
        if each.principal:
            why = "a service account at its usual place, with its usual client: what speaks against it counts less"
            yield Excluded(each.principal, why)
    yield from _habitual(ground, found)


def _excluded_places(ground: Ground, found: Search, leads: Sequence[Observable]) -> Iterator[Excluded]:
    asked = {pivot_of(lead.value, AddressClass.PUBLIC) or "" for lead in leads if lead.kind is Kind.IP} - {""}
    for place in attackers_places(ground, attackers_events(ground, found.confirmed)) | asked:
        why = ground.proves_nothing(place)
        if why:
            yield Excluded(place, why)
    for place, count in found.blocked.items():
        yield Excluded(place, f"{count} principals came to it in this window: a shared exit proves nothing against one")


def _habitual(ground: Ground, found: Search) -> Iterator[Excluded]:
    """Who used one of the attacker's rare events as they always did."""
    who = {each.principal for each in found.confirmed.values()}
    for name in sorted(found.pivots.rare):
        for principal in sorted(ground.users_now(name) - who):
            if not ground.is_fresh(principal, name):
                service = "a service account that calls" if ground.is_service(principal) else "calls"
                days = ground.rules.habits.baseline_days
                yield Excluded(principal, f"{service} {name} anyway: it did so in the {days} days before, too")


def _gaps(ground: Ground, found: Search, leads: Sequence[Observable], searched: Searched) -> Iterator[Gap]:
    if searched.of_window is None:
        yield Gap("Which keys are in the same hands?", "the history holds nothing of this time")
        return
    yield from (Gap("What did the logs miss?", sentence) for sentence in searched.of_window.missing)
    if searched.of_baseline is not None:
        yield from (Gap("What was usual before?", sentence) for sentence in searched.of_baseline.missing)
    for lead in leads:
        yield from _lead_gaps(ground, lead)
    if ground.thin:
        why = f"insufficient history: {ground.days} days before the window; novelty counts half"
        yield Gap("What was usual before?", why)
    for each in (*found.confirmed.values(), *found.suspects):
        yield from _thin(ground, each)
    for place, count in sorted(found.blocked.items()):
        why = f"{count} principals came to it in this window, so it was not followed: a person has to look"
        yield Gap(f"Whose is {place}?", why)
    count = len(deeds_of(ground, found.confirmed))
    if count > MOST_DEEDS:
        yield Gap("What else did they make?", f"they made {count} changes; the first {MOST_DEEDS} were looked at")
    if found.stopped:
        yield Gap("Is that all of them?", f"the search stopped: {found.stopped}")


def _lead_gaps(ground: Ground, lead: Observable) -> Iterator[Gap]:
    question = f"Where does {lead.value} lead?"
    if lead.kind is not Kind.ACCESS_KEY:
        return
    if not ground.calls(lead.value):
        yield Gap(question, "the history holds no use of it in this window")
    elif not attackers_events(ground, [lead.value]):
        yield Gap(question, "it was only used where and as its owner always does: there is nothing to follow")


def _thin(ground: Ground, each: Suspicion) -> Iterator[Gap]:
    if each.principal and ground.own(each.principal).thin:
        why = (
            f"fewer than 20 calls or 3 days in the {ground.rules.habits.widened_days} days before; novelty counts half"
        )
        yield Gap(f"What was usual for {each.principal}?", why)
