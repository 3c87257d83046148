"""A search for keys in the same hands over Athena: ``bot.scope.source.Source``, from few queries.

The search is made several times over (``Source.settle``). What it asks and is not known yet is answered as nothing and
noted; then all of that is asked in one query. What rests on an answer that was none is thrown away with the run: only
the run that missed nothing counts. So first comes what a key did, then what was usual for its owner, then who shares
its traces, then what those did, and so on: two queries to start and two a round.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.history.athena.cost import Cost
from bot.history.athena.crowd import MOST_NAMED, MOST_ROWS, Asked, crowd_query, stretches_of
from bot.history.athena.found import Known, Left
from bot.history.athena.queries import REUSE_MINUTES, SETTLED, AthenaSettings, Queries
from bot.history.athena.sql import SEEN
from bot.history.athena.sql import Stretch as Read
from bot.model import Coverage, Event, Habit, HistoryUnavailableError, Holder, Span, Trace, Users
from bot.scope.source import Answer, Source, Spans

MOST_QUERIES = 24
"""Of one search, however often its window moves."""
_NOBODY = Users(0)
_LOAD = "ask about fewer days, or load them with `triage ingest`"


@dataclass
class _Missing:
    """What one run missed: all of one search's spans, for what it asked of later ones rests on it."""

    spans: Spans
    keys: set[str] = field(default_factory=set)
    principals: set[str] = field(default_factory=set)
    traces: set[Trace] = field(default_factory=set)
    everybody: bool = False
    seen: Span | None = None

    @property
    def narrow(self) -> bool:
        """Something is missing that says what is to be asked of everybody: that comes first."""
        return bool(self.keys or self.principals)


class EveryoneInLake(Source):
    """The answers for one search, which asks from one thread, its spans one after the other.

    ``here`` answers about spans that ``is_here`` says it has; all others are asked of Athena. Raises
    ``HistoryUnavailableError`` where Athena cannot tell.
    """

    def __init__(
        self,
        queries: Queries,
        settings: AthenaSettings,
        now: Callable[[], datetime],
        here: Source | None = None,
        is_here: Callable[[Span], bool] = lambda _: False,
    ) -> None:
        self._queries = queries
        self._settings = settings
        self._now = now
        self._kept = here
        self._is_here = is_here
        self._cost = Cost(settings.usd_per_tb)
        self._known: dict[Spans, Known] = {}
        self._of: Known | None = None
        self._missing: _Missing | None = None
        self._doubted: tuple[str, ...] = ()
        self._asked = 0

    def settle(self, work: Callable[[Source], Answer]) -> Answer:
        while True:
            done = work(self)
            if (missing := self._taken()) is None:
                return done
            self._ask(missing)

    def over(self, spans: Spans) -> Source:
        self._of = self._known.setdefault(spans, Known(spans))
        return self

    def cost(self) -> str | None:
        return self._cost.sentence()

    def coverage(self, span: Span) -> Coverage | None:
        if here := self._here(span):
            return here.coverage(span)
        if self._is_too_early(span):
            return None
        found = self._searched.coverage(span, self._settings.accounts, self._settings.regions)
        if found is not None:
            return found[0]
        if (missing := self._noted()) and not missing.narrow:
            missing.seen = span
        return None

    def population(self, span: Span) -> int:
        if here := self._here(span):
            return here.population(span)
        found = self._searched.population()
        return found if found is not None else self._of_everybody()

    def days(self, span: Span) -> int:
        if here := self._here(span):
            return here.days(span)
        return len(self._searched.days) if self._searched.people is not None else self._of_everybody()

    def users(self, trace: Trace, span: Span) -> Users:
        if here := self._here(span):
            return here.users(trace, span)
        left = self._left(trace)
        return left.users if left is not None else _NOBODY

    def holders(self, trace: Trace, span: Span) -> Sequence[Holder]:
        if here := self._here(span):
            return here.holders(trace, span)
        left = self._left(trace)
        if left is not None and trace.kind == "event" and not left.whole:
            raise HistoryUnavailableError(f"Athena was not asked for everybody who called {trace.value}: too many did.")
        return tuple(sorted(left.holders)) if left is not None else ()

    def newcomers(self, event: str, span: Span, before: Span, doubted: Sequence[str]) -> Sequence[Holder]:
        if (here := self._here(span)) and self._here(before):
            return here.newcomers(event, span, before, doubted)
        self._doubted = tuple(doubted)
        left = self._left(Trace("event", event))
        known = left.before - set(doubted) if left is not None else set()
        return tuple(sorted(each for each in left.holders if each.principal not in known)) if left is not None else ()

    def habits(self, principal: str, span: Span) -> Sequence[Habit]:
        if here := self._here(span):
            return here.habits(principal, span)
        known = self._searched.habits.get((principal, span == self._searched.spans.earlier))
        if known is None and (missing := self._noted()):
            missing.principals.add(principal)
        return known or ()

    def calls(self, key: str, span: Span) -> Sequence[Event]:
        if here := self._here(span):
            return here.calls(key, span)
        known = self._searched.calls.get(key)
        if known is None and (missing := self._noted()):
            missing.keys.add(key)
            missing.principals |= self._searched.owners.get(key, set()) - {who for who, _ in self._searched.habits}
        return known or ()

    @property
    def _searched(self) -> Known:
        if self._of is None:
            raise HistoryUnavailableError("Athena is asked for one search at a time: say first which spans it is over.")
        return self._of

    def _here(self, span: Span) -> Source | None:
        return self._kept if self._kept is not None and self._is_here(span) else None

    def _left(self, trace: Trace) -> Left | None:
        known = self._searched.traces.get(trace)
        if known is None and (missing := self._noted()) and not missing.narrow:
            missing.traces.add(trace)
        return known

    def _of_everybody(self) -> int:
        if (missing := self._noted()) and not missing.narrow:
            missing.everybody = True
        return 0

    def _noted(self) -> _Missing | None:
        """Where to note what is missing; nowhere, if what is asked rests on what was missing before."""
        spans = self._searched.spans
        if self._missing is None:
            self._missing = _Missing(spans)
        return self._missing if self._missing.spans == spans else None

    def _taken(self) -> _Missing | None:
        missing, self._missing = self._missing, None
        return missing

    def _is_too_early(self, span: Span) -> bool:
        """Whether a window that began after ``span`` would be judged over more days than Athena reads of everybody."""
        spans = self._searched.spans
        if self._widest is None or span.until >= spans.window.since - timedelta(days=1):
            return False
        return spans.window.until - span.until + (spans.baseline.until - spans.baseline.since) > self._widest

    @property
    def _widest(self) -> timedelta | None:
        return None if len(self._settings.accounts) == 1 else timedelta(days=self._settings.widest_days)

    def _ask(self, missing: _Missing) -> None:
        spans, known = missing.spans, self._known[missing.spans]
        asked = self._with_what_was_known(missing, known)
        recent = Span(spans.baseline.since, spans.window.until)
        wide = bool(asked.traces or asked.everybody)
        if wide and self._widest is not None and recent.until - recent.since > self._widest:
            raise HistoryUnavailableError(
                f"Athena reads the logs of all accounts for at most {self._settings.widest_days} days, and this search"
                " needs the month before its window, too: ask about fewer, or raise [history.athena] widest_days."
            )
        if len(asked.keys) + len(asked.principals) > MOST_NAMED:
            raise HistoryUnavailableError(
                f"Athena is not asked about more than {MOST_NAMED:,} keys and principals at once: {_LOAD}."
            )
        self._asked += 1
        if self._asked > MOST_QUERIES:
            raise HistoryUnavailableError(
                f"Athena has been asked {MOST_QUERIES} times for this search, which is the most for one: {_LOAD}."
            )
        stretches = stretches_of(asked, spans, self._settings.accounts)
        query = crowd_query(f'"{self._settings.database}"."{self._settings.table}"', stretches, spans, self._doubted)
        settled = max((each.span.until for each in stretches), default=spans.window.until) <= self._now() - SETTLED
        table = self._queries.run(query, self._queries.deadline(), reuse_minutes=REUSE_MINUTES if settled else 0)
        self._cost.add(table.scanned, reused=table.reused)
        if len(table.rows) > MOST_ROWS:
            raise HistoryUnavailableError(f"Athena found more than {MOST_ROWS:,} rows for this search: {_LOAD}.")
        known.add(asked, table.rows)
        known.read += [
            Read(each.accounts, each.span, ()) for each in stretches if any(topic == SEEN for topic, _ in each.facets)
        ]

    def _with_what_was_known(self, missing: _Missing, known: Known) -> Asked:
        """What is missing; of a search whose window has just moved also whatever was needed before."""
        keys, principals, traces = missing.keys, missing.principals, missing.traces
        moved = not (known.calls or known.habits or known.traces or known.read)
        for each in self._known.values() if moved else ():
            if each is not known:
                keys = keys | set(each.calls)
                principals = principals | {who for who, _ in each.habits}
                traces = traces | set(each.traces)
        spans = missing.spans
        return Asked(
            keys=keys,
            principals=principals,
            traces=traces,
            everybody=missing.everybody or (bool(traces) and known.people is None),
            seen=missing.seen,
            long_ago=self._here(spans.baseline) is not None,
        )
