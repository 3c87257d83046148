"""What explains an oddity and what does not: known places, approved tests."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.excuses import Known, approved_test, doings, known_places, told
from bot.model import AddressClass, AddressOrigin, ApprovedTest, Environment, Event, Principal
from tests.fakes import ALICE, KALI, KEY, LINUX, NOW, OFFICE, RENTED, FakeAddresses, event, uses

DAY = 24 * 60
RUNNER = Principal("111122223333:role/deploy", "AssumedRole", None, "111122223333")
OWN = Environment(own_networks=("203.0.113.0/24",), automation=("deploy",))


def on_days(number: int, ip: str = OFFICE, **changes: object) -> list[Event]:
    return [event(DAY * (day + 1) + 5, ip=ip, **changes) for day in range(number)]


@pytest.mark.parametrize(
    ("before", "ip", "why"),
    [
        ([], "203.0.113.9", "it is one of the organisation's own"),
        (on_days(3), OFFICE, "it was used on 3 days before"),
        (on_days(2), OFFICE, None),
        ([event(DAY + number) for number in range(50)], OFFICE, None),  # often, on one day
        (on_days(5, by_service=True), OFFICE, None),
        (on_days(5, address_class=AddressClass.PRIVATE), OFFICE, None),
        ([], RENTED, None),
    ],
)
def test_a_place_is_known_by_config_or_by_days(before: list[Event], ip: str, why: str | None) -> None:
    known = known_places([ip], uses(before), OWN, ALICE, None)
    assert (ip in known) is (why is not None)
    assert why is None or known.reason(ip) == why


def runner_of(addresses: int, provider: str | None = "GitHub") -> tuple[list[Event], FakeAddresses]:
    """A runner that came from another address of its provider each day, and what is known of them."""
    ips = [f"192.0.2.{number}" for number in range(addresses + 1)]
    events = [event(DAY * (number % 10 + 1) + 5, ip=ip, principal=RUNNER) for number, ip in enumerate(ips[1:])]
    return events, FakeAddresses(tuple(AddressOrigin(ip, provider=provider) for ip in ips))


@pytest.mark.parametrize(
    ("principal", "addresses", "provider", "known"),
    [
        (RUNNER, 25, "GitHub", True),
        (RUNNER, 20, "GitHub", False),  # a handful of addresses is no roaming
        (RUNNER, 25, None, False),
        (ALICE, 25, "GitHub", False),  # a person is not at home in a whole network
    ],
)
def test_a_runner_is_at_home_in_its_network(
    principal: Principal, addresses: int, provider: str | None, known: bool
) -> None:
    before, data = runner_of(addresses, provider)
    assert ("192.0.2.0" in known_places(["192.0.2.0"], uses(before), OWN, principal, data)) is known


def test_a_runner_elsewhere_is_evidence_like_any_other() -> None:
    before, data = runner_of(25)
    elsewhere = replace(data, origins=(*data.origins, AddressOrigin(RENTED, provider="DigitalOcean")))
    assert RENTED not in known_places([RENTED], uses(before), OWN, RUNNER, elsewhere)


# ----------------------------------------------------------------------------------------- approved tests

TEST = ApprovedTest("spring", (KEY,), (), ("159.89.100.0/24",), NOW - timedelta(hours=2), NOW + timedelta(hours=2))
OFFICE_IS_KNOWN = Known(((OFFICE, "it was used on 9 days before"),))


def attack(minutes_ago: float = 10, **changes: object) -> Event:
    return event(minutes_ago, **{"ip": RENTED, "family": KALI, **changes})


@pytest.mark.parametrize(
    ("done", "why"),
    [
        ([attack()], None),
        ([attack(), event()], None),  # its owner goes on working at a known place
        ([attack(), event(by_service=True, ip="192.0.2.1")], None),
        ([attack(), event(ip="AWS Internal", address_class=AddressClass.AWS_INTERNAL)], None),
        ([attack(130)], "it is approved from 2026-11-20T12:00:00Z to 2026-11-20T16:00:00Z"),
        ([attack(), attack(130)], "it is approved from 2026-11-20T12:00:00Z to 2026-11-20T16:00:00Z"),
        ([attack(ip="192.0.2.1")], "192.0.2.1 is not in its networks"),
        ([attack(), attack(ip="192.0.2.1", family=LINUX)], "192.0.2.1 is not in its networks"),
        ([attack(), attack(ip=OFFICE)], f"{OFFICE} is not in its networks"),  # Kali at the office is nobody's test
        ([attack(), attack(key="AKIARTX3GSDSQAAAAAAB")], "it does not name AKIARTX3GSDSQAAAAAAB"),
        ([event()], "nothing came from its addresses"),
    ],
)
def test_key_address_and_time_must_all_fit(done: list[Event], why: str | None) -> None:
    found, sentence = approved_test([TEST], doings(uses(done)), OFFICE_IS_KNOWN)
    if why is None:
        assert (found, sentence) == (TEST, None)
    else:
        assert (found, sentence) == (None, f"The approved test “spring” does not explain it: {why}.")


def test_a_test_of_somebody_else_says_nothing() -> None:
    other = replace(TEST, keys=("AKIARTX3GSDSQAAAAAAB",))
    assert approved_test([other], doings(uses([attack()])), Known()) == (None, None)


def test_the_one_of_several_that_fits_explains_it() -> None:
    over = replace(TEST, name="winter", until=NOW - timedelta(hours=1))
    by_name = replace(TEST, name="summer", keys=(), principals=("alice",))
    assert approved_test([over, by_name], doings(uses([attack()])), Known()) == (by_name, None)


def test_without_a_history_what_the_alert_tells_is_compared() -> None:
    assert approved_test([TEST], told([attack()]), Known()) == (TEST, None)
    assert approved_test([TEST], [], Known()) == (None, None)
