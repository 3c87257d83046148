"""From which addresses were the calls made, and are they usual for the principal?

A usual address proves nothing either way: an attacker on the office VPN has one too. A new one is weak alone (homes,
trains and hotels give new addresses every day), so an address counts as new only if its whole network is new. What kind
of place an address is tells where to look on: an office is many people's, a home one person's, a server nobody's desk.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any

from bot.model import (
    SHARED_EXIT,
    AddressClass,
    AddressData,
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
    rfc3339,
    site_of,
)

DECLARATION = Declaration(
    question="From which addresses were the calls made?",
    takes=frozenset({Kind.ACCESS_KEY, Kind.PRINCIPAL, Kind.USER_AGENT, Kind.EVENT}),
    needs=frozenset({"history"}),
    raises=frozenset({"ip.new"}),
)

ACTORS = frozenset({Kind.ACCESS_KEY, Kind.PRINCIPAL})

LISTED = frozenset({AddressClass.PUBLIC, AddressClass.PRIVATE})
"""Not ``AWS Internal`` and not the names of services: behind those stands no address of the caller."""


class Place(StrEnum):
    """What kind of place calls come from."""

    OWN = "own network"
    OFFICE = "shared exit"
    """An office, a VPN or a proxy: several people used it before."""
    SERVICE = "hosting"
    """A server: nobody sits there."""
    ENDPOINT = "VPC endpoint"
    """A private address: the call came through an endpoint inside AWS."""
    HOME = "home"
    """The principal's alone, on several days, and no server."""


HOME_DAYS = 3
MOST_ASKED = 10
"""Addresses of which it is asked who else used them."""
MOST_FACTS = 8
MOST_NAMED = 5
MOST_EVIDENCE = 10


def enrich(observable: Observable, context: Context) -> Answer:
    uses, recent = context.uses(observable), context.uses(observable, context.window.recent)
    users = {ip: context.users_before(ip) for ip in _asked(uses, recent)}
    return judge(observable, context, uses, recent, context.baseline(), users=users)


def judge(
    observable: Observable,
    context: Context,
    uses: Sequence[Use],
    recent: Sequence[Use],
    baseline: Baseline,
    *,
    users: Mapping[str, frozenset[str] | None],
) -> Answer:
    """What the rows say. ``uses`` are of the whole window, ``recent`` of its end; ``users``: who used an address."""
    recent = _with_address(recent)
    addresses = _addresses(_with_address(uses), recent, baseline, context, users)
    return Answer(
        headline=_headline(addresses, context.looked()),
        facts=tuple(Fact(row["ip"], _fact(row)) for row in addresses[:MOST_FACTS]),
        signals=() if baseline.thin else _new(recent, baseline, context),
        unknowns=_unknowns(observable, recent, baseline),
        data={"addresses": addresses},
    )


def _with_address(uses: Iterable[Use]) -> list[Use]:
    return [use for use in uses if use.ip and use.address_class in LISTED and not use.by_service]


def _asked(uses: Iterable[Use], recent: Iterable[Use]) -> list[str]:
    """The addresses of which it is asked who else used them: the newest of the recent ones, then the most used."""
    counts: Counter[str] = Counter()
    for use in _public(uses):
        counts[str(use.ip)] += use.count
    newest = sorted(_public(recent), key=lambda use: use.last_seen, reverse=True)
    return list(dict.fromkeys([*(str(use.ip) for use in newest), *(ip for ip, _ in counts.most_common())]))[:MOST_ASKED]


def _public(uses: Iterable[Use]) -> list[Use]:
    return [use for use in _with_address(uses) if use.address_class is AddressClass.PUBLIC]


# ------------------------------------------------------------------------------------- the addresses


def _addresses(
    uses: Iterable[Use],
    recent: Iterable[Use],
    baseline: Baseline,
    context: Context,
    users: Mapping[str, frozenset[str] | None],
) -> list[dict[str, Any]]:
    """One row an address, the most used first; ``new`` is ``None`` where the baseline is too thin to say."""
    before = {str(use.ip) for use in _with_address(baseline.uses)}
    sites, asns = {_site(ip) for ip in before}, {_asn(ip, context) for ip in before}
    in_recent = {use.ip for use in recent}
    by_address: dict[str, list[Use]] = {}
    for use in uses:
        by_address.setdefault(str(use.ip), []).append(use)
    rows = []
    for ip, found in by_address.items():
        new, asn = ip in in_recent and ip not in before, _asn(ip, context)
        rows.append(
            {
                "ip": ip,
                "count": sum(use.count for use in found),
                "first_seen": rfc3339(min(use.first_seen for use in found)),
                "last_seen": rfc3339(max(use.last_seen for use in found)),
                "days": len({use.day for use in found}),
                "new": None if baseline.thin else new,
                "network": _site(ip),
                "network_new": None if baseline.thin else new and _site(ip) not in sites,
                "asn": asn,
                "asn_new": None if baseline.thin or asn is None else new and asn not in asns,
                "place": _place(ip, found, users.get(ip), context),
            }
        )
    return sorted(rows, key=lambda row: (-row["count"], row["ip"]))


def _site(ip: str) -> str:
    """The second look: the /24 an address is in, or its IPv6 /64."""
    return site_of(ip) if ":" in ip else network_of(ip)


def _asn(ip: str, context: Context) -> int | None:
    return context.addresses.origin(ip).asn if context.addresses is not None else None


def _place(ip: str, uses: Sequence[Use], users: frozenset[str] | None, context: Context) -> Place | None:
    """What kind of place an address is; ``None`` if nothing tells."""
    if inside(ip, context.environment.own_networks):
        return Place.OWN
    if uses[0].address_class is AddressClass.PRIVATE:
        return Place.ENDPOINT
    if users is not None and len(users) >= SHARED_EXIT:
        return Place.OFFICE
    if context.addresses is not None and context.addresses.origin(ip).hosting:
        return Place.SERVICE
    alone = users is not None and users <= {use.principal for use in uses}
    return Place.HOME if alone and len({use.day for use in uses}) >= HOME_DAYS else None


def _fact(row: Mapping[str, Any]) -> str:
    novelty = {True: ", new", False: "", None: ", new or not: too little history"}[row["new"]]
    days = "1 day" if row["days"] == 1 else f"{row['days']} days"
    calls = "1 call" if row["count"] == 1 else f"{row['count']} calls"
    known = ", of a network used before" if row["new"] and not row["network_new"] else ""
    place = f", {row['place']}" if row["place"] else ""
    return f"{calls} on {days}, last {row['last_seen']}{novelty}{known}{place}"


def _headline(addresses: Sequence[Mapping[str, Any]], looked: str) -> str:
    if not addresses:
        return f"Addresses: none {looked}"
    new = [f"{row['ip']} ({row['place']})" if row["place"] else row["ip"] for row in addresses if row["new"]]
    count = "1 address" if len(addresses) == 1 else f"{len(addresses)} addresses"
    return f"{count}, new: {', '.join(new[:3])}" if new else count


def _new(recent: Sequence[Use], baseline: Baseline, context: Context) -> tuple[Signal, ...]:
    known = _networks((use.ip for use in _with_address(baseline.uses)), context.addresses)
    hits = [
        use
        for use in sorted(recent, key=lambda use: use.last_seen, reverse=True)
        if use.address_class is AddressClass.PUBLIC
        and not inside(str(use.ip), context.environment.own_networks)
        and not known & _networks([use.ip], context.addresses)
    ]
    if not hits:
        return ()
    names = list(dict.fromkeys(str(use.ip) for use in hits))
    named = ", ".join(names[:MOST_NAMED]) + (f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else "")
    who = context.principal.name if context.principal is not None else "this principal"
    days = (baseline.span.until - baseline.span.since).days + 1
    sentence = f"{named}: neither the address nor its network was used by {who} in the {days} days before."
    evidence = tuple(dict.fromkeys(event for use in hits for event in use.evidence))[:MOST_EVIDENCE]
    return (Signal("ip.new", sentence, evidence),)


def _networks(ips: Iterable[str | None], addresses: AddressData | None) -> set[str]:
    """What an address may be recognised by: its /24 (IPv6: /48) and, where it is known, its AS number."""
    networks = set()
    for ip in {ip for ip in ips if ip}:
        networks.add(network_of(ip))
        asn = addresses.origin(ip).asn if addresses is not None else None
        if asn is not None:
            networks.add(f"AS{asn}")
    return networks


def _unknowns(observable: Observable, recent: Sequence[Use], baseline: Baseline) -> tuple[Unknown, ...]:
    if not any(use.address_class is AddressClass.PUBLIC for use in recent):
        return ()
    if observable.kind not in ACTORS:
        return (Unknown("ip.new", "asked of keys and principals only: triage those that were used"),)
    return (Unknown("ip.new", baseline.why_thin),) if baseline.thin else ()
