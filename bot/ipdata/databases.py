"""The user's own ``.mmdb`` files (MaxMind, DB-IP, IPinfo in MaxMind's layout): place, ASN, organisation, kind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import maxminddb

from bot.ipdata.claims import PROVIDER_OF_ASN, Claim
from bot.networks import Address

ACCESS_LINES = frozenset({"Cable/DSL", "Cellular", "Dialup", "Satellite"})
"""Connection types (GeoIP2 Connection-Type) that people have and servers do not."""

CITY_RADIUS_KM = 100.0
"""For a database that gives a place and not how exact it is."""


class Databases:
    """Opened once, asked often, from any thread. Raises ``OSError`` or ``maxminddb.InvalidDatabaseError`` at once."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self._readers = [maxminddb.open_database(path, maxminddb.MODE_MEMORY) for path in paths]

    def claims(self, address: Address) -> Iterator[Claim]:
        """One claim a database that knows ``address``, in the order of the configuration."""
        for reader in self._readers:
            metadata = reader.metadata()
            if address.version == 6 and metadata.ip_version == 4:
                continue
            found = reader.get(address)
            if isinstance(found, dict) and found:
                yield _claim(found, metadata.database_type, built(metadata.build_epoch))

    def editions(self) -> Iterator[tuple[str, str]]:
        """Kind and ISO date of each, in the order of the configuration."""
        for reader in self._readers:
            yield reader.metadata().database_type, built(reader.metadata().build_epoch)


def built(epoch: int) -> str:
    return datetime.fromtimestamp(epoch, UTC).date().isoformat()


def _claim(found: Mapping[str, Any], source: str, as_of: str) -> Claim:
    country = found.get("country")
    asn = _typed(found.get("autonomous_system_number"), int)
    return Claim(
        source=source,
        as_of=as_of,
        provider=PROVIDER_OF_ASN.get(asn) if asn is not None else None,
        asn=asn,
        organisation=_typed(found.get("autonomous_system_organization") or found.get("organization"), str),
        country=_typed(country.get("iso_code"), str) if isinstance(country, dict) else None,
        hosting=_hosting(found),
        tor=_typed(found.get("is_tor_exit_node"), bool),
        vpn=_typed(found.get("is_anonymous_vpn"), bool),
        place=_place(found.get("location")),
    )


def _place(location: object) -> tuple[float, float, float] | None:
    if not isinstance(location, dict):
        return None
    latitude, longitude = (_typed(location.get(name), (int, float)) for name in ("latitude", "longitude"))
    if latitude is None or longitude is None:
        return None
    return float(latitude), float(longitude), float(location.get("accuracy_radius") or CITY_RADIUS_KM)


def _hosting(found: Mapping[str, Any]) -> bool | None:
    """A database that lists hosting providers, or one that knows the line: an access line is not a server."""
    if found.get("is_hosting_provider") is True:
        return True
    return False if found.get("connection_type") in ACCESS_LINES else None


def _typed(value: object, kind: type[Any] | tuple[type[Any], ...]) -> Any:
    return value if isinstance(value, kind) else None
