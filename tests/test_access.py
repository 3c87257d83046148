from __future__ import annotations

import pytest

from bot.access import AccessRules, decide
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
