"""Moments and stretches of time: every ``datetime`` is aware and UTC, with one-second precision."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

RECENT = timedelta(hours=24)
"""The end of a window that is judged against the rest of it (CONTRACT: *recent*)."""


def rfc3339(at: datetime) -> str:
    """``at`` as UTC with second precision and a ``Z``: the only form in which times leave the bot."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time, both ends inclusive. CloudTrail times have one-second precision, so spans do too."""

    since: datetime
    until: datetime

    def __contains__(self, at: datetime) -> bool:
        return self.since <= at <= self.until

    def intersection(self, other: Span) -> Span | None:
        since, until = max(self.since, other.since), min(self.until, other.until)
        return Span(since, until) if since <= until else None


@dataclass(frozen=True, slots=True)
class Window:
    """The span a question is about, split into *baseline* (what was usual) and *recent* (what is judged)."""

    since: datetime
    recent_since: datetime
    until: datetime

    @classmethod
    def ending(cls, at: datetime, *, days: float = 14, recent: timedelta = RECENT) -> Window:
        """The window of ``days`` days that ends at ``at``; its last ``recent`` is judged against the rest."""
        since = at - timedelta(days=days)
        return cls(since, max(since, at - recent), at)

    @property
    def span(self) -> Span:
        return Span(self.since, self.until)

    @property
    def baseline(self) -> Span:
        return Span(self.since, self.recent_since - timedelta(seconds=1))

    @property
    def recent(self) -> Span:
        return Span(self.recent_since, self.until)
