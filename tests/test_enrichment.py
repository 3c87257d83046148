"""However an enricher behaves, its question ends once, in time, and with a reason."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from bot.enrichment import MOST_HANGING, Question, Runner
from bot.model import (
    Answer,
    CannotSearch,
    Context,
    Declaration,
    Enrichment,
    HistoryUnavailableError,
    Kind,
    NotAnswered,
    NotAsked,
    Observable,
    Status,
)
from bot.plugins import Plugin
from tests.fakes import WINDOW, FakeHistory

IP = Observable(Kind.IP, "198.51.100.7")


@dataclass
class Made:
    """An enricher made of one function."""

    DECLARATION: Declaration
    does: Callable[[], Any]

    def enrich(self, observable: Observable, context: Context) -> Answer:
        answer: Answer = self.does()
        return answer


def question(
    does: Callable[[], Any], name: str = "made", *, seconds: float = 30.0, needs: frozenset[str] = frozenset()
) -> Question:
    declaration = Declaration("Is it odd?", frozenset({Kind.IP}), needs, frozenset({"ip.new"}), seconds)
    return Question(Plugin(name, Made(declaration, does)), IP)


def said(words: str) -> Callable[[], Answer]:
    return lambda: Answer(words)


CONTEXT = Context(WINDOW)


def ask(*questions: Question, runner: Runner | None = None) -> tuple[Enrichment, ...]:
    return (runner or Runner()).ask_all(questions, CONTEXT)


@contextmanager
def held() -> Iterator[threading.Event]:
    """An event that enrichers wait for; set at the end, so that no thread outlives its test."""
    event = threading.Event()
    try:
        yield event
    finally:
        event.set()


def test_answers_stand_in_the_order_asked_however_they_arrive() -> None:
    first_may_answer = threading.Event()
    slow = question(lambda: first_may_answer.wait(30) and Answer("slow"), "slow")
    arrived: list[str] = []
    ended: dict[int, Enrichment] = {}
    for index, enrichment in Runner().ask([slow, question(said("quick"), "quick")], CONTEXT):
        arrived.append(enrichment.enricher)
        ended[index] = enrichment
        first_may_answer.set()
    assert arrived == ["quick", "slow"]
    assert [ended[index].enricher for index in sorted(ended)] == ["slow", "quick"]


def test_all_are_asked_at_once() -> None:
    everybody = threading.Barrier(12, timeout=30)
    given = ask(*[question(lambda: everybody.wait() is not None and Answer("here")) for _ in range(12)])
    assert {enrichment.status for enrichment in given} == {Status.ANSWERED}


def test_an_answer_carries_what_was_asked() -> None:
    (given,) = ask(question(said("no")))
    assert (given.enricher, given.question, given.observable) == ("made", "Is it odd?", IP)
    assert (given.status, given.why, given.raises) == (Status.ANSWERED, None, frozenset({"ip.new"}))


@pytest.mark.parametrize(
    ("need", "remedy"),
    [
        ("history", "needs CloudTrail records of this window: run `triage ingest`"),
        ("ip_data", "needs IP data: run `triage ipdata update`"),
        ("iam", "needs AWS access to read IAM"),
        ("web", "needs the web"),
    ],
)
def test_what_a_need_is_missing_is_skipped_with_its_remedy(need: str, remedy: str) -> None:
    (given,) = ask(question(said("never"), needs=frozenset({need})))
    assert given.status is Status.SKIPPED
    assert given.why is not None
    assert given.why.startswith(remedy)


def test_a_need_that_is_there_is_no_reason_to_skip() -> None:
    asked = question(said("yes"), needs=frozenset({"history"}))
    (given,) = Runner().ask_all([asked], Context(WINDOW, FakeHistory([])))
    assert given.status is Status.ANSWERED


class UnreadableError(Exception):
    def __str__(self) -> str:
        raise RuntimeError


def raising(error: BaseException) -> Callable[[], Answer]:
    def does() -> Answer:
        raise error

    return does


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (ValueError("no such thing"), "ValueError: no such thing"),
        (ValueError(), "ValueError"),
        (ValueError("two\nlines \x1b[31mred\u202e\u2028"), "ValueError: two lines [31mred"),
        (ValueError("x" * 5000), "ValueError: " + "x" * 200),
        (UnreadableError(), "UnreadableError"),
        (SystemExit(3), "SystemExit: 3"),
        (KeyboardInterrupt(), "KeyboardInterrupt"),
        (RecursionError("deep"), "RecursionError: deep"),
    ],
)
def test_what_is_raised_is_a_failure_in_one_line(error: BaseException, why: str) -> None:
    failed, other = ask(question(raising(error)), question(said("well")))
    assert (failed.status, failed.why, failed.answer) == (Status.FAILED, why, None)
    assert other.status is Status.ANSWERED


@pytest.mark.parametrize("error", [NotAnswered, HistoryUnavailableError, CannotSearch])
def test_what_could_not_be_asked_is_a_failure_in_its_own_words(error: type[Exception]) -> None:
    (given,) = ask(question(raising(error("Addresses cannot be searched for here."))))
    assert (given.status, given.why) == (Status.FAILED, "Addresses cannot be searched for here.")


def test_what_an_observable_needs_and_nobody_configured_is_skipped() -> None:
    (given,) = ask(question(raising(NotAsked("name a reading role in config.toml"))))
    assert (given.status, given.why) == (Status.SKIPPED, "name a reading role in config.toml")


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (None, "the enricher returned NoneType, not an Answer"),
        ({"headline": "no"}, "the enricher returned dict, not an Answer"),
        (Answer("odd", facts=("fact",)), "the enricher's answer holds something that is no Fact"),  # type: ignore[arg-type]
        (Answer("odd", signals=({},)), "the enricher's answer holds something that is no Signal"),  # type: ignore[arg-type]
        (Answer("odd", unknowns=(1,)), "the enricher's answer holds something that is no Unknown"),  # type: ignore[arg-type]
    ],
)
def test_what_is_no_answer_is_a_failure(answer: Any, why: str) -> None:
    (given,) = ask(question(lambda: answer))
    assert (given.status, given.why) == (Status.FAILED, why)


def test_what_hangs_is_given_up_and_keeps_nobody_waiting() -> None:
    with held() as event:
        hanging, well = ask(question(event.wait, "hanging", seconds=0.05), question(said("well")))
    assert (hanging.status, hanging.why) == (Status.TIMED_OUT, "no answer within 0.05 seconds")
    assert well.status is Status.ANSWERED


def test_a_slow_a_hanging_and_a_raising_one_spoil_nothing_for_the_others() -> None:
    may_answer = threading.Event()
    with held() as event:
        asked = [
            question(lambda: may_answer.wait(30) and Answer("late"), "slow"),
            question(event.wait, "hanging", seconds=0.05),
            question(raising(ValueError("odd")), "raising"),
            *(question(said("well"), f"well{number}") for number in range(2)),
        ]
        ended: dict[str, Status] = {}
        for _, enrichment in Runner().ask(asked, CONTEXT):
            ended[enrichment.enricher] = enrichment.status
            if ended.keys() >= {"hanging", "raising", "well0", "well1"}:
                may_answer.set()
    assert ended == {
        "slow": Status.ANSWERED,
        "hanging": Status.TIMED_OUT,
        "raising": Status.FAILED,
        "well0": Status.ANSWERED,
        "well1": Status.ANSWERED,
    }


def test_every_limit_counts_from_the_same_start() -> None:
    """Two limits of one length are over together: the second does not begin to count when the first is over."""
    times = iter([0.0, *[10.0] * 50])
    with held() as event:
        given = ask(
            question(event.wait, seconds=10), question(event.wait, seconds=10), runner=Runner(lambda: next(times))
        )
    assert [(each.status, each.seconds) for each in given] == [(Status.TIMED_OUT, 10.0)] * 2


def test_one_enricher_that_hangs_each_time_does_not_spoil_later_triages() -> None:
    runner = Runner()
    with held() as event:
        for _ in range(MOST_HANGING):
            (given,) = ask(question(event.wait, "hanging", seconds=0.01), runner=runner)
            assert given.status is Status.TIMED_OUT
        again, well = ask(question(event.wait, "hanging"), question(said("well")), runner=runner)
        assert (again.status, well.status) == (Status.FAILED, Status.ANSWERED)
        assert again.why == "not asked: 4 earlier askings of it still hang; restart the bot"


def test_one_that_came_back_is_asked_again() -> None:
    runner = Runner()
    with held() as event:
        for _ in range(MOST_HANGING):
            ask(question(event.wait, seconds=0.01), runner=runner)
    # The threads are free to return now; until they have, the enricher is refused, and then it is asked again.
    statuses = (ask(question(said("well")), runner=runner)[0].status for _ in range(1_000_000))
    assert Status.ANSWERED in statuses


def test_threads_are_used_again() -> None:
    runner = Runner()
    names: set[int] = set()

    def noted() -> Answer:
        names.add(threading.get_ident())
        return Answer("here")

    for _ in range(30):
        ask(question(noted), runner=runner)
    assert len(names) < 15


def test_more_questions_than_ever_hang_are_asked_of_one_enricher() -> None:
    given = ask(*[question(said("yes"), "ip_provider") for _ in range(MOST_HANGING * 3)])
    assert {enrichment.status for enrichment in given} == {Status.ANSWERED}


def test_nothing_asked_is_nothing_answered() -> None:
    assert ask() == ()
