"""What is looked at again when an approved change is about to be made: AWS, the rights, whether it may be made here."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.access import AccessRules
from bot.model import ChangeState, Operation
from bot.remediation.canaries import DRILL, REMEDIATION
from tests.remediation.bench import change_of, plan_of
from tests.remediation.lamp import BY_HAND, EVERYBODY, RULES, Room, answered, raising
from tests.remediation.test_approvals import ANA, BEN, CREDIBLE


def test_a_world_that_has_changed_since_the_plan_is_left_alone(room: Room) -> None:
    approved = room.approved()
    room.lamp.world = {"status": "dim"}
    done = room.remediations.execute(approved.execution)
    assert (done.state, room.lamp.called) == (ChangeState.FAILED, [])
    assert done.sentence == (
        "Not carried out: AWS has changed since the plan was made. It was status on; it is status dim. Plan again."
    )


def test_what_others_made_so_meanwhile_is_not_called_ours(room: Room) -> None:
    approved = room.approved()
    room.lamp.world = {"status": "off"}
    assert room.remediations.execute(approved.execution).state is ChangeState.FAILED


def test_half_of_it_made_by_others_is_no_beginning_of_ours(room: Room) -> None:
    room.lamp.world = {"one": "on", "two": "on"}
    room.lamp.wanted = {"one": "off", "two": "off"}
    approved = room.approved()
    room.lamp.world = {"one": "off", "two": "on"}
    done = room.remediations.execute(approved.execution)
    assert (done.state, room.lamp.called) == (ChangeState.FAILED, [])


def test_a_world_that_cannot_be_read_is_left_alone(room: Room) -> None:
    approved = room.approved()
    room.lamp.seeing = raising(answered("AccessDenied"))
    done = room.remediations.execute(approved.execution)
    assert (done.state, room.lamp.called) == (ChangeState.FAILED, [])
    assert done.sentence.startswith("AWS answered TurnOff with AccessDenied")
    assert done.sentence.endswith(f". Nothing was changed. {BY_HAND} off")


def test_a_right_is_asked_for_again_with_fresh_groups(room: Room) -> None:
    class Late:
        def __init__(self) -> None:
            self.known: set[str] = set()

        def refresh(self, person: str, groups: object) -> None:
            self.known.add(person)

        def problem(self, person: str) -> str | None:
            return None if person in self.known else "Nobody was asked."

        def members(self, group: str) -> frozenset[str]:
            return frozenset()

        def name(self, person: str) -> str | None:
            return None

    approved = room.approved()
    done = room.with_rules(replace(RULES, directory=Late())).execute(approved.execution)
    assert done.state is ChangeState.CONFIRMED


def test_the_right_to_approve_is_not_that_to_undo_at_the_last_step_either(room: Room) -> None:
    done = room.done()
    plan = plan_of(room.remediations.plan_undo(done.execution, ANA))
    approved = change_of(room.remediations.approve(plan.id, ANA, "false alarm"))
    only = room.with_rules(AccessRules({Operation.APPROVE: EVERYBODY}))
    stopped = only.execute(approved.execution)
    assert stopped.state is ChangeState.FAILED
    assert stopped.sentence.startswith("Not carried out: Ana may no longer do this. You may not undo changes")
    assert room.lamp.world == {"status": "off"}


def test_who_broke_the_glass_must_still_be_allowed_to(room: Room) -> None:
    room.needed = 2
    room.remediations = room.with_rules(RULES)
    plan = plan_of(room.remediations.plan("turn_off", "lamp", ANA, 7))
    approved = change_of(room.remediations.approve(plan.id, BEN, CREDIBLE, break_glass=True))
    stopped = room.with_rules(AccessRules({Operation.APPROVE: EVERYBODY})).execute(approved.execution)
    assert (stopped.state, room.lamp.called) == (ChangeState.FAILED, [])
    assert "Ben may no longer do this" in stopped.sentence


def test_an_approval_that_is_gone_is_missing(room: Room) -> None:
    approved = room.approved()
    room.state.write(lambda db: db.execute("DELETE FROM approvals"))
    stopped = room.remediations.execute(approved.execution)
    assert (stopped.state, room.lamp.called) == (ChangeState.FAILED, [])
    assert stopped.sentence == "Not carried out: 1 more person must approve it."


def test_what_was_planned_for_real_is_not_made_where_its_account_was_disarmed_since(room: Room) -> None:
    approved = room.approved()
    room.safe = True
    done = room.remediations.execute(approved.execution)
    assert (done.state, room.lamp.called) == (ChangeState.FAILED, [])
    assert "the environment was disarmed since" in done.sentence


@pytest.mark.parametrize(("canaries", "state"), [({"lamp"}, ChangeState.CONFIRMED), ({"candle"}, ChangeState.FAILED)])
def test_the_drill_turns_a_canary_and_nothing_that_is_none_any_more(
    room: Room, canaries: set[str], state: ChangeState
) -> None:
    room.lamp.name = REMEDIATION
    room.canaries = frozenset({"lamp"})
    drilling = room.with_rules(AccessRules())
    plan = plan_of(drilling.plan(REMEDIATION, "lamp", DRILL, None))
    approved = change_of(drilling.approve(plan.id, DRILL, "a drill"))
    room.canaries = frozenset(canaries)
    assert room.with_rules(AccessRules()).execute(approved.execution).state is state


def test_a_rehearsal_says_what_a_person_would_type(room: Room) -> None:
    room.safe = True
    done = room.done()
    assert done.sentence == f"Rehearse: Turn off lamp. Nothing was changed. {BY_HAND} off"
    assert (room.lamp.called, room.queued("verify")) == ([], [])
