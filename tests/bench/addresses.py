"""How fast the local data says where an address comes from: each address asked once, so that none is remembered."""

from __future__ import annotations

import time
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address
from random import Random

from bot.ipdata import LocalAddressData
from tests.bench.report import Measured

ADDRESSES = 20_000
LIMIT = 50e-6


def measure() -> Iterator[Measured]:
    """Over the lists that ship and iporigin, as every installation has them."""
    known = LocalAddressData()
    rng = Random(7)
    v4 = [str(IPv4Address(rng.randrange(1 << 24, 224 << 24))) for _ in range(ADDRESSES)]
    v6 = [str(IPv6Address((0x2A00 + rng.randrange(16) << 112) + rng.getrandbits(100))) for _ in range(ADDRESSES)]
    for name, addresses in (("IPv4", v4), ("IPv6", v6)):
        yield Measured(f"where an {name} address comes from", [_looked_up(known, ip) for ip in addresses], LIMIT)


def _looked_up(known: LocalAddressData, ip: str) -> float:
    began = time.perf_counter()
    known.origin(ip)
    return time.perf_counter() - began
