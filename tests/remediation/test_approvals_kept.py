"""What is kept of approvals, and what of it is told."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot.access import AccessRules
from bot.model import Containment, ContainmentRow, Step, Waiting
from bot.remediation import approvals, containments
from bot.remediation.approvals import Approval, asked_of_others, counts_for_nothing, is_own, missing, told
from tests.remediation.test_approvals import ANA, BEN, CAT, CREDIBLE, DAN, MAPPED, NOW, RULES, SHELL, World, given


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path, 3)


def keep(world: World, plan: str, approval: Approval) -> bool:
    return world.state.write(lambda db: approvals.keep(db, plan, approval))


def waiting(world: World, case: int, rules: AccessRules = RULES) -> tuple[Waiting, ...]:
    return approvals.waiting_in(world.state.read(), case, rules, world.clock())


def in_case(world: World, case: int) -> str:
    plan = world.remediations.plan("turn_off", "lamp", ANA, case)
    return str(getattr(plan, "id", ""))


def test_one_yes_a_person_is_kept_as_it_was_given(world: World) -> None:
    plan = world.plan()
    first = Approval(ANA, ANA.id, "stolen", NOW)
    mapped = Approval(MAPPED, ANA.id, "at the terminal", NOW + timedelta(seconds=1))
    second = Approval(MAPPED, "slack:T0MADE:U0CAT", "seen", NOW + timedelta(seconds=2))
    assert [keep(world, plan.id, each) for each in (first, mapped, second)] == [True, False, True]
    assert approvals.of(world.state.read(), plan.id) == (first, second)
    assert approvals.of(world.state.read(), "another plan") == ()


def test_the_glass_is_broken_once_over_an_earlier_yes(world: World) -> None:
    plan = world.plan()
    glass = Approval(BEN, BEN.id, CREDIBLE, NOW, breaks_glass=True)
    assert keep(world, plan.id, Approval(BEN, BEN.id, "stolen", NOW))
    assert keep(world, plan.id, glass)
    assert not keep(world, plan.id, glass)
    assert not keep(world, plan.id, Approval(BEN, BEN.id, "stolen", NOW))
    assert approvals.of(world.state.read(), plan.id) == (glass,)


def test_one_who_breaks_the_glass_among_others_is_enough() -> None:
    assert missing([*given("req"), *given("other", glass=True)], 3, "req") == 0
    assert missing(given("req"), 0, "req") == 0, "nobody need be asked less than one person"
    assert asked_of_others(2, "req") == 2
    assert (asked_of_others(1, "req"), asked_of_others(1, "local:shell")) == (0, 0)
    assert missing([], 0, "req") == 1


def test_what_waits_is_told_with_who_approved_and_how_many_are_missing(world: World) -> None:
    plan = in_case(world, 7)
    assert waiting(world, 7) == (), "nobody was asked"
    world.remediations.approve(plan, ANA, "stolen")
    (one,) = waiting(world, 7)
    assert (one.plan.id, one.approved_by, one.missing, one.containment) == (plan, (), 3, "")
    world.remediations.approve(plan, BEN, "stolen")
    (one,) = waiting(world, 7)
    assert (one.approved_by, one.missing, one.own) == ((BEN,), 2, False)
    assert waiting(world, 8) == ()


def test_what_waits_is_told_oldest_first_until_it_expires_or_is_enough(world: World) -> None:
    first = in_case(world, 7)
    world.clock.forward(minutes=10)
    second = in_case(world, 7)
    for plan in (second, first):
        world.remediations.approve(plan, BEN, "stolen")
    assert [each.plan.id for each in waiting(world, 7)] == [first, second]
    world.clock.forward(minutes=20)
    assert [each.plan.id for each in waiting(world, 7)] == [first, second], "to its last second"
    world.clock.forward(seconds=1)
    assert [each.plan.id for each in waiting(world, 7)] == [second]
    world.remediations.approve(second, DAN, "stolen")
    world.remediations.approve(second, CAT, "stolen")
    assert waiting(world, 7) == ()


def test_who_asked_at_a_terminal_is_the_person_they_are_mapped_to(tmp_path: Path) -> None:
    world = World(tmp_path, 2, AccessRules({**RULES.allowed}, {MAPPED.id: ANA.id}))
    plan = world.plan(MAPPED)
    keep(world, plan.id, Approval(ANA, ANA.id, "stolen", NOW))
    keep(world, plan.id, Approval(SHELL, SHELL.id, "stolen", NOW))
    assert approvals.waiting_of(world.state.read(), plan, RULES).missing == 2
    assert (is_own(plan, ANA, RULES), is_own(plan, MAPPED, RULES), is_own(plan, BEN, RULES)) == (True, True, False)
    assert not is_own(replace(plan, approvers=1), ANA, RULES), "alone they may"


def test_a_row_of_a_containment_says_so(world: World) -> None:
    plan = world.plan()
    row = ContainmentRow(next(iter(Step)), "turn_off", "lamp", plan, None)
    together = Containment("all", 7, None, ANA, NOW, plan.expires_at, (row,))
    world.state.write(lambda db: containments.keep(db, together))
    assert approvals.waiting_of(world.state.read(), plan, RULES).containment == "all"


def test_only_where_more_are_asked_it_matters_who_a_terminal_is() -> None:
    assert counts_for_nothing(SHELL, RULES, 1) is None
    assert counts_for_nothing(ANA, RULES, 2) is None
    assert counts_for_nothing(MAPPED, RULES, 2) is None
    assert str(counts_for_nothing(SHELL, RULES, 2)).startswith("2 people must approve this")


@pytest.mark.parametrize(
    ("names", "glass", "sentence"),
    [
        (["Ana"], False, "Ana"),
        (["Ana", "Ben"], False, "Ana and Ben"),
        (["Ana", "Ben", "Cat"], False, "Ana, Ben and Cat"),
        (["Ana", "Ana"], False, "Ana"),
        (["Ana"], True, "Ana, breaking the glass alone"),
    ],
)
def test_who_approved_is_told_in_words(names: list[str], glass: bool, sentence: str) -> None:
    assert told(given(*names, glass=glass)) == sentence


def test_the_glass_is_told_of_whoever_broke_it() -> None:
    assert told([*given("Ana"), *given("Ben", glass=True)]) == "Ana and Ben, breaking the glass alone"
