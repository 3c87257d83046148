"""Whatever is logged about a case says which case, whichever thread logs it."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from typing import Any

import pytest
import structlog

from bot import logs
from bot.database import Database
from bot.store import jobs
from bot.store.concerning import case_of, case_of_slot
from bot.store.jobs import Job
from bot.store.state import State
from bot.threads import Threads
from bot.workers import Commit, Workers

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
log = structlog.get_logger()


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    stream = io.StringIO()
    before = logging.getLogger().handlers[:]
    logs.set_up(stream=stream)
    yield stream
    structlog.reset_defaults()
    logging.getLogger().handlers[:] = before


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    with State(tmp_path / "state.db") as opened:
        yield opened


def told(lines: io.StringIO) -> dict[str, dict[str, Any]]:
    return {line["event"]: line for line in map(json.loads, lines.getvalue().splitlines())}


def test_a_job_its_threads_its_commit_and_its_failure_name_the_case(state: State, lines: io.StringIO) -> None:
    threads, done = Threads(), Event()

    def carry_out(job: Job) -> Commit:
        log.warning("in the job")
        asked = Event()

        def ask() -> None:
            log.warning("in an enricher")
            asked.set()

        threads.run(ask)
        asked.wait(10)

        def commit(db: Database) -> None:
            log.warning("in the commit")
            done.set()
            raise RuntimeError("it fails")

        return commit

    workers = Workers(state, lambda: NOW, {"triage": carry_out})
    state.write(lambda db: jobs.add(db, "triage", {"case": 7}, NOW, pool="triage"))
    workers.start("triage", 1)
    assert done.wait(10)
    workers.stop(10)
    found = told(lines)
    wanted = ("in the job", "in an enricher", "in the commit", "a job failed and will be tried again")
    assert [(found[each]["case"], found[each]["job"], found[each]["kind"]) for each in wanted] == [(7, 1, "triage")] * 4
    log.warning("afterwards")
    assert "case" not in told(lines)["afterwards"]


@pytest.mark.parametrize(
    ("payload", "case"),
    [
        ({"case": 7}, 7),
        ({"execution": "e1"}, 3),
        ({"about": "p1", "reason": "x"}, 3),
        ({"about": "c1"}, 4),
        ({"value": "12:AKIAX"}, 12),
        ({"value": "12"}, 12),
        ({"value": "p1"}, 3),
        ({"value": "alone"}, None),
        ({"about": "unknown"}, None),
        ({"delivery": "d1"}, None),
        ({"value": "12x"}, None),
    ],
)
def test_a_job_is_about_the_case_it_names_or_that_of_what_it_names(
    state: State, payload: Mapping[str, Any], case: int | None
) -> None:
    def fill(db: Database) -> None:
        db.executescript(
            """
            INSERT INTO plans (id, case_id, remediation, target, account, title, before, after, digest, warnings, actor,
                actor_name, created_at, expires_at) VALUES ('p1', 3, '', '', '', '', '', '', '', '', '', '', '', '');
            INSERT INTO executions (id, plan, case_id, remediation, target, state, actor, actor_name, reason, at,
                sentence) VALUES ('e1', 'p1', 3, '', '', 'confirmed', '', '', '', '', '');
            INSERT INTO containments (id, case_id, actor, actor_name, created_at, expires_at)
                VALUES ('c1', 4, '', '', '', '');
            """
        )

    state.write(fill)
    assert case_of(state.read(), payload) == case


@pytest.mark.parametrize(
    ("slots", "case"),
    [(("case:7:card",), 7), ((None, "case:8:card:1"), 8), (("digest:C1",), None), ((None,), None), ((), None)],
)
def test_a_message_is_about_the_case_of_its_slot(slots: tuple[str | None, ...], case: int | None) -> None:
    assert case_of_slot(*slots) == case
