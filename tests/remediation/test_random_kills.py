"""Many changes under way in several workers, and a process that is killed at random moments, over and over."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from bot import audit
from bot.model import ChangeState
from bot.remediation.run import change
from tests.remediation.bench import ANA, BEN, Bench, change_of, plan_of
from tests.remediation.cloud import Seat
from tests.remediation.conftest import next_seat
from tests.remediation.process import Errand, start

SEATS = 6
WORKERS = 4
LONGEST = 0.6
"""Seconds a process lives, at most: some die while they start, some in the midst of all their changes."""
ENDS = ("started", "confirmed", "unknown", "failed", "partial")


@pytest.fixture
def seats() -> list[Seat]:
    return [next_seat() for _ in range(SEATS)]


def containing(bench: Bench, seats: list[Seat]) -> list[str]:
    """Approved and not carried out: both keys of every user inactive, and the user denied everything."""
    targets = [
        *(("disable_access_key", key.id) for seat in seats for key in (seat.stolen, seat.other)),
        *(("quarantine_user", seat.principal) for seat in seats),
    ]
    plans = [bench.plan(name, target) for name, target in targets]
    return [change_of(bench.remediations.approve(plan.id, BEN, "stolen")).execution for plan in plans]


def taking_back(bench: Bench, made: list[str]) -> list[str]:
    plans = [plan_of(bench.remediations.plan_undo(execution, ANA)) for execution in made]
    return [change_of(bench.remediations.approve(plan.id, ANA, "false alarm")).execution for plan in plans]


def carried_out(bench: Bench, dice: random.Random, kills: int) -> int:
    """How many processes died, of at most ``kills``, until one had nothing left to do."""
    for died in range(kills + 1):
        process = start(Errand(str(bench.state.path), bench.door.url, workers=WORKERS))
        process.join(dice.uniform(0, LONGEST) if died < kills else None)
        process.kill()
        process.join()
        bench.door.settle()
        if process.exitcode == 0:
            return died
    raise AssertionError("the last process was not killed and did not end well")


def changed_once(bench: Bench, executions: list[str], results: list[str]) -> None:
    assert {change(bench.state.read(), execution).state for execution in executions} == {ChangeState.CONFIRMED}
    told = Counter(result.split(":")[0] for result in results if result.startswith(ENDS))
    assert told == {"started": len(executions), "confirmed": len(executions)}
    asked = Counter(tuple(sorted(each.items())) for each in map(_what, bench.door.requests) if each)
    assert sorted(asked.values()) == [1] * len(executions)
    assert audit.verify(bench.state.read()) == []


def _what(request: dict[str, str]) -> dict[str, str]:
    """Which change a request makes; empty if none."""
    changing = ("UpdateAccessKey", "AttachUserPolicy", "DetachUserPolicy")
    named = ("Action", "UserName", "AccessKeyId")
    return {name: request[name] for name in named if name in request} if request["Action"] in changing else {}


@pytest.mark.parametrize("kills", [5, pytest.param(200, marks=pytest.mark.full)])
def test_random_kills_leave_each_change_made_exactly_once(bench: Bench, seats: list[Seat], kills: int) -> None:
    seed = random.SystemRandom().randrange(2**32)
    print(f"seed {seed}")  # noqa: T201 - shown where the test fails
    dice, died, made = random.Random(seed), 0, list[str]()
    while died < kills:
        made = taking_back(bench, made) if made else containing(bench, seats)
        back = change(bench.state.read(), made[0]).undo_of is not None
        bench.door.reset()
        earlier = len(bench.results())
        died += carried_out(bench, dice, kills - died)
        changed_once(bench, made, bench.results()[earlier:])
        assert {bench.cloud.may_work(key) for seat in seats for key in (seat.stolen, seat.other)} == {back}
        made = [] if back else made
