"""Is the country usual for this organisation?

A country where nobody of the organisation works is one of the three oddities (tool, network, place) that together make
a theft. Alone it is a traveller or a VPN. An address without a country in any database stays unknown, never "usual".

The same for a journey that nobody can make: the principal here and, too soon before or after, far away. It needs
places, not countries, whose ends may be next door; between servers, VPNs and Tor exits nobody travels.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
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
    Kind,
    Observable,
    Outcome,
    Signal,
    Span,
    Unknown,
    Use,
    UsualCountries,
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

TRAVEL_KM, TRAVEL_KMH = 500, 900
"""Nearer than this a database may be wrong; faster than this no airliner flies (DOMAIN 4.2)."""

MOST_EVIDENCE = 10


def enrich(observable: Observable, context: Context) -> Answer:
    assert context.addresses is not None  # noqa: S101 - the runner never asks an enricher without what it needs
    origin = context.addresses.origin(observable.value)
    recent, before = _uses(observable, context)
    known = _known_place(origin, context, before)
    asked = origin.country is not None and not known
    usual = _usual(context) if asked else UsualCountries()
    own = _own_countries(origin.country, usual, context, before) if asked and origin.country else frozenset[str]()
    return judge(origin, usual, own, recent, _journey(origin, recent, context), who=_who(context), known=known)


def judge(
    origin: AddressOrigin,
    usual: UsualCountries,
    own: frozenset[str],
    recent: Sequence[Use],
    journey: Journey | Unknown | None = None,
    *,
    who: str,
    known: bool,
) -> Answer:
    """What the place says. ``own`` are the countries the principal has been to, ``recent`` the address's uses;
    ``known``: its country needs no judging, it is usual.

    ``journey`` is the one that nobody can make, if there is one, or why that cannot be told.
    """
    signals, unknowns = ((), ()) if known else _decide(origin, usual, own, recent, who)
    travel = journey.signal(who) if isinstance(journey, Journey) else None
    return Answer(
        headline=f"{origin.ip}: {_headline(origin, usual, own, known)}",
        facts=(
            Fact("Country", origin.country or "unknown"),
            Fact("Usual here", f"{', '.join(sorted(usual.names))} ({usual.words})" if usual.words else "not asked"),
            *((Fact("Journey", travel.sentence),) if travel is not None else ()),
        ),
        signals=signals if travel is None else (*signals, travel),
        # To and from a usual place people go every day: that nobody knows where it is does not make it news.
        unknowns=(*unknowns, journey) if isinstance(journey, Unknown) and not known else unknowns,
        found=bool(signals or travel),
        data={
            "ip": origin.ip,
            "country": origin.country,
            "usual_here": origin.country in usual.names if origin.country and usual.source else None,
            "usual_for_principal": True if known else origin.country in own if origin.country else None,
            "usual_countries": sorted(usual.names),
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
    who = Observable(Kind.PRINCIPAL, context.principal.id) if context.principal is not None else observable
    recent = [use for use in context.uses(who, context.window.recent) if not use.by_service]
    if context.principal is None:
        return recent, ()
    return [use for use in recent if use.ip == observable.value], context.baseline().uses


def _known_place(origin: AddressOrigin, context: Context, before: Iterable[Use]) -> bool:
    """An own network, or one the principal used before: its country cannot be news."""
    networks = {network_of(use.ip) for use in before if use.ip and not use.by_service}
    return network_of(origin.ip) in networks or inside(origin.ip, context.environment.own_networks)


def _decide(
    origin: AddressOrigin, usual: UsualCountries, own: frozenset[str], recent: Sequence[Use], who: str
) -> tuple[tuple[Signal, ...], tuple[Unknown, ...]]:
    country = origin.country
    if country is None:
        return (), (Unknown("geo.atypical", NO_COUNTRY),)
    if country in usual.names | own:
        return (), ()
    if not usual.source and country not in usual.corrected:
        why = "no usual_countries in config, and the history has too few calls of known countries to learn them"
        return (), (Unknown("geo.atypical", why),)
    if not recent:
        return (), (
            Unknown("geo.atypical", f"{country} is not usual, but no recent call from there is in the history"),
        )
    evidence = tuple(dict.fromkeys(event for use in reversed(recent) for event in use.evidence))[:MOST_EVIDENCE]
    sentence = f"{country} is not a usual place for this organisation ({usual.words}), nor for {who}."
    return (Signal("geo.atypical", sentence, evidence),), ()


def _headline(origin: AddressOrigin, usual: UsualCountries, own: frozenset[str], known: bool) -> str:
    if known:
        return f"{origin.country or 'country unknown'}, a network used before"
    if origin.country is None:
        return "country unknown"
    if origin.country in usual.names | own:
        return f"{origin.country}, usual here"
    told = usual.source or origin.country in usual.corrected
    return f"{origin.country}, not usual here" if told else f"{origin.country}, usual or not: unknown"


# ------------------------------------------------------------------------------------- what is usual


def _usual(context: Context) -> UsualCountries:
    account = context.principal.account if context.principal is not None else None
    if context.usual is None:
        return UsualCountries()
    return context.usual.countries(account, context.window.baseline.until)


def _own_countries(country: str, usual: UsualCountries, context: Context, before: Iterable[Use]) -> frozenset[str]:
    """The countries the principal called from; 90 days back where nothing else knows ``country``."""
    assert context.addresses is not None  # noqa: S101 - checked above
    if country in usual.names:
        return frozenset()
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
