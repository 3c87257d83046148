"""The CloudTrail history as everybody asks it: one protocol for every store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from bot.model.event import Event, Principal, Use
from bot.model.observable import Observable
from bot.model.times import Span


@dataclass(frozen=True, slots=True)
class Coverage:
    """What could be searched, so that "nothing found" is never said over what was not there."""

    since: datetime
    until: datetime
    accounts: tuple[str, ...]
    regions: Mapping[str, datetime]
    """Region → its newest event."""
    missing: tuple[str, ...]
    """Sentences: what a reader would expect to be covered and is not."""


class History(Protocol):
    """The CloudTrail history. One protocol for every store; all answers are of unique records.

    Every question raises ``HistoryUnavailableError`` where it could not be asked, and ``CannotSearch`` where this store
    has no way to look for the observable: never an empty answer, which would read as "none".
    """

    def coverage(self, span: Span) -> Coverage | None:
        """What of ``span`` the history holds; ``None`` if nothing."""

    def newest(self) -> datetime | None:
        """The time of the newest event; ``None`` if there is none."""

    def uses(self, observable: Observable, span: Span) -> Sequence[Use]:
        """Everything ``observable`` did, or was used for, inside ``span``; oldest first.

        An address may be a network, such as an IPv6 /64; a user agent may be raw, a family, or ``sid/…``, the terminal
        an AWS CLI was used in.
        """

    def population(self, span: Span) -> int:
        """How many principals did anything on the UTC days of ``span``; AWS's own services do not count."""

    def events(self, observable: Observable, span: Span, *, limit: int = 1000) -> Sequence[Event]:
        """The newest ``limit`` events of ``observable`` inside ``span``, newest first."""

    def principal(self, observable: Observable, until: datetime) -> Principal | None:
        """Who was behind ``observable`` (a key or principal id) most recently before or at ``until``."""
