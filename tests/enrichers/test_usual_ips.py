from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from bot.model import AddressClass, AddressOrigin, Answer, Environment, Event, Kind, Observable
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
