"""The story's facts are in the made records, and come out of the history again."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest

from bot.demo.world import Folder, World, cast, make_world, tell_story
from bot.demo.world.records import Record
from bot.enrichment import Runner
from bot.history.access_key import account_of
from bot.history.activity import activity
from bot.history.load import LoadReport, load_paths
from bot.history.sqlite import SqliteHistory
from bot.ipdata.origin import LocalAddressData
from bot.model import AddressClass, Baseline, Context, Kind, Observable, Verdict, Window, rfc3339
from bot.plugins import load_enrichers, shipped
from bot.triage import TriageWorld, triage

AT = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
USUAL_CLIENTS = ("aws-cli/2|macos|-|-", "boto3|macos|-|-", "browser|macos")
SWITCH, QUOTA = "ses:UpdateAccountSendingEnabled", "ses:GetSendQuota"


@dataclass(frozen=True)
class Loaded:
    world: World
    folder: Folder
    early: LoadReport
    late: LoadReport
    history: SqliteHistory

    @property
    def window(self) -> Window:
        return Window.ending(self.world.at)

    @property
    def lead(self) -> Observable:
        return Observable(Kind.ACCESS_KEY, self.world.story.lead.id)


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loaded]:
    root = tmp_path_factory.mktemp("world")
    world = make_world(7, AT)
    folder = world.write(root)
    history = SqliteHistory(root / "history.db")
    early = load_paths(history, [folder.cloudtrail])
    yield Loaded(world, folder, early, load_paths(history, [folder.late]), history)
    history.close()


@pytest.fixture(scope="module")
def world(loaded: Loaded) -> World:
    return loaded.world


def of_key(world: World, key: str) -> list[Record]:
    return [record for _, record in world.entries if record["userIdentity"].get("accessKeyId") == key]


def by_thief(world: World, key: str) -> list[Record]:
    return [record for record in of_key(world, key) if record["sourceIPAddress"] in world.story.thief_addresses]


def called(record: Record) -> str:
    return f"{record['eventSource'].split('.')[0]}:{record['eventName']}"


def who(world: World, *calls: str) -> set[str]:
    return {str(record["userIdentity"].get("userName")) for _, record in world.entries if called(record) in calls}


def refused_to(world: World, key: str) -> list[Record]:
    return [record for record in of_key(world, key) if record.get("errorCode") == "AccessDenied"]


def on_the_last_day(world: World) -> list[Record]:
    since = int((world.at - timedelta(days=1)).timestamp())
    return [record for at, record in world.entries if at >= since]


# ------------------------------------------------------------------------------------ the organisation


def test_the_history_takes_every_record(loaded: Loaded) -> None:
    assert loaded.early.set_aside == loaded.late.set_aside == ()
    assert loaded.early.duplicates == loaded.late.duplicates == 0
    assert loaded.early.events + loaded.late.events == len(loaded.world.entries)
    assert 30_000 <= len(loaded.world.entries) <= 65_000
    assert loaded.early.principals in range(110, 131)


def test_the_history_covers_thirty_days_before_the_last(loaded: Loaded) -> None:
    month = Window.ending(loaded.world.at, days=31).span
    searched = loaded.history.coverage(month)
    assert searched is not None
    assert searched.since == month.since
    assert searched.missing == ()


def test_every_kind_of_caller_is_there(world: World) -> None:
    identities = [record["userIdentity"] for _, record in world.entries]
    assert {identity["type"] for identity in identities} == {"IAMUser", "AssumedRole", "AWSService", "WebIdentityUser"}
    assert any("AWS Internal" in (record["sourceIPAddress"], record["userAgent"]) for _, record in world.entries)
    assert any(identity["type"] == "IAMUser" and "invokedBy" in identity for identity in identities)
    assert any(record["eventType"] == "AwsConsoleSignIn" for _, record in world.entries)


def test_key_ids_name_the_made_account(world: World) -> None:
    keys = {record["userIdentity"].get("accessKeyId") for _, record in world.entries} - {None}
    assert {account_of(key) for key in keys} == {world.story.account}
    assert {record["recipientAccountId"] for _, record in world.entries} == {world.story.account}


def test_every_event_id_is_its_own(world: World) -> None:
    ids = [record["eventID"] for _, record in world.entries]
    assert len(set(ids)) == len(ids)
    assert not any("sharedEventID" in record for _, record in world.entries)


def test_pipelines_have_a_new_address_each_run(world: World) -> None:
    runs: dict[str, set[str]] = defaultdict(set)
    for _, record in world.entries:
        issuer = record["userIdentity"].get("sessionContext", {}).get("sessionIssuer", {})
        if issuer.get("userName") == cast.CI_ROLE and "invokedBy" not in record["userIdentity"]:
            runs[record["userIdentity"]["accessKeyId"]].add(record["sourceIPAddress"])
    assert len(runs) > 80
    assert all(len(addresses) == 1 for addresses in runs.values())
    assert len(set.union(*runs.values())) > 0.95 * len(runs)


def test_the_contractor_always_works_from_the_rented_server(world: World) -> None:
    records = [r for _, r in world.entries if r["userIdentity"].get("userName") == "ext-marek.dvorak"]
    assert len(records) > 100
    assert {record["sourceIPAddress"] for record in records} == {cast.RENTED_SERVER}


def test_no_address_is_a_documentation_address(world: World) -> None:
    reserved = [ip_network(block) for block in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24")]
    addresses = {r["sourceIPAddress"] for _, r in world.entries if r["sourceIPAddress"][0].isdigit()}
    assert not [address for address in addresses if any(ip_address(address) in block for block in reserved)]
    assert all(ip_address(address).is_global for address in addresses)


def test_the_office_shares_two_addresses(world: World) -> None:
    behind: dict[str, set[str]] = defaultdict(set)
    for _, record in world.entries:
        behind[record["sourceIPAddress"]].add(record["userIdentity"].get("userName", ""))
    assert all(len(behind[address]) > 40 for address in cast.OFFICE)


def test_look_ups_say_of_the_addresses_what_the_story_needs(world: World) -> None:
    known = LocalAddressData()
    thief = [known.origin(ip) for ip in world.story.thief_addresses]
    assert [(o.hosting, o.big_three, o.tor) for o in thief] == [(True, False, False)] * 2
    assert len({origin.provider for origin in thief}) == 2
    assert not any(known.origin(ip).hosting for ip in world.story.owner_addresses)
    rented = known.origin(cast.RENTED_SERVER)
    assert (rented.hosting, rented.big_three) == (True, False)
    assert known.origin(f"{cast.CI_NETWORKS[0]}.1.1").provider == "Microsoft"
    assert {known.origin(ip).provider for ip in cast.NAT_GATEWAYS} == {"AWS"}


# ---------------------------------------------------------------------------------------- the theft


def test_the_lead_used_an_ordinary_client_from_ordinary_places_for_weeks(loaded: Loaded) -> None:
    principal = loaded.history.principal(loaded.lead, loaded.world.at)
    baseline: Baseline = Context(loaded.window, loaded.history, principal=principal).baseline()
    assert not baseline.thin
    families = {use.family for use in baseline.uses if use.address_class is AddressClass.PUBLIC}
    assert {"aws-cli/2|macos|-|-", "boto3|macos|-|-"} <= families <= {*USUAL_CLIENTS}
    assert not [use.event for use in baseline.uses if use.event == "iam:ListUsers" or use.event.startswith("ses:")]
    public = {use.ip for use in baseline.uses if use.address_class is AddressClass.PUBLIC}
    assert public <= set(loaded.world.story.owner_addresses)


def test_the_lead_key_itself_was_used_before(loaded: Loaded) -> None:
    uses = loaded.history.uses(loaded.lead, loaded.window.baseline)
    assert sum(use.count for use in uses) >= 20
    assert len({use.day for use in uses}) >= 3


def test_the_lead_keys_refused_calls_are_the_storys_three(loaded: Loaded) -> None:
    refused = refused_to(loaded.world, loaded.lead.value)
    assert sorted(called(record) for record in refused) == ["iam:ListUsers", "iam:ListUsers", QUOTA]
    assert len({record["userAgent"] for record in refused}) == 3
    assert activity(loaded.history.uses(loaded.lead, loaded.window.span)).denied == 3


def test_the_lead_keys_activity_is_nearly_all_mail(loaded: Loaded) -> None:
    thief = by_thief(loaded.world, loaded.lead.value)
    share = sum(called(record).startswith("ses:") for record in thief) / len(thief)
    seen = activity(loaded.history.uses(loaded.lead, loaded.window.span))
    assert 0.93 <= share <= 0.975
    assert 0.93 <= seen.services["ses"] / seen.events <= 0.975


def test_six_users_ever_switched_sending_all_with_stolen_keys(loaded: Loaded) -> None:
    world = loaded.world
    assert who(world, SWITCH) == set(cast.STOLEN_USERS[:6])
    assert who(world, SWITCH) < who(world, QUOTA)
    uses = loaded.history.uses(Observable(Kind.EVENT, SWITCH), Window.ending(world.at, days=31).span)
    assert {use.key for use in uses} == {key.id for key in world.story.stolen[:6]}


def test_reading_the_quota_is_rare_and_a_service_account_does_it_every_day(loaded: Loaded) -> None:
    assert who(loaded.world, QUOTA) == {*cast.STOLEN_USERS[:6], "tobias.keller", loaded.world.story.quota_reporter}
    uses = loaded.history.uses(Observable(Kind.EVENT, QUOTA), loaded.window.span)
    days = {use.day for use in uses if use.principal.endswith(loaded.world.story.quota_reporter)}
    assert len(days) == 14


def test_the_seventh_key_is_only_asked_who_it_is_from_an_address_of_one_of_the_six(world: World) -> None:
    seventh = by_thief(world, world.story.stolen[6].id)
    assert [called(record) for record in seventh] == ["sts:GetCallerIdentity"]
    (address,) = {record["sourceIPAddress"] for record in seventh}
    assert address not in {record["sourceIPAddress"] for record in by_thief(world, world.story.lead.id)}
    others = [key.user for key in world.story.stolen[:6] if any(
        record["sourceIPAddress"] == address for record in by_thief(world, key.id))]  # fmt: skip
    assert others


def test_each_thief_address_asked_several_keys_who_they_are(world: World) -> None:
    for address in world.story.thief_addresses:
        asked = {
            record["userIdentity"]["accessKeyId"]
            for _, record in world.entries
            if record["sourceIPAddress"] == address and called(record) == "sts:GetCallerIdentity"
        }
        assert len(asked) == 4


def test_the_thiefs_addresses_and_clients_are_nobody_elses(world: World) -> None:
    stolen = {key.id for key in world.story.stolen}
    thief = [r for _, r in world.entries if r["sourceIPAddress"] in world.story.thief_addresses]
    agents = {record["userAgent"] for record in thief}
    assert {record["userIdentity"]["accessKeyId"] for record in thief} == stolen
    assert not [r for _, r in world.entries if r["userAgent"] in agents and r not in thief]


def test_all_the_owners_go_on_working_with_the_stolen_keys(world: World) -> None:
    recent = on_the_last_day(world)
    for key in world.story.stolen:
        own = [r for r in recent if r["userIdentity"].get("accessKeyId") == key.id]
        assert [r for r in own if r["sourceIPAddress"] not in world.story.thief_addresses], key.user


def test_the_alert_is_of_a_call_that_cloudtrail_has_not_delivered_yet(loaded: Loaded) -> None:
    alert, story = loaded.world.alert(), loaded.world.story
    (call,) = [r for r in by_thief(loaded.world, story.lead.id) if r["userAgent"] == story.user_agent]
    assert alert["time"] == call["eventTime"] == rfc3339(story.alert_at)
    assert (alert["principal"], alert["source_ip"]) == (call["userIdentity"]["arn"], call["sourceIPAddress"])
    assert alert["event"] == called(call)
    assert loaded.early.searched is not None
    assert loaded.early.searched.until <= story.alert_at - timedelta(minutes=5)
    assert loaded.late.events > 3


def test_the_folder_says_that_it_is_made(loaded: Loaded) -> None:
    label = (loaded.folder.alert.parent / "README.md").read_text(encoding="utf-8")
    assert "made" in label
    assert "seed 7" in label


# ------------------------------------------------------------------------------------ seed and moment

_DIGEST = """
import sys
from datetime import datetime
from pathlib import Path
from bot.demo.world import make_world
make_world(int(sys.argv[1]), datetime.fromisoformat(sys.argv[2])).write(Path(sys.argv[3]))
"""


def digest(root: Path) -> dict[str, str]:
    files = (path for path in root.rglob("*") if path.is_file() and path.suffix in {".gz", ".json", ".md"})
    return {str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_the_same_seed_and_moment_make_the_same_bytes(loaded: Loaded, tmp_path: Path) -> None:
    arguments = ["7", "2026-11-23T11:00:00.5+01:00", str(tmp_path)]
    environment = {**os.environ, "PYTHONHASHSEED": "1"}
    subprocess.run([sys.executable, "-c", _DIGEST, *arguments], check=True, env=environment)
    assert digest(tmp_path) == digest(loaded.folder.alert.parent)


CLOCK_CHANGE, LEAP_DAY = datetime(2027, 3, 28, 1, 30, tzinfo=UTC), datetime(2024, 2, 29, 23, 59, tzinfo=UTC)


@pytest.mark.parametrize(("seed", "at"), [(8, CLOCK_CHANGE), (99, LEAP_DAY)])
def test_the_story_holds_for_any_seed_and_moment(seed: int, at: datetime) -> None:
    world = make_world(seed, at)
    story = world.story
    assert story.lead.id != tell_story(7, AT).lead.id
    assert who(world, SWITCH) == {key.user for key in story.stolen[:6]}
    assert sorted(called(record) for record in refused_to(world, story.lead.id)) == [
        "iam:ListUsers",
        "iam:ListUsers",
        QUOTA,
    ]
    assert world.entries[0][0] <= int((at - timedelta(days=31)).timestamp())
    assert world.entries[-1][0] <= int(at.timestamp())


# ----------------------------------------------------------------------------- what the questions make of it


@pytest.fixture(scope="module")
def questions(loaded: Loaded) -> TriageWorld:
    """Every shipped question that needs neither AWS nor the web."""
    shipped_ones = load_enrichers(shipped())
    here = tuple(one for one in shipped_ones if one.declaration.needs <= {"history", "ip_data"})
    return TriageWorld(here, Runner(), history=loaded.history, addresses=LocalAddressData())


def test_every_stolen_key_stands_out(loaded: Loaded, questions: TriageWorld) -> None:
    keys = [Observable(Kind.ACCESS_KEY, key.id) for key in loaded.world.story.stolen]
    verdicts = {key: triage(key, loaded.window, world=questions).assessment.verdict for key in keys}
    assert verdicts[loaded.lead] is Verdict.INCIDENT
    assert set(verdicts.values()) <= {Verdict.INCIDENT, Verdict.PROBABLE}


def test_ordinary_days_are_low(loaded: Loaded, questions: TriageWorld) -> None:
    """A third of all who were at work on a day before the theft."""
    window = Window.ending(AT - timedelta(days=4))
    at_work = sorted({habit.principal for habit in loaded.history.everyones_habits(window.recent)})
    some = [Observable(Kind.PRINCIPAL, who) for who in at_work[::3] if not who.startswith("service:")]
    assert len(some) >= 10
    for who in some:
        judged = triage(who, window, world=questions).assessment
        assert (who.value, judged.verdict) == (who.value, Verdict.LOW)
