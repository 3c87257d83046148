"""A change after a crash, and beside others who carry out the same one or what it shares."""

from __future__ import annotations

import pytest

from bot.access import AccessRules
from bot.model import Change, ChangeState
from bot.remediation.base import State
from tests.remediation.bench import Killed
from tests.remediation.lamp import BY_HAND, Room, answered, die, raising


def test_what_a_dead_process_left_is_queued_once_and_may_be_taken_up_at_once(room: Room) -> None:
    approved = room.approved()
    room.state.write(lambda db: db.execute("DELETE FROM jobs"))
    room.lamp.calling = die
    with pytest.raises(Killed):
        room.remediations.execute(approved.execution)
    assert room.remediations.recover() == (approved.execution,)
    assert room.remediations.recover() == (approved.execution,)
    assert room.queued("execute") == [(approved.execution, 0)]
    room.lamp.calling = lambda: None
    assert room.remediations.execute(approved.execution).state is ChangeState.CONFIRMED
    assert room.remediations.recover() == ()


def test_what_was_not_applied_before_the_crash_is_carried_out_after_it(room: Room) -> None:
    killed = room.killed()
    done = room.remediations.execute(killed.execution)
    assert done.sentence == "Turn off lamp: done. Read back from AWS."
    assert room.results().count("started") == 1
    assert len(room.before) == 1, "what is kept before a change was kept"


def test_what_was_applied_before_the_crash_is_not_done_again(room: Room) -> None:
    killed = room.killed()
    room.lamp.world = {"status": "off"}
    done = room.remediations.execute(killed.execution)
    assert done.state is ChangeState.CONFIRMED
    assert done.sentence == "Turn off lamp: done. Applied; the answer had been lost."
    assert len(room.lamp.called) == 1


@pytest.mark.parametrize(
    ("before", "half"),
    [
        ({"one": "on", "two": "on"}, {"one": "off", "two": "on"}),
        ({"one": "on"}, {"one": "on", "two": "off"}),
    ],
)
def test_what_stands_half_way_after_the_crash_is_finished(room: Room, before: State, half: State) -> None:
    room.lamp.world = dict(before)
    room.lamp.wanted = {"one": "off", "two": "off"}
    killed = room.killed()
    room.lamp.world = dict(half)
    assert room.remediations.execute(killed.execution).state is ChangeState.CONFIRMED
    assert room.lamp.world == {"one": "off", "two": "off"}


def test_what_stands_otherwise_after_the_crash_is_for_a_person(room: Room) -> None:
    killed = room.killed()
    room.lamp.world = {"status": "dim"}
    done = room.remediations.execute(killed.execution)
    assert (done.state, len(room.lamp.called)) == (ChangeState.UNKNOWN, 1)
    assert done.sentence == (
        "Interrupted, and AWS shows neither the state before nor the one planned: status dim. Look at it."
    )


def test_what_cannot_be_read_after_the_crash_is_unknown(room: Room) -> None:
    killed = room.killed()
    room.lamp.seeing = raising(answered("AccessDenied"))
    done = room.remediations.execute(killed.execution)
    assert done.state is ChangeState.UNKNOWN
    assert done.sentence.startswith("Interrupted, and AWS could not be asked whether it was applied: AWS answered")
    assert done.sentence.endswith(f"The bot looks again. {BY_HAND} off")
    assert [execution for execution, _ in room.queued("verify")] == [killed.execution] * 3


def test_what_was_begun_is_finished_though_the_right_is_gone_and_the_environment_disarmed(room: Room) -> None:
    killed = room.killed()
    room.safe = True
    assert room.with_rules(AccessRules()).execute(killed.execution).state is ChangeState.CONFIRMED


def test_beside_an_execution_under_way_another_worker_comes_back_when_its_claim_has_ended(room: Room) -> None:
    approved = room.approved()
    beside: list[Change] = []
    room.state.write(lambda db: db.execute("DELETE FROM jobs"))
    room.lamp.calling = lambda: beside.extend(room.remediations.execute(approved.execution) for _ in range(2))
    assert room.remediations.execute(approved.execution).state is ChangeState.CONFIRMED
    assert [each.state for each in beside] == [ChangeState.STARTED] * 2
    assert room.queued("execute") == [(approved.execution, 241)]
    assert len(room.lamp.called) == 1


def test_two_changes_of_one_shared_thing_are_made_one_after_the_other(room: Room) -> None:
    room.lamp.shares = "the wall"
    first, second = room.approved("lamp"), room.approved("other lamp")
    room.state.write(lambda db: db.execute("DELETE FROM jobs"))
    beside: list[Change] = []

    def meanwhile() -> None:
        if not beside:
            beside.append(room.remediations.execute(second.execution))

    room.lamp.calling = meanwhile
    assert room.remediations.execute(first.execution).state is ChangeState.CONFIRMED
    assert [(each.execution, each.state) for each in beside] == [(second.execution, ChangeState.APPROVED)]
    assert room.queued("execute") == [(second.execution, 2)]


def test_who_lost_the_claim_while_reading_aws_calls_nothing(room: Room) -> None:
    approved = room.approved()

    def taken_over() -> None:
        room.lamp.seeing = lambda: None
        room.clock.forward(seconds=241)
        room.remediations.execute(approved.execution)
        room.lamp.shown.append({"status": "on"})  # read before the other one's change

    room.lamp.seeing = taken_over
    done = room.remediations.execute(approved.execution)
    assert done.sentence == "Turn off lamp: done. Read back from AWS."
    assert len(room.lamp.called) == 1
    assert len(room.queued("verify")) == 3


def test_who_lost_the_claim_in_the_call_tells_what_the_other_one_found(room: Room) -> None:
    approved = room.approved()

    def taken_over() -> None:
        room.lamp.calling = lambda: None
        room.clock.forward(seconds=241)
        room.remediations.execute(approved.execution)
        raise answered("AccessDenied")

    room.lamp.calling = taken_over
    done = room.remediations.execute(approved.execution)
    assert (done.state, room.change(approved.execution)) == (ChangeState.CONFIRMED, done)
    assert room.results()[-1].startswith("confirmed")
