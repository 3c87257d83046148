"""What the history says of an observable before any enricher is asked, and what it could not say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

from bot.model import (
    AnswerCut,
    CannotSearch,
    Coverage,
    History,
    Kind,
    Observable,
    Principal,
    Span,
    Use,
    Window,
    account_of,
)

ACTORS = frozenset({Kind.ACCESS_KEY, Kind.PRINCIPAL})

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Found:
    """``unanswered`` are the reasons why something of it is missing, a sentence each."""

    searched: Coverage | None
    principal: Principal | None
    uses: Sequence[Use]
    recent: Sequence[Use]
    unanswered: tuple[str, ...] = ()


def find(observable: Observable, window: Window, history: History | None) -> Found:
    """Ask for the coverage last: a history that fetches its answers knows only then what it could not fetch.

    Raises ``HistoryUnavailableError`` if the history could not be asked at all.
    """
    if history is None:
        return Found(None, None, (), ())
    asking = _Asking()
    principal = (
        asking.of(lambda: history.principal(observable, window.until), None) if observable.kind in ACTORS else None
    )
    uses = asking.uses(history, observable, window.span)
    recent = asking.uses(history, observable, window.recent)
    searched = asking.searched(history.coverage(window.span))
    return Found(searched, principal, uses, recent, asking.why)


def account(observable: Observable, found: Found) -> str | None:
    """The account it belongs to: its principal's, the one its id names or encodes; else where it was used most."""
    if found.principal is not None and found.principal.account:
        return found.principal.account
    if observable.kind is Kind.ACCESS_KEY:
        return account_of(observable.value)
    if observable.kind is Kind.PRINCIPAL:
        return observable.value.partition(":")[0]
    used = Counter[str]()
    for use in found.uses:
        used[use.account] += use.count
    return min(used, key=lambda name: (-used[name], name), default=None)


class _Asking:
    """Takes an answer that is cut for what it is, and remembers what was missing."""

    def __init__(self) -> None:
        self._why: list[str] = []
        self._since: datetime | None = None
        self._nothing = False

    @property
    def why(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self._why))

    def of(self, ask: Callable[[], Answer], otherwise: Answer) -> Answer:
        try:
            return ask()
        except (AnswerCut, CannotSearch) as error:
            self._why.append(str(error))
            return otherwise

    def uses(self, history: History, observable: Observable, span: Span) -> Sequence[Use]:
        try:
            return history.uses(observable, span)
        except AnswerCut as cut:
            self._why.append(str(cut))
            self._since = max(cut.since, self._since or cut.since)
            return cut.uses
        except CannotSearch as error:
            self._why.append(str(error))
            self._nothing = True
            return ()

    def searched(self, coverage: Coverage | None) -> Coverage | None:
        """What could be searched for this observable; ``None`` if that is nothing."""
        if coverage is None or self._nothing or (self._since and self._since >= coverage.until):
            return None
        since = max(coverage.since, self._since or coverage.since)
        return replace(coverage, since=since, missing=(*coverage.missing, *self.why))
