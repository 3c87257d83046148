"""A history that is asked each question once: the questions of one triage overlap, above all for the baseline."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from datetime import datetime

from bot.history.coverage import of_account
from bot.model import Coverage, Event, Foreseen, History, Observable, Prevalence, Principal, Sampled, Span, Use
from bot.once import Once


class AskedOnce(History):
    """``History`` over ``history`` that remembers its answers. For one triage: it never looks again.

    Safe from several threads; two that ask the same wait for one answer. An error is not remembered.
    """

    def __init__(self, history: History) -> None:
        self._history = history
        self._once = Once()
        self._account: str | None = None

    def about(self, account: str | None) -> AskedOnce:
        """The same, whose coverage says so where there are no events of ``account``."""
        own = copy(self)
        own._account = account
        return own

    def coverage(self, span: Span) -> Coverage | None:
        return of_account(self._once.ask(("coverage", span), lambda: self._history.coverage(span)), self._account)

    def newest(self) -> datetime | None:
        return self._once.ask("newest", self._history.newest)

    def uses(self, observable: Observable, span: Span) -> Sequence[Use]:
        return self._once.ask(("uses", observable, span), lambda: self._history.uses(observable, span))

    def population(self, span: Span) -> int:
        return self._once.ask(("population", span), lambda: self._history.population(span))

    def events(self, observable: Observable, span: Span, *, limit: int = 1000) -> Sequence[Event]:
        return self._once.ask(
            ("events", observable, span, limit), lambda: self._history.events(observable, span, limit=limit)
        )

    def principal(self, observable: Observable, until: datetime) -> Principal | None:
        return self._once.ask(("principal", observable, until), lambda: self._history.principal(observable, until))

    def prevalence(self, event: str, span: Span) -> Prevalence:
        return self._once.ask(("prevalence", event, span), lambda: self._history.prevalence(event, span))

    def sampled(self, accounts: Sequence[str], span: Span) -> Sequence[Sampled]:
        return self._once.ask(("sampled", *accounts, span), lambda: self._history.sampled(accounts, span))

    @property
    def patience(self) -> float:  # type: ignore[override] # of a wrapper it is what is wrapped that says
        return self._history.patience

    @property
    def foresight(self) -> bool:  # type: ignore[override] # the same
        return self._history.foresight

    def foresee(self, questions: Sequence[Foreseen]) -> None:
        self._history.foresee(questions)

    def at_hand(self, question: Foreseen) -> bool:
        return self._history.at_hand(question)

    def cost(self) -> str | None:
        return self._history.cost()
