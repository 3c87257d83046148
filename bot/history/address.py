"""What kind of thing stands in CloudTrail's ``sourceIPAddress``."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from bot.model import AddressClass

# Named one by one: ``ipaddress.is_global`` is also False for the documentation ranges (192.0.2.0/24, 2001:db8::/32 …),
# and an address that is a pivot in production must be one in tests and demos too. Reserved space (240.0.0.0/4) counts
# as public as well: anonymised logs put their sources there.
_INTERNAL_V4 = tuple(
    ip_network(network)
    for network in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16", "127.0.0.0/8")
)
_INTERNAL_V6 = tuple(ip_network(network) for network in ("fc00::/7", "fe80::/10", "::1/128"))
_SERVICE_SUFFIXES = (".amazonaws.com", ".amazonaws.com.cn")
_LONGEST = 255

Address = IPv4Address | IPv6Address


@lru_cache(maxsize=65_536)
def classify(source: str | None) -> tuple[str | None, AddressClass]:
    """``sourceIPAddress`` in one spelling, and its class.

    Addresses come back canonical (IPv4 out of IPv4-mapped IPv6, IPv6 compressed) so that one address has one value;
    everything else as written, cut to 255 characters, ``None`` if empty. Never raises.
    """
    text = (source or "").strip()[:_LONGEST]
    if not text:
        return None, AddressClass.OTHER
    address = parse_address(text)
    if address is not None:
        return str(address), _class_of(address)
    return text, _class_of_name(text.lower())


def parse_address(text: str) -> Address | None:
    """The address ``text`` spells, unmapped; ``None`` if it is none (``035.1.2.3`` is none: a leading zero)."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv6Address):
        if address.scope_id is not None:
            return None
        return address.ipv4_mapped or address
    return address


def _class_of(address: Address) -> AddressClass:
    networks = _INTERNAL_V4 if address.version == 4 else _INTERNAL_V6
    if any(address in network for network in networks):
        return AddressClass.PRIVATE
    # Neither can be the source of a request that reached AWS.
    return AddressClass.OTHER if address.is_multicast or address.is_unspecified else AddressClass.PUBLIC


def _class_of_name(name: str) -> AddressClass:
    if name.startswith("aws internal"):
        return AddressClass.AWS_INTERNAL
    return AddressClass.SERVICE_HOST if name.endswith(_SERVICE_SUFFIXES) else AddressClass.OTHER
