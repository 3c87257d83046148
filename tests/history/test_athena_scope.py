"""Every key in the same hands, over Athena: what the embedded store finds, from a bounded number of queries."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.config.settings import Settings
from bot.demo.world import World, make_world
from bot.demo.world.cast import ACCOUNT, STOLEN_USERS
from bot.document import triage_document
from bot.evidence.recording import read_recording
from bot.evidence.replaying import replay
from bot.history.athena import AthenaHistory, AthenaSettings, Timing, everyone
from bot.history.everyone import Everyone
from bot.history.joined import JoinedHistory
from bot.history.load import load_paths
from bot.history.sqlite import SqliteHistory
from bot.investigator import Investigator
from bot.ipdata import LocalAddressData
from bot.model import Gap, Habit, HistoryUnavailableError, Kind, Observable, Scope, Span, Window
from bot.scope.ground import Known
from bot.scope.hands import Hands
from bot.scope.reading import scope
from bot.scope.source import Source, Spans
from bot.scope.telling import scope_document
from tests.history.athena_door import Door, doors
from tests.history.lake import Lake, write_trail
from tests.history.made import write

AT = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
KNOWN = Known(origin=LocalAddressData().origin)
OTHERS = 8
"""Ordinary people beside those whose keys were stolen, and the machines that do what the thief does."""
MACHINES = {"svc-inventory", "svc-mail-quota"}


@dataclass(frozen=True)
class Logs:
    world: World
    records: list[dict[str, Any]]
    store: SqliteHistory
    lake: Lake

    @property
    def lead(self) -> Observable:
        return Observable(Kind.ACCESS_KEY, self.world.story.lead.id)

    @property
    def lead_user(self) -> str:
        of_lead = (each["userIdentity"] for each in self.records)
        return next(str(each["userName"]) for each in of_lead if each.get("accessKeyId") == self.lead.value)

    @property
    def stolen(self) -> set[str]:
        return {key.id for key in self.world.story.stolen}


def _tells(world: World, record: dict[str, Any]) -> bool:
    """What a thief or a machine did counts each time; of what people do day by day a part is enough."""
    thiefs = record["sourceIPAddress"] in world.story.thief_addresses
    return thiefs or record["userIdentity"]["userName"] in MACHINES


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Logs]:
    folder, world = tmp_path_factory.mktemp("scope"), make_world(7, AT)
    named = [record["userIdentity"].get("userName") for _, record in world.entries]
    others = [name for name in dict.fromkeys(named) if name and name not in {*STOLEN_USERS, *MACHINES}]
    names = {*STOLEN_USERS, *MACHINES, *others[:OTHERS]}
    of_names = [dict(record) for _, record in world.entries if record["userIdentity"].get("userName") in names]
    records = [record for number, record in enumerate(of_names) if number % 3 == 0 or _tells(world, record)]
    write_trail(folder / "bucket", records)
    store = SqliteHistory(folder / "history.db")
    load_paths(store, [write(folder / "log.json", records)])
    lake = Lake(folder / "bucket")
    yield Logs(world, records, store, lake)
    store.close()
    lake.close()


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


def scoped(source: Source, *leads: Observable) -> Scope:
    return scope(source, leads, AT, known=KNOWN)


def told(found: Scope) -> Scope:
    """All of it, but for what it cost and what the logs hold, which each kind of history tells as it knows it."""
    gaps = tuple(
        each for each in found.gaps if each.question not in {"What did the logs miss?", "What was usual before?"}
    )
    return replace(found, cost=None, searched=None, gaps=gaps)


def test_all_of_the_story_is_found_as_over_the_embedded_store(logs: Logs, door: Door) -> None:
    here, found = scoped(Everyone(logs.store), logs.lead), scoped(athena(door).everyone(), logs.lead)
    assert {each.key for each in found.confirmed} == logs.stolen
    assert found.excluded
    assert told(found) == told(here)
    assert len(door.started) <= 2 + 2 * found.rounds
    assert found.cost is not None
    assert f"in {len(door.started)} queries" in found.cost


def test_an_address_leads_to_the_same_keys(logs: Logs, door: Door) -> None:
    lead = Observable(Kind.IP, logs.world.story.thief_addresses[0])
    found = scoped(athena(door).everyone(), lead)
    assert {each.key for each in found.confirmed} | {each.key for each in found.suspects}
    assert told(found) == told(scoped(Everyone(logs.store), lead))
    assert len(door.started) <= 2 + 2 * found.rounds


def test_where_all_is_kept_here_nothing_is_asked_for(logs: Logs, door: Door, tmp_path: Path) -> None:
    first = dict(logs.records[0], eventID="30000000-0000-4000-8000-000000000000", eventTime="2026-10-20T00:01:00Z")
    kept = SqliteHistory(tmp_path / "history.db")
    load_paths(kept, [write(tmp_path / "log.json", [first, *logs.records])])
    found = scoped(JoinedHistory(kept, athena(door)).everyone(), logs.lead)
    assert told(found) == told(scoped(Everyone(kept), logs.lead))
    assert (door.started, found.cost) == ([], None)
    kept.close()


def test_of_somebody_only_the_time_before_what_is_kept_here_is_asked_for(
    logs: Logs, door: Door, tmp_path: Path
) -> None:
    kept = SqliteHistory(tmp_path / "history.db")
    load_paths(
        kept, [write(tmp_path / "log.json", [each for each in logs.records if each["eventTime"] > "2026-11-14"])]
    )
    window = Span(AT - timedelta(days=1), AT)
    baseline = Span(AT - timedelta(days=6), window.since - timedelta(seconds=1))
    spans = Spans(window, baseline, Span(AT - timedelta(days=60), baseline.since - timedelta(seconds=1)))
    who = f"{ACCOUNT}:user/{logs.lead_user}"

    def asked(source: Source) -> list[list[Habit]]:
        return [sorted(source.over(spans).habits(who, span), key=repr) for span in (spans.baseline, spans.earlier)]

    found = JoinedHistory(kept, athena(door)).everyone().settle(asked)
    assert all(found)
    assert found == asked(Everyone(logs.store))
    [query] = door.started
    times = [each for each in query.request["ExecutionParameters"] if each[:3] == "'20"]
    assert max(times) <= "'2026/11/18'"
    kept.close()


def test_what_is_kept_here_only_in_part_is_asked_for_as_a_whole(logs: Logs, door: Door, tmp_path: Path) -> None:
    """Of nine days here and a month before them, nobody could tell how many did a thing in both."""
    since = f"{AT - timedelta(days=9):%Y-%m-%dT%H:%M:%SZ}"
    kept = SqliteHistory(tmp_path / "history.db")
    load_paths(kept, [write(tmp_path / "log.json", [each for each in logs.records if each["eventTime"] >= since])])
    found = scoped(JoinedHistory(kept, athena(door)).everyone(), logs.lead)
    assert told(found) == told(scoped(Everyone(logs.store), logs.lead))
    assert 0 < len(door.started) <= 2 + 2 * found.rounds
    kept.close()


def test_a_triage_makes_its_scope_and_is_the_same_made_again(logs: Logs, door: Door) -> None:
    investigate = Investigator(Settings(), None, remote=athena(door))
    kept: list[bytes] = []
    made = investigate(logs.lead, investigate.window(AT), on_record=kept.append)
    assert made.scope is not None
    assert {each.key for each in made.scope.confirmed} == logs.stolen
    assert "To look for the other keys: Athena read " in (made.cost or "")
    again = replay(read_recording(kept[0]))
    assert triage_document(again) == triage_document(made)
    assert again.scope is not None
    assert scope_document(again.scope) == scope_document(replace(made.scope, sweep=None))


def test_a_triage_whose_scope_could_not_be_made_is_the_same_made_again(
    logs: Logs, door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(everyone, "MOST_QUERIES", 2)
    investigate = Investigator(Settings(), None, remote=athena(door))
    kept: list[bytes] = []
    made = investigate(logs.lead, investigate.window(AT), on_record=kept.append)
    assert made.scope is None
    assert any("asked 2 times for this search" in gap.why for gap in made.assessment.gaps)
    assert triage_document(replay(read_recording(kept[0]))) == triage_document(made)


def test_a_query_that_fails_is_a_gap_and_never_nobody(logs: Logs, door: Door) -> None:
    door.reasons = ["Query exhausted resources at this scale factor"] * 9
    window = Window.ending(AT)
    found = Hands(athena(door).everyone(), KNOWN)([logs.lead], window, told=(), rulings=())
    assert isinstance(found, Gap)
    assert "Athena ran out of memory" in found.why
    assert len(door.started) == 1


@pytest.mark.parametrize("failing", [1, 3])
def test_whichever_of_them_fails(logs: Logs, door: Door, failing: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(everyone, "MOST_QUERIES", failing)
    with pytest.raises(HistoryUnavailableError, match=f"asked {failing} times for this search"):
        scoped(athena(door).everyone(), logs.lead)
    assert len(door.started) == failing


def test_more_rows_than_are_read_are_no_answer(logs: Logs, door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(everyone, "MOST_ROWS", 20)
    with pytest.raises(HistoryUnavailableError, match="more than 20 rows for this search"):
        scoped(athena(door).everyone(), logs.lead)


def test_the_logs_of_several_accounts_are_not_read_for_longer_than_allowed(logs: Logs, door: Door) -> None:
    asked = athena(door, accounts=(ACCOUNT, "444455556666")).everyone()
    with pytest.raises(HistoryUnavailableError, match="at most 35 days"):
        scope(asked, [logs.lead], AT, since=AT - timedelta(days=7), known=KNOWN)


@pytest.mark.full
def test_a_thief_who_was_there_before_moves_the_window(
    logs: Logs, opened: Callable[[Lake | None], Door], tmp_path: Path
) -> None:
    """Of one account only: of several, no window is judged that needs more days than ``widest_days``."""
    early = [
        each | {"eventID": f"20000000-0000-4000-8000-{number:012d}", "eventTime": _days_earlier(each["eventTime"], 6)}
        for number, each in enumerate(logs.records)
        if each["userIdentity"].get("accessKeyId") == logs.lead.value
        and each["sourceIPAddress"] in logs.world.story.thief_addresses
    ]
    assert early
    spared = set(STOLEN_USERS) - {logs.lead_user}
    records = [*(each for each in logs.records if each["userIdentity"]["userName"] not in spared), *early]
    write_trail(tmp_path / "bucket", records)
    store = SqliteHistory(tmp_path / "history.db")
    load_paths(store, [write(tmp_path / "log.json", records)])
    lake = Lake(tmp_path / "bucket")
    door = opened(lake)
    here, found = scoped(Everyone(store), logs.lead), scoped(athena(door).everyone(), logs.lead)
    assert found.window.since < AT - timedelta(days=5)
    assert told(found) == told(here)
    assert len(door.started) <= 12
    wide = scoped(athena(door, accounts=(ACCOUNT, "444455556666")).everyone(), logs.lead)
    assert wide.window.since == AT - timedelta(days=1)
    store.close()
    lake.close()


def _days_earlier(at: str, days: int) -> str:
    return f"{datetime.fromisoformat(at) - timedelta(days=days):%Y-%m-%dT%H:%M:%SZ}"
