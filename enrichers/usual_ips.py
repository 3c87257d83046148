"""From which addresses were the calls made, and are they usual for the principal?

A usual address proves nothing either way: an attacker on the office VPN has one too. A new one is weak alone (homes,
trains and hotels give new addresses every day), so an address counts as new only if its whole network is new.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bot.model import (
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

MOST_FACTS = 8
MOST_NAMED = 5
MOST_EVIDENCE = 10


def enrich(observable: Observable, context: Context) -> Answer:
    return judge(
        observable,
        context,
        context.uses(observable),
        context.uses(observable, context.window.recent),
        context.baseline(),
    )


def judge(
    observable: Observable, context: Context, uses: Sequence[Use], recent: Sequence[Use], baseline: Baseline
) -> Answer:
    """What the rows say. ``uses`` are of the whole window, ``recent`` of its end."""
    recent = _with_address(recent)
    addresses = _addresses(_with_address(uses), recent, baseline)
    return Answer(
        headline=_headline(addresses, context.looked()),
        facts=tuple(Fact(row["ip"], _fact(row)) for row in addresses[:MOST_FACTS]),
        signals=() if baseline.thin else _new(recent, baseline, context),
        unknowns=_unknowns(observable, recent, baseline),
        data={"addresses": addresses},
    )


def _with_address(uses: Iterable[Use]) -> list[Use]:
    return [use for use in uses if use.ip and use.address_class in LISTED and not use.by_service]


def _addresses(uses: Iterable[Use], recent: Iterable[Use], baseline: Baseline) -> list[dict[str, Any]]:
    """One row an address, the most used first; ``new`` is ``None`` where the baseline is too thin to say."""
    known = {use.ip for use in _with_address(baseline.uses)}
    in_recent = {use.ip for use in recent}
    by_address: dict[str, list[Use]] = {}
    for use in uses:
        by_address.setdefault(str(use.ip), []).append(use)
    rows = [
        {
            "ip": ip,
            "count": sum(use.count for use in rows),
            "first_seen": rfc3339(min(use.first_seen for use in rows)),
            "last_seen": rfc3339(max(use.last_seen for use in rows)),
            "days": len({use.day for use in rows}),
            "new": None if baseline.thin else ip in in_recent and ip not in known,
        }
        for ip, rows in by_address.items()
    ]
    return sorted(rows, key=lambda row: (-row["count"], row["ip"]))


def _fact(row: Mapping[str, Any]) -> str:
    novelty = {True: ", new", False: "", None: ", new or not: too little history"}[row["new"]]
    days = "1 day" if row["days"] == 1 else f"{row['days']} days"
    calls = "1 call" if row["count"] == 1 else f"{row['count']} calls"
    return f"{calls} on {days}, last {row['last_seen']}{novelty}"


def _headline(addresses: Sequence[Mapping[str, Any]], looked: str) -> str:
    if not addresses:
        return f"Addresses: none {looked}"
    new = [row["ip"] for row in addresses if row["new"]]
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
