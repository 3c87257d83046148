"""A history that is asked each question once: the questions of one triage overlap, above all for the baseline."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Sequence
from datetime import datetime
from typing import Any

from bot.model import Coverage, Event, History, Observable, Principal, Span, Use


class AskedOnce:
    """``History`` over ``history`` that remembers its answers. For one triage: it never forgets and never looks again.

    Safe from several threads; two that ask the same wait for one answer. An error is not remembered.
    """

    def __init__(self, history: History) -> None:
        self._history = history
        self._answers: dict[Hashable, Any] = {}
        self._locks: dict[Hashable, threading.Lock] = {}
        self._guard = threading.Lock()

    def coverage(self, span: Span) -> Coverage | None:
        coverage: Coverage | None = self._once(("coverage", span), lambda: self._history.coverage(span))
        return coverage

    def newest(self) -> datetime | None:
        newest: datetime | None = self._once("newest", self._history.newest)
        return newest

    def uses(self, observable: Observable, span: Span) -> Sequence[Use]:
        uses: Sequence[Use] = self._once(("uses", observable, span), lambda: self._history.uses(observable, span))
        return uses

    def events(self, observable: Observable, span: Span, *, limit: int = 1000) -> Sequence[Event]:
        events: Sequence[Event] = self._once(
            ("events", observable, span, limit), lambda: self._history.events(observable, span, limit=limit)
        )
        return events

    def principal(self, observable: Observable, until: datetime) -> Principal | None:
        principal: Principal | None = self._once(
            ("principal", observable, until), lambda: self._history.principal(observable, until)
        )
        return principal

    def _once(self, question: Hashable, ask: Callable[[], Any]) -> Any:
        with self._guard:
            lock = self._locks.setdefault(question, threading.Lock())
        with lock:
            if question not in self._answers:
                self._answers[question] = ask()
            return self._answers[question]
