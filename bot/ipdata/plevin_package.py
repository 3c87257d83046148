"""The optional package ``plevin`` with one of its databases: country, place, network and kind, offline.

Its reader is Apache-2.0; its databases are made from sources of several licences, so neither ships with the bot.
``pip install 'triage-bot[plevin]'`` brings both.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any

from bot.ipdata.claims import PROVIDER_OF_ASN, Claim
from bot.networks import Address

SERVERS = frozenset({"hosting", "cdn"})
LINES = frozenset({"residential", "cellular"})
"""What people have and servers do not."""


@dataclass(frozen=True, slots=True)
class Plevin:
    """An opened database."""

    reader: Any
    name: str
    as_of: str

    def __call__(self, address: Address) -> Claim | None:
        """What it says of ``address``; ``None`` if nothing."""
        found = self.reader.lookup(str(address))
        return claim_of(found, self.name, self.as_of) if found else None


def plevin_at_hand() -> Plevin | None:
    """The database that is installed; ``None`` without the package, or without a database for it."""
    try:
        package = importlib.import_module("plevin")
        reader = package.database()
    except (ImportError, LookupError, OSError, ValueError):
        return None
    return Plevin(reader, f"plevin ({reader.selection})", str(reader.built))


def claim_of(found: Any, source: str, as_of: str) -> Claim:
    """Its answer as a claim. A part that its database does not have is ``None``, and so is each leaf it cannot fill."""
    place, network, abuse = found.place, found.network, found.abuse
    asn = network.asn if network is not None else None
    operator = network.operator if network is not None else None
    carrier = network.carrier if network is not None else None
    kind = carrier.user_type if carrier is not None else None
    service = abuse.service if abuse is not None else None
    return Claim(
        source=source,
        as_of=as_of,
        provider=PROVIDER_OF_ASN.get(asn) if asn is not None else None,
        hosting=_hosting(kind),
        cdn=kind == "cdn" or None,
        tor=service == "tor_exit_node" or None,
        vpn=service in {"anonymous_vpn", "private_relay"} or None,
        asn=asn,
        organisation=operator.company if operator is not None else None,
        country=place.country.code if place is not None and place.country is not None else None,
        place=_place(place),
    )


def _hosting(kind: str | None) -> bool | None:
    if kind in SERVERS:
        return True
    return False if kind in LINES else None


def _place(place: Any) -> tuple[float, float, float] | None:
    """A city's place; that of a region or a country is its middle, which is nobody's."""
    if place is None or place.lat is None or place.lon is None or place.granularity != "city":
        return None
    return place.lat, place.lon, float(place.accuracy or 0)
