"""The incident's own playbook: drafted from the stolen keys, readable as any other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.demo.world import World, make_world
from bot.history.everyone import Everyone
from bot.history.load import load_paths
from bot.history.sqlite import SqliteHistory
from bot.hunts.hunting import hunt
from bot.hunts.incident import Draft, as_toml, draft
from bot.hunts.library import PlaybookError, load_playbook, own_playbooks
from bot.model import Span
from bot.scope.ground import Ground, Known

AT = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
DAY = timedelta(hours=24)
SENDING, QUOTA = "ses:UpdateAccountSendingEnabled", "ses:GetSendQuota"


@dataclass(frozen=True)
class Loaded:
    world: World
    history: SqliteHistory
    ground: Ground

    @property
    def stolen(self) -> list[str]:
        return [key.id for key in self.world.story.stolen]

    def drafted(self) -> Draft:
        found = draft("case-7", self.stolen, self.ground)
        assert found is not None
        return found


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loaded]:
    folder = tmp_path_factory.mktemp("incident")
    world = make_world(7, AT)
    written = world.write(folder)
    history = SqliteHistory(folder / "history.db")
    load_paths(history, [written.cloudtrail, written.late])
    yield Loaded(world, history, Ground(Everyone(history), Span(AT - DAY, AT), Known()))
    history.close()


def test_the_thefts_own_playbook_is_the_email_bucket(loaded: Loaded) -> None:
    found = loaded.drafted()
    assert found.playbook.core == {SENDING, QUOTA}
    assert "iam:ListUsers" in found.playbook.support
    assert (QUOTA, SENDING) in found.pairs


def test_its_file_says_why_and_is_read_as_it_was_written(loaded: Loaded, tmp_path: Path) -> None:
    written = as_toml(loaded.drafted())
    (tmp_path / "case-7.toml").write_text(written, encoding="utf-8")
    assert load_playbook(tmp_path / "case-7.toml") == loaded.drafted().playbook
    assert own_playbooks(str(tmp_path)) == (loaded.drafted().playbook,)
    (line,) = [line for line in written.splitlines() if SENDING in line and not line.startswith("#")]
    assert "keys, rarity" in line


def test_it_finds_the_theft_and_nobody_before_it(loaded: Loaded) -> None:
    playbook = loaded.drafted().playbook
    owners = {loaded.ground.principal_of(key) for key in loaded.stolen}
    hits = hunt(loaded.history, Span(AT - DAY, AT), enumeration=False, playbooks=[playbook]).hits
    loud = {who for hit in hits if hit.severity != "low" for who in hit.principals}
    assert loud
    assert loud <= owners
    quiet = hunt(loaded.history, Span(AT - 2 * DAY, AT - DAY), enumeration=False, playbooks=[playbook]).hits
    assert [hit for hit in quiet if hit.severity != "low"] == []


def test_of_keys_that_only_their_owners_used_there_is_nothing_to_draft(loaded: Loaded) -> None:
    used = (event.key for event in loaded.history.everyones_events(loaded.ground.window))
    innocent = sorted({key for key in used if key and key not in loaded.stolen})
    assert draft("case-8", innocent[:1], loaded.ground) is None
    assert draft("case-8", [], loaded.ground) is None


def test_a_folder_of_playbooks_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(PlaybookError, match="is no folder"):
        own_playbooks(str(tmp_path / "nowhere"))
    (tmp_path / "odd.toml").write_text("title = 3", encoding="utf-8")
    with pytest.raises(PlaybookError, match=r"odd\.toml lacks"):
        own_playbooks(str(tmp_path))
    assert own_playbooks("") == ()
