"""The stores of the contract: ``stored`` is what a test module says of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bot.model import History
from tests.history import contract
from tests.history.contract import Stored
from tests.history.plain import Plain


@pytest.fixture(scope="module")
def history(stored: Stored, tmp_path_factory: pytest.TempPathFactory) -> Iterator[History]:
    with stored.opened(tmp_path_factory.mktemp("contract"), contract.records()) as history:
        yield history


@pytest.fixture(scope="session")
def plain() -> Plain:
    return Plain.of_records(contract.records())
