"""What a change comes to by what AWS answers: a lost answer, a late one, a refusal, a stop half way."""

from __future__ import annotations

import pytest

from bot.model import ChangeState
from tests.remediation.bench import Killed
from tests.remediation.lamp import BY_HAND, LOST, Room, answered, die, raising


def test_a_lost_answer_to_a_call_that_was_applied_is_settled_by_reading_back(room: Room) -> None:
    def applied() -> None:
        room.lamp.world = {"status": "off"}
        raise LOST

    room.lamp.calling = applied
    done = room.done()
    assert (done.state, done.sentence) == (ChangeState.CONFIRMED, "Turn off lamp: done. Applied; the answer was lost.")


def test_a_lost_answer_that_nothing_comes_of_is_unknown_and_looked_at_again(room: Room) -> None:
    room.lamp.calling = raising(LOST)
    done = room.done()
    assert done.state is ChangeState.UNKNOWN
    assert done.sentence.startswith("AWS did not answer (ConnectionClosedError): applied or not is not known.")
    assert done.sentence.endswith(f"The bot looks again. {BY_HAND} off")
    assert room.pauses == [0.5, 1.0, 2.0, 4.0]
    assert [execution for execution, _ in room.queued("verify")] == [done.execution] * 3
    assert room.queued("execute") == [(done.execution, 0)], "only what the approval queued"


def test_what_aws_shows_late_is_waited_for_no_longer_than_it_takes(room: Room) -> None:
    on = {"status": "on"}
    room.lamp.calling = lambda: room.lamp.shown.extend([on, on])
    assert room.done().state is ChangeState.CONFIRMED
    assert room.pauses == [0.5, 1.0]


def test_what_aws_accepts_and_never_shows_is_unknown(room: Room) -> None:
    room.lamp.calling = lambda: room.lamp.shown.extend([{"status": "on"}] * 5)
    done = room.done()
    assert done.state is ChangeState.UNKNOWN
    assert done.sentence.startswith("AWS accepted the change but does not show it yet. The bot looks again.")


def test_a_reading_back_that_fails_is_unknown_with_both_reasons(room: Room) -> None:
    def blind() -> None:
        room.lamp.seeing = raising(answered("AccessDenied"))

    room.lamp.calling = blind
    done = room.done()
    assert done.state is ChangeState.UNKNOWN
    assert done.sentence.startswith("AWS accepted the change but does not show it yet; AWS answered TurnOff with Acce")
    assert room.pauses == []


def test_a_refusal_is_a_failure_that_changed_nothing(room: Room) -> None:
    room.lamp.calling = raising(answered("AccessDenied"))
    done = room.done()
    assert done.state is ChangeState.FAILED
    assert done.sentence.startswith("AWS answered TurnOff with AccessDenied")
    assert done.sentence.endswith(f". Nothing was changed. {BY_HAND} off")
    assert room.queued("verify") == []
    assert room.lamp.looks == 1, "one call refused is nothing made"
    assert room.results()[-1] == f"failed: {done.sentence}"


def test_without_a_way_in_nothing_is_called(room: Room) -> None:
    room.aws.closed = True
    done = room.done()
    assert (done.state, room.lamp.called) == (ChangeState.FAILED, [])
    assert done.sentence == f"The bot has no acting role. Nothing was changed. {BY_HAND} off"


@pytest.mark.parametrize("code", ["Throttling", "EntityTemporarilyUnmodifiable"])
def test_a_busy_aws_is_asked_again_later_and_later_and_then_no_more(room: Room, code: str) -> None:
    room.lamp.calling = raising(answered(code))
    approved = room.approved()
    for after in (10, 20, 40):
        room.state.write(lambda db: db.execute("DELETE FROM jobs"))
        waits = room.remediations.execute(approved.execution)
        assert waits.state is ChangeState.STARTED
        assert waits.sentence.endswith(". The bot tries again by itself.")
        assert room.queued("execute") == [(approved.execution, after)]
        assert room.queued("verify") == []
    failed = room.remediations.execute(approved.execution)
    assert (failed.state, len(room.lamp.called)) == (ChangeState.FAILED, 4)
    assert room.results().count("started") == 1


def test_claims_that_died_are_no_tries(room: Room) -> None:
    killed = room.killed()
    for _ in range(3):
        room.lamp.calling = die
        with pytest.raises(Killed):
            room.remediations.execute(killed.execution)
        room.remediations.recover()
    room.lamp.calling = raising(answered("Throttling"))
    assert room.remediations.execute(killed.execution).state is ChangeState.STARTED
    room.lamp.calling = lambda: None
    assert room.remediations.execute(killed.execution).state is ChangeState.CONFIRMED


def halves(room: Room) -> None:
    room.lamp.world = {"one": "on", "two": "on"}
    room.lamp.wanted = {"one": "off", "two": "off"}


def test_of_a_change_whose_first_call_was_applied_and_its_answer_lost_the_rest_is_made(room: Room) -> None:
    halves(room)

    def half() -> None:
        room.lamp.world["one"] = "off"
        raise LOST

    room.lamp.calling = half
    waits = room.done()
    assert (waits.state, room.pauses) == (ChangeState.STARTED, [])
    assert waits.sentence.endswith("AWS shows one off, two on. The bot makes the rest by itself.")
    assert (waits.execution, 10) in room.queued("execute")
    room.lamp.calling = lambda: None
    done = room.remediations.execute(waits.execution)
    assert (done.state, room.lamp.world) == (ChangeState.CONFIRMED, {"one": "off", "two": "off"})
    assert room.results().count("started") == 1


def test_what_was_not_there_before_may_be_the_part_that_was_applied(room: Room) -> None:
    room.lamp.world = {"one": "on"}
    room.lamp.wanted = {"one": "off", "two": "off"}

    def half() -> None:
        room.lamp.world = {"one": "on", "two": "off"}
        raise LOST

    room.lamp.calling = half
    assert room.done().state is ChangeState.STARTED


def test_a_part_that_aws_shows_of_what_it_accepted_is_waited_for_and_not_made_again(room: Room) -> None:
    halves(room)
    room.lamp.calling = lambda: room.lamp.shown.append({"one": "off", "two": "on"})
    done = room.done()
    assert (done.state, room.pauses, len(room.lamp.called)) == (ChangeState.CONFIRMED, [0.5], 1)


def test_a_change_whose_answers_are_always_lost_is_not_made_for_ever(room: Room) -> None:
    halves(room)

    def half() -> None:
        room.lamp.world["one"] = "off"
        raise LOST

    room.lamp.calling = half
    execution = room.approved().execution
    states = [room.remediations.execute(execution).state for _ in range(4)]
    assert states == [*[ChangeState.STARTED] * 3, ChangeState.UNKNOWN]
    assert room.remediations.verify(execution, 0).state is ChangeState.UNKNOWN
    assert room.remediations.verify(execution, 2).state is ChangeState.PARTIAL


@pytest.mark.parametrize("step", [0, 2])
def test_a_call_that_aws_shows_late_as_applied_is_followed_by_the_rest(room: Room, step: int) -> None:
    halves(room)
    room.lamp.calling = raising(LOST)
    lost = room.done()
    assert lost.state is ChangeState.UNKNOWN
    room.lamp.world = {"one": "off", "two": "on"}
    room.lamp.calling = lambda: None
    room.state.write(lambda db: db.execute("DELETE FROM jobs"))
    found = room.remediations.verify(lost.execution, step)
    assert (found.state, found.sentence) == (
        ChangeState.STARTED,
        "A part of it was applied: AWS shows one off, two on. The bot makes the rest by itself.",
    )
    assert room.queued("execute") == [(lost.execution, 0)]
    assert room.drifted == []
    assert room.remediations.execute(lost.execution).state is ChangeState.CONFIRMED
    assert room.lamp.world == {"one": "off", "two": "off"}


def test_half_of_a_change_that_held_is_drift_and_nothing_is_made_again(room: Room) -> None:
    halves(room)
    done = room.done()
    room.lamp.world = {"one": "off", "two": "on"}
    assert room.remediations.verify(done.execution, 0).state is ChangeState.PARTIAL
    assert len(room.lamp.called) == 1
    assert len(room.drifted) == 1


def test_a_change_of_several_calls_that_stops_half_way_says_how_far_it_came(room: Room) -> None:
    room.lamp.world = {"one": "on", "two": "on"}
    room.lamp.wanted = {"one": "off", "two": "off"}

    def half() -> None:
        room.lamp.world["one"] = "off"
        raise answered("AccessDenied")

    room.lamp.calling = half
    done = room.done()
    assert done.state is ChangeState.PARTIAL
    assert "Done in part, AWS shows one off, two on; it can be taken back, or finished." in done.sentence
    assert done.sentence.endswith(f"{BY_HAND} off off")


def test_a_change_of_several_calls_of_which_none_was_made_failed(room: Room) -> None:
    room.lamp.world = {"one": "on", "two": "on"}
    room.lamp.wanted = {"one": "off", "two": "off"}
    room.lamp.calling = raising(answered("AccessDenied"))
    done = room.done()
    assert (done.state, room.lamp.looks) == (ChangeState.FAILED, 2)


def test_how_far_a_change_of_several_calls_came_may_not_be_known(room: Room) -> None:
    room.lamp.world = {"one": "on", "two": "on"}
    room.lamp.wanted = {"one": "off", "two": "off"}

    def blind() -> None:
        room.lamp.seeing = raising(LOST)
        raise answered("AccessDenied")

    room.lamp.calling = blind
    done = room.done()
    assert done.state is ChangeState.PARTIAL
    assert "AWS shows state unknown; it can be taken back" in done.sentence


def test_a_change_of_one_thing_of_two_is_one_call(room: Room) -> None:
    room.lamp.world = {"user": "iris", "status": "on"}
    room.lamp.wanted = {"user": "iris", "status": "off"}
    room.lamp.calling = raising(answered("AccessDenied"))
    assert room.done().state is ChangeState.FAILED
    assert room.lamp.looks == 1
