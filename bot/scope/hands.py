"""The search for other keys, as a triage asks for it: ``bot.triage.Scoper`` over a history."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.model import Event, Gap, HistoryUnavailableError, Observable, Ruling, Scope, Window
from bot.scope.ground import Known
from bot.scope.leads import QUESTION
from bot.scope.reading import scope
from bot.scope.source import Source


@dataclass(frozen=True, slots=True)
class Hands:
    """``known`` is what the organisation says of itself."""

    history: Source
    known: Known

    def __call__(
        self, leads: Sequence[Observable], window: Window, *, told: Sequence[Event], rulings: Sequence[Ruling]
    ) -> Scope | Gap:
        known = replace(
            self.known,
            set_aside={each.key: f"{each.reason} ({each.by})" for each in rulings if not each.belongs},
            counted_in={each.key: f"{each.reason} ({each.by})" for each in rulings if each.belongs},
        )
        try:
            return scope(self.history, leads, window.until, since=window.recent_since, known=known, told=told)
        except HistoryUnavailableError as error:
            return Gap(QUESTION, str(error))
