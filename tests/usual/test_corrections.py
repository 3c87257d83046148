"""An analyst's word: what can be meant, how it is kept, what it changes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.model import Actor, Correction, Environment, Ordinary, Refusal
from bot.store.state import State, StateReader, reader_of
from bot.usual.corrections import corrected, corrections_of, forget, keep, meant
from tests.fakes import NOW

ANA = Actor("slack:T0MADE:U0ANA", "Ana")


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    with State(tmp_path / "state.db") as opened:
        yield opened


def said(kind: Ordinary, value: str, usual: bool = True, environment: str = "default") -> Correction:
    return Correction(environment, kind, value, usual, "so", ANA, NOW)


@pytest.mark.parametrize(
    ("kind", "value", "kept"),
    [
        (Ordinary.COUNTRY, " de ", "DE"),
        (Ordinary.COUNTRY, "Germany", "is no country code"),
        (Ordinary.COUNTRY, "ÄÖ", "is no country code"),
        (Ordinary.NETWORK, "203.0.113.7", "203.0.113.7/32"),
        (Ordinary.NETWORK, "203.0.113.0/24", "203.0.113.0/24"),
        (Ordinary.NETWORK, "203.0.113.7/24", "is no address or network"),
        (Ordinary.NETWORK, "0.0.0.0/0", "too wide"),
        (Ordinary.NETWORK, "2001::/16", "too wide"),
        (Ordinary.AUTOMATION, "svc-*", "svc-*"),
        (Ordinary.AUTOMATION, "*", "would be everybody"),
        (Ordinary.AUTOMATION, " ", "would be everybody"),
    ],
)
def test_what_can_be_meant(kind: Ordinary, value: str, kept: str) -> None:
    found = meant(kind, value)
    assert kept in found.sentence if isinstance(found, Refusal) else kept == found


def test_the_newest_word_on_a_thing_counts_and_can_be_taken_back(state: State) -> None:
    state.write(lambda db: keep(db, said(Ordinary.COUNTRY, "DE")))
    state.write(lambda db: keep(db, said(Ordinary.COUNTRY, "PT")))
    state.write(lambda db: keep(db, said(Ordinary.COUNTRY, "DE", usual=False)))
    state.write(lambda db: keep(db, said(Ordinary.COUNTRY, "NL", environment="shop")))
    assert [(each.value, each.usual) for each in corrections_of(state.read(), "default")] == [
        ("PT", True),
        ("DE", False),
    ]
    assert state.write(lambda db: forget(db, "default", Ordinary.COUNTRY, "DE"))
    assert not state.write(lambda db: forget(db, "default", Ordinary.COUNTRY, "DE"))
    assert [each.value for each in corrections_of(state.read(), "default")] == ["PT"]


def test_networks_and_machines_are_the_environments_own() -> None:
    stated = Environment(own_networks=("203.0.113.0/24", "198.51.100.0/24"), automation=("svc-*",))
    here = corrected(
        stated,
        [
            said(Ordinary.NETWORK, "192.0.2.0/24"),
            said(Ordinary.NETWORK, "198.51.100.0/24", usual=False),
            said(Ordinary.AUTOMATION, "deploy"),
            said(Ordinary.AUTOMATION, "svc-dana", usual=False),
        ],
    )
    assert here.own_networks == ("203.0.113.0/24", "192.0.2.0/24")
    asked = ("svc-mail", "svc-dana", "deploy", "alice")
    assert [here.is_automation(f"111122223333:user/{name}") for name in asked] == [True, False, True, False]
    assert corrected(stated, []) is stated


def test_a_reader_looks_into_a_state_of_this_version_only(tmp_path: Path, state: State) -> None:
    assert reader_of(tmp_path / "none.db") is None
    (tmp_path / "junk.db").write_text("no database " * 100)
    assert reader_of(tmp_path / "junk.db") is None
    reader = reader_of(state.path)
    assert isinstance(reader, StateReader)
    state.write(lambda db: keep(db, said(Ordinary.COUNTRY, "DE")))
    assert [each.value for each in corrections_of(reader.read(), "default")] == ["DE"]
    state.write(lambda db: db.execute("DELETE FROM _sqlite_migrations WHERE name = 'm009_usual_corrections'"))
    assert reader_of(state.path) is None
