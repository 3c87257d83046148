"""Is the country usual for this organisation?

A country where nobody of the organisation works is one of the three oddities (tool, network, place) that together make
a theft. Alone it is a traveller or a VPN. An address without a country in any database stays unknown, never "usual".

The same for a journey that nobody can make: the principal here and, too soon before or after, far away. It needs
places, not countries, whose ends may be next door; between servers, VPNs and Tor exits nobody travels.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from bot.model import (
    FARTHEST_KM,
    WIDENED_BASELINE,
    AddressClass,
    AddressData,
    AddressOrigin,
    Answer,
    Context,
    Declaration,
    Event,
    Fact,
    Foreseen,
    History,
    Kind,
    Observable,
    Outcome,
    Signal,
    Span,
    Unknown,
    Use,
    Want,
    inside,
    kilometres_between,
    network_of,
)

DECLARATION = Declaration(
    question="Is the country usual for this organisation?",
    takes=frozenset({Kind.IP}),
    needs=frozenset({"ip_data"}),
    raises=frozenset({"geo.atypical", "geo.travel"}),
)

NO_COUNTRY = "no database at hand knows its country: name a country database in [ipdata] mmdb"
NO_PLACE = "no database at hand knows both places: name a City database in [ipdata] mmdb"

LEAST_SHARE = 0.02
"""A country with a smaller share of the calls people make here is not usual: a traveller leaves a few, too."""
LEAST_CALLS = 50
"""Fewer calls with a known country teach nothing about where an organisation works."""

LEARNED_DAYS = 90
SLOT = timedelta(hours=37)
"""So that the sampled calls, the last of each slot, come from every hour of the day and every day of the week."""
SAMPLE_CALLS = 100
"""What is usual is learned from this many calls of each slot: an even sample, whatever the accounts do."""

TRAVEL_KM, TRAVEL_KMH = 500, 900
"""Nearer than this a database may be wrong; faster than this no airliner flies (DOMAIN 4.2)."""

PEOPLE = (":user/", ":sso/", ":root", ":saml/")
MOST_EVIDENCE = 10


@dataclass(frozen=True, slots=True)
class Usual:
    """Where the organisation works: stated in config or learned, and what may be said of it."""

    countries: frozenset[str] = frozenset()
    source: str | None = None
    """``config`` or ``history``; ``None`` if neither says anything."""
    words: str = ""
    own: frozenset[str] = field(default=frozenset())
    """Where the principal itself has been."""


def enrich(observable: Observable, context: Context) -> Answer:
    assert context.addresses is not None  # noqa: S101 - the runner never asks an enricher without what it needs
    origin = context.addresses.origin(observable.value)
    recent, before = _uses(observable, context)
    known = _known_place(origin, context, before)
    usual = Usual() if known or origin.country is None else _usual(origin.country, context, before)
    return judge(origin, usual, recent, _journey(origin, recent, context), who=_who(context), known=known)


def judge(
    origin: AddressOrigin,
    usual: Usual,
    recent: Sequence[Use],
    journey: Journey | Unknown | None = None,
    *,
    who: str,
    known: bool,
) -> Answer:
    """What the place says. ``recent`` are the address's uses; ``known``: its country needs no judging, it is usual.

    ``journey`` is the one that nobody can make, if there is one, or why that cannot be told.
    """
    signals, unknowns = ((), ()) if known else _decide(origin, usual, recent, who)
    travel = journey.signal(who) if isinstance(journey, Journey) else None
    return Answer(
        headline=f"{origin.ip}: {_headline(origin, usual, known)}",
        facts=(
            Fact("Country", origin.country or "unknown"),
            Fact("Usual here", f"{', '.join(sorted(usual.countries))} ({usual.words})" if usual.words else "not asked"),
            *((Fact("Journey", travel.sentence),) if travel is not None else ()),
        ),
        signals=signals if travel is None else (*signals, travel),
        # To and from a usual place people go every day: that nobody knows where it is does not make it news.
        unknowns=(*unknowns, journey) if isinstance(journey, Unknown) and not known else unknowns,
        found=bool(signals or travel),
        data={
            "ip": origin.ip,
            "country": origin.country,
            "usual_here": origin.country in usual.countries if origin.country and usual.source else None,
            "usual_for_principal": True if known else origin.country in usual.own if origin.country else None,
            "usual_countries": sorted(usual.countries),
            "usual_from": usual.source,
            "travel": journey.data() if isinstance(journey, Journey) else None,
        },
    )


def _who(context: Context) -> str:
    return context.principal.name if context.principal is not None else "whoever used it"


def _uses(observable: Observable, context: Context) -> tuple[Sequence[Use], Sequence[Use]]:
    """The recent uses of the address (by the principal, where there is one), and what the principal did before."""
    if context.history is None:
        return (), ()
    recent = [use for use in context.uses(observable, context.window.recent) if not use.by_service]
    if context.principal is None:
        return recent, ()
    return [use for use in recent if use.principal == context.principal.id], context.baseline().uses


def _known_place(origin: AddressOrigin, context: Context, before: Iterable[Use]) -> bool:
    """An own network, or one the principal used before: its country cannot be news."""
    networks = {network_of(use.ip) for use in before if use.ip and not use.by_service}
    return network_of(origin.ip) in networks or inside(origin.ip, context.environment.own_networks)


def _decide(
    origin: AddressOrigin, usual: Usual, recent: Sequence[Use], who: str
) -> tuple[tuple[Signal, ...], tuple[Unknown, ...]]:
    country = origin.country
    if country is None:
        return (), (Unknown("geo.atypical", NO_COUNTRY),)
    if country in usual.countries | usual.own:
        return (), ()
    if not usual.source:
        why = "no usual_countries in config, and the history has too few calls of known countries to learn them"
        return (), (Unknown("geo.atypical", why),)
    if not recent:
        return (), (
            Unknown("geo.atypical", f"{country} is not usual, but no recent call from there is in the history"),
        )
    evidence = tuple(dict.fromkeys(event for use in reversed(recent) for event in use.evidence))[:MOST_EVIDENCE]
    sentence = f"{country} is not a usual place for this organisation ({usual.words}), nor for {who}."
    return (Signal("geo.atypical", sentence, evidence),), ()


def _headline(origin: AddressOrigin, usual: Usual, known: bool) -> str:
    if known:
        return f"{origin.country or 'country unknown'}, a network used before"
    if origin.country is None:
        return "country unknown"
    if origin.country in usual.countries | usual.own:
        return f"{origin.country}, usual here"
    return f"{origin.country}, not usual here" if usual.source else f"{origin.country}, usual or not: unknown"


# ------------------------------------------------------------------------------------- what is usual


def _usual(country: str, context: Context, before: Iterable[Use]) -> Usual:
    """What is usual: as config states it, else as the history shows it; it is read no further than needed."""
    stated = frozenset(context.environment.usual_countries)
    if country in stated:
        return Usual(stated, "config", "stated in config")
    own = _own_countries(country, context, before)
    if stated:
        return Usual(stated, "config", f"usual: {', '.join(sorted(stated))}, stated in config", own)
    accounts = _accounts(context)
    if context.history is None or not accounts or context.addresses is None:
        return Usual(own=own)
    return learned(_sample(accounts, context.history, context.window.baseline.until), context.addresses, own)


def _accounts(context: Context) -> list[str]:
    """Those of the customer, and the principal's."""
    own = context.principal.account if context.principal is not None else None
    return sorted(context.environment.accounts | ({own} if own else set()))


def _own_countries(country: str, context: Context, before: Iterable[Use]) -> frozenset[str]:
    """The countries the principal called from; 90 days back where the baseline does not know ``country``."""
    assert context.addresses is not None  # noqa: S101 - checked above
    own = _countries((use.ip for use in before if _by_person(use)), context.addresses)
    if country in own or context.history is None or context.principal is None:
        return frozenset(own)
    span = Span(context.window.recent_since - WIDENED_BASELINE, context.window.baseline.until)
    longer = context.uses(Observable(Kind.PRINCIPAL, context.principal.id), span)
    return frozenset(_countries((use.ip for use in longer if _by_person(use)), context.addresses))


def _by_person(use: Use | Event) -> bool:
    return use.address_class is AddressClass.PUBLIC and not use.by_service


def _countries(ips: Iterable[str | None], addresses: AddressData) -> Counter[str]:
    """How many of ``ips`` lie in each country; those of an unknown country are left out."""
    counted = Counter(ip for ip in ips if ip)
    countries: Counter[str] = Counter()
    for ip, count in counted.items():
        country = addresses.origin(ip).country
        if country:
            countries[country] += count
    return countries


def _sample(accounts: Sequence[str], history: History, until: datetime) -> list[Event]:
    """Calls from all parts of the days before ``until``, of each account in turn."""
    slots = timedelta(days=LEARNED_DAYS) // SLOT
    spans = [Span(until - SLOT * (n + 1), until - SLOT * n) for n in range(slots)]
    asked = [(Observable(Kind.ACCOUNT, accounts[n % len(accounts)]), span) for n, span in enumerate(spans)]
    history.foresee([Foreseen(account, span, Want.EVENTS, SAMPLE_CALLS) for account, span in asked])
    return [event for account, span in asked for event in history.events(account, span, limit=SAMPLE_CALLS)]


def learned(events: Iterable[Event], addresses: AddressData, own: frozenset[str] = frozenset()) -> Usual:
    """The countries people's calls come from. A server's country says nothing about where people are."""
    people = [event for event in events if _by_person(event) and any(kind in event.principal.id for kind in PEOPLE)]
    ips = [event.ip for event in people if event.ip and addresses.origin(event.ip).hosting is not True]
    countries = _countries(ips, addresses)
    total = countries.total()
    if total < LEAST_CALLS:
        return Usual(own=own)
    usual = frozenset(name for name, count in countries.items() if count >= LEAST_SHARE * total)
    since = min(event.at for event in people)
    return Usual(usual, "history", f"{_shares(countries, total)} sampled calls since {since:%Y-%m-%d}", own)


def _shares(countries: Mapping[str, int], total: int) -> str:
    top = sorted(countries.items(), key=lambda item: (-item[1], item[0]))[:3]
    share = round(100 * sum(count for _, count in top) / total)
    names = ", ".join(name for name, _ in top)
    return f"{names} make {share} % of {total}"


# -------------------------------------------------------------------------------------------- journeys


@dataclass(frozen=True, slots=True)
class Sighting:
    """A successful call from somewhere; ``evidence`` are the events that the history keeps of such calls that day."""

    at: datetime
    origin: AddressOrigin
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Journey:
    """Two sightings, the earlier first, and at least how far apart they are."""

    one: Sighting
    other: Sighting
    kilometres: float

    @property
    def time(self) -> timedelta:
        return self.other.at - self.one.at

    def possible(self) -> bool:
        hours = self.time / timedelta(hours=1)
        return self.kilometres <= TRAVEL_KM or self.kilometres <= TRAVEL_KMH * hours

    def signal(self, who: str) -> Signal:
        places = [f"{each.origin.country or 'a place'} ({each.origin.ip})" for each in (self.one, self.other)]
        minutes = round(self.time / timedelta(minutes=1))
        sentence = (
            f"{who} called from {places[0]} at {self.one.at:%Y-%m-%d %H:%M} UTC and from {places[1]} {minutes} minutes "
            f"later, at least {self.kilometres:,.0f} km away: nobody travels so fast."
        )
        evidence = tuple(dict.fromkeys((*self.other.evidence, *self.one.evidence)))
        return Signal("geo.travel", sentence, evidence)

    def data(self) -> dict[str, Any]:
        return {
            "from": self.one.origin.ip,
            "to": self.other.origin.ip,
            "minutes": round(self.time / timedelta(minutes=1)),
            "kilometres": round(self.kilometres),
        }


def _journey(origin: AddressOrigin, recent: Sequence[Use], context: Context) -> Journey | Unknown | None:
    """The impossible journey to or from the address that is the longest, or why it cannot be told whether one is."""
    if context.history is None or context.principal is None or context.addresses is None or not _of_people(origin):
        return None
    here = _sightings(recent, origin)
    if not here:
        return None
    reach = timedelta(hours=FARTHEST_KM / TRAVEL_KMH)
    span = Span(context.window.recent_since - reach, context.window.until)
    elsewhere: dict[str, list[Use]] = {}
    for use in context.uses(Observable(Kind.PRINCIPAL, context.principal.id), span):
        if use.ip and network_of(use.ip) != network_of(origin.ip):
            elsewhere.setdefault(use.ip, []).append(use)
    own = context.environment.own_networks
    others = [(context.addresses.origin(ip), uses) for ip, uses in sorted(elsewhere.items())]
    pairs = [
        _nearest(here, _sightings(uses, other))
        for other, uses in others
        if _of_people(other) and not (inside(origin.ip, own) and inside(other.ip, own))
    ]
    return judge_journeys([pair for pair in pairs if pair is not None])


def judge_journeys(pairs: Iterable[tuple[Sighting, Sighting]]) -> Journey | Unknown | None:
    """Of pairs of sightings, the earlier first, the impossible journey that is the longest; or why it is not known."""
    impossible, unknown = [], None
    for one, other in pairs:
        kilometres = _apart(one.origin, other.origin)
        if kilometres is None:
            # The middle of a country says nothing: two neighbours' may be 2,000 km apart, and their people next door.
            maybe = one.origin.country is None or one.origin.country != other.origin.country
            if maybe and not Journey(one, other, FARTHEST_KM).possible():
                unknown = Unknown("geo.travel", NO_PLACE)
        elif not (journey := Journey(one, other, kilometres)).possible():
            impossible.append(journey)
    return max(impossible, key=lambda journey: journey.kilometres, default=unknown)


def _of_people(origin: AddressOrigin) -> bool:
    return not (origin.hosting or origin.vpn or origin.tor)


def _sightings(uses: Iterable[Use], origin: AddressOrigin) -> list[Sighting]:
    """The first and the last successful call of each kind, oldest first."""
    own = [use for use in uses if use.outcome is Outcome.OK and _by_person(use)]
    times = [(at, use.evidence) for use in own for at in {use.first_seen, use.last_seen}]
    return [Sighting(at, origin, evidence) for at, evidence in sorted(times)]


def _nearest(here: Sequence[Sighting], there: Iterable[Sighting]) -> tuple[Sighting, Sighting] | None:
    """The two that are the least time apart, the earlier first; ``None`` if there are none."""
    times = [sighting.at for sighting in here]
    pairs = []
    for other in there:
        index = bisect_left(times, other.at)
        pairs += [(one, other) if one.at <= other.at else (other, one) for one in here[max(0, index - 1) : index + 1]]
    return min(pairs, key=lambda pair: (pair[1].at - pair[0].at, pair[0].at), default=None)


def _apart(one: AddressOrigin, other: AddressOrigin) -> float | None:
    """At least how many kilometres are between two addresses; ``None`` where a place is not known."""
    places = [(each.latitude, each.longitude) for each in (one, other)]
    (north, east), (north_2, east_2) = places
    if north is None or east is None or north_2 is None or east_2 is None:
        return None
    between = kilometres_between((north, east), (north_2, east_2))
    return max(0.0, between - (one.radius_km or 0.0) - (other.radius_km or 0.0))
