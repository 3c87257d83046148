"""Every change in each of its ways, through a door that refuses, loses and delays: what comes of it, who is told.

The table is run whole with ``-m full`` only.
"""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from botocore.config import Config

from bot import audit, aws, tasks
from bot.model import ChangeState
from bot.remediation.run import change
from tests.remediation.bench import BEN, Bench, change_of
from tests.remediation.door import Fate
from tests.remediation.ways import WAYS, Offers, Way


@dataclass(frozen=True)
class Expected:
    """What a change is right after the fault, what it says, and what it is once AWS was looked at again."""

    at_once: ChangeState
    words: str
    later: ChangeState
    calls: int = 1
    """How often the call that met the fault was made."""


AGAIN = Expected(ChangeState.STARTED, "The bot tries again by itself.", ChangeState.CONFIRMED, calls=2)
NOT_KNOWN = Expected(ChangeState.UNKNOWN, "applied or not is not known. The bot looks again.", ChangeState.FAILED)
FAULTS = {
    Fate.THROTTLED: AGAIN,
    Fate.BUSY: AGAIN,
    Fate.FULL: Expected(ChangeState.FAILED, "a quota of AWS is full. Nothing was changed.", ChangeState.FAILED),
    Fate.UNAVAILABLE: NOT_KNOWN,
    Fate.NOT_FORWARDED: NOT_KNOWN,
    Fate.HANGING: NOT_KNOWN,
    Fate.ANSWER_LOST: Expected(ChangeState.CONFIRMED, "Applied; the answer was lost.", ChangeState.CONFIRMED),
}
PART_MADE = Expected(ChangeState.STARTED, "The bot makes the rest by itself.", ChangeState.CONFIRMED, calls=2)
"""Of a change of several calls, where the answer to the first was lost."""


def is_short(name: str, fate: Fate) -> bool:
    """What is always run: of each way the two faults that differ most, of the first every one."""
    return name == "disable_access_key" or fate in {Fate.BUSY, Fate.ANSWER_LOST}


@pytest.mark.parametrize(
    ("way", "fate"),
    [
        pytest.param(way, fate, id=f"{name}-{fate.name}", marks=() if is_short(name, fate) else pytest.mark.full)
        for name, way in WAYS.items()
        for fate in FAULTS
    ],
)
def test_a_fault_of_aws_ends_as_it_should(
    bench: Bench, offered: Offers, way: Way, fate: Fate, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As it is made, but that the caller gives up at once.
    monkeypatch.setattr(aws, "ACT", aws.ACT.merge(Config(read_timeout=0.2)) if fate is Fate.HANGING else aws.ACT)
    expected = PART_MADE if fate is Fate.ANSWER_LOST and len(way.calls) > 1 else FAULTS[fate]
    plan = way.planned(bench, offered)
    bench.door.fail(way.calls[0], fate, times=1)
    approved = change_of(bench.remediations.approve(plan.id, BEN, "stolen"))
    at_once = bench.remediations.execute(approved.execution)
    assert (at_once.state, expected.words in at_once.sentence) == (expected.at_once, True), at_once.sentence
    bench.clock.forward(minutes=16)
    bench.carry_out_due_jobs()
    later = change(bench.state.read(), approved.execution)
    assert later.state is expected.later
    whole = list(way.calls) if expected.later is ChangeState.CONFIRMED else list(way.calls[:1])
    assert bench.door.changing() == [*way.calls[:1] * (expected.calls - 1), *whole]
    left = [task for task in tasks.of_case(bench.state.read(), 7) if task.open]
    assert [bool(task.why and task.commands) for task in left] == [True] * (later.state is not ChangeState.CONFIRMED)
    assert audit.verify(bench.state.read()) == []
    if later.state is not ChangeState.FAILED and way.undo:
        assert bench.undone(approved.execution).state is ChangeState.CONFIRMED
        assert way.is_so(bench, offered, plan, plan.before)
