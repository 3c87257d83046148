"""LookupEvents holds the contract of every store, and refuses what it cannot search for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from bot.history.attributes import attribute_of
from bot.history.lookup import Limits, LookupHistory
from bot.model import CannotSearch, History, Observable
from tests.history.contract import ACCOUNTS, NOW, REGIONS, HistoryContract, Record, Stored
from tests.history.event_history import Door, EventHistory, FakeTime, open_door


def cannot_search(observable: Observable) -> bool:
    try:
        attribute_of(observable)
    except CannotSearch:
        return True
    return False


@pytest.fixture(scope="module")
def door() -> Iterator[Door]:
    with open_door() as opened:
        yield opened


@pytest.fixture(scope="module")
def stored(door: Door) -> Stored:
    @contextmanager
    def opened(_: Path, records: Sequence[Record]) -> Iterator[History]:
        time = FakeTime(NOW)
        before, door.history = door.history, EventHistory(records, lambda: time.now, lambda: time.seconds)
        yield LookupHistory(door.client, ACCOUNTS, REGIONS, limits=Limits(pages=200), timing=time.timing())
        door.history = before

    return Stored(opened, cannot_search, counts_everybody=False)


class TestLookup(HistoryContract):
    pass
