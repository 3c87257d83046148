"""Addresses of which it is known without any list that no provider owns them.

Python's ``is_global`` is not used: it lumps together networks that mean different things to a responder.
"""

from __future__ import annotations

from bisect import bisect_right
from ipaddress import ip_network

from bot.networks import Address

RESERVED = (
    ("private network (RFC 1918, RFC 4193)", "10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 fc00::/7"),
    ("shared address space (RFC 6598)", "100.64.0.0/10"),
    ("loopback or unspecified", "127.0.0.0/8 0.0.0.0/8 ::/127"),
    ("link-local", "169.254.0.0/16 fe80::/10"),
    ("documentation (RFC 5737, RFC 3849)", "192.0.2.0/24 198.51.100.0/24 203.0.113.0/24 2001:db8::/32"),
    ("reserved or multicast", "198.18.0.0/15 224.0.0.0/3 ff00::/8"),
)


def _ranges(version: int) -> tuple[list[int], list[tuple[int, str]]]:
    """The first address of each network, ascending, and for each its last address and what kind it is."""
    networks = [(ip_network(written), name) for name, all_written in RESERVED for written in all_written.split()]
    found = sorted(
        (int(network.network_address), int(network.broadcast_address), name)
        for network, name in networks
        if network.version == version
    )
    return [first for first, _, _ in found], [(last, name) for _, last, name in found]


_RANGES = {4: _ranges(4), 6: _ranges(6)}


def reserved(address: Address) -> str | None:
    """What kind of reserved network ``address`` is in; ``None`` if it may be anybody's on the internet."""
    starts, ends = _RANGES[address.version]
    value = int(address)
    index = bisect_right(starts, value) - 1
    if index < 0:
        return None
    last, name = ends[index]
    return name if value <= last else None
