from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.history.load import load_paths
from bot.history.sqlite import SqliteHistory
from bot.ipdata import LocalAddressData
from bot.model import (
    AddressClass,
    AddressOrigin,
    Answer,
    Context,
    Environment,
    Event,
    Kind,
    Observable,
    Outcome,
    Principal,
    Window,
)
from enrichers.location import NO_COUNTRY, NO_PLACE, enrich
from tests.fakes import OFFICE, RENTED, FakeAddresses, context, event, ordinary
from tests.ipdata.mmdb import city_database

BOB = Principal("111122223333:user/bob", "IAMUser", None, "111122223333")
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
        "(DE make 100 % of 58 sampled calls since 2026-11-08), nor for alice."
    )
    assert given.headline == f"{RENTED}: NL, not usual here"
    assert given.data == {
        "ip": RENTED,
        "country": "NL",
        "usual_here": False,
        "usual_for_principal": False,
        "usual_countries": ["DE"],
        "usual_from": "history",
        "travel": None,
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
    travels = [event(2 * 24 * 60 + n, ip=HOTEL, principal=BOB) for n in range(trips)]
    given = answer("NL", [*ordinary(days=12), *travels, STOLEN], AddressOrigin(HOTEL, country="NL"))
    assert bool(given.signals) is fires


def test_servers_and_services_do_not_say_where_people_are() -> None:
    server = AddressOrigin(HOTEL, country="NL", hosting=True)
    calls = [event(2 * 24 * 60 + n, ip=HOTEL, principal=BOB) for n in range(30)]
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
    given = enrich(address, replace(world, addresses=known))
    assert (given.data["country"], [signal.kind for signal in given.signals]) == ("GB", ["geo.atypical"])


def test_what_is_usual_is_learned_from_all_accounts_of_the_customer() -> None:
    other = [event(24 * 60 * (day + 1), ip=HOTEL, account="444455556666") for day in range(40)]
    here = Environment(accounts=frozenset({"111122223333", "444455556666"}))
    events = [*ordinary(days=40), *other, STOLEN]
    hotel = AddressOrigin(HOTEL, country="PT")
    assert answer("NL", events, hotel, environment=here).data["usual_countries"] == ["DE", "PT"]
    assert answer("NL", events, hotel).data["usual_countries"] == ["DE"]


# -------------------------------------------------------------------------------------------- journeys

BERLIN: dict[str, Any] = {"country": "DE", "latitude": 52.5, "longitude": 13.4, "radius_km": 20.0}
COLOGNE: dict[str, Any] = {"country": "DE", "latitude": 50.9, "longitude": 6.9, "radius_km": 20.0}
SYDNEY: dict[str, Any] = {"country": "AU", "latitude": -33.9, "longitude": 151.2, "radius_km": 50.0}


def journey(there: dict[str, Any], events: Sequence[Event], here: dict[str, Any] = BERLIN, **changes: Any) -> Answer:
    """What is said of ``RENTED``, which is ``there``, while the office is ``here``."""
    origins = (AddressOrigin(RENTED, **there), AddressOrigin(OFFICE, **here))
    return enrich(ADDRESS, context(events, addresses=FakeAddresses(origins), **changes))


def travel(given: Answer) -> list[str]:
    kinds = [signal.kind for signal in given.signals] + [unknown.kind for unknown in given.unknowns]
    return [kind for kind in kinds if kind == "geo.travel"]


AT_OFFICE, FAR_AWAY = event(100), event(50, ip=RENTED)


def test_a_journey_that_nobody_can_make() -> None:
    given = journey(SYDNEY, [AT_OFFICE, FAR_AWAY], environment=Environment(usual_countries=("AU",)))
    assert [(signal.kind, signal.evidence) for signal in given.signals] == [("geo.travel", (FAR_AWAY.id, AT_OFFICE.id))]
    assert given.signals[0].sentence == (
        f"alice called from DE ({OFFICE}) at 2026-11-20 12:20 UTC and from AU ({RENTED}) 50 minutes later, "
        "at least 16,027 km away: nobody travels so fast."
    )
    assert given.data["travel"] == {"from": OFFICE, "to": RENTED, "minutes": 50, "kilometres": 16027}


@pytest.mark.parametrize(
    ("there", "events", "fires"),
    [
        (SYDNEY, [AT_OFFICE, FAR_AWAY], True),
        (SYDNEY, [event(30), FAR_AWAY], True),  # the office after it
        (SYDNEY, [event(50), FAR_AWAY], True),  # at the same second
        (SYDNEY, [event(17 * 60), FAR_AWAY], True),
        (SYDNEY, [event(19 * 60), FAR_AWAY], False),  # an airliner could
        (COLOGNE, [event(51), FAR_AWAY], False),  # nearer than 500 km
        (SYDNEY, [event(100, outcome=Outcome.DENIED), FAR_AWAY], False),
        (SYDNEY, [AT_OFFICE, event(50, ip=RENTED, outcome=Outcome.DENIED)], False),
        (SYDNEY, [event(100, by_service=True), FAR_AWAY], False),
        (SYDNEY, [event(100, address_class=AddressClass.PRIVATE), FAR_AWAY], False),
        (SYDNEY, [event(100, principal=BOB), FAR_AWAY], False),
        (SYDNEY | {"hosting": True}, [AT_OFFICE, FAR_AWAY], False),
        (SYDNEY | {"vpn": True}, [AT_OFFICE, FAR_AWAY], False),
        (SYDNEY | {"tor": True}, [AT_OFFICE, FAR_AWAY], False),
        (SYDNEY | {"radius_km": 16_000.0}, [AT_OFFICE, FAR_AWAY], False),  # it may be next door
        (SYDNEY, [FAR_AWAY], False),
        (SYDNEY, [AT_OFFICE], False),
    ],
)
def test_what_is_a_journey(there: dict[str, Any], events: Sequence[Event], fires: bool) -> None:
    assert travel(journey(there, events, environment=STATED)) == (["geo.travel"] if fires else [])


@pytest.mark.parametrize("here", [BERLIN | {"hosting": True}, BERLIN | {"vpn": True}])
def test_between_servers_nobody_travels(here: dict[str, Any]) -> None:
    assert travel(journey(SYDNEY, [AT_OFFICE, FAR_AWAY], here)) == []


def test_between_own_networks_nobody_has_to_travel() -> None:
    own = Environment(own_networks=("159.89.0.0/16", "198.51.100.0/24"))
    assert travel(journey(SYDNEY, [AT_OFFICE, FAR_AWAY], environment=own)) == []
    half = Environment(own_networks=("198.51.100.0/24",))
    assert travel(journey(SYDNEY, [AT_OFFICE, FAR_AWAY], environment=half)) == ["geo.travel"]


@pytest.mark.parametrize(
    ("there", "here", "minutes", "open_"),
    [
        ({"country": "AU"}, {"country": "DE"}, 100, True),
        ({"country": "NL"}, {"country": "DE"}, 100, True),  # neighbours may be near or far
        ({}, {}, 100, True),
        ({}, {"country": "DE"}, 100, True),
        (SYDNEY, {"country": "DE"}, 100, True),
        ({"country": "DE"}, {"country": "DE"}, 100, False),
        ({"country": "AU"}, {"country": "DE"}, 24 * 60, False),  # time enough for the other side of the earth
    ],
)
def test_without_places_it_is_open_only_where_it_could_matter(
    there: dict[str, Any], here: dict[str, Any], minutes: int, open_: bool
) -> None:
    given = journey(there, [event(minutes), FAR_AWAY], here)
    assert travel(given) == (["geo.travel"] if open_ else [])
    assert [unknown.why for unknown in given.unknowns if unknown.kind == "geo.travel"] == [NO_PLACE] * open_


def test_between_usual_places_nothing_is_open() -> None:
    assert travel(journey({}, [AT_OFFICE, FAR_AWAY, event(5 * 24 * 60, ip=RENTED)], {})) == []


def test_the_longest_of_several_journeys_is_told() -> None:
    near = AddressOrigin(HOTEL, country="PT", latitude=38.7, longitude=-9.1, radius_km=10.0)
    origins = (AddressOrigin(RENTED, **SYDNEY), AddressOrigin(OFFICE, **BERLIN), near)
    world = context([AT_OFFICE, event(60, ip=HOTEL), FAR_AWAY], addresses=FakeAddresses(origins))
    data = enrich(ADDRESS, world).data["travel"]
    assert (data["from"], data["to"], data["minutes"]) == (HOTEL, RENTED, 10)


def test_a_city_database_gives_the_places(tmp_path: Path) -> None:
    london, perth = "81.2.69.160", "1.128.0.1"
    database = city_database(
        tmp_path / "city.mmdb",
        {
            "81.2.69.0/24": {"country": "GB", "latitude": 51.5, "longitude": -0.1, "accuracy_radius": 10},
            "1.128.0.0/16": {"country": "AU", "latitude": -31.9, "longitude": 115.9},
        },
    )
    events = [event(100, ip=london), event(50, ip=perth)]
    given = enrich(Observable(Kind.IP, perth), replace(context(events), addresses=LocalAddressData([database])))
    assert travel(given) == ["geo.travel"]
    assert given.data["travel"] == {"from": london, "to": perth, "minutes": 50, "kilometres": 14366}
