"""Addresses of which it is known without any list that no provider owns them.

Python's ``is_global`` is not used: it lumps together networks that mean different things to a responder.
"""

from __future__ import annotations

from ipaddress import ip_network

from bot.networks import Address, Network

RESERVED: tuple[tuple[str, tuple[Network, ...]], ...] = tuple(
    (name, tuple(ip_network(network) for network in networks.split()))
    for name, networks in (
        ("private network (RFC 1918, RFC 4193)", "10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 fc00::/7"),
        ("shared address space (RFC 6598)", "100.64.0.0/10"),
        ("loopback or unspecified", "127.0.0.0/8 0.0.0.0/8 ::/127"),
        ("link-local", "169.254.0.0/16 fe80::/10"),
        ("documentation (RFC 5737, RFC 3849)", "192.0.2.0/24 198.51.100.0/24 203.0.113.0/24 2001:db8::/32"),
        ("reserved or multicast", "198.18.0.0/15 224.0.0.0/3 ff00::/8"),
    )
)


def reserved(address: Address) -> str | None:
    """What kind of reserved network ``address`` is in; ``None`` if it may be anybody's on the internet."""
    for name, networks in RESERVED:
        if any(network.version == address.version and address in network for network in networks):
            return name
    return None
