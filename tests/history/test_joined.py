"""Two histories as one: each record counted once, whichever of them holds it, and every edge told."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.history.athena import AthenaHistory, AthenaSettings
from bot.history.joined import JoinedHistory
from bot.history.load import load_paths
from bot.history.sqlite import SqliteHistory
from bot.model import (
    AnswerCut,
    CannotSearch,
    Foreseen,
    History,
    HistoryUnavailableError,
    Kind,
    Observable,
    Span,
    Want,
    rfc3339,
)
from tests.history.athena_door import Door, open_door
from tests.history.contract import (
    ACCOUNTS,
    DAY,
    NOW,
    OTHER_ACCOUNT,
    REGIONS,
    SPANS,
    HistoryContract,
    Record,
    Stored,
    records,
)
from tests.history.lake import Lake, write_trail
from tests.history.made import ACCOUNT, KEY, MADE_FROM, key, principal, record, write
from tests.history.plain import Plain
from tests.history.test_athena_contract import EVERYTHING, TIMING, cannot_search

SETTINGS = AthenaSettings(accounts=ACCOUNTS, regions=REGIONS, most_queries=10_000)
LOADED_FROM = MADE_FROM + timedelta(days=4, hours=13)
"""The embedded store begins in the middle of a day, so its first whole day is the next one."""
LOADED_UNTIL = MADE_FROM + timedelta(days=8, hours=9)
"""It is more than an hour behind."""


def is_loaded(each: Record) -> bool:
    return LOADED_FROM <= datetime.fromisoformat(str(each["eventTime"])) <= LOADED_UNTIL


@contextmanager
def both(door: Door, folder: Path, told: Sequence[Record], loaded: Sequence[Record]) -> Iterator[JoinedHistory]:
    """``loaded`` in an embedded store, all that was ``told`` in the lake behind it."""
    write_trail(folder / "bucket", told)
    before, door.lake = door.lake, Lake(folder / "bucket")
    here = SqliteHistory(folder / "history.db", ACCOUNTS)
    load_paths(here, [write(folder / "log.json", loaded)])
    client = door.client()
    yield JoinedHistory(here, AthenaHistory.over(lambda: client, SETTINGS, TIMING))
    here.close()
    door.lake.close()
    door.lake = before


@pytest.fixture(scope="module")
def door() -> Iterator[Door]:
    with open_door() as opened:
        yield opened


@pytest.fixture(scope="module")
def stored(door: Door) -> Stored:
    @contextmanager
    def opened(folder: Path, told: Sequence[Record]) -> Iterator[History]:
        with both(door, folder, told, [each for each in told if is_loaded(each)]) as history:
            triage = history.for_one_triage()
            if len(told) > 1_000:
                triage.foresee([each for each in EVERYTHING if each.want is not Want.POPULATION])
            yield triage

    return Stored(opened, cannot_search, in_part=True)


class TestJoined(HistoryContract):
    def test_the_newest_event_is_known(self, history: History, plain: Plain) -> None:
        """A triage is not worth a query for a time alone: it hears of the newest event that is kept here."""
        assert history.newest() == newest_loaded()


def test_the_newest_event_of_both_is_known(joined: JoinedHistory, plain: Plain) -> None:
    assert joined.newest() == max(event.at for event in plain.all)


WHOLE = SPANS[0]


@pytest.fixture(scope="module")
def filled(door: Door, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[JoinedHistory, Lake]]:
    told = records()
    loaded = [each for each in told if is_loaded(each)]
    with both(door, tmp_path_factory.mktemp("joined"), told, loaded) as history:
        assert door.lake is not None
        yield history, door.lake


@pytest.fixture
def joined(filled: tuple[JoinedHistory, Lake], door: Door) -> JoinedHistory:
    history, door.lake = filled
    door.started.clear()
    return history


def newest_loaded() -> datetime:
    return max(datetime.fromisoformat(each["eventTime"]) for each in records() if is_loaded(each))


def asked_of(door: Door) -> list[str]:
    """The first and the last second each query asked about."""
    bound = [each.request["ExecutionParameters"] for each in door.started]
    return [" ".join(value.strip("'") for value in each[-2:]) for each in bound]


def test_what_is_kept_here_costs_nothing(joined: JoinedHistory, door: Door) -> None:
    kept = Span(MADE_FROM + 5 * DAY, LOADED_UNTIL - timedelta(hours=1))
    triage = joined.for_one_triage()
    assert triage.at_hand(Foreseen(key(), kept))
    triage.foresee([Foreseen(key(), kept)])
    assert triage.uses(key(), kept)
    assert triage.events(key(), kept)
    assert triage.coverage(kept) is not None
    assert not door.started
    assert triage.cost() is None


def test_only_what_is_not_kept_here_is_asked_beyond(joined: JoinedHistory, door: Door) -> None:
    triage = joined.for_one_triage()
    assert not triage.at_hand(Foreseen(key(), WHOLE))
    triage.foresee([Foreseen(key(), WHOLE)])
    assert triage.at_hand(Foreseen(key(), WHOLE))
    triage.uses(key(), WHOLE)
    assert len(door.started) == 1
    partitions = [each for each in door.started[0].request["ExecutionParameters"] if "/" in each]
    assert partitions == ["'2026/10/27'", "'2026/11/06'", "'2026/11/09'", "'2026/11/13'"]
    joined.uses(key(), WHOLE)
    assert asked_of(door)[1:] == [
        "2026-10-27T00:00:00Z 2026-11-05T23:59:59Z",
        f"{rfc3339(newest_loaded() + timedelta(seconds=1))} 2026-11-12T00:00:00Z",
    ]
    assert triage.cost() is not None


def test_enough_new_events_ask_for_no_old_ones(joined: JoinedHistory, door: Door) -> None:
    span = Span(WHOLE.since, LOADED_UNTIL - timedelta(hours=1))
    assert len(joined.events(key(), span, limit=5)) == 5
    assert not door.started


def test_the_edges_between_the_two_are_no_gaps(joined: JoinedHistory) -> None:
    found = joined.coverage(Span(MADE_FROM, NOW))
    assert found is not None
    assert (found.since, found.accounts) == (MADE_FROM, ACCOUNTS[:2])
    edges = [each for each in found.missing if each.startswith("Nothing")]
    assert len(edges) == 1
    assert edges[0].startswith("Nothing after 2026-11-10T")
    assert f"Account {OTHER_ACCOUNT} has no events in this time." in found.missing


def test_a_part_that_cannot_be_searched_is_told(joined: JoinedHistory) -> None:
    family = Observable(Kind.USER_AGENT, "none")
    with pytest.raises(AnswerCut, match="Athena holds user agents as they were sent") as cut:
        joined.uses(family, Span(WHOLE.since, LOADED_UNTIL - timedelta(hours=1)))
    assert cut.value.since == MADE_FROM + 5 * DAY
    assert cut.value.uses
    with pytest.raises(CannotSearch):
        joined.uses(family, Span(WHOLE.since, MADE_FROM))


def test_one_that_cannot_be_asked_leaves_what_is_kept_here(joined: JoinedHistory, door: Door) -> None:
    door.reasons = ["Query exhausted resources at this scale factor"]
    with pytest.raises(HistoryUnavailableError, match="ran out of memory"):
        joined.uses(principal(), WHOLE)
    assert joined.uses(principal(), Span(MADE_FROM + 5 * DAY, LOADED_UNTIL))


@pytest.mark.parametrize(
    ("first", "begins", "events"),
    [
        ("2026-11-07T00:40:00Z", datetime(2026, 11, 7, tzinfo=UTC), 2),
        ("2026-11-07T01:20:00Z", datetime(2026, 11, 8, tzinfo=UTC), 1),
    ],
)
def test_the_store_begins_with_its_first_whole_day(
    first: str, begins: datetime, events: int, door: Door, tmp_path: Path
) -> None:
    loaded = [record(1, eventTime=first), record(2, eventTime="2026-11-09T12:00:00Z")]
    with both(door, tmp_path, loaded, loaded) as history:
        door.started.clear()
        until = datetime(2026, 11, 9, 12, tzinfo=UTC)
        history.uses(key(), Span(begins, until))
        assert not door.started
        found = history.uses(key(), Span(begins - timedelta(seconds=1), until))
        assert len(door.started) == 1
        assert sum(use.count for use in found) == events


def test_without_anything_here_all_is_asked_beyond(door: Door, tmp_path: Path) -> None:
    with both(door, tmp_path, [record(eventTime="2026-11-07T14:03:11Z")], []) as history:
        assert [use.key for use in history.uses(key(), WHOLE)] == [KEY]


def test_a_hole_in_what_is_kept_here_is_told_with_its_time(door: Door, tmp_path: Path) -> None:
    """Nobody loads one account's logs, though all of them are in the bucket: what lies beyond does not fill that."""
    made = [record(day, eventTime=f"2026-11-{day:02}T12:00:00Z") for day in range(2, 12)]
    others = [
        record(day + 20, eventTime=f"2026-11-{day:02}T12:00:00Z", recipientAccountId=OTHER_ACCOUNT)
        for day in range(2, 12)
    ]
    with both(door, tmp_path, [*made, *others], [each for each in made if is_loaded(each)]) as history:
        found = history.coverage(WHOLE)
        assert found is not None
        assert found.accounts == (ACCOUNT, OTHER_ACCOUNT)
        kept = "(from 2026-11-07T00:00:00Z to 2026-11-08T12:00:00Z)."
        assert [each for each in found.missing if OTHER_ACCOUNT in each] == [
            f"Account {OTHER_ACCOUNT} has no events in this time {kept}"
        ]
