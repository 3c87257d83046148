from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.history.load import load_paths
from bot.history.sqlite import SqliteHistory
from bot.model import Answer, Context, Environment, Event, Kind, Observable, Principal, Window
from enrichers import shared_address
from enrichers.shared_address import enrich
from tests.fakes import ALICE, KEY, RENTED, context, event

ADDRESS = Observable(Kind.IP, RENTED)
DATA = Path(__file__).parent.parent / "data" / "cloudtrail"


def of(name: str, minutes_ago: float = 10, **changes: Any) -> Event:
    principal = replace(ALICE, id=f"111122223333:user/{name}")
    return event(minutes_ago, **({"ip": RENTED, "principal": principal, "key": f"AKIA{name}"} | changes))


def answer(events: Sequence[Event], **changes: Any) -> Answer:
    return enrich(ADDRESS, context(events, **changes))


def days(number: float) -> float:
    return 24 * 60 * number


def test_other_keys_on_a_fresh_address_are_named() -> None:
    given = answer([of("alice"), of("bob", 20), of("bob", 30), of("carol", days(3))])
    assert given.headline == f"{RENTED}: also used by bob, carol (1 of them recently)"
    assert given.found
    assert given.data["shared_exit"] is False
    assert given.data["users"][1] == {
        "principal": "111122223333:user/bob",
        "count": 2,
        "keys": ["AKIAbob"],
        "first_seen": "2026-11-20T13:30:00Z",
        "last_seen": "2026-11-20T13:40:00Z",
        "recent": True,
        "before": False,
    }
    assert [(fact.label, fact.value) for fact in given.facts] == [
        ("111122223333:user/bob", "2 calls, last 2026-11-20T13:40:00Z, new here, keys AKIAbob"),
        ("111122223333:user/carol", "1 call, last 2026-11-17T14:00:00Z, only before, keys AKIAcarol"),
    ]


@pytest.mark.parametrize(
    ("events", "environment", "shared"),
    [
        ([of(name, days(5)) for name in ("alice", "bob", "carol")], Environment(), True),
        ([of(name, days(5)) for name in ("alice", "bob")], Environment(), False),
        ([of(name) for name in ("alice", "bob", "carol")], Environment(), False),  # three today are no habit
        ([of(name, days(40)) for name in ("alice", "bob", "carol")], Environment(), False),
        ([of(name, days(5), by_service=True) for name in ("alice", "bob", "carol")], Environment(), False),
        ([of("alice")], Environment(own_networks=("159.89.0.0/16",)), True),
    ],
)
def test_a_shared_exit_is_recognised(events: list[Event], environment: Environment, shared: bool) -> None:
    given = answer([*events, of("alice")], environment=environment)
    assert given.data["shared_exit"] is shared


def test_an_own_network_is_said() -> None:
    given = answer([of("alice")], environment=Environment(own_networks=("159.89.0.0/16",)))
    assert given.headline == f"{RENTED}: an own network"


def test_a_shared_exit_is_no_line_of_the_card() -> None:
    given = answer([*(of(name, days(5)) for name in ("alice", "bob", "carol")), of("dave")])
    assert given.headline == f"{RENTED}: a shared exit: 3 principals used it in the 30 days before"
    assert not given.found


@pytest.mark.parametrize(
    ("events", "headline"),
    [
        ([], f"{RENTED}: used by nobody in what the alert tells; no CloudTrail of this window could be searched"),
        ([of("alice")], f"{RENTED}: used by nobody else between 2026-11-20 13:50 and 2026-11-20 13:50 UTC"),
    ],
)
def test_nobody_else(events: list[Event], headline: str) -> None:
    given = answer(events)
    assert (given.headline, given.found, given.facts) == (headline, False, ())


def test_a_principal_of_many_keys_is_one_user() -> None:
    given = answer([of("bob", key=f"ASIA{number}") for number in range(30)], principal=None)
    assert len(given.data["users"]) == 1
    assert len(given.data["users"][0]["keys"]) == 20


def test_what_was_cut_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    assert answer([of("bob")]).data["cut"] is False
    monkeypatch.setattr(shared_address, "MOST_EVENTS", 1)
    assert answer([of("bob"), of("carol", 20)]).data["cut"] is True


def test_on_real_records(tmp_path: Path) -> None:
    """The published attack made its calls with many keys from one address."""
    history = SqliteHistory(tmp_path / "history.db")
    load_paths(history, [DATA / "invictus_stratus_2023"])
    newest = history.newest()
    assert newest is not None
    who = history.principal(Observable(Kind.ACCESS_KEY, "AKIATFQR7NSC8Q4X20BJ"), newest)
    assert isinstance(who, Principal)
    given = enrich(Observable(Kind.IP, "192.168.10.20"), Context(Window.ending(newest), history, principal=who))
    keys = {key for row in given.data["users"] for key in row["keys"]}
    assert {"AKIATFQR7NSC8Q4X20BJ", "ASIATFQR7NSC36DZQP7P"} <= keys
    assert KEY not in keys
