"""What a search for keys in the same hands asks of a history: of a few keys all, of everybody else only how many.

An organisation's month does not fit into memory. So a trace of the attacker's is looked up for who shares it, and only
those are looked at as a whole.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol, TypeVar

from bot.model import Coverage, Event, Habit, Holder, Span, Trace, Users

Answer = TypeVar("Answer")


class Spans(NamedTuple):
    """What one search asks about: the window judged, what was usual before it, and the time before that."""

    window: Span
    baseline: Span
    earlier: Span


class Source(Protocol):
    """What services did for somebody is in no answer, and of an action that several accounts logged there is one.

    Every question raises ``HistoryUnavailableError`` where it cannot be asked.
    """

    def settle(self, work: Callable[[Source], Answer]) -> Answer:
        """``work``, with all its questions answered. Where each question costs a query, ``work`` is done several times
        over: what it would have asked is collected and asked together, until nothing is missing. So it must do nothing
        but ask.
        """
        return work(self)

    def over(self, spans: Spans) -> Source:
        """The same for the questions of one search."""
        return self

    def cost(self) -> str | None:
        """A sentence: what the answers have cost so far; ``None`` where they cost nothing."""
        return None

    def coverage(self, span: Span) -> Coverage | None: ...

    def population(self, span: Span) -> int:
        """How many principals did anything on the UTC days of ``span``."""

    def days(self, span: Span) -> int:
        """On how many UTC days of ``span``, which is longer than one, anybody did anything."""

    def users(self, trace: Trace, span: Span) -> Users:
        """Which principals left ``trace`` inside ``span``."""

    def holders(self, trace: Trace, span: Span) -> Sequence[Holder]:
        """Every key that left ``trace`` inside ``span``, with its principal."""

    def newcomers(self, event: str, span: Span, before: Span, doubted: Sequence[str]) -> Sequence[Holder]:
        """Those keys that called ``event`` in ``span`` whose principals did not in ``before`` or are ``doubted``."""

    def habits(self, principal: str, span: Span) -> Sequence[Habit]:
        """What ``principal`` (an id) did on each UTC day of ``span``, and from where."""

    def calls(self, key: str, span: Span) -> Sequence[Event]:
        """Everything done with ``key`` inside ``span``."""
