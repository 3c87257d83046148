"""What stands in the thread under a card, whatever there is of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.model import Answer, Fact
from bot.slack import scoped
from bot.slack.details import details
from bot.slack.elements import BUDGET, flattened, size, texts
from tests.checkers import problems
from tests.slack.cases import (
    ADDRESS,
    CASES,
    HELPER,
    INCIDENT,
    KEY,
    SCOPE,
    SWEEP,
    clients,
    enrichment,
    suspicion,
    triage,
)
from tests.slack.hostile import assert_sendable
from tests.slack.readable import readable


def test_a_thread_of_a_busy_key_fits_and_says_what_was_left_out() -> None:
    families = [{"family": f"f{n}", "count": n, "new": False, "agents": ["a" * 900] * 10} for n in range(1000)]
    facts = tuple(Fact(f"label {n}", "v" * 1000) for n in range(500))
    answer = Answer("many", facts, (), (), {"families": families})
    busy = replace(INCIDENT, triage=triage(*(enrichment("user_agents", answer) for _ in range(30))))
    ((_, _), (slot, message)) = details(busy)
    assert slot == "user_agents"
    assert problems(message.payload()) == []
    assert size(message.blocks) <= BUDGET
    assert f"run `triage key {KEY} --json`" in list(texts(list(message.blocks)))[-1]


def test_an_answer_that_is_cut_says_how_much_is_missing_and_where_it_is() -> None:
    answer = Answer("Forty things", tuple(Fact(f"Thing {n}", "so") for n in range(40)))
    [shown] = [
        message
        for slot, message in details(replace(INCIDENT, triage=triage(enrichment("many", answer))))
        if slot == "many"
    ]
    said = flattened(shown.blocks)
    assert "Thing 14" in said
    assert "Thing 15" not in said
    assert f"25 more facts: run `triage key {KEY} --json`" in said


def test_a_scope_that_is_cut_says_how_much_is_missing() -> None:
    confirmed = tuple(suspicion(f"AKIARTX3GSDSQ{n:07}", "bob", 1, "network") for n in range(17))
    said = flattened(scoped.message_of(replace(SCOPE, confirmed=confirmed)).blocks)
    assert f"Not shown here: 2 more keys in these hands. More: run `triage scope key {KEY} --json`" in said


def test_the_thread_says_what_the_keys_made_what_is_left_of_it_and_what_answers_it() -> None:
    (message,) = [message for slot, message in details(CASES["scoped"]) if slot == "made"]
    words = readable(message.payload())
    assert "user 111122223333:user/helper (exists: made at <2026-11-23T09:30:00Z>)" in words
    assert f"iam:CreateUser with {KEY} from {ADDRESS} at <2026-11-23T09:30:00Z>" in words
    assert "triage plan disable_created 111122223333:user/helper" in words
    assert "function URL <!channel> *x* (could not ask: AccessDenied on GetFunctionUrlConfig)" in words
    assert any(each.endswith("; maybe its owner's doing") for each in words.split("\n"))


@pytest.mark.parametrize("things", [0, 500])
def test_a_sweep_of_any_size_can_be_sent_and_says_what_was_left_out(things: int) -> None:
    swept = replace(SCOPE, sweep=replace(SWEEP, things=(HELPER,) * things))
    case = replace(CASES["scoped"], triage=replace(triage(), scope=swept))
    (message,) = [message for slot, message in details(case) if slot == "made"]
    assert_sendable(message.payload())
    words = list(texts(list(message.blocks)))
    assert (f"Not all 500 have room here: run `triage scope key {KEY}`" in words) == (things > 0)
    assert any("Nothing of the kind is on record" in each for each in words) == (things == 0)


def test_the_slots_of_a_thread_do_not_move() -> None:
    fuller = replace(INCIDENT, triage=triage(clients(*["x"] * 10)))
    assert [slot for slot, _ in details(fuller)] == ["score", "user_agents"]
    assert [slot for slot, _ in details(INCIDENT)][:2] == ["score", "user_agents"]
