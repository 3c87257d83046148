"""Athena holds the contract of every store: its SQL is executed, its client asks over HTTP."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from bot.history.athena import AthenaHistory, AthenaSettings, Timing
from bot.history.athena.topics import EVERYBODY, condition
from bot.model import CannotSearch, Coverage, Foreseen, History, Kind, Observable, Span, Want
from tests.history.athena_door import Door, open_door
from tests.history.contract import ACCOUNTS, DAY, NOW, QUESTIONS, REGIONS, SPANS, HistoryContract, Record, Stored
from tests.history.lake import Lake, write_trail

SETTINGS = AthenaSettings(accounts=ACCOUNTS, regions=REGIONS, most_queries=10_000)
TIMING = Timing(lambda: NOW, pause=lambda _: None)


def cannot_search(observable: Observable) -> bool:
    try:
        condition(observable.kind, [observable.value])
    except CannotSearch:
        return True
    return False


EVERYTHING = (
    *(Foreseen(each, Span(NOW - 120 * DAY, NOW)) for each in QUESTIONS),
    *(Foreseen(each, span) for each in QUESTIONS for span in SPANS),
    *(Foreseen(each, SPANS[0], Want.EVENTS, 5_000) for each in QUESTIONS),
    *(Foreseen(EVERYBODY, span, Want.POPULATION) for span in SPANS),
    *(Foreseen(each, span, Want.PREVALENCE) for each in QUESTIONS if each.kind is Kind.EVENT for span in SPANS),
)


class Foreseeing(AthenaHistory):
    """Has been told all that will be asked, as in a triage; what was searched is asked anew each time."""

    def __init__(self, *made: Any) -> None:
        super().__init__(*made)
        self._session = super().for_one_triage()
        self._session.foresee(EVERYTHING)

    def for_one_triage(self) -> History:
        return self._session

    def coverage(self, span: Span) -> Coverage | None:
        return super().for_one_triage().coverage(span)

    def newest(self) -> datetime | None:
        return super().for_one_triage().newest()


@pytest.fixture(scope="module")
def door() -> Iterator[Door]:
    with open_door() as opened:
        yield opened


@pytest.fixture(scope="module")
def stored(door: Door) -> Stored:
    client = door.client()

    @contextmanager
    def opened(folder: Path, records: Sequence[Record]) -> Iterator[History]:
        write_trail(folder / "bucket", records)
        before, door.lake = door.lake, Lake(folder / "bucket")
        yield (Foreseeing if len(records) > 1_000 else AthenaHistory).over(lambda: client, SETTINGS, TIMING)
        door.lake.close()
        door.lake = before

    return Stored(opened, cannot_search)


class TestAthena(HistoryContract):
    pass
