"""How many people must say yes, and which of them count."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from bot import audit
from bot.access import AccessRules
from bot.aws import Aws, AwsSettings, Grant
from bot.model import Actor, Change, ChangeState, Kind, Operation, Plan, Refusal, Waiting
from bot.remediation.approvals import Approval, counted, missing
from bot.remediation.base import Draft, Permissions, State
from bot.remediation.planning import RemediationSettings
from bot.remediation.run import Remediations
from bot.store.state import State as Kept
from tests.remediation.bench import Clock, plan_of, refused

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
ANA, BEN, CAT, DAN, MAL = (
    Actor(f"slack:T0MADE:U0{name.upper()}", name) for name in ("Ana", "Ben", "Cat", "Dan", "Mal")
)
SHELL, MAPPED = Actor("local:shell", "shell"), Actor("local:ana", "ana")
MAY = frozenset(actor.id for actor in (ANA, BEN, CAT, DAN, SHELL))
RULES = AccessRules(
    {
        Operation.APPROVE: MAY,
        Operation.UNDO: MAY,
        Operation.BREAK_GLASS: frozenset({BEN.id}),
    },
    {MAPPED.id: ANA.id},
)
CREDIBLE = "nobody else answers the telephone at three"


class Switch:
    """A remediation of a world that is a dictionary."""

    name = "turn_off"
    title = "Turn off"
    takes = frozenset({Kind.ACCESS_KEY})
    target_form = "a switch"
    permissions = Permissions(frozenset(), frozenset())

    def __init__(self) -> None:
        self.world: dict[str, str] = {"status": "on"}
        self.calls = 0

    def plan(self, target: str, aws: Aws) -> Draft | Refusal:
        after = {"status": "off"}
        return Draft(target, "111122223333", f"Turn off {target}", dict(self.world), after, (), principal=target)

    def plan_undo(self, target: str, account: str, before: State, after: State, aws: Aws) -> Draft | Refusal:
        return Draft(target, account, f"Turn on {target}", dict(self.world), before, ())

    def observe(self, target: str, account: str, before: State, aws: Aws) -> State:
        return dict(self.world)

    def meanwhile(self, target: str, account: str, before: State, since: datetime, aws: Aws) -> tuple[str, ...]:
        return ()

    def grant(self, target: str, account: str, state: State, partition: str) -> Grant:
        return Grant("iam", (), None)

    def execute(self, target: str, after: State, client: Any) -> None:
        self.calls += 1
        self.world = dict(after)

    undo = execute

    def lookups(self, target: str) -> tuple[str, ...]:
        return ()

    def commands(self, target: str, state: State) -> tuple[str, ...]:
        return ()


class NoAws(Aws):
    """Hands out nothing: the switch asks for nothing."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(AwsSettings(), clock)

    def identity(self) -> Any:
        return type("Identity", (), {"partition": "aws"})()

    def actor(self, *_: Any, **__: Any) -> Any:
        return None


class World:
    """Remediations over a switch, and everybody who may or may not turn it."""

    def __init__(self, folder: Path, needed: int, rules: AccessRules = RULES, protected: str = "") -> None:
        self.clock = Clock(NOW)
        self.state = Kept(folder / "state.db")
        self.switch = Switch()
        self.waited: list[Waiting] = []
        self.settings = RemediationSettings(
            timedelta(minutes=30), {"turn_off": needed}, lambda _, principal: principal == protected
        )
        self.remediations = self.with_rules(rules)

    def with_rules(self, rules: AccessRules) -> Remediations:
        return Remediations(
            *(self.state, NoAws(self.clock), rules, self.clock, [self.switch], self.settings),
            on_waiting=lambda _, waiting: self.waited.append(waiting),
            wait=lambda _: None,
        )

    def plan(self, actor: Actor = ANA) -> Plan:
        return plan_of(self.remediations.plan("turn_off", "lamp", actor))

    def approve(self, plan: Plan, actor: Actor, reason: str = "stolen", **how: bool) -> Change | Waiting | Refusal:
        return self.remediations.approve(plan.id, actor, reason, **how)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path, 2)


def given(*people: str, glass: bool = False) -> list[Approval]:
    return [Approval(Actor(person, person), person, "r", NOW, glass) for person in people]


@pytest.mark.parametrize(
    ("people", "needed", "left"),
    [
        ([], 1, 1),
        (["req"], 1, 0),
        (["other"], 1, 0),
        (["local:shell"], 1, 0),
        ([], 2, 2),
        (["req"], 2, 2),
        (["other"], 2, 1),
        (["other", "other"], 2, 1),
        (["req", "other"], 2, 1),
        (["other", "third"], 2, 0),
        (["req", "other", "third"], 2, 0),
        (["req", "local:shell"], 2, 2),
        (["local:shell", "local:other"], 2, 2),
        (["other", "local:shell"], 2, 1),
        (["req", "other", "third"], 3, 1),
        (["req", "other", "third", "fourth"], 3, 0),
        (["other", "third", "fourth", "fifth"], 3, 0),
    ],
)
def test_enough_are_so_many_people_other_than_the_requester(people: list[str], needed: int, left: int) -> None:
    assert missing(given(*people), needed, "req") == left


@pytest.mark.parametrize(
    ("people", "needed", "left"),
    [
        (["local:shell"], 1, 0),
        (["local:shell"], 2, 3),
        (["one", "two"], 2, 1),
        (["one", "two", "three"], 2, 0),
        (["one", "two", "three"], 3, 1),
    ],
)
def test_where_nothing_says_who_the_requester_is_one_more_must(people: list[str], needed: int, left: int) -> None:
    assert missing(given(*people), needed, "local:shell") == left


def test_the_requesters_own_yes_is_among_those_that_count_only_where_one_is_asked() -> None:
    both = tuple(given("req", "other", "local:shell"))
    assert counted(both, 1, "req") == both
    assert counted(both, 2, "req") == both[1:2]
    glass = given("req", glass=True)
    assert counted([*both[1:], *glass], 2, "req") == (both[1], *glass)


def test_whoever_breaks_the_glass_is_enough() -> None:
    assert missing(given("req", glass=True), 3, "req") == 0


def operations(world: World) -> list[str]:
    return [each.operation for each in audit.entries(world.state.read())]


def test_two_people_are_two_others(world: World) -> None:
    plan = world.plan(ANA)
    assert plan.warnings[0] == "2 people other than Ana, who planned it, must approve."
    asked = world.approve(plan, ANA)
    assert isinstance(asked, Waiting)
    assert (asked.own, asked.approved_by, asked.missing, world.waited) == (True, (), 2, [asked])
    first = world.approve(plan, BEN)
    assert isinstance(first, Waiting)
    assert (first.own, first.approved_by, first.missing) == (False, (BEN,), 1)
    assert "already approved" in refused(world.approve(plan, BEN))
    for requester in (ANA, MAPPED):
        again = world.approve(plan, requester)
        assert isinstance(again, Waiting)
        assert (again.own, again.approved_by, again.missing) == (True, (BEN,), 1)
    assert world.switch.calls == 0
    done = world.approve(plan, CAT, "seen it, too")
    assert isinstance(done, Change)
    assert done.sentence == "Approved by Ben and Cat; about to be carried out."
    assert world.remediations.execute(done.execution).state is ChangeState.CONFIRMED
    assert world.switch.calls == 1
    steps = ["plan", "ask others for", "approve", "approve", "ask others for", "ask others for", "approve"]
    assert operations(world)[:7] == [f"{step} turn_off" for step in steps]


def test_what_was_asked_is_on_record_as_no_approval(world: World) -> None:
    world.approve(world.plan(ANA), ANA, "stolen")
    (entry,) = [each for each in audit.entries(world.state.read()) if each.operation == "ask others for turn_off"]
    assert (entry.reason, entry.result) == ("stolen", "asked; 2 more must approve")


def test_two_others_may_approve_before_the_requester_asks(world: World) -> None:
    plan = world.plan(ANA)
    assert isinstance(world.approve(plan, BEN), Waiting)
    assert isinstance(world.approve(plan, CAT), Change)


def test_the_slack_person_of_a_terminal_may_not_approve_what_it_planned(world: World) -> None:
    rules = replace(RULES, allowed={**RULES.allowed, Operation.APPROVE: MAY | {MAPPED.id}})
    world.remediations = world.with_rules(rules)
    plan = world.plan(MAPPED)
    assert plan.warnings[0] == "2 people other than ana, who planned it, must approve."
    asked = world.approve(plan, ANA)
    assert isinstance(asked, Waiting)
    assert (asked.own, asked.missing) == (True, 2)


def test_of_a_terminal_nobody_is_mapped_to_any_of_the_others_may_be_the_person(world: World) -> None:
    plan = world.plan(SHELL)
    assert plan.warnings[0] == (
        "3 people must approve, so that 2 of them did not plan it: nothing says which person local:shell is "
        "([access.people])."
    )
    assert isinstance(world.approve(plan, ANA), Waiting)
    assert isinstance(world.approve(plan, BEN), Waiting)
    assert isinstance(world.approve(plan, CAT), Change)


def test_a_terminal_nobody_is_mapped_to_is_no_other_person(world: World) -> None:
    plan = world.plan(ANA)
    world.approve(plan, ANA)
    sentence = refused(world.approve(plan, SHELL))
    assert "nothing says which person local:shell is" in sentence
    assert '"local:shell" = "slack:T…:U…"' in sentence


def test_who_asks_without_the_right_to_approve_needs_two_others(tmp_path: Path) -> None:
    rules = replace(RULES, allowed={**RULES.allowed, Operation.TRIAGE: frozenset({MAL.id})})
    world = World(tmp_path, 2, rules)
    plan = world.plan(MAL)
    assert "You may not approve" in refused(world.approve(plan, MAL))
    assert isinstance(world.approve(plan, ANA), Waiting)
    assert isinstance(world.approve(plan, BEN), Change)


def test_the_second_yes_may_come_too_late(world: World) -> None:
    plan = world.plan(ANA)
    world.approve(plan, BEN)
    world.clock.forward(minutes=30, seconds=1)
    assert "This plan expired" in refused(world.approve(plan, CAT))


def test_a_protected_principal_needs_two_whatever_the_action(tmp_path: Path) -> None:
    world = World(tmp_path, 1, protected="lamp")
    plan = world.plan(ANA)
    assert plan.warnings[0] == "lamp is protected: 2 people other than Ana, who planned it, must approve."
    assert isinstance(world.approve(plan, ANA), Waiting)


def test_breaking_the_glass_needs_its_own_right_and_a_real_reason_and_is_on_record(world: World) -> None:
    plan = world.plan(ANA)
    assert "You may not approve alone" in refused(world.approve(plan, ANA, CREDIBLE, break_glass=True))
    assert "at least 20 characters" in refused(world.approve(plan, BEN, "urgent", break_glass=True))
    done = world.approve(plan, BEN, CREDIBLE, break_glass=True)
    assert isinstance(done, Change)
    assert done.broke_glass
    assert done.sentence.startswith("Approved by Ben, breaking the glass alone")
    assert world.remediations.execute(done.execution).state is ChangeState.CONFIRMED
    assert [each.operation for each in audit.entries(world.state.read())][-3] == "break the glass for turn_off"


@pytest.mark.parametrize("requester", [ANA, BEN])
def test_the_glass_can_be_broken_by_who_had_asked_or_approved_and_waits(world: World, requester: Actor) -> None:
    plan = world.plan(requester)
    assert isinstance(world.approve(plan, BEN), Waiting)
    assert isinstance(world.approve(plan, BEN, CREDIBLE, break_glass=True), Change)


@pytest.mark.parametrize("gone", [ANA, BEN, CAT])
def test_a_right_taken_away_before_the_change_is_made_stops_it(world: World, gone: Actor) -> None:
    plan = world.plan(ANA)
    world.approve(plan, ANA)
    world.approve(plan, BEN)
    done = world.approve(plan, CAT)
    assert isinstance(done, Change)
    rules = AccessRules({Operation.APPROVE: MAY - {gone.id}})
    stopped = world.with_rules(rules).execute(done.execution)
    assert stopped.state is ChangeState.FAILED
    assert f"{gone.name} may no longer do this" in stopped.sentence
    assert world.switch.calls == 0


def test_a_request_that_a_crash_repeats_gets_what_it_had_decided(world: World) -> None:
    plan = world.plan(ANA)
    asked = world.approve(plan, ANA, again=True)
    assert world.approve(plan, ANA, again=True) == asked
    first = world.approve(plan, BEN, again=True)
    assert world.approve(plan, BEN, again=True) == first != asked
    second = world.approve(plan, CAT, again=True)
    assert isinstance(second, Change)
    assert world.approve(plan, CAT, again=True) == second


def test_a_plan_is_shown_to_who_may_approve_it_and_to_nobody_else(world: World) -> None:
    plan = world.plan(ANA)
    assert world.remediations.planned(plan.id, BEN) == plan
    assert "You may not" in refused(world.remediations.planned(plan.id, MAL))
    assert "no such plan" in refused(world.remediations.planned("guessed", BEN))


MACHINE = replace(RULES, allowed={**RULES.allowed, Operation.APPROVE: MAY | {MAPPED.id}})


class Approvals(RuleBasedStateMachine):
    """Any order of plans, approvals, repetitions, waiting and changes of rights."""

    people = st.sampled_from([ANA, BEN, CAT, DAN, MAL, SHELL, MAPPED])

    @initialize(needed=st.integers(1, 3), requester=st.sampled_from([ANA, BEN, CAT, SHELL, MAPPED]))
    def begin(self, needed: int, requester: Actor) -> None:
        # One folder an example: hypothesis gives none.
        import tempfile

        self.folder = tempfile.TemporaryDirectory()
        self.world = World(Path(self.folder.name), needed)
        self.world.remediations = self.world.with_rules(MACHINE)
        self.needed, self.requester = needed, MACHINE.person(requester)
        self.plan = self.world.plan(requester)
        self.yes: set[str] = set()
        self.late = False

    @rule(actor=people, again=st.booleans())
    def approve(self, actor: Actor, again: bool) -> None:
        before = self.world.switch.calls
        answer = self.world.approve(self.plan, actor, again=again)
        if not isinstance(answer, Refusal):
            self.yes.add(MACHINE.person(actor))
            assert not self.late or again
        if isinstance(answer, Waiting):
            assert answer.own is (MACHINE.person(actor) == self.requester)
            assert self.requester not in {MACHINE.person(each) for each in answer.approved_by}
        if isinstance(answer, Change):
            people = self.yes if self.needed == 1 else {each for each in self.yes if ":U0" in each}
            # Whom nothing names may be any one of the people: so many of them are somebody else for certain.
            certain = people - {self.requester} if ":U0" in self.requester else list(people)[1:]
            assert len(people) >= self.needed
            assert self.needed == 1 or len(certain) >= self.needed
            self.world.remediations.execute(answer.execution)
            assert self.world.switch.calls <= 1
        else:
            assert self.world.switch.calls == before

    @rule(minutes=st.integers(1, 40))
    def wait(self, minutes: int) -> None:
        self.world.clock.forward(minutes=minutes)
        self.late = self.late or self.world.clock() > self.plan.expires_at

    @invariant()
    def is_made_once_and_never_by_who_may_not(self) -> None:
        if hasattr(self, "world"):
            assert self.world.switch.calls <= 1
            assert MAL.id not in self.yes
            assert audit.verify(self.world.state.read()) == []

    def teardown(self) -> None:
        if hasattr(self, "world"):
            self.world.state.close()
            self.folder.cleanup()


TestApprovals = Approvals.TestCase
TestApprovals.settings = settings(max_examples=25, stateful_step_count=12, deadline=None)
