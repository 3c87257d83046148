"""What enrichers will ask of a history, found out beforehand: for a history in which every question is a query.

All of them are asked once for show. The history they see then gives what is at hand, notes what is not and says
"nothing" to it, so that they go on asking. Of the rest of the world they may ask IAM, whose answers are remembered,
and what lies on this machine; what they answer is thrown away. What was noted is asked in one query. Some of it only
shows once the first of it is known, so this is done twice.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

from bot.enrichment import Question, Runner
from bot.hunts.around import Around
from bot.model import (
    WIDENED_BASELINE,
    Alert,
    Context,
    Coverage,
    Event,
    Foreseen,
    History,
    HistoryUnavailableError,
    Kind,
    Observable,
    Prevalence,
    Principal,
    Span,
    Use,
    Want,
    Window,
)

ROUNDS = 2
_SOME = 1_000
"""So many people make a call worth counting."""

_NOBODY = Observable(Kind.ACCOUNT, "")

Answer = TypeVar("Answer")


def first_questions(observable: Observable, window: Window, alerts: Iterable[Alert]) -> Iterator[Foreseen]:
    """What is asked before any enricher: what the observable did, and whoever the alerts name as its principal."""
    yield Foreseen(observable, window.span)
    yield Foreseen(observable, window.recent)
    for principal in dict.fromkeys(call.principal for alert in alerts for call in alert.calls if call.principal):
        who = Observable(Kind.PRINCIPAL, principal)
        wide = Span(window.recent_since - WIDENED_BASELINE, window.until)
        yield from (Foreseen(who, span, certain=False) for span in (wide, window.span, window.baseline))


def rehearse(subject: Observable, questions: Sequence[Question], context: Context, runner: Runner) -> None:
    """Have ``context.history`` foresee what ``questions`` will ask of it. Never raises."""
    history = context.history
    if history is None or not history.foresight:
        return
    for _ in range(ROUNDS):
        asked = asked_of(history, subject, questions, context, runner)
        if not asked:
            return
        try:
            history.foresee(asked)
        except HistoryUnavailableError:
            # Whoever asks is told so then.
            return


def asked_of(
    history: History, subject: Observable, questions: Sequence[Question], context: Context, runner: Runner
) -> tuple[Foreseen, ...]:
    """What ``questions`` ask of ``history`` that is not at hand, as far as what is at hand leads to it."""
    stage = Stage(history, subject)
    show = replace(
        context,
        history=stage,
        usual=None,
        records=None,
        statistics=None,
        registries=None,
        threat_lists=None,
        code_search=None,
    )
    runner.ask_all(questions, replace(show, hunts=Around(show)))
    return stage.asked


class Stage(History):
    """A history that knows what is at hand. Of a principal nobody has asked about yet, what ``subject`` did stands in:
    it is part of the same, and "nothing" would keep from asking what is only asked of somebody known.
    """

    def __init__(self, history: History, subject: Observable) -> None:
        self._history = history
        self._subject = subject
        self._asked: dict[Foreseen, None] = {}
        self._lock = threading.Lock()

    @property
    def asked(self) -> tuple[Foreseen, ...]:
        """What is not at hand, each once."""
        with self._lock:
            return tuple(self._asked)

    def coverage(self, span: Span) -> Coverage | None:
        whole: Coverage | None = Coverage(span.since, span.until, (), {}, ())
        return self._of(Foreseen(_NOBODY, span, Want.COVERAGE), lambda: self._history.coverage(span), whole)

    def newest(self) -> datetime | None:
        return None

    def uses(self, observable: Observable, span: Span) -> Sequence[Use]:
        question = Foreseen(observable, span)
        if observable.kind is Kind.PRINCIPAL and observable != self._subject and not self._history.at_hand(question):
            self._note(question)
            return self.uses(self._subject, span)
        return self._of(question, lambda: self._history.uses(observable, span), ())

    def events(self, observable: Observable, span: Span, *, limit: int = 1000) -> Sequence[Event]:
        question = Foreseen(observable, span, Want.EVENTS, limit)
        return self._of(question, lambda: self._history.events(observable, span, limit=limit), ())

    def principal(self, observable: Observable, until: datetime) -> Principal | None:
        return None

    def population(self, span: Span) -> int:
        return self._of(Foreseen(_NOBODY, span, Want.POPULATION), lambda: self._history.population(span), _SOME)

    def prevalence(self, event: str, span: Span) -> Prevalence:
        question = Foreseen(Observable(Kind.EVENT, event), span, Want.PREVALENCE)
        nobody = Prevalence(event, 0, (), None, exact=True)
        return self._of(question, lambda: self._history.prevalence(event, span), nobody)

    def foresee(self, questions: Sequence[Foreseen]) -> None:
        for question in questions:
            if not self._history.at_hand(question):
                self._note(question)

    def _of(self, question: Foreseen, ask: Callable[[], Answer], otherwise: Answer) -> Answer:
        if self._history.at_hand(question):
            return ask()
        self._note(question)
        return otherwise

    def _note(self, question: Foreseen) -> None:
        with self._lock:
            self._asked[question] = None
