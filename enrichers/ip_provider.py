"""Whose address is it?

A rented server at a small hosting provider, a VPN or Tor is how attackers reach AWS, and few people work from one; an
address of AWS, Google or Microsoft proves little, because both sides rent there. A provider the principal used before
counts for nothing. Lists are of a date, and an address in no list is unknown, not a home.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

from bot.model import (
    AddressClass,
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
    Unread,
    Use,
    UsualProvider,
    inside,
    network_of,
)

DECLARATION = Declaration(
    question="Where does the address come from?",
    takes=frozenset({Kind.IP}),
    needs=frozenset({"ip_data"}),
    raises=frozenset({"ip.hosting", "ip.bigcloud"}),
    sends="an address nobody at hand knows, to Team Cymru and the registries, where `[ipdata] whois = true`",
)

MOST_EVIDENCE = 10

NOT_ASKED = "no list at hand knows whose it is; [ipdata] whois = true has the registries asked"


def enrich(observable: Observable, context: Context) -> Answer:
    assert context.addresses is not None  # noqa: S101 - the runner never asks an enricher without what it needs
    known = _usual(_registered(context.addresses.origin(observable.value), context), context)
    return judge(known, context, _uses(observable, context), context.baseline_if_searchable())


@dataclass(frozen=True, slots=True)
class Whose:
    """What is known of an address, and whether it is the customer's own."""

    origin: AddressOrigin
    own: bool | None = None
    """``None`` where nobody has said which networks are."""
    networks: tuple[str, ...] = ()
    """Those around it, where a registry was asked."""
    unasked: str | None = None
    """Why no registry has said what no list knows."""
    usual: UsualProvider | None = None
    """How usual the provider is for the organisation; ``None`` where nobody can say, or it does not matter."""


def judge(whose: Whose, context: Context, recent: Sequence[Use], baseline: Baseline | None) -> Answer:
    """What is known of the address. ``recent`` are its uses by the principal, ``baseline`` what the principal used."""
    origin = whose.origin
    signals, unknowns = _decide(whose, context, recent, baseline) if not whose.own else ((), ())
    return Answer(
        headline=f"{origin.ip}: {'own network, ' if whose.own else ''}{_words(origin)}",
        facts=_facts(whose),
        signals=signals,
        unknowns=unknowns,
        data={
            **asdict(origin),
            "own": whose.own,
            "usual_here": whose.usual.usual if whose.usual else None,
            "usual_from": whose.usual.source if whose.usual else None,
        },
    )


def _registered(origin: AddressOrigin, context: Context) -> Whose:
    """``origin``, with what the registries say where no list at hand says whose it is."""
    networks = context.environment.own_networks
    own = inside(origin.ip, networks) if networks else None
    if own or origin.hosting is not None or origin.asn is not None or origin.vpn or origin.tor:
        return Whose(origin, own)
    if context.registries is None:
        return Whose(origin, own, unasked=NOT_ASKED)
    found = context.registries.registration(origin.ip)
    if isinstance(found, Unread):
        return Whose(origin, own, unasked=f"no list at hand knows whose it is, and {found.why}")
    return Whose(_together(origin, found.origin), own, found.networks)


def _usual(whose: Whose, context: Context) -> Whose:
    """``whose``, with what is usual here where the address could be an oddity."""
    if whose.own or context.usual is None or _suspicious_kind(whose.origin) is None:
        return whose
    account = context.principal.account if context.principal is not None else None
    return replace(whose, usual=context.usual.provider(whose.origin, account, context.window.baseline.until))


def _together(known: AddressOrigin, registered: AddressOrigin) -> AddressOrigin:
    """``known``, filled up from ``registered``."""
    filled = {
        name: value if value is not None else getattr(registered, name)
        for name, value in asdict(known).items()
        if name not in {"source", "as_of"}
    }
    sources = "; ".join(source for source in (known.source, registered.source) if source)
    dates = [at for at in (known.as_of, registered.as_of) if at]
    return AddressOrigin(**filled, source=sources or None, as_of=min(dates, default=None))


def _uses(observable: Observable, context: Context) -> Sequence[Use]:
    if context.history is None or context.principal is None:
        return ()
    who = Observable(Kind.PRINCIPAL, context.principal.id)
    uses = context.uses_if_searchable(who, context.window.recent) or ()
    return [use for use in uses if use.ip == observable.value and not use.by_service]


def _suspicious_kind(origin: AddressOrigin) -> str | None:
    """The signal the address would raise if it is new to the principal; ``None`` if it raises none."""
    if origin.big_three:
        return "ip.bigcloud"
    return "ip.hosting" if origin.hosting or origin.vpn or origin.tor else None


def _decide(
    whose: Whose, context: Context, recent: Sequence[Use], baseline: Baseline | None
) -> tuple[tuple[Signal, ...], tuple[Unknown, ...]]:
    origin, kind = whose.origin, _suspicious_kind(whose.origin)
    if (kind is None and origin.hosting is False) or _is_stated(whose):
        return (), ()
    if kind is not None and baseline is None:
        return (), (Unknown(kind, "nobody knows which providers are usual: there is no history of one principal"),)
    if kind is not None and baseline is not None and baseline.thin:
        return (), (Unknown(kind, baseline.why_thin),)
    if baseline is not None and (not recent or _used_before(whose, baseline, context)):
        return (), ()
    if kind is None:
        return (), (Unknown("ip.hosting", whose.unasked or _unlisted(origin)),)
    evidence = tuple(dict.fromkeys(event for use in reversed(recent) for event in use.evidence))[:MOST_EVIDENCE]
    who = context.principal.name if context.principal is not None else "this user"
    return (Signal(kind, _sentence(kind, origin, who) + _here(whose.usual), evidence),), ()


def _is_stated(whose: Whose) -> bool:
    """Whether config calls the provider usual. What was learned takes nothing away: where our own machines are rented,
    a thief rents, too. Nobody rents a Tor exit.
    """
    return whose.usual is not None and whose.usual.source == "config" and not whose.origin.tor


def _used_before(whose: Whose, baseline: Baseline, context: Context) -> bool:
    """Whether the principal used this address, its network or anything else of its provider."""
    assert context.addresses is not None  # noqa: S101 - checked above
    mark = _marks(whose.origin)
    ips = {
        use.ip for use in baseline.uses if use.ip and use.address_class is AddressClass.PUBLIC and not use.by_service
    }
    return any(inside(ip, whose.networks) or mark & _marks(context.addresses.origin(ip)) for ip in ips)


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


def _here(usual: UsualProvider | None) -> str:
    return f" Others here do: {usual.words}." if usual is not None and usual.usual else ""


def _owner(origin: AddressOrigin) -> str | None:
    name = origin.provider or origin.organisation
    return f"{name} (AS{origin.asn})" if name and origin.asn is not None else name


def _unlisted(origin: AddressOrigin) -> str:
    owner = _owner(origin) or f"AS{origin.asn}"
    return f"no list of hosting providers names {owner}, which does not prove that it is none"


def _words(origin: AddressOrigin) -> str:
    kinds = [
        name
        for name, said in (
            ("Tor exit", origin.tor),
            ("VPN", origin.vpn),
            ("CDN", origin.cdn),
            ("hosting", origin.hosting and not origin.cdn),
        )
        if said
    ]
    words = [_owner(origin), *kinds, origin.country]
    known = ", ".join(word for word in words if word)
    if known:
        return known
    return "no provider's address" if origin.hosting is False else "in no list we have"


def _facts(whose: Whose) -> tuple[Fact, ...]:
    origin = whose.origin
    said = {True: "yes", False: "no", None: "unknown"}
    rows = (
        ("Provider", _owner(origin) or "unknown"),
        ("Hosting", said[origin.hosting]),
        ("Content delivery network", said[origin.cdn]),
        ("Tor exit", said[origin.tor]),
        ("VPN", said[origin.vpn]),
        ("Your own network", said[whose.own]),
        ("Country", origin.country or "unknown"),
        ("Source", f"{origin.source}, as of {origin.as_of}" if origin.as_of else origin.source or "no list"),
        *((("Registries", whose.unasked),) if whose.unasked else ()),
        *((("Usual here", f"{said[usual.usual]}: {usual.words}"),) if (usual := whose.usual) is not None else ()),
    )
    return tuple(Fact(label, value) for label, value in rows)
