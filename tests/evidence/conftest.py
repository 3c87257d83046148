from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.config.settings import Settings
from bot.demo.world import World, make_world
from bot.history.load import load_paths
from bot.history.sqlite import SqliteHistory
from bot.investigator import Investigator
from bot.model import Kind, Observable, Triage

AT = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Theft:
    """The demo's theft in a history of its own."""

    world: World
    path: Path
    made: dict[Observable, tuple[Triage, bytes]] = field(default_factory=dict)

    @property
    def lead(self) -> Observable:
        return Observable(Kind.ACCESS_KEY, self.world.story.lead.id)

    def recorded(self, observable: Observable) -> tuple[Triage, bytes]:
        """A triage as the bot makes it, and what it was told; made once."""
        if observable not in self.made:
            self.made[observable] = self.record(observable)
        return self.made[observable]

    def record(self, observable: Observable) -> tuple[Triage, bytes]:
        investigate = Investigator(Settings(), self.path)
        kept: list[bytes] = []
        made = investigate(observable, investigate.window(AT), on_record=kept.append)
        return made, kept[0]


@pytest.fixture(scope="session")
def theft(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Theft]:
    folder = tmp_path_factory.mktemp("theft")
    world = make_world(7, AT)
    written = world.write(folder)
    history = SqliteHistory(folder / "history.db")
    load_paths(history, [written.cloudtrail, written.late])
    yield Theft(world, history.path)
    history.close()
