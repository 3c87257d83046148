"""ipwhois itself, against registries and a name server on loopback."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.ipdata.origin import known_asns
from bot.ipdata.whois import KEPT_FOR, WhoisRegistries
from bot.kept import Kept
from bot.model import Registration, Unread
from tests.ipdata.lists import as_json
from tests.ipdata.registry import naming, opener_to
from tests.publisher import Publisher, Told, publishing

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
IP = "146.70.1.9"
RDAP = "/rdap-db-ripe-net/ip/146.70.1.9"
NAMES = {
    "9.1.70.146.origin.asn.cymru.com.": "9009 | 146.70.0.0/20 | RO | ripencc | 1991-02-22",
    "AS9009.asn.cymru.com.": "9009 | RO | ripencc | 2009-06-03 | M247, RO",
}
NETWORK = as_json(
    {
        "handle": "146.70.0.0 - 146.70.15.255",
        "startAddress": "146.70.0.0",
        "endAddress": "146.70.15.255",
        "ipVersion": "v4",
        "name": "M247-LTD",
        "country": "NL",
        "entities": [{"handle": "GLOBALAXS"}],
    }
)


@pytest.fixture
def registry() -> Iterator[Publisher]:
    with publishing() as one:
        one.pages[RDAP] = Told(NETWORK)
        yield one


@dataclass
class World:
    """Registries over loopback, with a clock to set."""

    registry: Publisher
    folder: Path
    resolver: Any
    now: datetime = NOW
    seconds: float = 3.0

    def asking(self) -> WhoisRegistries:
        return WhoisRegistries(
            Kept(self.folder, KEPT_FOR),
            lambda: self.now,
            known_asns(None),
            seconds=self.seconds,
            opener=opener_to(self.registry),
            resolver=self.resolver,
        )


@pytest.fixture
def world(registry: Publisher, tmp_path: Path) -> Iterator[World]:
    with naming(NAMES) as resolver:
        yield World(registry, tmp_path / "registries", resolver)


def test_who_announces_and_who_registered(world: World) -> None:
    found = world.asking().registration(IP)
    assert isinstance(found, Registration)
    origin = found.origin
    assert (origin.asn, origin.organisation, origin.country) == (9009, "M247", "NL")
    # M247 rents out servers, as a list of AS numbers says; a registry never says that somebody does not.
    assert (origin.hosting, origin.big_three) == (True, False)
    assert (origin.source, origin.as_of) == ("RIPENCC (RDAP); X4BNet hosting ASNs", "2026-11-23")
    assert found.networks == ("146.70.0.0/20",)


def test_an_answer_is_kept_for_thirty_days(world: World, registry: Publisher) -> None:
    first = world.asking().registration(IP)
    world.now = NOW + timedelta(days=30)
    assert world.asking().registration(IP) == first
    assert len(registry.asked) == 1
    world.now = NOW + timedelta(days=31)
    again = world.asking().registration(IP)
    assert isinstance(again, Registration)
    assert len(registry.asked) == 2
    assert [file.suffix for file in world.folder.iterdir()] == [".json"]


@pytest.mark.parametrize(
    ("told", "why"),
    [
        (Told(status=429), "answers no more for now"),
        (Told(status=500), "could not be reached, or answered with an error"),
        (Told(b"<html>"), "could not be reached, or answered with an error"),
        (Told(as_json({"notices": [{"title": "Rate Limit Notice"}]})), "answers no more for now"),
        (Told(as_json({"startAddress": "146.70.0.0"})), "was not understood"),
    ],
)
def test_a_registry_that_fails_is_unread_with_the_reason(
    world: World, registry: Publisher, told: Told, why: str
) -> None:
    registry.pages[RDAP] = told
    found = world.asking().registration(IP)
    assert isinstance(found, Unread)
    assert why in found.why
    assert not world.folder.exists(), "a failure is not kept"


def test_nobody_waits_longer_than_told(world: World, registry: Publisher) -> None:
    release = threading.Event()
    registry.pages[RDAP] = Told(b"{", promised=100, hold=release)
    world.seconds = 0.2
    assert world.asking().registration(IP) == Unread("the registries did not answer within 0.2 seconds")
    release.set()


@pytest.mark.parametrize("ip", ["", "AWS Internal", "10.0.0.1", "198.51.100.7", "2001:db8::1", "::1"])
def test_what_is_nobodys_is_not_asked_about(world: World, registry: Publisher, ip: str) -> None:
    assert world.asking().registration(ip) == Unread("it is no address of the public internet")
    assert registry.asked == []


def test_a_folder_that_cannot_be_written_keeps_nothing_and_hinders_nobody(world: World, registry: Publisher) -> None:
    world.folder.touch()
    assert isinstance(world.asking().registration(IP), Registration)
    assert isinstance(world.asking().registration(IP), Registration)
    assert len(registry.asked) == 2


@pytest.mark.parametrize("broken", [b"", b"{", b"[]", b'{"at": 1}', b'{"at": "2026-11-24T12:00:00", "answer": {}}'])
def test_a_kept_answer_that_is_broken_is_asked_for_again(world: World, registry: Publisher, broken: bytes) -> None:
    world.asking().registration(IP)
    (file,) = world.folder.iterdir()
    file.write_bytes(broken)
    assert isinstance(world.asking().registration(IP), Registration)
    assert len(registry.asked) == 2
