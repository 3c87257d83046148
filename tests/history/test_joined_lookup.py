"""A file for the last days and LookupEvents for the time before: what either cannot say is said of its part."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from bot.history.joined import JoinedHistory
from bot.history.load import load_paths
from bot.history.lookup import Limits, LookupHistory
from bot.history.sqlite import SqliteHistory
from bot.model import AnswerCut, CannotSearch, History, Kind, Observable, Span
from tests.history.contract import ACCOUNTS, NOW, OTHER_ACCOUNT, REGIONS, SPANS, records
from tests.history.event_history import EventHistory, FakeTime, open_door
from tests.history.made import MADE_FROM, key, principal, write
from tests.history.plain import Plain, in_plain_order

LOADED_FROM = MADE_FROM + timedelta(days=5)
ADDRESS = Observable(Kind.IP, "203.0.113.5")


@pytest.fixture(scope="module")
def joined(tmp_path_factory: pytest.TempPathFactory) -> Iterator[History]:
    told, folder, time = records(), tmp_path_factory.mktemp("joined"), FakeTime(NOW)
    here = SqliteHistory(folder / "history.db", ACCOUNTS)
    loaded = [each for each in told if datetime.fromisoformat(each["eventTime"]) >= LOADED_FROM]
    load_paths(here, [write(folder / "log.json", loaded)])
    with open_door() as door:
        door.history = EventHistory(told, lambda: time.now, lambda: time.seconds)
        beyond = LookupHistory(door.client, ACCOUNTS, REGIONS, limits=Limits(pages=200), timing=time.timing())
        yield JoinedHistory(here, beyond)
    here.close()


@pytest.mark.parametrize("asked", [key(), principal()])
def test_each_record_counts_once_whichever_holds_it(joined: History, plain: Plain, asked: Observable) -> None:
    for span in SPANS:
        assert in_plain_order(joined.uses(asked, span)) == plain.uses(asked, span)
        assert list(joined.events(asked, span, limit=5000)) == plain.of(asked, span)


def test_what_lookup_cannot_search_for_is_told_of_its_part(joined: History, plain: Plain) -> None:
    newest = joined.newest()
    assert newest is not None
    with pytest.raises(AnswerCut, match="cannot search by address") as cut:
        joined.uses(ADDRESS, Span(SPANS[0].since, newest))
    assert cut.value.since == LOADED_FROM
    assert in_plain_order(cut.value.uses) == plain.uses(ADDRESS, Span(LOADED_FROM, NOW))
    with pytest.raises(CannotSearch):
        joined.uses(ADDRESS, Span(MADE_FROM, MADE_FROM + timedelta(days=1)))


def test_what_either_lacks_is_told_with_its_time(joined: History) -> None:
    found = joined.coverage(SPANS[0])
    assert found is not None
    assert found.accounts == ACCOUNTS[:2]
    assert f"Account {OTHER_ACCOUNT} has no events in this time." in found.missing
    of_lookup = [each for each in found.missing if each.startswith("LookupEvents")]
    assert of_lookup
    assert all(each.endswith("(from 2026-10-27T00:00:00Z to 2026-11-05T23:59:59Z).") for each in of_lookup[:1])
