"""The demo's theft, out of a loaded history and at the command line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bot.cli import app
from bot.demo.world import World, make_world
from bot.history.everyone import Everyone
from bot.history.load import load_paths
from bot.history.sqlite import SqliteHistory
from bot.ipdata import LocalAddressData
from bot.model import Kind, Observable, Scope
from bot.scope.ground import Known
from bot.scope.reading import scope
from bot.scope.telling import scope_text

AT = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
SENDING, QUOTA = "ses:UpdateAccountSendingEnabled", "ses:GetSendQuota"


@dataclass(frozen=True)
class Loaded:
    world: World
    path: Path
    scope: Scope


@pytest.fixture(scope="module", params=[7])
def loaded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loaded]:
    folder = tmp_path_factory.mktemp("world")
    world = make_world(request.param, AT)
    written = world.write(folder)
    history = SqliteHistory(folder / "history.db")
    load_paths(history, [written.cloudtrail, written.late])
    lead = Observable(Kind.ACCESS_KEY, world.story.lead.id)
    yield Loaded(
        world, history.path, scope(Everyone(history), [lead], AT, known=Known(origin=LocalAddressData().origin))
    )
    history.close()


def test_all_seven_and_nobody_else(loaded: Loaded) -> None:
    assert {each.key for each in loaded.scope.confirmed} == {key.id for key in loaded.world.story.stolen}
    assert loaded.scope.suspects == ()


def test_the_seventh_is_found_by_address_in_a_later_round(loaded: Loaded) -> None:
    *earlier, last = loaded.scope.confirmed
    assert last.key == loaded.world.story.stolen[-1].id
    assert last.round == 2
    assert all(each.round < 2 for each in earlier)
    assert loaded.world.story.thief_addresses[1] in last.evidence[0].sentence


def test_the_service_account_is_set_aside_with_its_reason(loaded: Loaded) -> None:
    why = {each.what: each.why for each in loaded.scope.excluded}
    reporter = f"{loaded.world.story.account}:user/{loaded.world.story.quota_reporter}"
    assert why[reporter].startswith("a service account that calls ses:GetSendQuota anyway")


def test_the_rare_events_are_counted_in_principals(loaded: Loaded) -> None:
    rare = {each.event: (each.principals_before, each.principals_ever) for each in loaded.scope.rare_events}
    assert rare[SENDING] == (0, 6)
    assert rare[QUOTA] == (1, 7)


def test_only_the_thiefs_own_use_describes_him(loaded: Loaded) -> None:
    attacker = loaded.scope.attacker
    assert set(attacker.ips) == set(loaded.world.story.thief_addresses)
    assert not any("macos" in family for family in attacker.families)


def test_the_command_prints_the_document(loaded: Loaded) -> None:
    lead = loaded.world.story.lead.id
    told = ["scope", "key", lead, "--history", str(loaded.path), "--at", AT.isoformat()]
    found = json.loads(CliRunner().invoke(app, [*told, "--json"]).stdout)
    assert list(found) == [
        *("leads", "window", "searched", "rounds", "confirmed", "suspects", "excluded", "rare_events"),
        *("attacker", "gaps", "sweep"),
    ]
    assert found["leads"] == [{"kind": "access_key", "value": lead}]
    assert found["window"]["since"] == "2026-11-22T10:00:00Z"
    order = [(each["round"], each["key"]) for each in found["confirmed"]]
    assert order == sorted(order)
    assert order[0] == (0, lead)
    assert all(each["reasons"] for each in found["confirmed"])
    assert all(each["evidence"] and len(each["classes"]) >= 2 for each in found["confirmed"][1:])


def test_the_text_names_every_key_and_why(loaded: Loaded) -> None:
    text = scope_text(loaded.scope)
    assert all(key.id in text for key in loaded.world.story.stolen)
    assert all(each.evidence[0].sentence in text for each in loaded.scope.confirmed)


@pytest.mark.parametrize(
    ("words", "code"),
    [(["user", "alice"], 2), (["ip", "no address"], 1), (["key", "AKIARTX3GSDSQAAAAAAA", "--since", "2027-01-01"], 2)],
)
def test_what_cannot_be_scoped_is_refused(loaded: Loaded, words: list[str], code: int) -> None:
    at = AT.isoformat()
    told = CliRunner().invoke(app, ["scope", *words, "--history", str(loaded.path), "--at", at])
    assert told.exit_code == code


def test_a_window_the_history_does_not_cover_is_told_by_the_exit_code(loaded: Loaded) -> None:
    told = ["scope", "key", loaded.world.story.lead.id, "--history", str(loaded.path), "--at", "2027-03-01", "--json"]
    result = CliRunner().invoke(app, told)
    assert result.exit_code == 3
    assert json.loads(result.stdout)["searched"] is None


def test_the_command_lists_what_the_keys_changed_in_every_region(loaded: Loaded) -> None:
    told = ["scope", "key", loaded.world.story.lead.id, "--history", str(loaded.path), "--at", AT.isoformat(), "--json"]
    swept = json.loads(CliRunner().invoke(app, told).stdout)["sweep"]
    switched = [each for each in swept["things"] if each["kind"] == "e-mail sending"]
    assert len(switched) == len(swept["things"]) == len({each["region"] for each in switched}) > 1
    assert {each["state"] for each in switched} == {"could not ask"}
    assert all(each["attackers"] and each["evidence"] for each in switched)
    assert switched[0]["target"] == f"{loaded.world.story.account}/{switched[0]['region']}"
    assert [gap["question"] for gap in swept["gaps"]] == ["What is left of what these keys made?"]
