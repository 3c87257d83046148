from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.networks import inside, network_of, parse_address


@pytest.mark.parametrize(
    ("ip", "network"),
    [
        ("198.51.100.7", "198.51.100.0/24"),
        ("2001:db8:1:2::3", "2001:db8:1::/48"),
        ("::ffff:198.51.100.7", "198.51.100.0/24"),
        ("not an address", "not an address"),
    ],
)
def test_network_of(ip: str, network: str) -> None:
    assert network_of(ip) == network


@pytest.mark.parametrize(
    ("ip", "networks", "answer"),
    [
        ("198.51.100.7", ["198.51.100.0/24"], True),
        ("198.51.100.7", ["203.0.113.0/24", "198.51.100.7"], True),
        ("198.51.100.7", ["2001:db8::/32"], False),
        ("198.51.100.7", ["nonsense"], False),
        ("198.51.100.7", ["198.51.100.9/24"], True),
        ("AWS Internal", ["0.0.0.0/0"], False),
        ("198.51.100.7", [], False),
    ],
)
def test_inside(ip: str, networks: list[str], answer: bool) -> None:
    assert inside(ip, networks) is answer


def test_an_address_with_a_scope_is_none() -> None:
    assert parse_address("fe80::1%eth0") is None


@given(st.text(), st.lists(st.text()))
def test_never_raises(ip: str, networks: list[str]) -> None:
    assert isinstance(network_of(ip), str)
    assert isinstance(inside(ip, networks), bool)
