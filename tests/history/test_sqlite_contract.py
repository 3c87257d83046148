"""The embedded store holds the contract of every store."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from bot.history.load import load_paths
from bot.history.sqlite import SqliteHistory
from bot.model import History
from tests.history.contract import ACCOUNTS, HistoryContract, Record, Stored
from tests.history.made import write


@contextmanager
def opened(folder: Path, records: Sequence[Record]) -> Iterator[History]:
    history = SqliteHistory(folder / "history.sqlite", ACCOUNTS)
    load_paths(history, [write(folder / "log.json", records)])
    yield history
    history.close()


@pytest.fixture(scope="module")
def stored() -> Stored:
    return Stored(opened)


class TestSqlite(HistoryContract):
    pass
