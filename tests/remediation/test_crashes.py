"""Processes killed at every commit point around a change, and processes racing for one."""

from __future__ import annotations

import signal

import pytest

from bot import audit
from bot.model import ChangeState
from bot.remediation.run import change, changes_of
from bot.store import jobs
from tests.remediation.bench import NAME, Bench
from tests.remediation.process import POINTS, REFUSED, Errand, start


def killed(bench: Bench, point: str) -> None:
    """A process carries out what is queued, and dies at ``point``."""
    process = start(Errand(str(bench.state.path), bench.door.url, point=point, remediation=NAME))
    process.join()
    assert process.exitcode == -signal.SIGKILL


def restart(bench: Bench) -> None:
    """What ``triage serve`` does at start, some seconds after the crash."""
    bench.clock.forward(minutes=1)
    bench.state.write(jobs.release_all)
    bench.remediations.recover()
    bench.carry_out_due_jobs()


@pytest.mark.parametrize("point", POINTS)
def test_a_killed_process_changes_the_key_exactly_once(bench: Bench, point: str) -> None:
    approved = bench.approved()
    killed(bench, point)
    restart(bench)
    settled = change(bench.state.read(), approved.execution)
    assert settled.state is ChangeState.CONFIRMED
    assert bench.asked_for() == ["Inactive"]
    assert not bench.cloud.works(bench.seat.stolen)
    assert audit.verify(bench.state.read()) == []
    assert [result.split(":")[0] for result in bench.results() if result.startswith(("started", "confirmed"))] == [
        "started",
        "confirmed",
    ]


def test_what_was_applied_before_the_crash_says_so_and_can_be_undone(bench: Bench) -> None:
    approved = bench.approved()
    killed(bench, "after the call, before anything is read")
    assert change(bench.state.read(), approved.execution).state is ChangeState.STARTED
    restart(bench)
    assert "the answer had been lost" in change(bench.state.read(), approved.execution).sentence
    bench.undone(approved.execution)
    assert bench.cloud.works(bench.seat.stolen)


def test_a_key_that_is_gone_after_the_crash_is_unknown(bench: Bench) -> None:
    approved = bench.approved()
    killed(bench, "undo record committed, before the call")
    bench.cloud.delete(bench.seat)
    restart(bench)
    settled = change(bench.state.read(), approved.execution)
    assert settled.state is ChangeState.UNKNOWN
    assert "neither the state before nor the one planned: gone" in settled.sentence
    assert bench.asked_for() == []


def test_two_processes_that_approve_at_once_make_one_execution_and_one_call(bench: Bench) -> None:
    plan = bench.planned()
    clicks = [start(Errand(str(bench.state.path), bench.door.url, subject=plan.id)) for _ in range(2)]
    for click in clicks:
        click.join()
    assert {click.exitcode for click in clicks} == {0, REFUSED}
    assert [each.state for each in changes_of(bench.state.read(), 7)] == [ChangeState.CONFIRMED]
    assert bench.asked_for() == ["Inactive"]


def test_a_worker_beside_a_running_execution_leaves_it_alone_and_looks_later(bench: Bench) -> None:
    approved = bench.approved()
    beside: list[ChangeState] = []

    def while_the_call_is_under_way(action: str, number: int) -> None:
        if action == "UpdateAccessKey":
            beside.append(bench.remediations.execute(approved.execution).state)

    bench.door.decide = while_the_call_is_under_way
    assert bench.remediations.execute(approved.execution).state is ChangeState.CONFIRMED
    bench.clock.forward(minutes=10)
    bench.carry_out_due_jobs()
    assert beside == [ChangeState.STARTED]
    assert bench.asked_for() == ["Inactive"]
