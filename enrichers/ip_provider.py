"""Whose address is it?

A rented server at a small hosting provider, a VPN or Tor is how attackers reach AWS, and few people work from one; an
address of AWS, Google or Microsoft proves little, because both sides rent there. A provider the principal used before
counts for nothing. Lists are of a date, and an address in no list is unknown, not a home.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from bot.model import (
    AddressClass,
    AddressData,
    AddressOrigin,
    Answer,
    Baseline,
    Context,
    Declaration,
    Fact,
    Kind,
    Observable,
    Signal,
    Unknown,
    Use,
    inside,
    network_of,
)

DECLARATION = Declaration(
    question="Where does the address come from?",
    takes=frozenset({Kind.IP}),
    needs=frozenset({"ip_data"}),
    raises=frozenset({"ip.hosting", "ip.bigcloud"}),
)

MOST_EVIDENCE = 10


def enrich(observable: Observable, context: Context) -> Answer:
    assert context.addresses is not None  # noqa: S101 - the runner never asks an enricher without what it needs
    return judge(context.addresses.origin(observable.value), context, _uses(observable, context), _baseline(context))


def judge(origin: AddressOrigin, context: Context, recent: Sequence[Use], baseline: Baseline | None) -> Answer:
    """What is known of the address. ``recent`` are its uses by the principal, ``baseline`` what the principal used."""
    kind = _suspicious_kind(origin)
    own = inside(origin.ip, context.environment.own_networks)
    signals, unknowns = _decide(kind, origin, context, recent, baseline) if kind and not own else ((), ())
    return Answer(
        headline=f"{origin.ip}: {'own network, ' if own else ''}{_words(origin)}",
        facts=_facts(origin),
        signals=signals,
        unknowns=unknowns,
        data=asdict(origin),
    )


def _uses(observable: Observable, context: Context) -> Sequence[Use]:
    if context.history is None or context.principal is None:
        return ()
    uses = context.uses(observable, context.window.recent)
    return [use for use in uses if use.principal == context.principal.id and not use.by_service]


def _baseline(context: Context) -> Baseline | None:
    return context.baseline() if context.history is not None and context.principal is not None else None


def _suspicious_kind(origin: AddressOrigin) -> str | None:
    """The signal the address would raise if it is new to the principal; ``None`` if it raises none."""
    if origin.big_three:
        return "ip.bigcloud"
    return "ip.hosting" if origin.hosting or origin.vpn or origin.tor else None


def _decide(
    kind: str, origin: AddressOrigin, context: Context, recent: Sequence[Use], baseline: Baseline | None
) -> tuple[tuple[Signal, ...], tuple[Unknown, ...]]:
    if baseline is None:
        return (), (Unknown(kind, "nobody knows which providers are usual: there is no history of one principal"),)
    if baseline.thin:
        return (), (Unknown(kind, baseline.why_thin),)
    if not recent or context.addresses is None or _used_before(origin, baseline, context.addresses):
        return (), ()
    evidence = tuple(dict.fromkeys(event for use in reversed(recent) for event in use.evidence))[:MOST_EVIDENCE]
    who = context.principal.name if context.principal is not None else "this user"
    return (Signal(kind, _sentence(kind, origin, who), evidence),), ()


def _used_before(origin: AddressOrigin, baseline: Baseline, addresses: AddressData) -> bool:
    """Whether the principal used this address, its network or anything else of its provider."""
    mark = _marks(origin)
    ips = {
        use.ip for use in baseline.uses if use.ip and use.address_class is AddressClass.PUBLIC and not use.by_service
    }
    return any(mark & _marks(addresses.origin(ip)) for ip in ips)


def _marks(origin: AddressOrigin) -> set[str]:
    """By what two addresses are known to be one provider's: AS number, provider, or at least the network."""
    asn = f"AS{origin.asn}" if origin.asn is not None else None
    return {mark for mark in (asn, origin.provider, network_of(origin.ip)) if mark}


# --------------------------------------------------------------------------------- what people read


def _sentence(kind: str, origin: AddressOrigin, who: str) -> str:
    if kind == "ip.bigcloud":
        return f"{origin.ip} belongs to {_owner(origin)}; {who} never used it before."
    if origin.tor:
        return f"{origin.ip} is a Tor exit ({origin.source}, {origin.as_of}); {who} never used one of its network."
    what = "a VPN" if origin.vpn and not origin.hosting else "a hosting provider"
    owner = _owner(origin)
    whose = f"belongs to {owner}, {what}" if owner else f"belongs to {what}"
    return f"{origin.ip} {whose} that is not AWS, Google or Microsoft; {who} never used it."


def _owner(origin: AddressOrigin) -> str | None:
    name = origin.provider or origin.organisation
    return f"{name} (AS{origin.asn})" if name and origin.asn is not None else name


def _words(origin: AddressOrigin) -> str:
    kinds = [
        name for name, said in (("Tor exit", origin.tor), ("VPN", origin.vpn), ("hosting", origin.hosting)) if said
    ]
    words = [_owner(origin), *kinds, origin.country]
    known = ", ".join(word for word in words if word)
    if known:
        return known
    return "no provider's address" if origin.hosting is False else "in no list we have"


def _facts(origin: AddressOrigin) -> tuple[Fact, ...]:
    said = {True: "yes", False: "no", None: "unknown"}
    rows = (
        ("Provider", _owner(origin) or "unknown"),
        ("Hosting", said[origin.hosting]),
        ("Tor exit", said[origin.tor]),
        ("VPN", said[origin.vpn]),
        ("Country", origin.country or "unknown"),
        ("Source", f"{origin.source}, as of {origin.as_of}" if origin.as_of else origin.source or "no list"),
    )
    return tuple(Fact(label, value) for label, value in rows)
