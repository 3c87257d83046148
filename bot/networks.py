"""What may be asked of an address without any data: is it one, which network is it in, is it inside another.

Standard library only, and part of the vocabulary: ``bot.model`` re-exports ``network_of``, ``site_of`` and ``inside``.
Nothing here raises, whatever stands where an address should.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from itertools import takewhile

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

NEIGHBOURS = {4: 24, 6: 48}
"""Prefix lengths that one site's changing addresses usually share."""


WIDEST = {4: 16, 6: 32}
"""Prefix lengths below which a network is no one place any more."""

IPV6_SITE = 64
"""An IPv6 customer is handed a /64 at least."""


@lru_cache(maxsize=65_536)
def parse_address(text: str) -> Address | None:
    """The address ``text`` spells, IPv4 out of IPv4-mapped IPv6; ``None`` if it is none."""
    try:
        address = ip_address(text.strip())
    except ValueError:
        return None
    if isinstance(address, IPv6Address):
        return None if address.scope_id is not None else address.ipv4_mapped or address
    return address


@lru_cache(maxsize=65_536)
def network_of(ip: str) -> str:
    """The /24 (IPv6: /48) around ``ip``; ``ip`` itself if it is no address."""
    address = parse_address(ip)
    if address is None:
        return ip
    return str(ip_network(f"{address}/{NEIGHBOURS[address.version]}", strict=False))


@lru_cache(maxsize=65_536)
def site_of(ip: str) -> str:
    """The place on the internet ``ip`` is: itself, or for IPv6 its /64, in which one caller changes address at will."""
    address = parse_address(ip)
    if not isinstance(address, IPv6Address):
        return ip
    return str(ip_network(f"{address}/{IPV6_SITE}", strict=False))


def inside(ip: str, networks: Iterable[str]) -> bool:
    """Whether ``ip`` is an address in one of ``networks``; what is no network holds nothing."""
    address = parse_address(ip)
    return address is not None and any(
        network is not None and address in network for network in map(_parse_network, networks)
    )


def spelled_network(text: str) -> str | None:
    """The network that ``text`` spells with its length, host bits cleared; an address of full length is itself.

    ``None`` if it is none, or has no length.
    """
    network = _parse_network(text) if "/" in text else None
    if network is None:
        return None
    return str(network.network_address if network.num_addresses == 1 else network)


def too_wide(text: str) -> bool:
    """Whether ``text`` is a network of more than :data:`WIDEST`."""
    network = _parse_network(text)
    return network is not None and network.prefixlen < WIDEST[network.version]


def common_start(text: str) -> str:
    """How every address of the network ``text`` is written in the beginning; empty if there is no saying."""
    network = _parse_network(text)
    if network is None:
        return ""
    if isinstance(network, IPv4Network):
        whole = min(network.prefixlen // 8, 3)
        return "".join(f"{part}." for part in str(network.network_address).split(".")[:whole])
    whole = min(network.prefixlen // 16, 7)
    parts = [int(part, 16) for part in network.network_address.exploded.split(":")[:whole]]
    return "".join(f"{part:x}:" for part in takewhile(bool, parts))


@lru_cache(maxsize=1024)
def _parse_network(text: str) -> Network | None:
    try:
        return ip_network(text.strip(), strict=False)
    except ValueError:
        return None
