"""`triage serve` over a history that changes: old days leave it, and another process loads into it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.database import open_writer, sqlite3
from bot.demo.slack import LocalSlack
from bot.history.load import describe
from bot.history.sqlite import SqliteHistory
from tests.history import made
from tests.remediation.cloud import SEATS, seat
from tests.site import Site, history_of, record

PLACE = seat(SEATS // 2)
ANSWERED = "SELECT 1 FROM cases WHERE triage IS NOT NULL"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with LocalSlack() as slack:
        site = Site(tmp_path, slack, PLACE, "http://127.0.0.1:9")
        yield site
        site.close()


def test_old_days_leave_while_it_answers(site: Site) -> None:
    history = history_of(PLACE, site.folder / "history.db")
    kept = describe(history).events
    long_ago = datetime.now(UTC) - timedelta(days=200)
    old = [record(PLACE, 5_000 + n, long_ago, ip=f"192.0.2.{n % 250}", agent=f"agent/{n}") for n in range(3_000)]
    load = made.write(site.folder / "old.json", old)
    subprocess.run([_triage(), "ingest", str(load), "--history", str(history.path)], check=True, capture_output=True)
    assert describe(history).events == kept + 3_000
    history.close()
    with closing(open_writer(history.path)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    before = history.path.stat().st_size
    site.start()
    assert site.send(site.alert()) is not None
    site.until(lambda: site.card() and site.rows(ANSWERED))
    site.until(lambda: describe(history).events == kept)
    site.until(lambda: history.path.stat().st_size < before / 2)
    assert site.stop() == 0


def test_another_process_may_load_while_it_answers(site: Site) -> None:
    """Even where that process has stopped in the midst of a transaction."""
    history = history_of(PLACE, site.folder / "history.db")
    before = describe(history).events
    now = datetime.now(UTC) - timedelta(hours=1)
    logs = [
        made.write(
            site.folder / f"{part}.json",
            [record(PLACE, 10_000 + part * 500 + n, now, ip="192.0.2.1", agent="a/1") for n in range(500)],
        )
        for part in range(40)
    ]
    site.start()
    with subprocess.Popen([sys.executable, "-c", _INGEST, *map(str, logs), "--history", str(history.path)]) as loading:
        _stopped_in_a_transaction(loading, history.path)
        assert site.send(site.alert()) is not None
        site.until(lambda: site.card() and site.rows(ANSWERED))
        assert before < describe(history).events < before + 20_000
        assert loading.poll() is None
        loading.send_signal(signal.SIGCONT)
        assert loading.wait(60) == 0
    assert describe(history).events == before + 20_000
    assert site.stop() == 0


def _triage() -> str:
    return str(Path(sys.executable).with_name("triage"))


# The command itself, with batches small enough to be stopped among them.
_INGEST = "import sys; from bot.history import decoding; decoding.BATCH = 100; from bot.cli import main; main()"
_INGEST = _INGEST.replace("main()", "sys.argv[0] = 'triage'; sys.argv.insert(1, 'ingest'); main()")


def _stopped_in_a_transaction(process: subprocess.Popen[bytes], file: Path) -> None:
    """Stop a loading process where nobody else may write."""
    history, seen = SqliteHistory(file), 1_000
    while process.poll() is None:
        if describe(history).events <= seen:
            continue
        os.kill(process.pid, signal.SIGSTOP)
        os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WNOWAIT)
        if _locked(file):
            history.close()
            return
        seen = describe(history).events
        os.kill(process.pid, signal.SIGCONT)
    raise AssertionError("it had loaded everything before it could be stopped")


def _locked(history: Path) -> bool:
    with closing(open_writer(history)) as db:
        db.execute("PRAGMA busy_timeout = 0")
        try:
            db.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return True
        db.execute("ROLLBACK")
        return False
