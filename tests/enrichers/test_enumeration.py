from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from bot.model import AddressClass, Answer, Environment, Event, Kind, Observable, Outcome, Principal
from enrichers.enumeration import enrich
from tests.fakes import ALICE, KALI, KEY, LEAD, LINUX, OFFICE, RENTED, context, event, ordinary

PLACE = Observable(Kind.IP, RENTED)
WHO = "sts:GetCallerIdentity"


def user(name: str) -> Principal:
    return Principal(f"111122223333:user/{name}", "IAMUser", None, "111122223333")


def key(number: int) -> str:
    return f"{KEY[:-1]}{'ABCDEFGHIJ'[number]}"


def asked(number: int, minutes_ago: float = 10, **changes: Any) -> Event:
    """ "Who am I" with the key of the ``number``-th user, from the rented server."""
    values = {"name": WHO, "ip": RENTED, "key": key(number), "principal": user(f"u{number}")}
    return event(minutes_ago + number, **(values | changes))


def days_before(*numbers: int, **changes: Any) -> list[Event]:
    return [
        each
        for number in numbers
        for each in ordinary(10, 5, **({"key": key(number), "principal": user(f"u{number}")} | changes))
    ]


def answer(events: Sequence[Event], observable: Observable = PLACE, **changes: Any) -> Answer:
    return enrich(observable, context(events, **({"principal": None} | changes)))


def kinds(given: Answer) -> list[str]:
    return [signal.kind for signal in given.signals]


@pytest.mark.parametrize(
    ("why", "before", "now", "fired"),
    [
        ("two keys, new here", days_before(1, 2), [asked(1), asked(2)], ["enum.medium"]),
        ("three keys", days_before(1, 2, 3), [asked(1), asked(2), asked(3)], ["enum.high"]),
        ("an attack client", days_before(1, 2), [asked(1), asked(2, family=KALI)], ["enum.high"]),
        ("one key", days_before(1), [asked(1), asked(1, 20)], []),
        ("more than an hour apart", days_before(1, 2), [asked(1), asked(2, 80)], []),
        ("slowly, three keys", days_before(1, 2, 3), [asked(1), asked(2, 200), asked(3, 600)], ["enum.high"]),
        ("they were here before", [*days_before(1, 2), *days_before(1, 2, ip=RENTED)], [asked(1), asked(2)], []),
        ("other calls", days_before(1, 2), [asked(1, name="s3:GetObject"), asked(2, name="s3:GetObject")], []),
        ("by a service", days_before(1, 2), [asked(1), asked(2, by_service=True)], []),
        (
            "two keys of one person",
            days_before(1),
            [asked(1), asked(2, principal=user("u1"))],
            [],
        ),
        (
            "a session and the key that opened it",
            days_before(1),
            [
                asked(1, name="sts:AssumeRole", minutes_ago=12, minted="ASIA1"),
                asked(1, key="ASIA1", principal=Principal("111122223333:role/deploy", "AssumedRole", None, None)),
            ],
            [],
        ),
        (
            "a person of Identity Center in two accounts",
            [],
            [
                asked(1, key="ASIA1", principal=Principal("111122223333:sso/mira", "AssumedRole", None, None)),
                asked(2, key="ASIA2", principal=Principal("444455556666:sso/mira", "AssumedRole", None, None)),
            ],
            [],
        ),
        (
            "a shared exit, and usual clients",
            [*days_before(1, 2), *days_before(3, 4, 5, 6, 7, ip=RENTED)],
            [asked(1), asked(2)],
            [],
        ),
        (
            "a shared exit, and clients new to them",
            [*days_before(1, 2), *days_before(3, 4, 5, 6, 7, ip=RENTED)],
            [asked(1, family=KALI), asked(2, family=KALI)],
            ["enum.high"],
        ),
    ],
)
def test_what_counts(why: str, before: list[Event], now: list[Event], fired: list[str]) -> None:
    assert kinds(answer([*before, *now])) == fired, why


def test_who_was_tried_is_told() -> None:
    given = answer([*days_before(1, 2), asked(1), asked(2, outcome=Outcome.DENIED, name="iam:ListUsers")])
    assert given.headline == (
        f"{RENTED}: 2 keys of 2 identities made the same 'who am I' calls from {RENTED} within 1 minutes."
    )
    [row] = given.data["enumerations"]
    assert (row["keys"], row["takes_part"]) == ([key(1), key(2)], True)
    assert row["outcomes"] == {"denied": 1, "ok": 1}
    assert len(given.signals[0].evidence) == 2


def test_a_root_users_key_is_grave() -> None:
    root = Principal("111122223333:root", "Root", None, "111122223333")
    assert kinds(answer([*days_before(1), asked(1), asked(2, principal=root)])) == ["enum.high"]


def test_an_ipv6_site_is_one_place() -> None:
    one, other = "2001:db8:1:2::a", "2001:db8:1:2:3::b"
    events = [*days_before(1, 2), asked(1, ip=one), asked(2, ip=other)]
    given = answer(events, Observable(Kind.IP, one))
    assert (kinds(given), given.data["enumerations"][0]["ip"]) == (["enum.medium"], "2001:db8:1:2::/64")


def test_a_key_that_was_tried_is_told_so_and_one_that_was_not_is_not_accused() -> None:
    events = [*days_before(1, 2), *ordinary(), asked(1), asked(2)]
    tried = answer([*events, asked(0)], LEAD, principal=user("u0"))
    assert kinds(tried) == ["enum.high"]
    beside = answer([*events, event(ip=RENTED)], LEAD, principal=ALICE)
    assert kinds(beside) == []
    assert beside.headline == f"{KEY}: not among the keys that were tried from {RENTED}"
    assert beside.found


def test_an_address_of_a_principals_accuses_only_who_takes_part() -> None:
    events = [*days_before(1, 2), *ordinary(), asked(1), asked(2), event(ip=RENTED)]
    assert kinds(answer(events, principal=ALICE)) == []
    assert kinds(answer(events, principal=user("u1"))) == ["enum.medium"]


def test_too_little_history_decides_nothing() -> None:
    given = answer([asked(1), asked(2)])
    assert (kinds(given), {unknown.kind for unknown in given.unknowns}) == ([], {"enum.medium", "enum.high"})
    assert given.data["enumerations"][0]["enough_history"] is False


def test_an_own_network_is_not_hunted() -> None:
    world = Environment(own_networks=("159.89.100.0/24",))
    given = answer([*days_before(1, 2), asked(1), asked(2)], environment=world)
    assert (given.headline, given.found) == (f"{RENTED}: an own network, not hunted", False)


@pytest.mark.parametrize("observable", [PLACE, LEAD])
def test_nothing_found_is_said_with_the_span(observable: Observable) -> None:
    given = answer(ordinary(), observable)
    assert given.headline.startswith(f"{observable}: no keys tried between 2026-11-1")
    assert (given.signals, given.unknowns, given.found) == ((), (), False)


def test_a_private_address_is_no_place() -> None:
    private: dict[str, Any] = {"ip": "10.0.0.7", "address_class": AddressClass.PRIVATE}
    assert kinds(answer([asked(1, **private), asked(2, **private)], Observable(Kind.IP, "10.0.0.7"))) == []


def test_a_busy_address_says_how_far_it_was_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.hunts.around.MOST_CALLS", 3)
    given = answer([*days_before(1, 2), asked(1), *(asked(2, number) for number in range(5))])
    assert {unknown.why for unknown in given.unknowns} == {"only the newest 3 calls from it were looked at"}


def test_ordinary_clients_and_offices_are_quiet() -> None:
    office = [asked(number, ip=OFFICE, family=LINUX) for number in (1, 2, 3)]
    assert kinds(answer([*days_before(1, 2, 3), *office], Observable(Kind.IP, OFFICE))) == []
