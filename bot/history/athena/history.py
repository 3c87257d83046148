"""``bot.model.History`` over CloudTrail's logs in S3, asked through Amazon Athena.

A question costs a query, and a query costs what it reads. So a triage says beforehand what it will ask (``foresee``),
and is answered from one or two queries; what nobody foresaw is asked by itself, as often as the settings allow.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import TypeVar

from bot.history.athena.cost import Cost
from bot.history.athena.everyone import EveryoneInLake
from bot.history.athena.queries import REUSE_MINUTES, SETTLED, AthenaSettings, Queries, Timing
from bot.history.athena.rows import result_of
from bot.history.athena.scan import Scan
from bot.history.athena.sql import Reading, query_of, stretches_of
from bot.history.athena.topics import EVERYBODY, edges_of, topics_of
from bot.model import (
    CannotSearch,
    Coverage,
    Event,
    Foreseen,
    History,
    HistoryUnavailableError,
    Kind,
    Observable,
    Prevalence,
    Principal,
    Span,
    Use,
    Want,
)
from bot.scope.source import Source

LOOK_BACK = timedelta(days=90)
"""How far back it is looked who used a key, and for the newest event of all."""
MOST_ROWS = 50_000
MOST_EVENTS = 100_000

_NOT_APART = "Athena's answer cannot be taken apart: ask about fewer days."

Found = TypeVar("Found")


class AthenaHistory(History):
    """Asked from any thread. Each question put to it directly is a query; see ``for_one_triage``.

    Every question raises ``HistoryUnavailableError`` with what can be done about it, ``CannotSearch`` for what Athena
    is not asked for.
    """

    def __init__(self, queries: Queries, settings: AthenaSettings, now: Callable[[], datetime]) -> None:
        self._queries = queries
        self._settings = settings
        self._now = now
        self.patience, self.foresight = settings.seconds, True

    @classmethod
    def over(cls, client: Callable[[], object], settings: AthenaSettings, timing: Timing) -> AthenaHistory:
        """``client`` gives a client of Athena, and may raise ``bot.aws.NoWayIn``."""
        return cls(Queries(client, settings, timing), settings, timing.now)

    def close(self) -> None:
        """Stop what still runs."""
        self._queries.stop()

    def for_one_triage(self) -> History:
        return OneTriage(self._queries, self._settings, self._now)

    def everyone(self, here: Source | None = None, is_here: Callable[[Span], bool] = lambda _: False) -> EveryoneInLake:
        """For one search for keys in the same hands; ``here`` answers about spans that ``is_here`` says it has."""
        return EveryoneInLake(self._queries, self._settings, self._now, here, is_here)

    def coverage(self, span: Span) -> Coverage | None:
        return self.for_one_triage().coverage(span)

    def newest(self) -> datetime | None:
        return self.for_one_triage().newest()

    def uses(self, observable: Observable, span: Span) -> Sequence[Use]:
        return self.for_one_triage().uses(observable, span)

    def events(self, observable: Observable, span: Span, *, limit: int = 1000) -> Sequence[Event]:
        return self.for_one_triage().events(observable, span, limit=limit)

    def principal(self, observable: Observable, until: datetime) -> Principal | None:
        return self.for_one_triage().principal(observable, until)

    def population(self, span: Span) -> int:
        return self.for_one_triage().population(span)

    def prevalence(self, event: str, span: Span) -> Prevalence:
        return self.for_one_triage().prevalence(event, span)


class OneTriage(History):
    """The same for the questions of one triage: what one query brought answers every question it can."""

    def __init__(self, queries: Queries, settings: AthenaSettings, now: Callable[[], datetime]) -> None:
        self._queries = queries
        self._settings = settings
        self._now = now
        self._scans: list[Scan] = []
        self._cost = Cost(settings.usd_per_tb)
        self._asked = 0
        self._failed: str | None = None
        self._deadline: float | None = None
        self._lock = threading.Lock()
        self.patience, self.foresight = settings.seconds, True

    def foresee(self, questions: Sequence[Foreseen]) -> None:
        """Ask all of it in one query, but for what cannot be searched for: who asks for that is told so then."""
        wanted = [each for each in questions if self._searchable(each) and not self.at_hand(each)]
        if any(each.certain for each in wanted):
            with suppress(HistoryUnavailableError):
                # Whoever asks is told why there is no answer.
                self._scan(wanted, seen=[each.span for each in wanted if each.want is Want.COVERAGE])

    def at_hand(self, question: Foreseen) -> bool:
        return any(_answers(scan, question) for scan in tuple(self._scans))

    def coverage(self, span: Span) -> Coverage | None:
        return self._answer(lambda scan: scan.coverage(span), lambda: self._scan([], seen=[span]))[0]

    def newest(self) -> datetime | None:
        """Of what has been read so far, where anything has."""
        known = [newest for scan in tuple(self._scans) if (newest := scan.newest()) is not None]
        if known:
            return max(known)
        now = self._now()
        for back in (timedelta(days=2), LOOK_BACK):
            found = self.coverage(Span(now - back, now))
            if found is not None:
                return found.until
        return None

    def uses(self, observable: Observable, span: Span) -> Sequence[Use]:
        asked = Foreseen(observable, span)
        return self._answer(lambda scan: scan.uses(observable, span), lambda: self._scan([asked]))

    def events(self, observable: Observable, span: Span, *, limit: int = 1000) -> Sequence[Event]:
        """The newest are taken before names are told apart: where others have the name, too, more are asked for."""
        most = limit
        while (found := self._held(lambda scan: scan.events(observable, span, limit))) is None:
            if most > MOST_EVENTS:
                raise HistoryUnavailableError(_NOT_APART)
            self._scan([Foreseen(observable, span, Want.EVENTS, most)])
            most = max(most, 1) * 50
        return found

    def principal(self, observable: Observable, until: datetime) -> Principal | None:
        """Who was behind ``observable`` most recently, looking back 90 days."""
        if observable.kind not in {Kind.ACCESS_KEY, Kind.PRINCIPAL}:
            return None
        for scan in self._scans:
            if known := scan.principal(observable, until):
                return known
        span = Span(until - LOOK_BACK, until)
        newest = self.events(observable, span, limit=1)
        return newest[0].principal if newest else None

    def population(self, span: Span) -> int:
        asked = Foreseen(EVERYBODY, span, Want.POPULATION)
        return self._answer(lambda scan: scan.population(span), lambda: self._scan([asked]))

    def prevalence(self, event: str, span: Span) -> Prevalence:
        asked = Foreseen(Observable(Kind.EVENT, event), span, Want.PREVALENCE)
        return self._answer(lambda scan: scan.prevalence(event, span), lambda: self._scan([asked]))

    def cost(self) -> str | None:
        return self._cost.sentence()

    def _answer(self, of: Callable[[Scan], Found | None], scan: Callable[[], Scan]) -> Found:
        if (known := self._held(of)) is not None:
            return known
        if (found := of(scan())) is None:
            raise HistoryUnavailableError(_NOT_APART)
        return found

    def _held(self, of: Callable[[Scan], Found | None]) -> Found | None:
        """What an earlier query already tells."""
        return next((known for each in tuple(self._scans) if (known := of(each)) is not None), None)

    def _scan(self, asked: Sequence[Foreseen], seen: Sequence[Span] = ()) -> Scan:
        if self._failed is not None:
            raise HistoryUnavailableError(self._failed)
        topics = topics_of(asked, self._settings.accounts, self._widest)
        stretches = stretches_of(topics, seen, self._settings.accounts)
        edges = edges_of([*asked, *(Foreseen(EVERYBODY, span) for span in seen)])
        query = query_of(
            Reading(self._table, topics, stretches, edges, most_rows=MOST_ROWS),
        )
        deadline = self._count_query()
        settled = max(each.span.until for each in stretches) <= self._now() - SETTLED
        try:
            table = self._queries.run(query, deadline, reuse_minutes=REUSE_MINUTES if settled else 0)
        except CannotSearch:
            raise
        except HistoryUnavailableError as error:
            # Whatever kept this query from its answer keeps the next one, and each may be paid for.
            self._failed = str(error)
            raise
        self._cost.add(table.scanned, reused=table.reused)
        if len(table.rows) > MOST_ROWS:
            raise HistoryUnavailableError(
                f"Athena found more than {MOST_ROWS:,} kinds of call: ask about fewer days, or load them with"
                " `triage ingest`."
            )
        scan = Scan(topics, stretches, result_of(table.rows), self._settings.accounts, self._settings.regions)
        self._scans.append(scan)
        return scan

    @property
    def _widest(self) -> timedelta | None:
        """The longest span for which the logs of all accounts are read; ``None``: any."""
        return None if len(self._settings.accounts) == 1 else timedelta(days=self._settings.widest_days)

    @property
    def _table(self) -> str:
        return f'"{self._settings.database}"."{self._settings.table}"'

    def _count_query(self) -> float:
        """Until when the query may take. Raises ``CannotSearch`` for one too many."""
        with self._lock:
            self._deadline = self._deadline or self._queries.deadline()
            self._asked += 1
            if self._asked > self._settings.most_queries:
                raise CannotSearch(
                    f"Athena has been asked {self._settings.most_queries} times for this triage, which is the most that"
                    " [history.athena] most_queries allows."
                )
            return self._deadline

    def _searchable(self, asked: Foreseen) -> bool:
        try:
            topics_of([asked], self._settings.accounts, self._widest)
        except CannotSearch:
            return False
        return True


def _answers(scan: Scan, question: Foreseen) -> bool:
    observable, span = question.observable, question.span
    match question.want:
        case Want.USES:
            return scan.uses(observable, span) is not None
        case Want.EVENTS:
            return scan.events(observable, span, question.limit) is not None
        case Want.PREVALENCE:
            return scan.prevalence(observable.value, span) is not None
        case Want.COVERAGE:
            return scan.coverage(span) is not None
        case Want.POPULATION:
            return scan.population(span) is not None
