"""The history as CloudTrail itself keeps it, asked through LookupEvents: for accounts whose logs nobody has loaded.

It needs no trail and no bucket, and it is slow and narrow: 90 days, management events, 90 events a second from each
region, no search by address, client or role. What that means for an answer is said in it: see ``coverage``,
``CannotSearch`` and ``AnswerCut``.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from copy import copy
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from bot.history.attributes import INSTEAD, Attribute, attribute_of
from bot.history.concerning import concerns
from bot.history.coverage import DELIVERY, edges, losses, named, silences, unlogged_globals
from bot.history.gathered import counted_once, newest_first, unique, uses_of
from bot.history.looking import Looking, Progress, Watch
from bot.history.pacing import Pacer
from bot.history.regional import PER_SECOND, Bounds, RegionalLog, Stretch, Unasked
from bot.history.remembering import Memory
from bot.model import (
    AnswerCut,
    CannotSearch,
    Coverage,
    Event,
    Foreseen,
    History,
    HistoryUnavailableError,
    Kind,
    Observable,
    Principal,
    Span,
    Use,
    Want,
    rfc3339,
)

PERMISSIONS = frozenset({"cloudtrail:LookupEvents"})
"""Every call of this module and of ``bot.history.regional``."""

REGIONS = (
    *("us-east-1", "us-east-2", "us-west-1", "us-west-2", "ca-central-1", "sa-east-1"),
    *("eu-central-1", "eu-west-1", "eu-west-2", "eu-west-3", "eu-north-1"),
    *("ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1", "ap-southeast-1", "ap-southeast-2"),
)
"""The regions that every account has; all others an account must opt in to ("Regions", AWS account management)."""

KEPT = timedelta(days=90)
"""How far back LookupEvents reaches."""
MOST_AT_ONCE = 64

Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class Limits:
    """What one question may fetch: pages (of 50 events) from each region, and seconds in all."""

    pages: int = 40
    seconds: float = 60.0


@dataclass(frozen=True, slots=True)
class Timing:
    """The clocks: aware UTC, seconds that only go forward, and a pause of so many seconds."""

    now: Callable[[], datetime] = lambda: datetime.now(UTC).replace(microsecond=0)
    seconds: Callable[[], float] = time.monotonic
    pause: Callable[[float], object] = time.sleep


class LookupHistory(History):
    """``bot.model.History`` over LookupEvents. May be asked from any thread.

    ``client`` gives a CloudTrail client for an account and a region, and may raise ``bot.aws.NoWayIn``.

    Every question raises ``HistoryUnavailableError`` if no region could be asked, ``CannotSearch`` if LookupEvents
    cannot search for that, and ``AnswerCut`` if the answer would not be whole.
    """

    def __init__(
        self,
        client: Callable[[str, str], Any],
        accounts: Sequence[str],
        regions: Sequence[str] = REGIONS,
        *,
        limits: Limits | None = None,
        timing: Timing | None = None,
        watch: Watch = lambda _: None,
    ) -> None:
        self._limits, self._timing, self._watch = limits or Limits(), timing or Timing(), watch
        self._regions = tuple(regions)
        self._logs = [self._log(client, account, region) for account in accounts for region in regions]
        self._memory = Memory(self._timing.now)
        self.patience = self._limits.seconds

    def coverage(self, span: Span) -> Coverage | None:
        """What of ``span`` can be asked for; ``None`` if it ended more than 90 days ago."""
        reach = self._reach()
        within = span.intersection(reach)
        if within is None:
            return None
        newest = self._memory.once(("coverage", within), lambda: self._newest(within))
        answers = list(zip(self._logs, newest, strict=True))
        regions: dict[str, datetime] = {}
        for log, at in answers:
            if isinstance(at, datetime):
                regions[log.region] = max(at, regions.get(log.region, at))
        accounts: dict[str, datetime] = {}
        for log, at in answers:
            if isinstance(at, datetime):
                accounts[log.account] = max(at, accounts.get(log.account, at))
        found = Coverage(
            since=within.since,
            until=within.until,
            accounts=tuple(sorted(accounts)),
            regions=dict(sorted(regions.items())),
            missing=(),
            newest=accounts,
            quiet_accounts=tuple(sorted({log.account for log, at in answers if at is None} - accounts.keys())),
            quiet_regions=tuple(sorted({log.region for log, at in answers if at is None} - regions.keys())),
        )
        return replace(
            found,
            missing=(
                *edges(span, within),
                *_quiet_since(within, regions.values()),
                *silences(found),
                *_unasked([at for _, at in answers if isinstance(at, Unasked)]),
                *self._narrow(),
                *losses(self._memory.unreadable, 0),
            ),
        )

    def newest(self) -> datetime | None:
        """The time of the newest event of any region; ``None`` if there is none in 90 days."""
        reach = self._reach()
        return max((at for at in self._newest(reach) if isinstance(at, datetime)), default=None)

    def uses(self, observable: Observable, span: Span) -> Sequence[Use]:
        """Everything ``observable`` did inside ``span``; oldest first."""
        return uses_of(self._events(observable, span, None))

    def population(self, span: Span) -> int:
        """LookupEvents does not count: it always raises ``CannotSearch``."""
        raise CannotSearch(f"CloudTrail's LookupEvents cannot count how many principals there are: {INSTEAD}.")

    def events(self, observable: Observable, span: Span, *, limit: int = 1000) -> Sequence[Event]:
        """The newest ``limit`` events of ``observable`` inside ``span``, newest first."""
        return tuple(newest_first(self._events(observable, span, limit))[:limit])

    def principal(self, observable: Observable, until: datetime) -> Principal | None:
        """Who was behind ``observable`` (a key or principal) most recently before or at ``until``."""
        if observable.kind not in {Kind.ACCESS_KEY, Kind.PRINCIPAL}:
            return None
        found = self.events(observable, Span(self._reach().since, until), limit=1)
        return found[0].principal if found else None

    def foresee(self, questions: Sequence[Foreseen]) -> None:
        """Fetch what will certainly be asked of each observable once. What cannot be had is told when it is asked."""
        wanted: dict[Observable, list[Foreseen]] = {}
        for each in questions:
            if each.certain and each.want in {Want.USES, Want.EVENTS}:
                wanted.setdefault(each.observable, []).append(each)
        bounds = self._bounds()
        for observable, alike in wanted.items():
            widest = Span(min(each.span.since for each in alike), max(each.span.until for each in alike))
            only_newest = all(each.want is Want.EVENTS for each in alike)
            with suppress(HistoryUnavailableError):
                self._events(observable, widest, max(each.limit for each in alike) if only_newest else None, bounds)

    def for_one_triage(self) -> LookupHistory:
        """The same regions at the same pace; what is fetched is remembered for as long as the triage takes."""
        own = copy(self)
        own._memory = Memory(self._timing.now, lasting=True)
        return own

    # ----------------------------------------------------------------------------------------- one question

    def _events(
        self, observable: Observable, span: Span, limit: int | None, bounds: Bounds | None = None
    ) -> list[Event]:
        attribute = attribute_of(observable)
        logs = [log for log in self._logs if attribute.account in {None, log.account}]
        if not logs:
            raise HistoryUnavailableError(
                f"{observable} is of account {attribute.account}, and that account's CloudTrail is not asked:"
                " add it to [history.lookup] accounts."
            )
        within = span.intersection(self._reach())
        if within is None:
            return []

        def wanted(event: Event) -> bool:
            return event.at in within and concerns(event, observable)

        looking = Looking(str(observable), 0, len(logs))
        found = self._stretches(logs, attribute, within, limit, wanted, looking, bounds or self._bounds())
        since = max((each.since for each in found if isinstance(each, Stretch)), default=within.since)
        since = max(since, within.since)
        readings = unique(reading for each in found if isinstance(each, Stretch) for reading in each.readings)
        events = [event for event in counted_once(readings) if wanted(event) and event.at >= since]
        self._complain(found, observable, within, since, events, limit)
        return events

    def _stretches(
        self,
        logs: Sequence[RegionalLog],
        attribute: Attribute,
        span: Span,
        limit: int | None,
        wanted: Callable[[Event], bool],
        looking: Looking,
        bounds: Bounds,
    ) -> list[Stretch | Unasked]:
        progress = Progress(self._watch, looking)

        def enough(events: Sequence[Event]) -> bool:
            return limit is not None and len(events) >= limit and sum(map(wanted, events)) >= limit

        stop = None if limit is None else enough

        def fetch(log: RegionalLog) -> Stretch | Unasked:
            def more(known: Stretch | None) -> Stretch | Unasked:
                usable = known if known and known.until >= span.until else None
                return log.stretch(attribute, span, bounds, known=usable, enough=stop, on_page=progress.page)

            stretch = self._memory.grown((attribute, log.account, log.region), more)
            progress.region()
            return stretch

        return self._everywhere(logs, fetch)

    def _complain(
        self,
        found: Sequence[Stretch | Unasked],
        observable: Observable,
        within: Span,
        since: datetime,
        events: Sequence[Event],
        limit: int | None,
    ) -> None:
        refused = [each for each in found if isinstance(each, Unasked)]
        if len(refused) == len(found):
            raise HistoryUnavailableError(" ".join(_unasked(refused)))
        if passing := [each for each in refused if not each.standing]:
            raise AnswerCut(" ".join(_unasked(passing)), since, uses_of(events))
        if since > within.since and (limit is None or len(events) < limit):
            why = next((each.cut for each in found if isinstance(each, Stretch) and each.cut), "there are too many")
            raise AnswerCut(
                f"Of {observable} only what came after {rfc3339(since)} is known: {why}.", since, uses_of(events)
            )

    # --------------------------------------------------------------------------------------- all the regions

    def _newest(self, span: Span) -> list[datetime | Unasked | None]:
        bounds = self._bounds()
        newest = self._everywhere(self._logs, lambda log: log.newest(span, bounds))
        refused = [each for each in newest if isinstance(each, Unasked)]
        if len(refused) == len(newest):
            raise HistoryUnavailableError(" ".join(_unasked(refused)))
        return newest

    def _everywhere(self, logs: Sequence[RegionalLog], ask: Callable[[RegionalLog], Found]) -> list[Found]:
        with ThreadPoolExecutor(max(1, min(len(logs), MOST_AT_ONCE)), thread_name_prefix="lookup") as pool:
            return list(pool.map(ask, logs))

    def _narrow(self) -> tuple[str, ...]:
        told = [
            "LookupEvents knows management events only: no reads or writes of objects, no calls of functions.",
            "LookupEvents finds what a user did in federated sessions by the keys of those only, not by the user.",
        ]
        if self._regions == REGIONS:
            told.append(f"Only the {len(REGIONS)} regions that every account has were asked, none it has opted in to.")
        for region in unlogged_globals(self._regions):
            told.append(f"{region} was not asked, where IAM and other global services write theirs.")
        return tuple(told)

    def _reach(self) -> Span:
        now = self._timing.now()
        return Span(now - KEPT, now)

    def _bounds(self) -> Bounds:
        return Bounds(self._limits.pages, self._timing.seconds() + self._limits.seconds)

    def _log(self, client: Callable[[str, str], Any], account: str, region: str) -> RegionalLog:
        pacer = Pacer(PER_SECOND, self._timing.seconds, self._timing.pause)
        return RegionalLog(account, region, lambda: client(account, region), pacer)


def _quiet_since(span: Span, newest: Iterable[datetime]) -> Iterator[str]:
    last = max(newest, default=None)
    if last is not None and span.until - last > DELIVERY:
        yield f"Nothing after {rfc3339(last)}: the newest event of all regions asked is from then."


def _unasked(refused: Sequence[Unasked]) -> list[str]:
    """A sentence for each reason, with the regions it kept from answering."""
    by_reason: dict[tuple[str, str], list[str]] = {}
    for each in refused:
        by_reason.setdefault((each.account, each.why), []).append(each.region)
    return [
        f"Not asked in account {account}: {named(regions)} ({why.rstrip('.')})."
        for (account, why), regions in by_reason.items()
    ]
