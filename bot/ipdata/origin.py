"""Where an address comes from, put together from every list at hand. Nothing is asked over a network."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache, lru_cache
from pathlib import Path
from typing import TypeVar

import iporigin

from bot.ipdata.databases import Databases, Record
from bot.ipdata.reserved import reserved
from bot.ipdata.table import Label, RangeTable, load
from bot.model import AddressOrigin
from bot.networks import Address, parse_address

BIG_THREE = frozenset({"AWS", "Google", "Microsoft"})

HOSTING_ASNS = Path(__file__).parent / "lists" / "hosting_asns.csv"
HOSTING_ASNS_AS_OF = "2026-11-23"

PROVIDER_NAMES = {
    "Amazon AWS": "AWS",
    "Google Cloud": "Google",
    "Microsoft Azure": "Microsoft",
    "Oracle Cloud": "Oracle",
    "Amazonbot": "AWS",
    "Googlebot": "Google",
    "Bingbot": "Microsoft",
}
"""iporigin's names where ours are others."""

TRANSIT = frozenset({"Cogent"})
"""Carriers that iporigin counts as hosting: offices and homes are behind them as well, so they prove nothing."""

PROVIDER_OF_ASN = {
    7224: "AWS",
    8068: "Microsoft",
    8075: "Microsoft",
    13335: "Cloudflare",
    14061: "DigitalOcean",
    14618: "AWS",
    15169: "Google",
    16276: "OVHcloud",
    16509: "AWS",
    20473: "Vultr",
    24940: "Hetzner",
    31898: "Oracle",
    36459: "GitHub",
    63949: "Linode",
    396982: "Google",
}


@dataclass(frozen=True, slots=True)
class Claim:
    """What one list or database says of an address; ``None`` where it does not speak."""

    source: str
    as_of: str
    provider: str | None = None
    hosting: bool | None = None
    tor: bool | None = None
    vpn: bool | None = None
    asn: int | None = None
    organisation: str | None = None
    country: str | None = None


class LocalAddressData:
    """``AddressData`` from the shipped lists, iporigin's table and the user's ``.mmdb`` files.

    The lists are loaded at the first look-up. Safe to ask from several threads.
    """

    def __init__(self, databases: Sequence[Path] = ()) -> None:
        self._databases = Databases(databases)
        self._remember = lru_cache(maxsize=65_536)(self._origin)

    def origin(self, ip: str) -> AddressOrigin:
        """What is known of ``ip``; all ``None`` if it is no address or in no list."""
        return self._remember(ip)

    def _origin(self, ip: str) -> AddressOrigin:
        address = parse_address(ip)
        if address is None:
            return AddressOrigin(ip)
        if kind := reserved(address):
            return AddressOrigin(ip, hosting=False, big_three=False, tor=False, vpn=False, source=kind)
        return combine(ip, [*self._from_databases(address), *_from_shipped(address), *_from_iporigin(address)])

    def _from_databases(self, address: Address) -> Iterator[Claim]:
        for record in self._databases.records(address):
            yield _claim(record)
            if record.asn is not None and record.asn in _hosting_asns():
                provider = PROVIDER_OF_ASN.get(record.asn)
                yield Claim("hosting ASN lists", HOSTING_ASNS_AS_OF, provider=provider, hosting=True)


def combine(ip: str, claims: Sequence[Claim]) -> AddressOrigin:
    """One answer from all claims: any "yes" counts, otherwise any "no", otherwise unknown; first name wins."""
    provider = _first([claim.provider for claim in claims])
    hosting = _either([claim.hosting for claim in claims])
    tor = _either([claim.tor for claim in claims])
    vpn = _either([claim.vpn for claim in claims])
    return AddressOrigin(
        ip,
        asn=_first([claim.asn for claim in claims]),
        organisation=_first([claim.organisation for claim in claims]),
        country=_first([claim.country for claim in claims]),
        provider=provider,
        hosting=hosting,
        big_three=_big_three(provider, hosting),
        tor=tor,
        # A Tor exit is on VPN lists too, because they count every anonymiser.
        vpn=None if tor else vpn,
        source="; ".join(dict.fromkeys(claim.source for claim in claims)) or None,
        as_of=min((claim.as_of for claim in claims), default=None),
    )


def _big_three(provider: str | None, hosting: bool | None) -> bool | None:
    """AWS, Google and Microsoft publish all their ranges: a server that is in none of them is somebody else's."""
    if provider is not None:
        return provider in BIG_THREE
    return False if hosting is not None else None


def _claim(record: Record) -> Claim:
    return Claim(
        record.source,
        record.as_of,
        provider=PROVIDER_OF_ASN.get(record.asn) if record.asn is not None else None,
        hosting=record.hosting,
        tor=record.tor,
        vpn=record.vpn,
        asn=record.asn,
        organisation=record.organisation,
        country=record.country,
    )


def _from_shipped(address: Address) -> Iterator[Claim]:
    table = _table()
    label = table.find(address)
    for entry in table.named(label):
        yield replace(_what(label), source=entry.name, as_of=entry.as_of)


def _what(label: Label) -> Claim:
    return Claim("", "", provider=label.provider, hosting=label.hosting or None, vpn=label.vpn or None)


def _from_iporigin(address: Address) -> Iterator[Claim]:
    source, as_of = _iporigin_edition()
    found = iporigin.classify(address)
    name = PROVIDER_NAMES.get(found.provider, found.provider)
    # Its list of Tor exits is complete for IPv4 on its date and empty for IPv6.
    tor = found.kind == iporigin.TOR if address.version == 4 else None
    if found.kind in {iporigin.HOSTING, iporigin.CDN, iporigin.BOT} and name not in TRANSIT:
        yield Claim(source, as_of, provider=name, hosting=True, tor=tor)
    elif found.kind == iporigin.VPN:
        yield Claim(source, as_of, provider=name, vpn=True, tor=tor)
    elif tor is not None:
        yield Claim(source, as_of, tor=tor)


T = TypeVar("T")


def _first(values: Sequence[T | None]) -> T | None:
    return next((value for value in values if value is not None), None)


def _either(values: Sequence[bool | None]) -> bool | None:
    said = [value for value in values if value is not None]
    return any(said) if said else None


@cache
def _table() -> RangeTable:
    return load()


@cache
def _hosting_asns() -> frozenset[int]:
    with HOSTING_ASNS.open(newline="") as file:
        return frozenset(int(row["asn"]) for row in csv.DictReader(file))


@cache
def _iporigin_edition() -> tuple[str, str]:
    built = datetime.fromtimestamp(iporigin.dataset_info()["built_at"], UTC)
    return f"iporigin {iporigin.__version__}", built.date().isoformat()
