"""A history that could not be asked."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NoReturn

from bot.model import CannotSearch, Coverage, Event, History, Observable, Principal, Span, Use


class Silent(History):
    """Answers every question with ``why``: once is enough to find that out, and the next try may cost as much.

    What an alert tells can still be laid over it (``bot.history.overlay``).
    """

    def __init__(self, why: str) -> None:
        self._why = why

    def coverage(self, span: Span) -> Coverage | None:
        return None

    def newest(self) -> datetime | None:
        return None

    def uses(self, observable: Observable, span: Span) -> Sequence[Use]:
        self._refuse()

    def events(self, observable: Observable, span: Span, *, limit: int = 1000) -> Sequence[Event]:
        self._refuse()

    def principal(self, observable: Observable, until: datetime) -> Principal | None:
        """Nobody is known; that nobody could be asked about stands with every other answer."""
        return None

    def population(self, span: Span) -> int:
        self._refuse()

    def _refuse(self) -> NoReturn:
        raise CannotSearch(self._why)
