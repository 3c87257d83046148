"""Is the country usual for this organisation?

A country where nobody of the organisation works is one of the three oddities (tool, network, place) that together make
a theft. Alone it is a traveller or a VPN. An address without a country in any database stays unknown, never "usual".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from bot.model import (
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
    Signal,
    Span,
    Unknown,
    Use,
    inside,
    network_of,
)

DECLARATION = Declaration(
    question="Is the country usual for this organisation?",
    takes=frozenset({Kind.IP}),
    needs=frozenset({"ip_data"}),
    raises=frozenset({"geo.atypical"}),
)

NO_COUNTRY = "no database at hand knows its country: name a country database in [ipdata] mmdb"

LEAST_SHARE = 0.02
"""A country with a smaller share of the calls people make here is not usual: a traveller leaves a few, too."""
LEAST_CALLS = 50
"""Fewer calls with a known country teach nothing about where an organisation works."""

SAMPLE_DAYS, SAMPLES_A_DAY, SAMPLE_CALLS = 14, 4, 100
"""What is usual is learned from this many calls of each quarter of a day: an even sample, whatever the account does."""

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
    return judge(origin, usual, recent, who=_who(context), known=known)


def judge(origin: AddressOrigin, usual: Usual, recent: Sequence[Use], *, who: str, known: bool) -> Answer:
    """What the country says. ``recent`` are the address's uses; ``known``: it needs no judging, it is a usual place."""
    signals, unknowns = ((), ()) if known else _decide(origin, usual, recent, who)
    return Answer(
        headline=f"{origin.ip}: {_headline(origin, usual, known)}",
        facts=(
            Fact("Country", origin.country or "unknown"),
            Fact("Usual here", f"{', '.join(sorted(usual.countries))} ({usual.words})" if usual.words else "not asked"),
        ),
        signals=signals,
        unknowns=unknowns,
        found=bool(signals),
        data={
            "ip": origin.ip,
            "country": origin.country,
            "usual_here": origin.country in usual.countries if origin.country and usual.source else None,
            "usual_for_principal": True if known else origin.country in usual.own if origin.country else None,
            "usual_countries": sorted(usual.countries),
            "usual_from": usual.source,
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
    account = context.principal.account if context.principal is not None else None
    if context.history is None or account is None or context.addresses is None:
        return Usual(own=own)
    return learned(_sample(account, context), context.addresses, own)


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


def _sample(account: str, context: Context) -> list[Event]:
    """Calls from all parts of the days before the recent part."""
    assert context.history is not None  # noqa: S101 - checked above
    slot, until = timedelta(days=1) / SAMPLES_A_DAY, context.window.baseline.until
    spans = [Span(until - slot * (n + 1), until - slot * n) for n in range(SAMPLE_DAYS * SAMPLES_A_DAY)]
    of_account = Observable(Kind.ACCOUNT, account)
    return [event for span in spans for event in context.history.events(of_account, span, limit=SAMPLE_CALLS)]


def learned(events: Iterable[Event], addresses: AddressData, own: frozenset[str] = frozenset()) -> Usual:
    """The countries people's calls come from. A server's country says nothing about where people are."""
    people = [event for event in events if _by_person(event) and any(kind in event.principal.id for kind in PEOPLE)]
    ips = [event.ip for event in people if event.ip and addresses.origin(event.ip).hosting is not True]
    countries = _countries(ips, addresses)
    total = countries.total()
    if total < LEAST_CALLS:
        return Usual(own=own)
    usual = frozenset(name for name, count in countries.items() if count >= LEAST_SHARE * total)
    return Usual(usual, "history", _shares(countries, total), own)


def _shares(countries: Mapping[str, int], total: int) -> str:
    top = sorted(countries.items(), key=lambda item: (-item[1], item[0]))[:3]
    share = round(100 * sum(count for _, count in top) / total)
    return f"{', '.join(name for name, _ in top)} make {share} % of {total} calls in the {SAMPLE_DAYS} days before"
