"""A whole triage over Athena: the same answers as over the embedded store, from two queries or three."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bot import cli
from bot.config.settings import Settings
from bot.demo.world import World, make_world
from bot.demo.world.cast import ACCOUNT, STOLEN_USERS
from bot.document import triage_document
from bot.enrichment import Runner
from bot.history.athena import AthenaHistory, AthenaSettings, Timing
from bot.history.joined import JoinedHistory
from bot.history.load import load_paths
from bot.history.sqlite import SqliteHistory
from bot.intake import normalise, read
from bot.intake.source import Source
from bot.ipdata import LocalAddressData
from bot.model import COMMON_PRINCIPALS, Alert, History, Kind, Observable, Status, Triage, Verdict, Window
from bot.plugins import load_enrichers
from bot.triage import TriageWorld, triage
from tests.history.athena_door import Door, doors
from tests.history.lake import Lake, write_trail
from tests.history.made import write

AT = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
WINDOW = Window.ending(AT)
OTHERS = 6
"""Ordinary people beside those whose keys were stolen: enough for an office, few enough for a quick test."""
PLUGINS = load_enrichers(Settings().enrichers.enabled)


@dataclass(frozen=True)
class Logs:
    world: World
    store: SqliteHistory
    lake: Lake
    alert: Alert
    quiet: Observable
    """The key of somebody who works alone, from no address anybody else uses."""

    @property
    def lead(self) -> Observable:
        return Observable(Kind.ACCESS_KEY, self.world.story.lead.id)


def _names(world: World) -> set[str]:
    named = (record["userIdentity"].get("userName") for _, record in world.entries)
    others = list(dict.fromkeys(name for name in named if name and name not in STOLEN_USERS))
    return {*STOLEN_USERS, *others[:OTHERS]}


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Logs]:
    folder, world = tmp_path_factory.mktemp("triage"), make_world(7, AT)
    names = _names(world)
    records = [record for _, record in world.entries if record["userIdentity"].get("userName") in names]
    records = [dict(record) for record in records if record["eventTime"] <= "2026-11-23T09:51:59Z"]
    alone = _alone(records)
    write_trail(folder / "bucket", [*records, *alone])
    store = SqliteHistory(folder / "history.db")
    load_paths(store, [write(folder / "log.json", [*records, *alone])])
    lake = Lake(folder / "bucket")
    payload, *_ = read(json.dumps(world.alert()).encode())
    quiet = Observable(Kind.ACCESS_KEY, alone[0]["userIdentity"]["accessKeyId"])
    yield Logs(world, store, lake, normalise(Source("siem"), payload, AT), quiet)
    store.close()
    lake.close()


def _alone(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A copy of what one person did, by another one from an address of their own."""
    name = next(each["userIdentity"]["userName"] for each in records if each["userIdentity"].get("accessKeyId"))
    made = []
    for number, each in enumerate(each for each in records if each["userIdentity"].get("userName") == name):
        identity = each["userIdentity"] | {
            "userName": "lone.wolf",
            "arn": f"arn:aws:iam::{ACCOUNT}:user/lone.wolf",
            "accessKeyId": "AKIARTX3GSDSQLONEWOL",
        }
        changes = {"eventID": f"10000000-0000-4000-8000-{number:012d}", "sourceIPAddress": "91.12.40.77"}
        made.append(each | changes | {"userIdentity": identity})
    return made


@pytest.fixture(scope="module")
def opened() -> Iterator[Callable[[Lake | None], Door]]:
    with doors() as opened:
        yield opened


@pytest.fixture
def door(logs: Logs, opened: Callable[[Lake | None], Door]) -> Door:
    return opened(logs.lake)


def athena(door: Door, **changes: Any) -> AthenaHistory:
    client = door.client()
    settings = AthenaSettings(**({"accounts": (ACCOUNT,)} | changes))
    return AthenaHistory.over(lambda: client, settings, Timing(lambda: AT, pause=lambda _: None))


def made(history: History, observable: Observable, *alerts: Alert) -> Triage:
    world = TriageWorld(PLUGINS, Runner(), history=history, addresses=LocalAddressData(()))
    return triage(observable, WINDOW, world=world, alerts=alerts)


def document(found: Triage) -> dict[str, Any]:
    """All that is told, but for what it cost, and who makes a common call: an embedded store reads no more of those
    than shows that they are common.
    """
    told = triage_document(found)
    told.pop("cost", None)
    for each in told["enrichments"]:
        if each["enricher"] == "ip_provider" and each["status"] == "answered":
            # Which providers are usual is learned from a sample of everybody's calls, which Athena is not asked for.
            each["facts"] = [fact for fact in each["facts"] if fact["label"] != "Usual here"]
            each["data"] |= {"usual_here": None, "usual_from": None}
    for each in told["enrichments"]:
        if each["enricher"] == "prevalence" and each["status"] == "answered":
            rows = each["data"]["events"]
            common = {row["event"]: row["principals"] > COMMON_PRINCIPALS for row in rows}
            each["facts"] = [fact["value"] for fact in each["facts"] if not common.get(fact["label"])]
            each["data"]["events"] = [(row["event"], common[row["event"]] or row) for row in rows]
    return told


def test_an_alert_is_triaged_as_over_the_embedded_store_from_three_queries(logs: Logs, door: Door) -> None:
    """The third: several keys made a thief's first calls from one of its addresses, so their owners are looked at."""
    found = made(athena(door), logs.lead, logs.alert)
    assert found.assessment.verdict is Verdict.INCIDENT
    assert document(found) == document(made(logs.store, logs.lead, logs.alert))
    assert len(door.started) == 3
    assert found.cost is not None
    assert "in 3 queries" in found.cost


def test_an_ordinary_key_is_triaged_from_two_queries(logs: Logs, door: Door) -> None:
    found = made(athena(door), logs.quiet)
    assert found.activity.events > 50
    assert document(found) == document(made(logs.store, logs.quiet))
    assert len(door.started) == 2


@pytest.mark.parametrize(
    ("kind", "queries"), [(Kind.PRINCIPAL, 3), (Kind.IP, 2), (Kind.EVENT, 2), (Kind.USER_AGENT, 1)]
)
def test_other_observables_are_no_dearer(logs: Logs, door: Door, kind: Kind, queries: int) -> None:
    story = logs.world.story
    value = {
        Kind.PRINCIPAL: f"{ACCOUNT}:user/{STOLEN_USERS[0]}",
        Kind.IP: story.thief_addresses[0],
        Kind.EVENT: "ses:GetSendQuota",
        Kind.USER_AGENT: story.user_agent,
    }[kind]
    asked = Observable(kind, value)
    assert document(made(athena(door), asked)) == document(made(logs.store, asked))
    assert len(door.started) <= queries


def test_a_key_that_was_never_seen_is_looked_for_once_more(logs: Logs, door: Door) -> None:
    unknown = Observable(Kind.ACCESS_KEY, "AKIARTX3GSDSQAAAAAAZ")
    assert document(made(athena(door), unknown)) == document(made(logs.store, unknown))
    assert len(door.started) <= 3


def test_where_the_last_weeks_are_kept_here_only_the_time_before_is_asked_for(logs: Logs, door: Door) -> None:
    """Who made the key is looked for over 90 days, of which the store holds 31; two calls, one after the other."""
    both = JoinedHistory(logs.store, athena(door))
    found = made(both, logs.quiet)
    assert found.activity == made(logs.store, logs.quiet).activity
    assert len(door.started) == 2
    times = [each for asked in door.started for each in asked.request["ExecutionParameters"] if each[:3] == "'20"]
    assert max(times) < "'2026/10/25"


def test_an_athena_that_fails_is_asked_once_and_the_rest_is_answered(logs: Logs, door: Door) -> None:
    door.reasons = ["Query exhausted resources at this scale factor"] * 9
    found = made(athena(door), logs.lead, logs.alert)
    assert len(door.started) == 1
    why = "Athena ran out of memory for the query: ask about fewer days, or load them with `triage ingest`."
    asked = {each.enricher: each for each in found.enrichments}
    assert (asked["denied_calls"].status, asked["denied_calls"].why) == (Status.FAILED, why)
    assert asked["ip_provider"].status is Status.ANSWERED
    assert found.searched is None
    assert found.assessment.verdict is not Verdict.LOW
    assert any(gap.why.endswith(why) for gap in found.assessment.gaps)
    assert found.activity.events == 1
    assert found.principal is not None


def test_the_command_line_asks_what_the_config_names(
    logs: Logs, door: Door, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "config.toml"
    config.write_text(f'[history]\nkind = "athena"\n[history.athena]\naccounts = ["{ACCOUNT}"]\n')
    environ = {
        "AWS_ENDPOINT_URL": door.url,
        "AWS_ACCESS_KEY_ID": "AKIARTX3GSDSQAAAAAAA",
        "AWS_SECRET_ACCESS_KEY": "canary-secret",
        "AWS_CONFIG_FILE": str(tmp_path / "none"),
    }
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)

    def asked(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["triage", *words, "--config", str(config)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out, said.err

    code, out, err = asked("key", logs.quiet.value, "--at", "2026-11-23T10:00:00Z", "--json")
    assert code == 0, err
    told = json.loads(out)
    assert told["activity"] == document(made(logs.store, logs.quiet))["activity"]
    assert told["cost"].startswith("Athena read ")
    code, out, err = asked("scope", "key", logs.lead.value, "--at", "2026-11-23T10:00:00Z", "--json")
    assert code == 0, err
    told = json.loads(out)
    assert logs.lead.value in {each["key"] for each in told["confirmed"]}
    assert told["cost"].startswith("Athena read ")
    code, _, err = asked("hunt", "all")
    assert code == 1
    assert "load the last weeks with `triage ingest`" in err
