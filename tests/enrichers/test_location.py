from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from bot.history.load import load_paths
from bot.history.sqlite import SqliteHistory
from bot.ipdata import LocalAddressData
from bot.model import AddressClass, AddressOrigin, Answer, Context, Environment, Event, Kind, Observable, Window
from enrichers.location import NO_COUNTRY, enrich
from tests.fakes import OFFICE, RENTED, FakeAddresses, context, event, ordinary

ADDRESS = Observable(Kind.IP, RENTED)
HOTEL = "203.0.113.9"
DATA = Path(__file__).parent.parent / "data"


def answer(country: str | None, events: Sequence[Event], *others: AddressOrigin, **changes: Any) -> Answer:
    origins = (AddressOrigin(RENTED, country=country), AddressOrigin(OFFICE, country="DE"), *others)
    return enrich(ADDRESS, context(events, addresses=FakeAddresses(origins), **changes))


STOLEN = event(ip=RENTED)
STATED = Environment(usual_countries=("DE", "PT"))


def test_a_country_nobody_works_in() -> None:
    given = answer("NL", [*ordinary(days=12), STOLEN])
    assert [(signal.kind, signal.evidence) for signal in given.signals] == [("geo.atypical", (STOLEN.id,))]
    assert given.signals[0].sentence == (
        "NL is not a usual place for this organisation "
        "(DE make 100 % of 60 calls in the 14 days before), nor for alice."
    )
    assert given.headline == f"{RENTED}: NL, not usual here"
    assert given.data == {
        "ip": RENTED,
        "country": "NL",
        "usual_here": False,
        "usual_for_principal": False,
        "usual_countries": ["DE"],
        "usual_from": "history",
    }


@pytest.mark.parametrize(
    ("country", "changes", "fires"),
    [
        ("DE", {}, False),
        ("PT", {"environment": STATED}, False),
        ("NL", {"environment": STATED}, True),
        ("NL", {"environment": Environment(own_networks=("159.89.0.0/16",))}, False),
    ],
)
def test_what_is_usual_is_learned_or_stated(country: str, changes: dict[str, Any], fires: bool) -> None:
    assert bool(answer(country, [*ordinary(days=12), STOLEN], **changes).signals) is fires


def test_the_card_says_which_of_the_two_was_used() -> None:
    given = answer("NL", [*ordinary(), STOLEN], environment=STATED)
    assert "(usual: DE, PT, stated in config)" in given.signals[0].sentence
    assert given.data["usual_from"] == "config"


def test_where_the_principal_was_in_ninety_days_is_no_news() -> None:
    hotel = event(60 * 24 * 60, ip=HOTEL)
    given = answer("NL", [hotel, *ordinary(days=12), STOLEN], AddressOrigin(HOTEL, country="NL"), environment=STATED)
    assert (given.signals, given.data["usual_for_principal"]) == ((), True)


@pytest.mark.parametrize(("trips", "fires"), [(1, True), (5, False)])
def test_a_traveller_does_not_make_a_country_usual(trips: int, fires: bool) -> None:
    travels = [event(2 * 24 * 60 + n, ip=HOTEL, principal=_bob()) for n in range(trips)]
    given = answer("NL", [*ordinary(days=12), *travels, STOLEN], AddressOrigin(HOTEL, country="NL"))
    assert bool(given.signals) is fires


def test_servers_and_services_do_not_say_where_people_are() -> None:
    server = AddressOrigin(HOTEL, country="NL", hosting=True)
    calls = [event(2 * 24 * 60 + n, ip=HOTEL, principal=_bob()) for n in range(30)]
    assert answer("NL", [*ordinary(days=12), *calls, STOLEN], server).signals


@pytest.mark.parametrize(
    ("country", "events", "changes", "why"),
    [
        (None, [*ordinary(), STOLEN], {}, NO_COUNTRY),
        ("NL", [*ordinary(days=3), STOLEN], {}, "no usual_countries in config"),
        ("NL", [STOLEN], {"history": None}, "no usual_countries in config"),
        ("NL", [STOLEN], {"history": None, "environment": STATED}, "no recent call from there"),
    ],
)
def test_what_cannot_be_told_is_open(
    country: str | None, events: list[Event], changes: dict[str, Any], why: str
) -> None:
    given = answer(country, events, **changes)
    assert (given.signals, [unknown.kind for unknown in given.unknowns]) == ((), ["geo.atypical"])
    assert why in given.unknowns[0].why


def test_a_network_used_before_leaves_nothing_open() -> None:
    given = answer(None, [*ordinary(), event(3 * 24 * 60, ip=RENTED), STOLEN])
    assert (given.signals, given.unknowns, given.found) == ((), (), False)


def test_an_address_without_a_principal_is_held_against_the_organisation() -> None:
    given = answer("NL", [STOLEN], principal=None, environment=STATED)
    assert [signal.kind for signal in given.signals] == ["geo.atypical"]


def test_on_real_records(tmp_path: Path) -> None:
    """Their addresses are pseudonyms of private networks: no country, so nothing is claimed."""
    history = SqliteHistory(tmp_path / "history.db")
    load_paths(history, [DATA / "cloudtrail" / "invictus_stratus_2023"])
    newest = history.newest()
    assert newest is not None
    world = Context(Window.ending(newest), history, LocalAddressData())
    given = enrich(Observable(Kind.IP, "192.168.10.20"), world)
    assert (given.signals, given.data["country"]) == ((), None)
    assert AddressClass.PRIVATE in {use.address_class for use in world.uses(Observable(Kind.IP, "192.168.10.20"))}


def test_a_users_own_database_gives_the_country() -> None:
    known = LocalAddressData([DATA / "ip" / "maxmind" / "GeoLite2-Country-Test.mmdb"])
    address = Observable(Kind.IP, "81.2.69.160")
    world = context([*ordinary(), event(ip=address.value)], environment=Environment(usual_countries=("DE",)))
    given = enrich(address, Context(world.window, world.history, known, world.environment, world.principal))
    assert (given.data["country"], [signal.kind for signal in given.signals]) == ("GB", ["geo.atypical"])


def _bob() -> Any:
    return event().principal.__class__("111122223333:user/bob", "IAMUser", None, "111122223333")
