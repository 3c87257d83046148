"""A principal that works like a machine is told to be one, with since when and from what."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from bot.enrichment import Runner
from bot.model import CannotSearch, Environment, Event, HistoryUnavailableError, Observable, Span, Use
from bot.summary.findings import who
from bot.triage import TriageWorld, triage
from bot.usual.machines import machine_in_words
from tests.fakes import LEAD, WINDOW, FakeHistory, context, event, ordinary

EVERY_DAY = ordinary(days=13)
WORDS = (
    "works like a service account or CI, as learned from the history: at work on 13 days since 2026-11-07, "
    "always with one client"
)


@pytest.mark.parametrize(
    ("events", "words"),
    [
        (EVERY_DAY, WORDS),
        ([*EVERY_DAY, *ordinary(days=13, family="boto3|linux|-|-")], WORDS.replace("one client", "2 clients")),
        ([*EVERY_DAY, event(3_000, family="browser|windows")], None),
        ([*EVERY_DAY, event(3_000, family="a"), event(3_000, family="b")], None),
        ([*EVERY_DAY, event(3_000, family="ec2.amazonaws.com", by_service=True)], WORDS),
        (ordinary(days=8), None),
        ([], None),
    ],
)
def test_habits_tell_a_machine(events: Sequence[Event], words: str | None) -> None:
    assert machine_in_words(context([*events, event()])) == words


@pytest.mark.parametrize(
    "changes",
    [
        {"environment": Environment(automation=("alice",))},
        {"environment": Environment(people=("alice",))},
        {"principal": None},
        {"history": None},
    ],
)
def test_where_somebody_has_said_what_it_is_or_nobody_is_known_nothing_is_learned(changes: dict[str, Any]) -> None:
    assert machine_in_words(context(EVERY_DAY, **changes)) is None


@pytest.mark.parametrize("error", [CannotSearch, HistoryUnavailableError])
def test_a_history_that_does_not_answer_is_no_reason_to_stop(error: type[Exception]) -> None:
    class Silent(FakeHistory):
        def uses(self, observable: Observable, span: Span) -> Sequence[Use]:
            raise error("not here")

    assert machine_in_words(context(EVERY_DAY, history=Silent(EVERY_DAY))) is None


def test_the_card_says_so() -> None:
    made = triage(LEAD, WINDOW, world=TriageWorld((), Runner(), history=FakeHistory([*EVERY_DAY, event()])))
    assert made.stated == (WORDS,)
    assert WORDS in who(made)
