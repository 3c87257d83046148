"""How publishers write their lists: bytes → networks or AS numbers, and the day they say it is of.

Every reader takes any bytes and raises nothing but ``NotInForm``, with a few words that say what is wrong. A list that
is wrong in one line is refused whole: half of it may be missing, or it is the page of an error.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_network
from typing import Any

from bot.ipdata.reserved import reserved
from bot.networks import Network

WIDEST = {4: 8, 6: 16}
"""No provider has more than a /8 (IPv6: /16) in one piece: one line must not mark half of the internet."""

AS_NUMBER = re.compile(r"(?:AS)?(\d{1,10})", re.ASCII | re.IGNORECASE)
LARGEST_ASN = 2**32 - 1
HEADERS = frozenset({"prefix", "asn", "ip_prefix"})


class NotInForm(ValueError):
    """The bytes are not such a list; the text goes on from its name, as in "is not JSON"."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What a list holds; ``as_of`` is an ISO date, ``None`` where the list itself names none."""

    networks: tuple[Network, ...] = ()
    asns: tuple[int, ...] = ()
    as_of: str | None = None


def read(form: str, body: bytes) -> Contents:
    """``body`` in the form called ``form``. Raises :class:`NotInForm`, also where it holds nothing."""
    contents = FORMS[form](body)
    if not contents.networks and not contents.asns:
        raise NotInForm("holds no network of the public internet")
    return contents


# ---------------------------------------------------------------------------------------------- text


def _lines(body: bytes) -> Contents:
    """A network or address a line, or a CSV file whose first column is one; ``#`` begins a comment."""
    return Contents(tuple(_public(_network(value, f"line {number}") for number, value in _values(body))))


def _asns(body: bytes) -> Contents:
    """An AS number a line (``AS64500 # a name``), or a CSV file whose first column is one."""
    found = set()
    for number, value in _values(body):
        match = AS_NUMBER.fullmatch(value)
        if not match or not 0 < int(match[1]) <= LARGEST_ASN:
            raise NotInForm(f"line {number} is no AS number")
        found.add(int(match[1]))
    return Contents(asns=tuple(sorted(found)))


def _values(body: bytes) -> Iterator[tuple[int, str]]:
    """The first column of each line that says something, with its number."""
    for number, line in enumerate(_text(body).splitlines(), 1):
        value = line.partition("#")[0].partition(",")[0].strip(' \t"')
        if value and value.lower() not in HEADERS:
            yield number, value


def _text(body: bytes) -> str:
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise NotInForm("is not text") from None


# ---------------------------------------------------------------------------------------------- JSON


def _aws(body: bytes) -> Contents:
    return _aws_of(body, None)


def _aws_cloudfront(body: bytes) -> Contents:
    return _aws_of(body, "CLOUDFRONT")


def _aws_of(body: bytes, service: str | None) -> Contents:
    """``ip-ranges.json``: prefixes with the service they belong to."""
    document = _object(body)
    rows = [
        (row, key)
        for listed, key in (("prefixes", "ip_prefix"), ("ipv6_prefixes", "ipv6_prefix"))
        for row in _rows(document, listed)
    ]
    values = [row.get(key) for row, key in rows if service in {None, row.get("service")}]
    return Contents(_networks(values), as_of=_day(document.get("createDate"), "%Y-%m-%d-%H-%M-%S"))


def _google(body: bytes) -> Contents:
    """``goog.json``: each prefix an object with the one or the other key."""
    document = _object(body)
    rows = _rows(document, "prefixes")
    values = [row.get("ipv4Prefix", row.get("ipv6Prefix")) for row in rows]
    return Contents(_networks(values), as_of=_day(document.get("creationTime")))


def _oracle(body: bytes) -> Contents:
    """``public_ip_ranges.json``: regions, each with its networks."""
    document = _object(body)
    values = [row.get("cidr") for region in _rows(document, "regions") for row in _rows(region, "cidrs")]
    return Contents(_networks(values), as_of=_day(document.get("last_updated_timestamp")))


def _cloudflare(body: bytes) -> Contents:
    """``/client/v4/ips``."""
    result = _object(body).get("result")
    if not isinstance(result, dict):
        raise NotInForm("has no result")
    return Contents(_networks([*_strings(result, "ipv4_cidrs"), *_strings(result, "ipv6_cidrs")]))


def _fastly(body: bytes) -> Contents:
    """``/public-ip-list``."""
    document = _object(body)
    return Contents(_networks([*_strings(document, "addresses"), *_strings(document, "ipv6_addresses")]))


def _github(body: bytes) -> Contents:
    """``/meta``: networks by use, among other things that are none."""
    document = _object(body)
    used = ("hooks", "web", "api", "git", "packages", "pages", "importer", "actions", "actions_macos", "codespaces")
    values = [value for use in used if use in document for value in _strings(document, use)]
    if "actions" not in document:
        raise NotInForm("names no actions")
    return Contents(_networks(values))


def _object(body: bytes) -> Mapping[str, Any]:
    try:
        document = json.loads(_text(body))
    except (ValueError, RecursionError):
        raise NotInForm("is not JSON") from None
    if not isinstance(document, dict):
        raise NotInForm("is not a JSON object")
    return document


def _rows(document: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    rows = document.get(name)
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise NotInForm(f"has no list of objects called {name}")
    return rows


def _strings(document: Mapping[str, Any], name: str) -> list[str]:
    values = document.get(name)
    if not isinstance(values, list):
        raise NotInForm(f"has no list called {name}")
    return values


def _day(value: object, form: str | None = None) -> str | None:
    """The date in ``value``; ``None`` if there is none, which a list may do without."""
    if not isinstance(value, str):
        return None
    try:
        said = datetime.strptime(value, form) if form else datetime.fromisoformat(value)  # noqa: DTZ007 - only its date
        return said.date().isoformat()
    except ValueError:
        return None


# ------------------------------------------------------------------------------------------- networks


def _networks(values: Iterable[object]) -> tuple[Network, ...]:
    return tuple(_public(_network(value, f"entry {number}") for number, value in enumerate(values, 1)))


def _network(value: object, where: str) -> Network:
    if not isinstance(value, str):
        raise NotInForm(f"{where} is no network")
    try:
        network = ip_network(value.strip())
    except ValueError:
        raise NotInForm(f"{where} is no network") from None
    if network.prefixlen < WIDEST[network.version]:
        raise NotInForm(f"{where} is a network wider than any provider's (/{network.prefixlen})")
    return network


def _public(networks: Iterable[Network]) -> Iterator[Network]:
    """Without those that are nobody's: a list may name private or documentation networks by mistake."""
    return (network for network in networks if reserved(network.network_address) is None)


FORMS: Mapping[str, Callable[[bytes], Contents]] = {
    "lines": _lines,
    "asns": _asns,
    "aws": _aws,
    "aws-cloudfront": _aws_cloudfront,
    "google": _google,
    "oracle": _oracle,
    "cloudflare": _cloudflare,
    "fastly": _fastly,
    "github": _github,
}
