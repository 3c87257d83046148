"""Hunts over loaded histories, and at the command line."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from bot.cli import app
from bot.demo.world import World, make_world
from bot.history.load import load_paths
from bot.history.sqlite import SqliteHistory
from bot.hunts.hunting import hunt, prevalence
from bot.hunts.library import shipped
from bot.hunts.watching import watch
from bot.ipdata import LocalAddressData
from bot.model import Span
from bot.scope.ground import Known
from tests.history.made import DATA

AT = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
DAY = timedelta(hours=24)
SENDING, QUOTA = "ses:UpdateAccountSendingEnabled", "ses:GetSendQuota"


@dataclass(frozen=True)
class Loaded:
    world: World
    history: SqliteHistory


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loaded]:
    folder = tmp_path_factory.mktemp("world")
    world = make_world(7, AT)
    written = world.write(folder)
    history = SqliteHistory(folder / "history.db")
    load_paths(history, [written.cloudtrail, written.late])
    yield Loaded(world, history)
    history.close()


def run(loaded: Loaded, *words: str) -> tuple[int, Any]:
    result = CliRunner().invoke(app, [*words, "--history", str(loaded.history.path), "--json"])
    return result.exit_code, json.loads(result.stdout) if result.stdout else None


def test_both_addresses_of_the_thief_are_found_and_nothing_else(loaded: Loaded) -> None:
    hits = hunt(loaded.history, Span(AT - DAY, AT)).hits
    stolen = [key.id for key in loaded.world.story.stolen]
    assert {hit.source_ip: hit.keys for hit in hits} == {
        loaded.world.story.thief_addresses[0]: tuple(sorted(stolen[:4])),
        loaded.world.story.thief_addresses[1]: tuple(sorted(stolen[3:])),
    }
    assert {(hit.level, hit.severity) for hit in hits} == {("match", "high")}


def test_on_ordinary_days_nothing_is_enumerated(loaded: Loaded) -> None:
    assert hunt(loaded.history, Span(AT - 17 * DAY, AT - DAY - timedelta(seconds=1))).hits == ()


def test_on_the_day_of_the_theft_every_stolen_key_stands_out_and_nobody_else(loaded: Loaded) -> None:
    found = watch(loaded.history, AT, Known(origin=LocalAddressData().origin)).hits
    stories = {hit.principals[0].partition("/")[2]: hit.hunt.split("+") for hit in found if hit.hunt != "enumeration"}
    assert set(stories) == {key.user for key in loaded.world.story.stolen[:6]}
    assert all("ses.toggle" in detections for detections in stories.values())
    tried = {key for hit in found if hit.hunt == "enumeration" for key in hit.keys}
    assert tried == {key.id for key in loaded.world.story.stolen}


@pytest.mark.parametrize("days", [1, 4, 11])
def test_on_ordinary_days_nothing_stands_out(loaded: Loaded, days: int) -> None:
    assert watch(loaded.history, AT - days * DAY, Known(origin=LocalAddressData().origin)).hits == ()


def test_what_stands_out_is_told_at_the_command_line(loaded: Loaded) -> None:
    code, found = run(loaded, "hunt", "detections", "--until", AT.isoformat())
    assert code == 0
    assert len(found["hits"]) == 8


def test_the_doctor_says_what_the_detections_lack(loaded: Loaded) -> None:
    code, found = run(loaded, "doctor", "--detections")
    assert code == 1
    told = " ".join(gap["why"] for gap in found["detections"])
    assert "nothing has come in since" in told
    assert "31 days of the 90 a key must have slept" in told
    assert "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS" not in told, "it holds read-only calls"
    text = CliRunner().invoke(app, ["doctor", "--detections", "--history", str(loaded.history.path)])
    assert (text.exit_code, text.stdout.count("Cannot be told: ")) == (1, len(found["detections"]))


def test_the_thiefs_playbook_names_the_six_who_switched(loaded: Loaded) -> None:
    code, found = run(loaded, "hunt", "playbook", "email-abuse", "--until", AT.isoformat())
    who = {hit["principals"][0].partition("/")[2] for hit in found["hits"] if hit["level"] == "match"}
    assert code == 0
    assert who == {key.user for key in loaded.world.story.stolen[:6]}


def test_the_document_of_a_hunt(loaded: Loaded) -> None:
    code, found = run(loaded, "hunt", "enumeration", "--until", AT.isoformat())
    assert code == 0
    assert found["window"] == {"since": "2026-11-22T10:00:00Z", "until": "2026-11-23T10:00:00Z"}
    assert found["gaps"] == []
    first = found["hits"][0]
    assert list(first)[:11] == [
        *("hunt", "source_ip", "keys", "principals", "events", "first_seen", "last_seen", "severity", "level"),
        *("sentence", "evidence"),
    ]
    assert first["hunt"] == "enumeration"
    assert first["events"]["sts:GetCallerIdentity"] >= 4


def test_all_hunts_put_the_worst_first(loaded: Loaded) -> None:
    _, found = run(loaded, "hunt", "all", "--until", AT.isoformat())
    order = ["critical", "high", "medium", "low"]
    severities = [order.index(hit["severity"]) for hit in found["hits"]]
    assert severities == sorted(severities)
    assert {"enumeration", "email-abuse"} <= {hit["hunt"] for hit in found["hits"]}


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["playbook", "email-abuses"], 1),
        (["playbook"], 1),
        (["everything"], 1),
        (["enumeration", "--since", "2027-01-01"], 1),
        (["enumeration", "--since", "yesterday"], 2),
    ],
)
def test_what_cannot_be_hunted_is_refused(loaded: Loaded, words: list[str], code: int) -> None:
    assert run(loaded, "hunt", *words, "--until", AT.isoformat())[0] == code


def test_a_window_without_logs_is_no_all_clear(loaded: Loaded) -> None:
    code, found = run(loaded, "hunt", "enumeration", "--until", "2027-06-01")
    assert (code, found["hits"], found["searched"]) == (3, [], None)
    assert found["gaps"]


def test_prevalence_counts_principals(loaded: Loaded) -> None:
    code, found = run(loaded, "prevalence", QUOTA, SENDING, "nope:Nothing", "--at", AT.isoformat())
    events = {each["event"]: each for each in found["events"]}
    assert code == 0
    first_day = (AT - 30 * DAY).replace(hour=0, minute=0, second=0)
    active = {event.principal.id for event in loaded.history.everyones_events(Span(first_day, AT + DAY))}
    assert found["population"] == len({who for who in active if not who.startswith("service:")}) > 100
    assert events[QUOTA]["principals"] == 8
    assert f"{loaded.world.story.account}:user/svc-mail-quota" in events[QUOTA]["who"]
    assert events[SENDING]["principals"] == len(events[SENDING]["who"]) == 6
    assert events["nope:Nothing"] == {
        "event": "nope:Nothing",
        "count": 0,
        "principals": 0,
        "who": [],
        "first_seen": None,
    }


def test_a_bare_name_is_told_in_full(loaded: Loaded) -> None:
    [found] = prevalence(loaded.history, ["GetSendQuota"], Span(AT - DAY, AT)).events
    assert (found.event, len(found.principals)) == (QUOTA, 7)


def test_the_operator_of_an_attack_catalogue_matches_nearly_every_playbook(tmp_path: Path) -> None:
    history = SqliteHistory(tmp_path / "history.db")
    load_paths(history, [DATA / "invictus_stratus_2023"])
    span = history.span()
    assert span is not None
    hunted = hunt(history, span, playbooks=shipped())
    history.close()
    matched: defaultdict[str, set[str]] = defaultdict(set)
    for hit in hunted.hits:
        for who in hit.principals:
            matched[who].add(hit.hunt)
    assert len(matched["123837392027:user/bert-jan"]) == 11
    assert matched["123837392027:user/benjamin"] == {"key-validation"}
    assert "enumeration" not in {hit.hunt for hit in hunted.hits}
    assert any("insufficient history" in gap.why for gap in hunted.gaps)
