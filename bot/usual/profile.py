"""What the bot believes is ordinary in an environment, and where it has that from."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.history.ordinary import Exit, Practice, exits, practices
from bot.history.sqlite import SqliteHistory
from bot.model import (
    RECENT,
    AddressData,
    Coverage,
    Doubted,
    Environment,
    Gap,
    Kind,
    Observable,
    Ordinary,
    Span,
    UsualCountries,
    UsualProvider,
    inside,
)
from bot.scope.rules import HabitRules, shipped
from bot.usual.countries import Learner, UsualHere

HABITS = timedelta(days=30)
"""Exits, machines and rare events are those of 30 days, as in scoping; countries are learned from 90."""
EXIT_PRINCIPALS, EXIT_DAYS = 3, 3
"""A thief tries many keys from one address too, but not for days."""
MOST_EXITS = 200
MOST_RARE = 200
"""Rare events that are named with their users, the rarest first; each is a question of its own."""


@dataclass(frozen=True, slots=True)
class SharedExit:
    """An address that proves nothing, because many use it or somebody says so. ``seen`` is ``None`` if nobody did."""

    place: str
    source: str
    """``config``, ``analyst`` or ``history``."""
    seen: Exit | None = None


@dataclass(frozen=True, slots=True)
class Machine:
    """A principal, or a pattern of principals, that is a service account or CI."""

    principal: str
    source: str
    seen: Practice | None = None


@dataclass(frozen=True, slots=True)
class RareEvent:
    """An event that few principals ever use."""

    event: str
    principals: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Profile:
    """``since`` is the oldest record of the span looked at; ``rare`` may be cut, ``rare_events`` counts them all."""

    environment: Environment
    span: Span
    searched: Coverage | None
    countries: UsualCountries
    providers: tuple[UsualProvider, ...]
    """Those of config first; then every one that calls came from."""
    exits: tuple[SharedExit, ...]
    machines: tuple[Machine, ...]
    rare: tuple[RareEvent, ...]
    rare_events: int
    rare_at_most: int
    """So few principals make an event rare."""
    population: int
    gaps: tuple[Gap, ...]


def profile(
    environment: Environment,
    history: SqliteHistory,
    addresses: AddressData,
    at: datetime,
    learner: Learner,
    doubted: Doubted | None = None,
) -> Profile:
    """What is ordinary in ``environment`` as of ``at``; the last 24 hours are judged by it, and no part of it.

    Nor is what ``doubted`` did since it is. Raises what the history raises.
    """
    doubted = doubted or {}
    at -= RECENT
    span, rules = Span(at - HABITS, at), shipped().habits
    accounts = sorted(environment.accounts)
    searched = history.coverage(span)
    asked = accounts or list(searched.accounts if searched else ())
    here = UsualHere(replace(environment, accounts=frozenset(asked)), history, addresses, learner, doubted)
    countries = here.countries(None, at)
    found = practices(history.rows, span, accounts, doubted)
    shared = exits(
        history.rows, span, accounts, principals=EXIT_PRINCIPALS, days=EXIT_DAYS, most=MOST_EXITS, doubted=doubted
    )
    population = history.population(span)
    rare_at_most = min(rules.rare_at_most, max(2, math.ceil(rules.rare_share * population)))
    rare = _rare_events(history, span, rare_at_most)
    return Profile(
        environment=environment,
        span=span,
        searched=searched,
        countries=countries,
        providers=(
            *(UsualProvider(name, usual=True, source="config") for name in environment.usual_providers),
            *learner.providers(asked, history, addresses, at, doubted),
        ),
        exits=tuple(_exits(environment, shared)),
        machines=tuple(_machines(environment, found, rules)),
        rare=tuple(_with_users(history, span, rare[:MOST_RARE], doubted)),
        rare_events=len(rare),
        rare_at_most=rare_at_most,
        population=population,
        gaps=tuple(_gaps(searched, countries)),
    )


def _rare_events(history: SqliteHistory, span: Span, at_most: int) -> list[tuple[str, int]]:
    callers = history.callers(span.since.date(), span.until.date())
    return sorted(((name, who) for name, who in callers.items() if who <= at_most), key=lambda each: (each[1], each[0]))


def _with_users(
    history: SqliteHistory, span: Span, rare: Sequence[tuple[str, int]], doubted: Doubted
) -> Iterator[RareEvent]:
    """Each with who used it by hand or program; what only services did for others is nobody's rare event."""
    before = {who: _done_before(history, who, span, since) for who, since in doubted.items()}
    for name, _ in rare:
        who = history.prevalence(name, span).principals
        if trusted := tuple(each for each in who if each not in before or name in before[each]):
            yield RareEvent(name, trusted)


def _done_before(history: SqliteHistory, principal: str, span: Span, since: datetime) -> set[str]:
    """The calls a principal made in ``span`` before it came into doubt."""
    until = min(since - timedelta(seconds=1), span.until)
    if until < span.since:
        return set()
    return {use.event for use in history.uses(Observable(Kind.PRINCIPAL, principal), Span(span.since, until))}


def _exits(environment: Environment, seen: Sequence[Exit]) -> Iterator[SharedExit]:
    said = {each.value for each in environment.corrections if each.kind is Ordinary.NETWORK and each.usual}
    for network in environment.own_networks:
        yield SharedExit(network, "analyst" if network in said else "config")
    for each in seen:
        if not inside(each.ip, environment.own_networks):
            yield SharedExit(each.ip, "history", each)


def _machines(environment: Environment, found: Sequence[Practice], rules: HabitRules) -> Iterator[Machine]:
    said = {each.value for each in environment.corrections if each.kind is Ordinary.AUTOMATION and each.usual}
    days = max((each.days for each in found), default=0)
    for pattern in environment.automation:
        yield Machine(pattern, "analyst" if pattern in said else "config")
    for each in found:
        known = environment.is_automation(each.principal) or environment.is_person(each.principal)
        if not known and _works_like_a_machine(each, days, rules):
            yield Machine(each.principal, "history", each)


def _works_like_a_machine(each: Practice, days: int, rules: HabitRules) -> bool:
    """At work every day, weekends too, with one client or two, none of them a browser: as scoping tells machines."""
    enough = days >= rules.familiar_spread_days
    human = each.browser or each.families > rules.service_clients
    return enough and not human and each.days >= rules.service_share_of_days * days


def _gaps(searched: Coverage | None, countries: UsualCountries) -> Iterator[Gap]:
    if searched is None:
        yield Gap("What is usual?", "the history holds nothing of these 30 days")
    for sentence in searched.missing if searched is not None else ():
        yield Gap("What is usual?", sentence)
    if countries.source is None:
        why = "the history has too few calls of known countries to learn them, and config states none"
        yield Gap("Where do people work?", why)
