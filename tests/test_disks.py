"""On which disk a database may stand, told from what Linux says of its mounts."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot import disks
from bot.config import load
from bot.database import open_writer, sqlite3
from bot.store.state import State, StateUnavailable
from tests.test_cli import REFUSED, Triage, triage

__all__ = ("triage",)

MOUNTS = """\
22 27 0:21 / /proc rw,nosuid shared:12 - proc proc rw
27 0 259:1 / / rw,relatime shared:1 - ext4 /dev/root rw
31 27 0:40 / /srv rw,relatime shared:5 - nfs4 filer:/srv rw,vers=4.2
32 31 0:41 / /srv/local rw,relatime - xfs /dev/sdb rw
33 27 0:42 / /mnt/my\\040files rw - cifs //filer/files rw
34 27 0:43 / /twice rw - nfs filer:/twice rw
35 27 0:44 / /twice rw - ext4 /dev/sdc rw
36 27 0:45 / /web rw - fuse.sshfs me@host:/ rw
a line that is none
"""


@pytest.fixture
def mounts(tmp_path: Path) -> Path:
    file = tmp_path / "mountinfo"
    file.write_text(MOUNTS)
    return file


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/var/lib/triage/state.db", None),
        ("/srv/triage/state.db", "nfs4"),
        ("/srv", "nfs4"),
        ("/srv/local/state.db", None),
        ("/srvother/state.db", None),
        ("/mnt/my files/state.db", "cifs"),
        ("/twice/state.db", None),
        ("/web/state.db", "fuse.sshfs"),
        ("/srv/local/../state.db", "nfs4"),
    ],
)
def test_the_disk_of_a_path_is_the_nearest_mount_around_it(mounts: Path, path: str, kind: str | None) -> None:
    assert disks.network_disk(Path(path), mounts) == kind


def test_a_link_leads_to_the_disk_it_leads_to(tmp_path: Path) -> None:
    (tmp_path / "here").symlink_to(tmp_path / "there")
    told = tmp_path / "mountinfo"
    told.write_text(
        f"27 0 259:1 / / rw - ext4 /dev/root rw\n31 27 0:40 / {tmp_path.resolve()}/there rw - nfs4 filer:/ rw\n"
    )
    assert disks.network_disk(tmp_path / "here" / "state.db", told) == "nfs4"


def test_where_nothing_is_told_of_mounts_nothing_is_refused(tmp_path: Path) -> None:
    assert disks.network_disk(tmp_path, tmp_path / "none") is None


@pytest.fixture
def on_nfs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine on which this test's folder is NFS."""
    told = tmp_path / "mountinfo"
    told.write_text(f"27 0 259:1 / {tmp_path.resolve()} rw - nfs4 filer:/srv rw\n")
    monkeypatch.setattr(disks.network_disk, "__defaults__", (told,))
    return tmp_path


def test_no_database_is_opened_for_writing_on_a_disk_of_another_machine(on_nfs: Path) -> None:
    with pytest.raises(sqlite3.OperationalError, match="nfs4"):
        open_writer(on_nfs / "some.db")
    with pytest.raises(StateUnavailable, match="nfs4, where SQLite's locks do not hold: name a path on a disk of this"):
        State(on_nfs / "state.db", exclusive=True)
    assert not (on_nfs / "state.db").exists()


def test_a_history_is_not_loaded_there(on_nfs: Path, triage: Triage) -> None:
    (on_nfs / "log.json").write_text('{"Records": []}')
    refused = triage("ingest", "log.json", "--history", "history.db")
    assert refused.code == REFUSED
    assert "nfs4" in refused.err
    assert load(None, {}).history.path == Path("history.db")


def test_what_is_free_is_told_of_a_place_that_is_not_there_yet(tmp_path: Path) -> None:
    assert disks.free_bytes(tmp_path / "a" / "b" / "state.db") > 0
