"""A change from its approval to its end, over a world that is a dictionary, where all goes well."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot import audit
from bot.aws import Grant
from bot.model import ChangeState
from bot.remediation import records
from bot.remediation.run import Remediations
from bot.store.jobs import Job
from bot.workers import nothing
from tests.remediation.bench import change_of, plan_of, refused
from tests.remediation.lamp import ACCOUNT, RULES, Room, answered, raising
from tests.remediation.test_approvals import ANA, BEN, NOW

# ---------------------------------------------------------------------------------- all goes well


def test_a_change_is_made_read_back_put_on_record_and_looked_at_again(room: Room) -> None:
    approved = room.approved()
    done = room.remediations.execute(approved.execution)
    assert (done.execution, done.state) == (approved.execution, ChangeState.CONFIRMED)
    assert done.sentence == "Turn off lamp: done. Read back from AWS."
    assert room.results()[2:] == ["started", f"confirmed: {done.sentence}"]
    assert audit.entries(room.state.read())[-1].operation == "execute turn_off"
    assert [(each.state, each.sentence) for each in room.told[1:]] == [
        (ChangeState.STARTED, "Being carried out."),
        (ChangeState.CONFIRMED, done.sentence),
    ]
    assert room.queued("verify") == [(done.execution, after) for after in (10, 60, 900)]
    assert room.pauses == []


def test_the_way_back_is_written_before_the_way_is_gone(room: Room) -> None:
    approved, written = room.approved(), []
    room.lamp.calling = lambda: written.append(records.undo_record(room.state.read(), approved.execution))
    room.remediations.execute(approved.execution)
    assert written == [records.UndoRecord(ACCOUNT, {"status": "on"}, {"status": "off"})]


@pytest.mark.parametrize("case", [7, None])
def test_aws_is_asked_for_what_this_change_needs_in_the_approvers_name(room: Room, case: int | None) -> None:
    approved = room.approved(case=case)
    room.remediations.execute(approved.execution)
    assert room.lamp.granted == [("lamp", ACCOUNT, {"status": "off"}, "aws-cn")]
    assert room.aws.asked == [(ACCOUNT, Grant("iam", (), None), BEN.id, "case-7" if case else f"plan-{approved.plan}")]
    assert room.lamp.called == [("execute", "lamp", {"status": "off"}, "client")]


def test_an_undo_is_called_as_one_and_tells_of_the_change_it_took_back(room: Room) -> None:
    done = room.done()
    plan = plan_of(room.remediations.plan_undo(done.execution, ANA))
    undone = room.remediations.execute(change_of(room.remediations.approve(plan.id, ANA, "false alarm")).execution)
    assert undone.sentence == "Turn on lamp: done. Read back from AWS."
    assert room.lamp.called[-1] == ("undo", "lamp", {"status": "on"}, "client")
    assert [(each.execution, each.undone) for each in room.told[-2:]] == [
        (undone.execution, False),
        (done.execution, True),
    ]


def test_an_undo_that_failed_leaves_the_change_as_it_was_told(room: Room) -> None:
    done = room.done()
    plan = plan_of(room.remediations.plan_undo(done.execution, ANA))
    room.lamp.calling = raising(answered("AccessDenied"))
    undo = room.remediations.execute(change_of(room.remediations.approve(plan.id, ANA, "false alarm")).execution)
    assert undo.state is ChangeState.FAILED
    assert room.told[-1] == undo


def test_evidence_is_kept_once_before_aws_is_read_and_only_of_what_is_made(room: Room) -> None:
    approved = room.approved()
    room.remediations.execute(approved.execution)
    assert room.before == [(approved.execution, approved.plan, 0)]
    plan = plan_of(room.remediations.plan_undo(approved.execution, ANA))
    room.remediations.execute(change_of(room.remediations.approve(plan.id, ANA, "false alarm")).execution)
    room.safe = True
    assert room.done().state is ChangeState.REHEARSED
    assert len(room.before) == 1


def test_a_change_that_ended_is_told_again_without_a_look(room: Room) -> None:
    done = room.done()
    looks = room.lamp.looks
    assert room.remediations.execute(done.execution) == done
    assert (room.lamp.looks, len(room.lamp.called)) == (looks, 1)
    with pytest.raises(LookupError):
        room.remediations.execute("no-such-change")


def test_the_workers_carry_out_and_look_again(room: Room) -> None:
    work, approved = room.remediations.handlers(), room.approved()
    assert work.keys() == {"execute", "verify"}
    carry_out = Job(1, "execute", {"execution": approved.execution}, 1, "lease")
    assert work["execute"](carry_out) is nothing
    assert room.change(approved.execution).state is ChangeState.CONFIRMED
    look = Job(2, "verify", {"execution": approved.execution, "step": 2}, 1, "lease")
    assert work["verify"](look) is nothing
    assert "it holds" in room.change(approved.execution).sentence
    room.lamp.world = {"status": "on"}
    assert room.remediations.verify(approved.execution, 0).state is ChangeState.FAILED
    assert [each.execution for each in room.drifted] == [approved.execution]


# ---------------------------------------------------------------------------------- what is passed on


def test_what_is_asked_of_planning_reaches_it(room: Room) -> None:
    plan = plan_of(room.remediations.plan("turn_off", "lamp", ANA, 7))
    assert (plan.case, plan.requested_by, plan.target) == (7, ANA, "lamp")
    assert room.remediations.planned(plan.id, BEN) == plan
    change = change_of(room.remediations.approve(plan.id, BEN, "stolen"))
    assert (change.approved_by, change.reason) == (BEN, "stolen")
    assert "already approved" in refused(room.remediations.approve(plan.id, BEN, "stolen"))
    assert room.remediations.approve(plan.id, BEN, "stolen", again=True) == change


def test_nothing_said_otherwise_one_person_approves_within_half_an_hour(room: Room) -> None:
    plain = Remediations(room.state, room.aws, RULES, room.clock, [room.lamp])
    plan = plan_of(plain.plan("turn_off", "lamp", ANA))
    assert (plan.approvers, plan.rehearsal, plan.expires_at) == (1, False, NOW + timedelta(minutes=30))


def test_a_plan_outlives_its_remediation_only_on_paper(room: Room) -> None:
    approved = room.approved()
    without = Remediations(room.state, room.aws, RULES, room.clock, [])
    with pytest.raises(LookupError, match="is gone"):
        without.execute(approved.execution)
