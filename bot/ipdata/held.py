"""What there is to answer where an address comes from: for ``triage ipdata show``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from bot.ipdata.origin import LocalAddressData, iporigin_edition
from bot.ipdata.plevin_package import plevin_at_hand
from bot.ipdata.sources import Source, shipped_sources
from bot.ipdata.table import Edition


@dataclass(frozen=True, slots=True)
class Other:
    """Something beside the lists that answers: a package, or a database of the user's own."""

    kind: str
    """``package`` or ``database``."""
    name: str
    as_of: str
    bytes: int | None = None
    path: Path | None = None


@dataclass(frozen=True, slots=True)
class Held:
    """Everything that answers where an address comes from, at the moment ``at`` (UTC)."""

    at: datetime
    folder: Path
    lists: Sequence[Edition]
    others: Sequence[Other]
    missing: Sequence[Source]
    """The lists that are there only after an update."""
    whois: bool
    """Whether registries are asked about what nobody here knows."""


def held(folder: Path, databases: Sequence[Path], at: datetime, *, plevin: bool, whois: bool) -> Held:
    """Everything at hand at ``at``; ``plevin`` and ``whois`` as the settings say. Raises ``AddressDataUnreadable``."""
    known = LocalAddressData(databases, folder)
    lists = known.editions()
    there = {edition.id for edition in lists}
    missing = [source for source in shipped_sources().lists if source.id not in there]
    return Held(at, folder, lists, tuple(_others(known, databases, plevin=plevin)), missing, whois)


def _others(known: LocalAddressData, databases: Sequence[Path], *, plevin: bool) -> Iterator[Other]:
    name, as_of = iporigin_edition()
    yield Other("package", name, as_of)
    if plevin and (package := plevin_at_hand()) is not None:
        yield Other("package", package.name, package.as_of)
    for path, (kind, built) in zip(databases, known.databases(), strict=True):
        yield Other("database", kind, built, path.stat().st_size, path)
