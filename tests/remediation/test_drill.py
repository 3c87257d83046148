"""The fire drill against a local AWS: proved with the canary's own key, and nothing else is ever touched."""

from __future__ import annotations

from itertools import count

import pytest

from bot import audit
from bot.model import Plan, Refusal
from bot.remediation.canaries import DRILL, Drilled
from bot.remediation.drill import Drill
from bot.remediation.planning import RemediationSettings
from bot.summary import drill_line
from tests.remediation.bench import NAME, Bench, refused
from tests.remediation.door import Fate


def settings(bench: Bench, *, armed: bool = True) -> RemediationSettings:
    """Of an organisation that asks two people to disable a key; a drill needs nobody."""
    return RemediationSettings(
        approvers={NAME: 2},
        is_protected=lambda account, principal: True,
        rehearses=lambda db, account: not armed,
        canaries=frozenset({bench.seat.stolen.id}),
    )


@pytest.fixture
def drill(bench: Bench) -> Drill:
    bench.asking(settings(bench))
    return drill_of(bench)


def drill_of(bench: Bench, secret: str | None = None) -> Drill:
    canary, seconds = bench.seat.stolen, count()
    held = {canary.id: lambda: secret or canary.secret}
    return Drill(
        *(bench.state, bench.aws, bench.remediations, bench.clock, held),
        wait=bench.pauses.append,
        elapsed=lambda: float(next(seconds)),
        patience=20,
    )


def test_a_canary_is_refused_and_works_again_and_all_of_it_is_on_record(bench: Bench, drill: Drill) -> None:
    done = drill.run(bench.seat.stolen.id)
    assert done.problem is None
    assert done.contained is not None
    assert done.restored is not None
    assert bench.asked_for() == ["Inactive", "Active"]
    assert bench.cloud.works(bench.seat.stolen)
    assert drill_line(done).startswith(f"Fire drill of {bench.seat.stolen.id}: AWS refused it after ")
    record = audit.entries(bench.state.read())
    assert {entry.actor for entry in record} == {DRILL.id}
    steps = ["plan", "approve", "execute", "execute"]
    assert [entry.operation for entry in record] == [
        *(f"{step} {NAME}" for step in steps),
        *(f"{step} undo of {NAME}" for step in steps),
        "drill",
    ]
    assert "contained after" in record[-1].result
    assert audit.verify(bench.state.read()) == []


def test_a_key_that_is_not_listed_is_not_touched(bench: Bench, drill: Drill) -> None:
    bench.door.reset()
    done = drill.run(bench.seat.other.id)
    assert "is no canary of [remediation.drill]: not touched." in str(done.problem)
    assert bench.door.requests == []


@pytest.mark.parametrize(("name", "other"), [(NAME, True), ("quarantine_user", False), ("contain", False)])
def test_the_drill_may_do_nothing_else(bench: Bench, drill: Drill, name: str, other: bool) -> None:
    target = bench.seat.other.id if other else bench.seat.stolen.id
    answer = bench.remediations.plan(name, target, DRILL)
    assert isinstance(answer, Refusal)
    assert (
        "touches the keys of [remediation.drill] and nothing else" in answer.sentence
        or "There is no" in answer.sentence
    )


def test_the_drill_approves_and_takes_back_nothing_of_other_keys(bench: Bench) -> None:
    done = bench.disabled()
    bench.asking(settings(bench))
    other = bench.seat.other.id
    bench.asking(RemediationSettings(canaries=frozenset({other})))
    assert "nothing else" in refused(bench.remediations.plan_undo(done.execution, DRILL))
    bench.cloud.set_status(bench.seat, "Active")
    plan = bench.planned()
    assert "nothing else" in refused(bench.remediations.approve(plan.id, DRILL, "a drill"))


def test_a_key_that_is_no_canary_any_more_when_the_change_is_made_is_not_touched(bench: Bench, drill: Drill) -> None:
    plan = bench.remediations.plan(NAME, bench.seat.stolen.id, DRILL)
    assert isinstance(plan, Plan)
    approved = bench.remediations.approve(plan.id, DRILL, "a drill")
    bench.asking(RemediationSettings())
    done = bench.remediations.execute(approved.execution)  # type: ignore[union-attr]
    assert done.sentence.startswith("Not carried out: the fire drill may no longer do this.")
    assert bench.asked_for() == []


def test_what_keeps_the_drill_from_working_is_said(bench: Bench, drill: Drill) -> None:
    bench.door.fail("UpdateAccessKey", Fate.DENIED)
    done = drill.run(bench.seat.stolen.id)
    assert str(done.problem).startswith("failed: AWS answered UpdateAccessKey with AccessDenied")
    assert (done.contained, done.restored) == (None, None)
    assert "failed: " in drill_line(done)


def test_a_key_that_aws_goes_on_taking_is_no_success(bench: Bench, drill: Drill) -> None:
    bench.door.fail("GetUser", Fate.DENIED)
    done = drill.run(bench.seat.stolen.id)
    assert "AWS still took the key 20 seconds after it was disabled" in str(done.problem)
    assert (done.contained, done.restored is None) == (None, False)
    assert bench.asked_for() == ["Inactive", "Active"]


def test_a_canary_that_was_left_disabled_is_enabled_first(bench: Bench, drill: Drill) -> None:
    def lose_the_undo(action: str, number: int) -> Fate | None:
        return Fate.DENIED if action == "UpdateAccessKey" and number == 1 else None

    bench.door.decide = lose_the_undo
    left = drill.run(bench.seat.stolen.id)
    assert "could not be enabled again: failed: " in str(left.problem)
    assert "LOOK AT IT" in drill_line(left)
    assert not bench.cloud.works(bench.seat.stolen)
    bench.door.reset()
    again = drill.run(bench.seat.stolen.id)
    assert again.problem == "An earlier drill had left it disabled."
    assert bench.cloud.works(bench.seat.stolen)
    assert drill.run(bench.seat.stolen.id).problem is None


def test_before_it_is_armed_the_drill_is_a_rehearsal_and_says_so(bench: Bench) -> None:
    bench.asking(settings(bench, armed=False))
    done = drill_of(bench).run(bench.seat.stolen.id)
    assert str(done.problem).startswith("rehearsed: Rehearse: ")
    assert bench.asked_for() == []


def test_a_canary_with_a_wrong_secret_is_not_drilled(bench: Bench) -> None:
    bench.asking(settings(bench))
    done = drill_of(bench, "made-up-and-wrong").run(bench.seat.stolen.id)
    assert done.problem == "AWS does not take the canary now: enable it, or renew its secret."
    assert bench.asked_for() == []


def test_a_line_without_a_change_blames_no_key() -> None:
    assert drill_line(Drilled("AKIA", None, problem="Why.")) == "Fire drill of AKIA failed: Why."
