"""CloudTrail's event history of one account in one region, page by page (LookupEvents).

At most 50 events a page, the newest first, two calls a second for whoever asks in that account and region
("LookupEvents", CloudTrail API reference).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from bot.aws import Fault, NoWayIn, fault, in_words
from bot.history import raw
from bot.history.attributes import Attribute
from bot.history.gathered import unique
from bot.history.normal import Reading, reading_of
from bot.history.pacing import Pacer
from bot.history.raw import UnreadableError
from bot.model import Event, Span

PAGE = 50
PER_SECOND = 1.8
"""A little less than the two that AWS allows, for whoever else asks."""

_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much one question may fetch in one region: so many pages, until this second of the monotonic clock."""

    pages: int
    until: float


@dataclass(frozen=True, slots=True)
class Stretch:
    """Every event of one attribute from ``since`` to ``until``. ``cut`` says why it does not reach further back."""

    since: datetime
    until: datetime
    readings: tuple[Reading, ...] = ()
    unreadable: int = 0
    cut: str | None = None


@dataclass(frozen=True, slots=True)
class Unasked:
    """One region gave nothing. ``standing``: it will not tomorrow either, unless somebody changes something."""

    account: str
    region: str
    why: str
    standing: bool


Enough = Callable[[Sequence[Event]], bool]
OnPage = Callable[[int, datetime | None], None]
"""Told of each page: how many events were on it, and the time of the oldest."""


class RegionalLog:
    """One account in one region. May be asked from several threads; they keep one pace."""

    def __init__(self, account: str, region: str, client: Callable[[], Any], pacer: Pacer) -> None:
        self.account = account
        self.region = region
        self._client = client
        self._pacer = pacer

    def newest(self, span: Span, bounds: Bounds) -> datetime | Unasked | None:
        """The time of the newest event of all inside ``span``."""
        told: list[datetime] = []

        def take(page: dict[str, Any]) -> bool:
            told.extend(_times(page))
            return bool(told)

        try:
            self._pages(None, span, bounds, take)
        except _Refused as refused:
            return refused.unasked
        return max(told, default=None)

    def stretch(
        self,
        attribute: Attribute,
        span: Span,
        bounds: Bounds,
        *,
        known: Stretch | None = None,
        enough: Enough | None = None,
        on_page: OnPage = lambda _, __: None,
    ) -> Stretch | Unasked:
        """Fetch what has ``attribute``: from the end of ``span`` (or of ``known``, which ends no earlier) back to its
        start, or until the events that are complete are ``enough``.
        """
        known = known or Stretch(span.until + _SECOND, span.until)
        if known.since <= span.since or (enough and enough(_whole(known.readings, known.since))):
            return known
        taken = _Taken(known, enough, on_page)
        try:
            whole = self._pages(attribute, Span(span.since, known.since - _SECOND), bounds, taken.add)
        except _Refused as refused:
            so_far = taken.stretch(cut=f"{self._place} answered no further: {refused.unasked.why}")
            return so_far if so_far.readings else refused.unasked
        if whole:
            return taken.stretch(since=span.since)
        return taken.stretch(cut=None if taken.satisfied else self._limit(bounds))

    @property
    def _place(self) -> str:
        return f"{self.region} of account {self.account}"

    def _limit(self, bounds: Bounds) -> str:
        return f"at most {bounds.pages * PAGE:,} events, or what comes in time, are fetched from {self._place}"

    def _pages(
        self, attribute: Attribute | None, span: Span, bounds: Bounds, take: Callable[[dict[str, Any]], bool]
    ) -> bool:
        """Hand out page after page until there are no more (``True``), ``take`` says so, or the bounds are reached."""
        request: dict[str, Any] = {
            "StartTime": span.since,
            "EndTime": span.until,
            "MaxResults": PAGE if attribute else 1,
        }
        if attribute:
            request["LookupAttributes"] = [{"AttributeKey": attribute.key, "AttributeValue": attribute.value}]
        for _ in range(bounds.pages):
            if not self._pacer.turn(bounds.until):
                return False
            page = self._page(request)
            enough = take(page)
            if not page.get("NextToken"):
                return True
            if enough:
                return False
            request["NextToken"] = page["NextToken"]
        return False

    def _page(self, request: dict[str, Any]) -> dict[str, Any]:
        try:
            page: dict[str, Any] = self._client().lookup_events(**request)
        except NoWayIn as error:
            raise _Refused(Unasked(self.account, self.region, str(error), standing=True)) from error
        except (ClientError, BotoCoreError) as error:
            # In a region that an account has not opted in to, AWS does not know its credentials.
            standing = fault(error) in {Fault.DENIED, Fault.CREDENTIALS}
            raise _Refused(Unasked(self.account, self.region, in_words(error), standing)) from error
        return page


class _Refused(Exception):
    def __init__(self, unasked: Unasked) -> None:
        super().__init__(unasked.why)
        self.unasked = unasked


class _Taken:
    """A stretch that grows back in time, page by page."""

    def __init__(self, known: Stretch, enough: Enough | None, on_page: OnPage) -> None:
        self._known = known
        self._enough = enough
        self._on_page = on_page
        self._readings = list(known.readings)
        self._since = known.since
        self._unreadable = known.unreadable
        self.satisfied = False

    def add(self, page: dict[str, Any]) -> bool:
        read, unreadable = _readings(page)
        times = _times(page)
        oldest = min(times, default=None)
        if oldest is not None:
            # More events of the oldest second may stand on the next page.
            self._since = min(self._since, oldest + _SECOND)
        self._readings += read
        self._unreadable += unreadable
        self._on_page(len(times), oldest)
        self.satisfied = self._enough is not None and self._enough(_whole(self._readings, self._since))
        return self.satisfied

    def stretch(self, *, since: datetime | None = None, cut: str | None = None) -> Stretch:
        """What there is now; from ``since`` on, where there is nothing more before."""
        readings = tuple(unique(self._readings))
        return Stretch(since or self._since, self._known.until, readings, self._unreadable, cut)


def _whole(readings: Sequence[Reading], since: datetime) -> list[Event]:
    return [reading.event for reading in readings if reading.event.at >= since]


def _readings(page: dict[str, Any]) -> tuple[list[Reading], int]:
    """The records of a page in normal form, and how many of them cannot be read."""
    found: list[Reading] = []
    for each in page.get("Events", ()):
        try:
            found.append(reading_of(raw.decode(str(each.get("CloudTrailEvent") or "").encode("utf-8", "replace"))))
        except UnreadableError:
            continue
    return found, len(page.get("Events", ())) - len(found)


def _times(page: dict[str, Any]) -> list[datetime]:
    """The times of a page's events, which botocore gives in the zone of this machine."""
    times = (each.get("EventTime") for each in page.get("Events", ()))
    return [at.astimezone(UTC).replace(microsecond=0) for at in times if isinstance(at, datetime)]
