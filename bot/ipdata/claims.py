"""What each list or database says of an address, and how one answer is made of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from bot.ipdata.table import Edition, RangeTable
from bot.model import AddressOrigin

BIG_THREE = frozenset({"AWS", "Google", "Microsoft"})

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
    54113: "Fastly",
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
    cdn: bool | None = None
    tor: bool | None = None
    vpn: bool | None = None
    asn: int | None = None
    organisation: str | None = None
    country: str | None = None
    place: tuple[float, float, float] | None = None
    """Latitude and longitude in degrees, and within how many kilometres of there it is."""


def claims_of_labels(table: RangeTable) -> tuple[tuple[Claim, ...], ...]:
    """What the lists of each label say, an owner before its tenants."""
    return tuple(
        tuple(_of_list(edition, label.provider) for edition in sorted(table.named(label), key=lambda each: each.tenant))
        for label in table.labels
    )


def _of_list(edition: Edition, provider: str | None) -> Claim:
    """A list of a provider whose name does not win here (it rents from the one whose does) still says: hosting."""
    return Claim(
        edition.name,
        edition.as_of,
        provider=provider if edition.provider == provider else None,
        hosting=edition.marks in {"hosting", "cdn"} or None,
        cdn=edition.marks == "cdn" or None,
        tor=edition.marks == "tor" or None,
        vpn=edition.marks == "vpn" or None,
    )


def hosting_asns(table: RangeTable) -> Mapping[int, Edition]:
    """AS numbers of hosting providers, each with the first list that has it."""
    return {asn: edition for edition in reversed(table.lists) for asn in edition.asns}


def of_asn(asn: int | None, hosting: Mapping[int, Edition]) -> Claim | None:
    """What is known of whoever announces the address, besides the number itself."""
    edition = hosting.get(asn) if asn is not None else None
    if edition is None:
        return None
    return Claim(edition.name, edition.as_of, provider=PROVIDER_OF_ASN.get(asn or 0), hosting=True)


def combine(ip: str, claims: Sequence[Claim]) -> AddressOrigin:
    """One answer from all claims: any "yes" counts, otherwise any "no", otherwise unknown; first name wins."""
    provider = _first(claims, lambda claim: claim.provider)
    hosting = _either(claims, lambda claim: claim.hosting)
    tor = _either(claims, lambda claim: claim.tor)
    vpn = _either(claims, lambda claim: claim.vpn)
    latitude, longitude, radius = _first(claims, lambda claim: claim.place) or (None, None, None)
    return AddressOrigin(
        ip,
        asn=_first(claims, lambda claim: claim.asn),
        organisation=_first(claims, lambda claim: claim.organisation),
        country=_first(claims, lambda claim: claim.country),
        provider=provider,
        hosting=hosting,
        big_three=_big_three(provider, hosting),
        cdn=_either(claims, lambda claim: claim.cdn),
        tor=tor,
        # A Tor exit is on VPN lists too, because they count every anonymiser.
        vpn=None if tor else vpn,
        latitude=latitude,
        longitude=longitude,
        radius_km=radius,
        source="; ".join(dict.fromkeys(claim.source for claim in claims)) or None,
        as_of=min((claim.as_of for claim in claims), default=None),
    )


def _big_three(provider: str | None, hosting: bool | None) -> bool | None:
    """AWS, Google and Microsoft publish all their ranges: a server that is in none of them is somebody else's."""
    if provider is not None:
        return provider in BIG_THREE
    return False if hosting is not None else None


T = TypeVar("T")


def _first(claims: Sequence[Claim], said: Callable[[Claim], T | None]) -> T | None:
    return next((value for claim in claims if (value := said(claim)) is not None), None)


def _either(claims: Sequence[Claim], said: Callable[[Claim], bool | None]) -> bool | None:
    answers = [answer for claim in claims if (answer := said(claim)) is not None]
    return any(answers) if answers else None
