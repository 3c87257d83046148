"""The user's own ``.mmdb`` files (MaxMind, DB-IP, IPinfo in MaxMind's layout): country, ASN, organisation, kind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import maxminddb

from bot.networks import Address

ACCESS_LINES = frozenset({"Cable/DSL", "Cellular", "Dialup", "Satellite"})
"""Connection types (GeoIP2 Connection-Type) that people have and servers do not."""


@dataclass(frozen=True, slots=True)
class Record:
    """What one database says of an address; ``None`` where it says nothing."""

    source: str
    as_of: str
    asn: int | None = None
    organisation: str | None = None
    country: str | None = None
    hosting: bool | None = None
    tor: bool | None = None
    vpn: bool | None = None


class Databases:
    """Opened once, asked often, from any thread. Raises ``OSError`` or ``maxminddb.InvalidDatabaseError`` at once."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self._readers = [maxminddb.open_database(path, maxminddb.MODE_MEMORY) for path in paths]

    def records(self, address: Address) -> Iterator[Record]:
        """One record a database that knows ``address``, in the order of the configuration."""
        for reader in self._readers:
            metadata = reader.metadata()
            if address.version == 6 and metadata.ip_version == 4:
                continue
            found = reader.get(address)
            if isinstance(found, dict) and found:
                built = datetime.fromtimestamp(metadata.build_epoch, UTC).date().isoformat()
                yield _record(found, metadata.database_type, built)


def _record(found: Mapping[str, Any], source: str, as_of: str) -> Record:
    country = found.get("country")
    return Record(
        source=source,
        as_of=as_of,
        asn=_typed(found.get("autonomous_system_number"), int),
        organisation=_typed(found.get("autonomous_system_organization") or found.get("organization"), str),
        country=_typed(country.get("iso_code"), str) if isinstance(country, dict) else None,
        hosting=_hosting(found),
        tor=_typed(found.get("is_tor_exit_node"), bool),
        vpn=_typed(found.get("is_anonymous_vpn"), bool),
    )


def _hosting(found: Mapping[str, Any]) -> bool | None:
    """A database that lists hosting providers, or one that knows the line: an access line is not a server."""
    if found.get("is_hosting_provider") is True:
        return True
    return False if found.get("connection_type") in ACCESS_LINES else None


def _typed(value: object, kind: type[Any]) -> Any:
    return value if isinstance(value, kind) else None
