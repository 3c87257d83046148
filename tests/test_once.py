"""What a triage asks twice is asked once."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from bot.enrichment import Runner
from bot.model import Kind, Observable, Window
from bot.once import IamOnce, Once
from bot.plugins import load_enrichers
from bot.triage import TriageWorld, triage
from tests.fakes import ALICE, KEY, LEAD, NOW, FakeHistory, ordinary


class Counting:
    """``Iam`` that knows nothing, and counts how often it was asked what."""

    def __init__(self) -> None:
        self.asked: list[tuple[Any, ...]] = []

    def key(self, *question: Any) -> None:
        self.asked.append(("key", *question))

    def identity(self, *question: Any) -> None:
        self.asked.append(("identity", *question))

    def contact(self, *question: Any) -> None:
        self.asked.append(("contact", *question))


def test_every_question_to_iam_is_asked_once() -> None:
    counting = Counting()
    iam = IamOnce(counting)
    for _ in range(2):
        assert (iam.key(KEY, None), iam.key(KEY, "111122223333")) == (None, None)
        assert (iam.identity("1", "user", "alice"), iam.identity("1", "role", "alice")) == (None, None)
        assert (iam.contact("1"), iam.contact("2")) == (None, None)
    assert len(counting.asked) == len(set(counting.asked)) == 6


def test_a_triage_asks_iam_once_whatever_its_enrichers_ask() -> None:
    counting = Counting()
    plugins = load_enrichers(("access_key", "principal", "quarantine", "owner"))
    triage(LEAD, Window.ending(NOW), world=TriageWorld(plugins, Runner(), FakeHistory(ordinary()), iam=counting))
    assert sorted(counting.asked) == [
        ("contact", "111122223333"),
        ("identity", "111122223333", "user", "alice"),
        ("key", KEY, "111122223333"),
    ]
    triage(Observable(Kind.PRINCIPAL, ALICE.id), Window.ending(NOW), world=TriageWorld(plugins, Runner(), iam=counting))
    assert len(counting.asked) == 3, "nothing says who that is, so nobody is asked about"


def test_two_who_ask_the_same_wait_for_one_answer() -> None:
    once, entered, go = Once(), threading.Event(), threading.Event()
    given: list[str] = []

    def slow() -> str:
        entered.set()
        go.wait(10)
        return "first"

    first = threading.Thread(target=lambda: given.append(once.ask("q", slow)))
    first.start()
    entered.wait(10)
    second = threading.Thread(target=lambda: given.append(once.ask("q", lambda: "second")))
    second.start()
    go.set()
    first.join(10)
    second.join(10)
    assert given == ["first", "first"]


def test_an_error_is_not_remembered() -> None:
    once = Once()
    with pytest.raises(ZeroDivisionError):
        once.ask("q", lambda: 1 // 0)
    assert once.ask("q", lambda: 2) == 2
