"""Networks that are nobody's: found by one bisect, and so held against asking each in turn."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

from hypothesis import given
from hypothesis import strategies as st

from bot.ipdata.reserved import RESERVED, reserved

NETWORKS = [(ip_network(written), name) for name, all_written in RESERVED for written in all_written.split()]
edges = [edge for network, _ in NETWORKS for edge in (network[0], network[-1])]


@given(
    st.ip_addresses()
    | st.sampled_from(edges)
    | st.sampled_from(edges).map(lambda edge: edge + 1 if int(edge) + 1 < 2**32 else edge)
)
def test_an_address_is_in_the_network_that_holds_it(address: object) -> None:
    one = ip_address(str(address))
    names = [name for network, name in NETWORKS if network.version == one.version and one in network]
    assert reserved(one) == (names[0] if names else None)
