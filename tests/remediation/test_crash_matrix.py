"""Every change in each of its ways, and its way back, killed at every point and started again.

The short form, which is always run, kills each change around its call; with ``-m full`` the whole table is run.
"""

from __future__ import annotations

import signal
from collections.abc import Callable

import pytest

from bot import audit
from bot.model import Change, ChangeState, Containment, Plan
from bot.remediation import remediations
from bot.remediation.contain import Wanted
from bot.remediation.run import change
from tests.remediation.bench import ANA, BEN, Bench, change_of, plan_of
from tests.remediation.process import AFTER_THE_FIRST, POINTS, Errand, start
from tests.remediation.ways import WAYS, Offers, Way

AROUND_THE_CALL = ("undo record committed, before the call", "after the call, before anything is read")
ENDS = ("started", "confirmed", "unknown", "failed", "partial")


def points(calls: tuple[str, ...]) -> tuple[str, ...]:
    return (*POINTS, AFTER_THE_FIRST) if len(calls) > 1 else tuple(POINTS)


def is_short(point: str) -> bool:
    return point in {*AROUND_THE_CALL, AFTER_THE_FIRST}


def cells(calls: Callable[[Way], tuple[str, ...]], short: Callable[[str], bool]) -> list[object]:
    """A row for each way and point; those that are not ``short`` are run with all the rest."""
    return [
        pytest.param(way, point, id=f"{name}-{point}", marks=() if short(point) else pytest.mark.full)
        for name, way in WAYS.items()
        for point in (points(calls(way)) if calls(way) else ())
    ]


def killed(bench: Bench, way: Way, offered: Offers, point: str) -> None:
    """A process carries out what is queued, and dies at ``point``."""
    offer = way.offer(offered)
    process = start(Errand(str(bench.state.path), bench.door.url, "", point, way.remediation, offer))
    process.join()
    assert process.exitcode == -signal.SIGKILL


def expected(calls: tuple[str, ...], point: str) -> list[str]:
    """Every call once. Where one of several was made, all of them follow: each leaves things as they are."""
    return [*calls[:1], *calls] if point == AFTER_THE_FIRST else list(calls)


def settled_once(bench: Bench, execution: str, results: list[str]) -> Change:
    """One intent and one result on an unbroken record."""
    told = [result.split(":")[0] for result in results if result.startswith(ENDS)]
    assert told == ["started", "confirmed"]
    assert audit.verify(bench.state.read()) == []
    settled = change(bench.state.read(), execution)
    assert settled.state is ChangeState.CONFIRMED
    return settled


def approved(bench: Bench, plan: Plan) -> str:
    return change_of(bench.remediations.approve(plan.id, BEN, "stolen")).execution


@pytest.mark.parametrize(("way", "point"), cells(lambda way: way.calls, is_short))
def test_a_killed_change_is_made_exactly_once_and_can_be_taken_back(
    bench: Bench, offered: Offers, way: Way, point: str
) -> None:
    plan = way.planned(bench, offered)
    execution = approved(bench, plan)
    killed(bench, way, offered, point)
    bench.restart()
    settled_once(bench, execution, bench.results())
    assert bench.door.changing() == expected(way.calls, point)
    assert way.is_so(bench, offered, plan, plan.after)
    if way.undo:
        assert bench.undone(execution).state is ChangeState.CONFIRMED
        assert way.is_so(bench, offered, plan, plan.before)


@pytest.mark.parametrize(("way", "point"), cells(lambda way: way.undo, lambda point: point == AFTER_THE_FIRST))
def test_a_killed_undo_is_made_exactly_once(bench: Bench, offered: Offers, way: Way, point: str) -> None:
    plan = way.planned(bench, offered)
    done = bench.remediations.execute(approved(bench, plan))
    execution = approved(bench, plan_of(bench.remediations.plan_undo(done.execution, ANA)))
    bench.door.reset()
    earlier = len(bench.results())
    killed(bench, way, offered, point)
    bench.restart()
    settled_once(bench, execution, bench.results()[earlier:])
    assert bench.door.changing() == expected(way.undo, point)
    assert way.is_so(bench, offered, plan, plan.before)


def test_no_change_is_missing_from_the_table() -> None:
    assert {way.remediation for way in WAYS.values()} == {each.name for each in remediations()}


@pytest.mark.parametrize(
    ("row", "point"),
    [
        pytest.param(row, point, marks=() if is_short(point) and row == "quarantine_user" else pytest.mark.full)
        for row in ("disable_access_key", "quarantine_user", "reset_console_password")
        for point in POINTS
    ],
)
def test_a_killed_containment_goes_on_and_makes_each_change_once(bench: Bench, row: str, point: str) -> None:
    made = bench.remediations.contain.plan(Wanted((bench.seat.stolen.id,)), ANA, 7)
    assert isinstance(made, Containment)
    bench.remediations.contain.approve(made.id, ANA, "one thief")
    process = start(Errand(str(bench.state.path), bench.door.url, "", point, row))
    process.join()
    assert process.exitcode == -signal.SIGKILL
    bench.restart()
    now = bench.remediations.contain.show(made.id)
    assert isinstance(now, Containment)
    assert [row.change and row.change.state for row in now.rows] == [ChangeState.CONFIRMED] * 3
    assert bench.door.changing() == ["UpdateAccessKey", "AttachUserPolicy", "DeleteLoginProfile"]
    told = [result.split(":")[0] for result in bench.results() if result.startswith(ENDS)]
    assert sorted(told) == ["confirmed"] * 3 + ["started"] * 3
    assert audit.verify(bench.state.read()) == []
