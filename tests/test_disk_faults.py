"""`triage serve` as its own process on disks that are full, read-only, or hold a damaged file."""

from __future__ import annotations

import os
import re
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from bot.demo.slack import SOC, LocalSlack
from bot.store.state import State, StateUnavailable
from tests.forks import processes
from tests.remediation.cloud import seat
from tests.site import Site

NOBODY = 65534


@pytest.fixture
def slack() -> Iterator[LocalSlack]:
    with LocalSlack() as local:
        yield local


@pytest.fixture
def site(tmp_path: Path, slack: LocalSlack) -> Iterator[Site]:
    """A bot without AWS and without a history."""
    made = Site(tmp_path, slack, seat(1), "http://127.0.0.1:9")
    made.config.write_text(re.sub(r"\[aws\]\n(\w+ = .*\n)+", "", made.config.read_text()))
    yield made
    made.close()


def ready(site: Site) -> httpx.Response:
    return httpx.get(f"http://127.0.0.1:{site.health_port}/readyz", trust_env=False, timeout=30)


# ------------------------------------------------------------------------------------------ a full disk


@contextmanager
def full(site: Site) -> Iterator[None]:
    """The kernel lets no file of the bot grow any more: what a write meets on a full disk."""
    assert site.process is not None
    pid = site.process.pid or 0
    soft, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, hard))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (soft, hard))


def test_on_a_full_disk_alerts_are_sent_again_and_none_that_was_taken_is_lost(site: Site) -> None:
    site.start()
    before = site.send({**site.alert(), "id": "before"})
    assert before is not None
    assert before.status_code == 202
    site.until(site.idle)
    with full(site):
        refused = site.send({**site.alert(), "id": "during"})
        assert refused is not None
        assert refused.status_code == 503
        assert refused.headers["Retry-After"]
        assert "could not be stored" in refused.json()["error"]
        told = ready(site)
        assert told.status_code == 503
        assert "could not be written" in told.text
        assert httpx.get(f"http://127.0.0.1:{site.health_port}/healthz", trust_env=False).status_code == 200
    after = site.send({**site.alert(), "id": "during"})
    assert after is not None
    assert after.status_code == 202
    assert after.json()["deliveries"][0]["duplicate_of"] is None
    site.until(lambda: site.idle() and ready(site).status_code == 200)
    assert site.rows("SELECT count(*) FROM deliveries") == [(2,)]
    assert site.stop() == 0


# ------------------------------------------------------------------------------------- a read-only disk


def open_as_nobody(path: str, told: str) -> None:
    """Open a state file as a user who may write nothing there, as on a read-only disk."""
    with Path(told).open("w") as file:
        if os.getuid() == 0:
            os.setgid(NOBODY)
            os.setuid(NOBODY)
        try:
            State(Path(path), exclusive=True).close()
        except StateUnavailable as error:
            file.write(str(error))


@pytest.mark.parametrize("exists", [True, False])
def test_a_folder_that_cannot_be_written_is_said_in_a_sentence(tmp_path: Path, *, exists: bool) -> None:
    path, told = tmp_path / "store" / "state.db", tmp_path / "told"
    State(path).close()
    if not exists:
        path.unlink()
    for each in tmp_path.parents[:2]:
        each.chmod(0o755)
    tmp_path.chmod(0o755)
    path.parent.chmod(0o555)
    process = processes.Process(target=open_as_nobody, args=(str(path), str(told)))
    process.start()
    process.join(30)
    path.parent.chmod(0o755)
    assert process.exitcode == 0
    assert f"state file {path} cannot be written: Permission denied" in told.read_text()


# ----------------------------------------------------------------------------------------- a damaged file


def test_a_damaged_state_is_moved_aside_said_aloud_and_the_bot_works_on(site: Site, slack: LocalSlack) -> None:
    site.start()
    first = site.send(site.alert())
    assert first is not None
    assert site.stop() == 0
    path = site.folder / "state.db"
    path.write_bytes(b"x" * 4096 + path.read_bytes()[4096:])
    path.with_name("state.db-wal").unlink(missing_ok=True)  # the log may hold a good copy of a page
    site.start()
    (aside,) = [each for each in site.folder.glob("state.db.damaged-*") if not each.name.endswith("-shm")]
    told = ready(site)
    assert told.status_code == 503
    assert str(aside) in told.text
    slack.wait_until(lambda: [each for each in slack.messages(SOC) if str(aside) in each["text"]], seconds=30)
    again = site.send(site.alert())
    assert again is not None
    assert again.status_code == 202
    assert again.json()["deliveries"][0]["duplicate_of"] is None
    site.until(site.idle)
    # Nobody's word that changes may be made is in the new file: they are rehearsed.
    assert site.rows("SELECT count(*) FROM armings") == [(0,)]
    aside.unlink()
    assert ready(site).status_code == 200
    assert site.stop() == 0


def test_a_damaged_history_is_moved_aside_and_what_is_lacking_is_said(site: Site) -> None:
    (site.folder / "history.db").write_bytes(b"no database " * 1000)
    site.start()
    assert "history.db was damaged" in ready(site).text
    sent = site.send(site.alert())
    assert sent is not None
    site.until(site.idle)
    assert site.rows("SELECT verdict FROM cases") != [("low",)]
    assert site.stop() == 0
