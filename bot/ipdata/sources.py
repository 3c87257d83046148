"""The lists there are, as ``lists/sources.toml`` names them: the only hosts that the bot asks for address data."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

from bot.http import origin_of

FILE = Path(__file__).parent / "lists" / "sources.toml"


@dataclass(frozen=True, slots=True)
class Source:
    """One list: a provider's own, or one that marks addresses or AS numbers, whosever they are."""

    id: str
    name: str
    url: str
    form: str
    """How its publisher writes it: a name in ``bot.ipdata.forms``."""
    provider: str | None = None
    marks: str = "hosting"
    tenant: bool = False
    files: tuple[str, ...] = ()
    """Where ``bot.ipdata.compile`` finds it; without any, the list does not ship."""
    files_form: str = "lines"
    as_of: str = ""
    """Of what ships."""


@dataclass(frozen=True, slots=True)
class Sources:
    """Every list, and where else their addresses may redirect to."""

    lists: tuple[Source, ...]
    redirects: tuple[str, ...] = ()

    def origins(self, mirror: str = "") -> frozenset[str]:
        """Whom an update asks: the publishers, or ``mirror`` alone."""
        if mirror:
            return frozenset({origin_of(mirror)})
        return frozenset(map(origin_of, (*(source.url for source in self.lists), *self.redirects)))


def address_of(source: Source, mirror: str = "") -> str:
    """Where ``source`` is fetched: at its publisher, or under ``mirror`` by the publisher's host and path."""
    return f"{mirror.rstrip('/')}/{urlsplit(source.url).netloc}{urlsplit(source.url).path}" if mirror else source.url


@cache
def shipped_sources(path: Path = FILE) -> Sources:
    """What ``path`` says. Raises ``OSError``, ``ValueError`` or ``TypeError`` on a file that is none."""
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    lists = tuple(Source(**{**entry, "files": tuple(entry.get("files", ()))}) for entry in table["list"])
    return Sources(lists, tuple(table.get("redirects", ())))
