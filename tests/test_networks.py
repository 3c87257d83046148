from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.networks import common_start, inside, network_of, parse_address, spelled_network, too_wide


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


@given(st.data(), st.integers(0, 1), st.integers(0, 128))
def test_every_address_of_a_network_begins_as_is_said(data: st.DataObject, version: int, length: int) -> None:
    number = data.draw(st.integers(0, 2 ** (128 if version else 32) - 1))
    address = IPv6Address(number) if version else IPv4Address(number)
    network = f"{address}/{length if version else length % 33}"
    assert str(address).startswith(common_start(network))


@pytest.mark.parametrize(
    ("text", "spelled", "wide", "start"),
    [
        ("203.0.113.7/24", "203.0.113.0/24", False, "203.0.113."),
        ("203.0.113.7/20", "203.0.112.0/20", False, "203.0."),
        ("203.0.113.7/32", "203.0.113.7", False, "203.0.113."),
        ("203.0.0.0/15", "203.0.0.0/15", True, "203."),
        ("0.0.0.0/0", "0.0.0.0/0", True, ""),
        ("2001:DB8:1::9/48", "2001:db8:1::/48", False, "2001:db8:1:"),
        ("2001:db8::/31", "2001:db8::/31", True, "2001:"),
        ("203.0.113.7", None, False, "203.0.113."),
        ("203.0.113.7/33", None, False, ""),
        ("nonsense", None, False, ""),
    ],
)
def test_a_network_as_it_is_typed(text: str, spelled: str | None, wide: bool, start: str) -> None:
    assert (spelled_network(text), too_wide(text), common_start(text)) == (spelled, wide, start)
