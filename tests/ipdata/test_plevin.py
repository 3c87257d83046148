"""What the optional package says, in our words: its own records, put together as its reader does."""

from __future__ import annotations

import sys
from ipaddress import ip_address
from types import ModuleType, SimpleNamespace
from typing import Any

import plevin
import pytest

from bot.ipdata import LocalAddressData
from bot.ipdata.claims import Claim
from bot.ipdata.plevin_package import Plevin, claim_of, plevin_at_hand


def result(**parts: Any) -> Any:
    return SimpleNamespace(**{"place": None, "network": None, "abuse": None, **parts})


CITY = plevin.Place(lat=50.1, lon=8.7, accuracy=200, granularity="city", country=plevin.Country(code="DE"))
RENTED = plevin.Network(
    asn=14061, operator=plevin.Operator(company="DigitalOcean, LLC"), carrier=plevin.Carrier(user_type="hosting")
)


def claim(**said: Any) -> Claim:
    return Claim("plevin (full)", "2026-10-04", **said)


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (result(), claim()),
        (result(place=CITY), claim(country="DE", place=(50.1, 8.7, 200.0))),
        (result(place=plevin.Place(lat=51.0, lon=9.0, granularity="country")), claim()),
        (
            result(network=RENTED),
            claim(asn=14061, organisation="DigitalOcean, LLC", provider="DigitalOcean", hosting=True),
        ),
        (result(network=plevin.Network(carrier=plevin.Carrier(user_type="cdn"))), claim(hosting=True, cdn=True)),
        (result(network=plevin.Network(carrier=plevin.Carrier(user_type="residential"))), claim(hosting=False)),
        (result(network=plevin.Network(carrier=plevin.Carrier(user_type="business"))), claim()),
        (result(abuse=plevin.Abuse(service="tor_exit_node")), claim(tor=True)),
        (result(abuse=plevin.Abuse(service="private_relay")), claim(vpn=True)),
        (result(abuse=plevin.Abuse()), claim()),
    ],
)
def test_each_part_says_what_it_knows(found: Any, said: Claim) -> None:
    assert claim_of(found, "plevin (full)", "2026-10-04") == said


def test_without_a_database_it_is_not_at_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """The package alone is installed for tests; its databases are 0.4 to 19 MB."""
    monkeypatch.delenv("PLEVIN_DB", raising=False)
    monkeypatch.setattr(plevin, "PACKAGES", ())
    assert plevin_at_hand() is None


def test_without_the_package_it_is_not_at_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "plevin", None)
    assert plevin_at_hand() is None


def test_with_a_database_it_is_asked_beside_the_lists(monkeypatch: pytest.MonkeyPatch) -> None:
    package = ModuleType("plevin")
    reader = SimpleNamespace(built="2026-10-04", selection="full", lookup=lambda ip: KNOWN.get(ip, ()))
    monkeypatch.setattr(package, "database", lambda: reader, raising=False)
    monkeypatch.setitem(sys.modules, "plevin", package)
    found = plevin_at_hand()
    assert isinstance(found, Plevin)
    assert found(ip_address("192.0.2.1")) is None
    origin = LocalAddressData(others=[found]).origin("73.162.100.1")
    assert (origin.hosting, origin.country, origin.latitude, origin.radius_km) == (False, "DE", 50.1, 200.0)
    assert origin.source is not None
    assert "plevin (full)" in origin.source


KNOWN = {
    "73.162.100.1": result(place=CITY, network=plevin.Network(carrier=plevin.Carrier(user_type="residential"))),
}
