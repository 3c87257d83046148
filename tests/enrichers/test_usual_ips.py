from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from bot.model import AddressClass, AddressOrigin, Answer, Environment, Event, Kind, Observable, Principal
from enrichers.usual_ips import enrich
from tests.fakes import LEAD, OFFICE, RENTED, FakeAddresses, context, event, ordinary


def answer(events: Sequence[Event], **changes: Any) -> Answer:
    return enrich(LEAD, context(events, **changes))


def rows(given: Answer) -> dict[str, dict[str, Any]]:
    return {row["ip"]: row for row in given.data["addresses"]}


def test_a_new_network_is_a_signal() -> None:
    bad = event(ip=RENTED)
    given = answer([*ordinary(), bad])
    assert [(signal.kind, signal.evidence) for signal in given.signals] == [("ip.new", (bad.id,))]
    assert given.signals[0].sentence == (
        f"{RENTED}: neither the address nor its network was used by alice in the 13 days before."
    )
    assert rows(given)[RENTED]["new"] is True
    assert rows(given)[OFFICE] == {
        "ip": OFFICE,
        "count": 50,
        "first_seen": "2026-11-10T11:59:00Z",
        "last_seen": "2026-11-19T13:59:00Z",
        "days": 10,
        "new": False,
        "network": "198.51.100.0/24",
        "network_new": False,
        "asn": None,
        "asn_new": None,
        "place": "home",
    }


@pytest.mark.parametrize(
    ("ip", "new", "fires"),
    [
        (OFFICE, False, False),
        ("198.51.100.99", True, False),  # a new address of a known network
        ("203.0.113.9", True, True),
    ],
)
def test_an_address_may_be_new_where_its_network_is_not(ip: str, new: bool, fires: bool) -> None:
    given = answer([*ordinary(), event(ip=ip)])
    assert rows(given)[ip]["new"] is new
    assert bool(given.signals) is fires


def test_an_ipv6_site_is_a_48() -> None:
    given = answer([*ordinary(ip="2001:db8:1:2::5"), event(ip="2001:db8:1:ffff::9")])
    assert not given.signals


def test_the_same_provider_line_is_not_new_where_its_as_number_is_known() -> None:
    known = FakeAddresses((AddressOrigin(OFFICE, asn=64500), AddressOrigin("203.0.113.9", asn=64500)))
    assert not answer([*ordinary(), event(ip="203.0.113.9")], addresses=known).signals


def users(ip: str, count: int) -> list[Event]:
    """Calls of other people's from one address."""
    who = (Principal(f"111122223333:user/u{number}", "IAMUser", None, None) for number in range(count))
    return [event(24 * 60 * 3, ip=ip, principal=each, key=None) for each in who]


@pytest.mark.parametrize(
    ("why", "events", "ip", "place"),
    [
        ("one person's, on many days", ordinary(), OFFICE, "home"),
        ("one person's, on one day", [event()], OFFICE, None),
        ("several people's", [*ordinary(), *users(OFFICE, 3)], OFFICE, "shared exit"),
        ("two people's", [*ordinary(), *users(OFFICE, 1)], OFFICE, None),
        ("a server", [*ordinary(), event(ip=RENTED)], RENTED, "hosting"),
        ("a server on many days", ordinary(ip=RENTED), RENTED, "hosting"),
        ("an endpoint", [event(ip="10.0.0.7", address_class=AddressClass.PRIVATE)], "10.0.0.7", "VPC endpoint"),
        ("an own network", [*ordinary(ip="192.0.2.7"), *users("192.0.2.7", 9)], "192.0.2.7", "own network"),
    ],
)
def test_home_office_and_server_are_told_apart(why: str, events: list[Event], ip: str, place: str | None) -> None:
    given = answer(events, environment=Environment(own_networks=("192.0.2.0/24",)))
    assert rows(given)[ip]["place"] == place, why


@pytest.mark.parametrize(
    ("ip", "network", "new", "network_new"),
    [
        ("198.51.100.99", "198.51.100.0/24", True, False),
        ("203.0.113.9", "203.0.113.0/24", True, True),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64", True, False),
        ("2001:db8:1:3::9", "2001:db8:1:3::/64", True, True),
    ],
)
def test_the_network_is_the_second_look(ip: str, network: str, new: bool, network_new: bool) -> None:
    given = answer([*ordinary(), *ordinary(days=3, ip="2001:db8:1:2::1"), event(ip=ip)])
    row = rows(given)[ip]
    assert (row["network"], row["new"], row["network_new"]) == (network, new, network_new)
    told = next(fact.value for fact in given.facts if fact.label == ip)
    assert (", of a network used before" in told) is not network_new


def test_the_as_number_is_the_third() -> None:
    known = FakeAddresses(tuple(AddressOrigin(ip, asn=asn) for ip, asn in ((OFFICE, 1), ("192.0.2.9", 1), (RENTED, 2))))
    found = rows(answer([*ordinary(), event(ip="192.0.2.9"), event(ip=RENTED)], addresses=known))
    assert [(found[ip]["asn"], found[ip]["asn_new"]) for ip in (OFFICE, "192.0.2.9", RENTED)] == [
        (1, False),
        (1, False),
        (2, True),
    ]


def test_a_new_address_is_named_with_its_place() -> None:
    assert answer([*ordinary(), event(ip=RENTED)]).headline == f"2 addresses, new: {RENTED} (hosting)"


def test_an_own_network_is_never_new() -> None:
    own = Environment(own_networks=("159.89.100.0/24",))
    given = answer([*ordinary(), event(ip=RENTED)], environment=own)
    assert not given.signals
    assert rows(given)[RENTED]["new"] is True


@pytest.mark.parametrize("found", [AddressClass.AWS_INTERNAL, AddressClass.SERVICE_HOST, AddressClass.OTHER])
def test_only_addresses_are_listed(found: AddressClass) -> None:
    given = answer([*ordinary(), event(ip="AWS Internal", address_class=found)])
    assert list(rows(given)) == [OFFICE]
    assert not given.signals


def test_a_private_address_is_listed_but_no_signal() -> None:
    given = answer([*ordinary(), event(ip="10.0.0.9", address_class=AddressClass.PRIVATE)])
    assert rows(given)["10.0.0.9"]["new"] is True
    assert not given.signals


def test_calls_by_services_come_from_nowhere() -> None:
    given = answer([*ordinary(), event(ip=RENTED, by_service=True)])
    assert list(rows(given)) == [OFFICE]


def test_a_thin_baseline_is_said() -> None:
    given = answer([*ordinary(days=1), event(ip=RENTED)])
    assert not given.signals
    assert [unknown.kind for unknown in given.unknowns] == ["ip.new"]
    assert rows(given)[RENTED]["new"] is None


def test_no_addresses_is_an_answer() -> None:
    given = answer([])
    assert given.headline == "Addresses: none in what the alert tells; no CloudTrail of this window could be searched"
    assert given.data == {"addresses": []}
    assert given.unknowns == ()


def test_many_new_addresses_are_named_in_short() -> None:
    given = answer([*ordinary(), *[event(ip=f"203.0.{number}.9") for number in range(8)]])
    assert "and 3 more" in given.signals[0].sentence


def test_a_client_has_addresses_but_no_habits() -> None:
    given = enrich(Observable(Kind.EVENT, "s3:GetObject"), context([event()], principal=None))
    assert [unknown.kind for unknown in given.unknowns] == ["ip.new"]
