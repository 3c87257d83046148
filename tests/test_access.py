from __future__ import annotations

from collections.abc import Iterable

import pytest

from bot.access import AccessRules, decide, is_group
from bot.model import Actor, Operation

ANA = Actor("slack:T0MADE:U0ANA", "Ana")
TERMINAL = Actor("local:ana", "ana")


@pytest.mark.parametrize("operation", Operation)
def test_nobody_may_do_anything_unless_named(operation: Operation) -> None:
    decision = decide(ANA, operation, AccessRules())
    assert not decision.allowed
    assert f"nobody is named under [access] {operation.value} in config.toml" in decision.sentence


@pytest.mark.parametrize("operation", Operation)
def test_an_empty_list_is_nobody(operation: Operation) -> None:
    assert not decide(ANA, operation, AccessRules({operation: frozenset()})).allowed


@pytest.mark.parametrize("named", Operation)
@pytest.mark.parametrize("asked", Operation)
def test_each_right_is_its_own(named: Operation, asked: Operation) -> None:
    assert decide(ANA, asked, AccessRules({named: frozenset({ANA.id})})).allowed is (named is asked)


def test_a_refusal_says_what_to_do_and_who_was_refused() -> None:
    rules = AccessRules({Operation.APPROVE: frozenset({"slack:T0MADE:U0BEN"})})
    assert decide(ANA, Operation.APPROVE, rules).sentence == (
        "You may not approve changes: ask someone named under [access] approve in config.toml. "
        "You are slack:T0MADE:U0ANA."
    )


@pytest.mark.parametrize(
    "other", ["slack:T0OTHER:U0ANA", "slack:T0MADE:U0ANAX", "slack:t0made:u0ana", "local:slack:T0MADE:U0ANA", "", "*"]
)
def test_only_the_very_same_id_counts_and_never_the_name(other: str) -> None:
    rules = AccessRules({Operation.APPROVE: frozenset({ANA.id})})
    assert not decide(Actor(other, ANA.name), Operation.APPROVE, rules).allowed


def test_a_terminal_mapped_to_a_slack_person_has_their_rights() -> None:
    allowed = {Operation.APPROVE: frozenset({ANA.id})}
    assert not decide(TERMINAL, Operation.APPROVE, AccessRules(allowed)).allowed
    assert decide(TERMINAL, Operation.APPROVE, AccessRules(allowed, {TERMINAL.id: ANA.id})).allowed
    assert AccessRules(allowed, {TERMINAL.id: ANA.id}).person(TERMINAL) == ANA.id


def test_the_mapping_does_not_run_backwards() -> None:
    rules = AccessRules({Operation.APPROVE: frozenset({TERMINAL.id})}, {TERMINAL.id: ANA.id})
    assert decide(TERMINAL, Operation.APPROVE, rules).allowed
    assert not decide(ANA, Operation.APPROVE, rules).allowed


GROUP = "slack:T0MADE:S0SOC"


class Told:
    """A directory that knows what it is given, and only of whom it was asked to look up."""

    def __init__(self, members: Iterable[str] = (), **problems: str) -> None:
        self._members = frozenset(members)
        self._problems = problems
        self.looked_up: list[tuple[str, list[str]]] = []

    def refresh(self, person: str, groups: Iterable[str]) -> None:
        self.looked_up.append((person, list(groups)))

    def problem(self, person: str) -> str | None:
        return self._problems.get(person.rsplit(":", 1)[-1])

    def members(self, group: str) -> frozenset[str]:
        assert is_group(group), "only groups have members"
        return self._members if group == GROUP else frozenset()

    def name(self, person: str) -> str | None:
        return None


def test_a_member_of_a_named_group_may_and_nobody_else() -> None:
    ben = Actor("slack:T0MADE:U0BEN", "Ben")
    rules = AccessRules(
        {Operation.APPROVE: frozenset({GROUP, "slack:T0MADE:U0CAT"})}, {TERMINAL.id: ANA.id}, Told([ANA.id])
    )
    assert decide(ANA, Operation.APPROVE, rules).allowed
    assert decide(TERMINAL, Operation.APPROVE, rules).allowed, "mapped to a member"
    assert not decide(ben, Operation.APPROVE, rules).allowed
    assert not decide(ANA, Operation.UNDO, rules).allowed
    other = AccessRules({Operation.APPROVE: frozenset({"slack:T0MADE:S0OTHER"})}, {}, Told([ANA.id]))
    assert not decide(ANA, Operation.APPROVE, other).allowed


def test_without_a_directory_a_group_has_no_members() -> None:
    assert not decide(ANA, Operation.APPROVE, AccessRules({Operation.APPROVE: frozenset({GROUP})})).allowed


def test_whom_the_directory_has_something_against_may_do_nothing_though_named() -> None:
    named = {Operation.APPROVE: frozenset({ANA.id, "local:U0ANA"})}
    rules = AccessRules(named, {}, Told(U0ANA="Guests may do nothing here."))
    assert decide(ANA, Operation.APPROVE, rules).sentence == "Guests may do nothing here. You are slack:T0MADE:U0ANA."
    assert not decide(ANA, Operation.APPROVE, rules).allowed
    assert decide(Actor("local:U0ANA", "ana"), Operation.APPROVE, rules).allowed, "Slack knows nothing of a terminal"


def test_each_person_is_looked_up_once_with_every_named_group() -> None:
    told = Told()
    allowed = {
        Operation.APPROVE: frozenset({ANA.id, GROUP, "slack:T0MADE:S0ALL"}),
        Operation.UNDO: frozenset({GROUP}),
    }
    ben = Actor("slack:T0MADE:U0BEN", "Ben")
    AccessRules(allowed, {TERMINAL.id: ANA.id}, told).refresh([ben, TERMINAL, ANA])
    groups = ["slack:T0MADE:S0ALL", GROUP]
    assert told.looked_up == [(ANA.id, groups), (ben.id, groups)]
    AccessRules(allowed).refresh([ANA])  # nobody to ask


def test_who_may_is_told_where_they_are_named() -> None:
    decision = decide(ANA, Operation.UNDO, AccessRules({Operation.UNDO: frozenset({ANA.id})}))
    assert (decision.allowed, decision.sentence) == (True, "You are named under [access] undo in config.toml.")


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("slack:T0MADE:S0SOC", True),
        ("slack:E0GRID:S0SOC", True),
        ("slack:T0MADE:U0ANA", False),
        ("slack:T0MADE:S0SOC ", False),
        ("slack:T0MADE:S0SOC\n", False),
        ("local:S0SOC", False),
    ],
)
def test_a_group_is_told_by_its_id(name: str, answer: bool) -> None:
    assert is_group(name) is answer
