"""A change from its approval to its end, over a world that is a dictionary: what can happen at every step."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError

from bot import audit
from bot.access import AccessRules
from bot.aws import Aws, AwsSettings, Grant, NoWayIn
from bot.database import Database
from bot.model import Actor, Change, ChangeState, Operation, Refusal
from bot.remediation import records
from bot.remediation.base import Draft, State
from bot.remediation.canaries import DRILL, REMEDIATION
from bot.remediation.planning import RemediationSettings
from bot.remediation.run import Remediations
from bot.store.jobs import Job
from bot.store.state import State as Kept
from bot.workers import nothing
from tests.remediation.bench import Clock, Killed, change_of, plan_of, refused
from tests.remediation.test_approvals import ANA, BEN, CREDIBLE, NOW, Switch

EVERYBODY = frozenset({ANA.id, BEN.id})
RULES = AccessRules(dict.fromkeys(Operation, EVERYBODY))
ACCOUNT = "111122223333"
BY_HAND = "By hand: turn lamp"
LOST = ConnectionClosedError(endpoint_url="https://iam.amazonaws.com/")


def answered(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": 400}}, "TurnOff")  # type: ignore[typeddict-item]


class Lamp(Switch):
    """A switch whose AWS does as the test says: ``seeing`` before a look is answered, ``calling`` before a call is."""

    def __init__(self) -> None:
        super().__init__()
        self.wanted = {"status": "off"}
        self.shares = ""
        self.looks = 0
        self.called: list[tuple[str, str, State, object]] = []
        self.granted: list[tuple[str, str, State, str]] = []
        self.seeing: Callable[[], None] = lambda: None
        self.calling: Callable[[], None] = lambda: None
        self.shown: list[State] = []
        """What the next looks show, before AWS is consistent."""

    def plan(self, target: str, aws: Aws) -> Draft | Refusal:
        title = f"Turn off {target}"
        return Draft(target, ACCOUNT, title, dict(self.world), self.wanted, (), shares=self.shares)

    def observe(self, target: str, account: str, before: State, aws: Aws) -> State:
        assert (target, account) == ("lamp", ACCOUNT) or self.shares
        self.looks += 1
        self.seeing()
        return self.shown.pop(0) if self.shown else dict(self.world)

    def grant(self, target: str, account: str, state: State, partition: str) -> Grant:
        self.granted.append((target, account, state, partition))
        return Grant("iam", (), None)

    def execute(self, target: str, after: State, client: Any) -> None:
        self._call("execute", target, after, client)

    def undo(self, target: str, before: State, client: Any) -> None:
        self._call("undo", target, before, client)

    def _call(self, verb: str, target: str, state: State, client: object) -> None:
        self.called.append((verb, target, state, client))
        self.calling()
        self.world = dict(state)

    def commands(self, target: str, state: State) -> tuple[str, ...]:
        return (f"turn {target} {' '.join(state.values())}",)


class Acting(Aws):
    """Hands out one client, and remembers in whose name."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(AwsSettings(), clock)
        self.asked: list[tuple[str, Grant, str, str]] = []
        self.closed = False

    def identity(self) -> Any:
        return type("Identity", (), {"partition": "aws-cn"})()

    def actor(self, account: str, grant: Grant, *, approver: str, case: str) -> Any:
        if self.closed:
            raise NoWayIn("The bot has no acting role.")
        self.asked.append((account, grant, approver, case))
        return "client"


class Room:
    """Remediations over one lamp, with everything they tell."""

    def __init__(self, folder: Path) -> None:
        self.clock = Clock(NOW)
        self.state = Kept(folder / "state.db")
        self.lamp = Lamp()
        self.aws = Acting(self.clock)
        self.told: list[Change] = []
        self.drifted: list[Change] = []
        self.before: list[tuple[str, str, int]] = []
        self.pauses: list[float] = []
        self.safe = False
        self.needed = 1
        self.canaries: frozenset[str] = frozenset()
        self.remediations = self.with_rules(RULES)

    def with_rules(self, rules: AccessRules) -> Remediations:
        settings = RemediationSettings(
            timedelta(minutes=30), {"turn_off": self.needed}, rehearses=self._rehearses, canaries=self.canaries
        )
        return Remediations(
            *(
                self.state,
                self.aws,
                rules,
                self.clock,
                [self.lamp],
                settings,
                lambda _, change: self.told.append(change),
            ),
            on_drift=lambda _, change: self.drifted.append(change),
            before_change=lambda change, plan: self.before.append((change.execution, plan.id, self.lamp.looks)),
            wait=self.pauses.append,
        )

    def _rehearses(self, db: Database, account: str | None) -> bool:
        return self.safe and account == ACCOUNT

    def approved(self, target: str = "lamp", case: int | None = 7, actor: Actor = BEN) -> Change:
        plan = plan_of(self.remediations.plan("turn_off", target, ANA, case))
        return change_of(self.remediations.approve(plan.id, actor, "stolen"))

    def done(self) -> Change:
        return self.remediations.execute(self.approved().execution)

    def killed(self) -> Change:
        """Approved and begun, by a process that died in the call, before AWS had done anything."""
        approved = self.approved()
        self.lamp.calling = die
        with pytest.raises(Killed):
            self.remediations.execute(approved.execution)
        self.lamp.calling = lambda: None
        self.remediations.recover()
        return approved

    def queued(self, kind: str) -> list[tuple[str, float]]:
        """The jobs of a kind: of which execution, and when they are due, in seconds from the beginning."""
        rows = self.state.read().execute(
            "SELECT payload, due_at FROM jobs WHERE kind = ? AND pool = 'act' AND state = 'ready' ORDER BY due_at, id",
            [kind],
        )
        return [(json.loads(payload)["execution"], due - NOW.timestamp()) for payload, due in rows]

    def results(self) -> list[str]:
        return [entry.result for entry in audit.entries(self.state.read())]

    def change(self, execution: str) -> Change:
        return records.change(self.state.read(), execution)


def die() -> None:
    raise Killed


def raising(error: Exception) -> Callable[[], None]:
    def fail() -> None:
        raise error

    return fail


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    made = Room(tmp_path)
    yield made
    made.state.close()


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


# ---------------------------------------------------------------------------------- what AWS answers


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


# ---------------------------------------------------------------------------------- before the change


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
    assert stopped.sentence == "Not carried out: 1 more people must approve it."


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


# ---------------------------------------------------------------------------------- after a crash, and beside others


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
