"""What may never change the answer, and what may never add to it."""

from __future__ import annotations

from datetime import timedelta
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.model import Event, Outcome, Scope
from tests.scope.made import AT, CLI, COMMON, MACHINE, USERS, call, key_of, organisation, scoped, stolen, user

ORDINARY = organisation(8)
THEFT = [event for number in (1, 2, 3) for event in stolen(number, ago=100 + number)]
WORLD = [*ORDINARY, *THEFT]
FOUND = scoped(WORLD, 1)


@settings(max_examples=8)
@given(st.randoms(use_true_random=False), st.integers(0, len(WORLD)))
def test_order_and_duplicates_change_nothing(random: Random, again: int) -> None:
    shuffled = [*WORLD, *WORLD[:again]]
    random.shuffle(shuffled)
    assert scoped(shuffled, 1) == FOUND


def confirmed(found: Scope) -> set[str]:
    return {each.key for each in found.confirmed}


unrelated = st.builds(
    lambda number, minutes, name, octet, agent, denied: call(
        key_of(1000 + number),
        f"stranger-{number}",
        name,
        AT - timedelta(minutes=minutes),
        f"233.252.0.{octet}",
        agent,
        outcome=Outcome.DENIED if denied else Outcome.OK,
    ),
    st.integers(0, 5),
    st.integers(0, 40 * 24 * 60),
    st.sampled_from([*COMMON, USERS, "ses:GetSendQuota"]),
    st.integers(1, 250),
    st.sampled_from([CLI, MACHINE, "curl/8.0", ""]),
    st.booleans(),
)


@settings(max_examples=12)
@given(st.lists(unrelated, max_size=40))
def test_unrelated_activity_never_adds_a_confirmation(strangers: list[Event]) -> None:
    assert confirmed(scoped([*WORLD, *strangers], 1)) <= confirmed(FOUND)


@settings(max_examples=8)
@given(st.lists(st.sampled_from(COMMON), max_size=20), st.integers(10, 900))
def test_what_a_colleague_does_in_the_office_never_confirms_him(names: list[str], minutes: int) -> None:
    at = AT - timedelta(minutes=minutes)
    office = [call(key_of(6), user(6), name, at + timedelta(seconds=n), "203.0.113.10") for n, name in enumerate(names)]
    assert confirmed(scoped([*WORLD, *office], 1)) <= confirmed(FOUND)
