"""Two histories as one: what is kept here for the last weeks, and another one for the time before, and for what has
not arrived here yet.

A span is cut where the embedded store begins and ends, and each part is asked of one history only, so nothing is
counted twice. The store begins with the first whole UTC day it has events of: the day before may be there in part.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeVar

from bot.history.athena import AthenaHistory
from bot.history.coverage import QUIET_START, silences, without_events
from bot.history.everyone import Everyone
from bot.history.merging import merged
from bot.history.sqlite import SqliteHistory
from bot.model import (
    AnswerCut,
    CannotSearch,
    Coverage,
    Event,
    Foreseen,
    History,
    Observable,
    Prevalence,
    Principal,
    Sampled,
    Span,
    Use,
    Want,
    rfc3339,
)
from bot.scope.source import Source

LOOK_BACK = timedelta(days=90)
"""How far back it is looked who used a key."""
BEHIND = timedelta(hours=1)
"""Further than this behind the end of a span the embedded store is not up to date, and the other one is asked."""
LONG_SILENCE = timedelta(days=1)
"""A shorter part of a span without events of an account that has some in another part says little."""
_EDGES = ("Nothing before", "Nothing after")
_SECOND = timedelta(seconds=1)

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a span, and which history is asked about it."""

    span: Span
    here: bool


class JoinedHistory(History):
    """``here`` for what it covers, ``beyond`` for the rest of a span. Raises what either of them raises."""

    def __init__(self, here: SqliteHistory, beyond: History) -> None:
        self._here = here
        self._beyond = beyond
        self.patience, self.foresight = beyond.patience, beyond.foresight

    def for_one_triage(self) -> History:
        return OneTriage(self._here, self._beyond.for_one_triage())

    def everyone(self) -> Source:
        """For one search for keys in the same hands. What is not kept here as a whole is asked of Athena as a whole: of
        two counts of principals nobody knows how many are the same.
        """
        here = Everyone(self._here)
        if isinstance(self._beyond, AthenaHistory):
            return self._beyond.everyone(here, lambda span: self._kept(span) == span)
        return here

    def cost(self) -> str | None:
        return self._beyond.cost()

    def coverage(self, span: Span) -> Coverage | None:
        """What of each part its history covers; the edge between two parts is no gap."""
        parts = self._parts(span)
        found = [(part, self._of(part).coverage(part.span)) for part in parts]
        known = [coverage for _, coverage in found if coverage is not None]
        if not known:
            return None
        regions = _newest(coverage.regions for coverage in known)
        accounts = {account for coverage in known for account in coverage.accounts}
        whole = Coverage(
            since=min(coverage.since for coverage in known),
            until=max(coverage.until for coverage in known),
            accounts=tuple(sorted(accounts)),
            regions=regions,
            missing=(),
            newest=_newest(coverage.newest for coverage in known),
            quiet_accounts=_unseen(accounts, (coverage.quiet_accounts for coverage in known)),
            quiet_regions=_unseen(regions, (coverage.quiet_regions for coverage in known)),
        )
        return replace(whole, missing=tuple(dict.fromkeys([*silences(whole), *_lacking(found, whole)])))

    def newest(self) -> datetime | None:
        known = (self._here.newest(), self._beyond.newest())
        return max((at for at in known if at is not None), default=None)

    def uses(self, observable: Observable, span: Span) -> Sequence[Use]:
        """Where one of the two has no whole answer, ``AnswerCut`` tells what is known."""
        found: list[Use] = []
        cut: AnswerCut | None = None
        for part in self._parts(span):
            try:
                found += self._of(part).uses(observable, part.span)
            except AnswerCut as error:
                cut = error
                found += error.uses
            except CannotSearch as error:
                cut = AnswerCut(str(error), part.span.until + _SECOND)
        if cut is None:
            return merged(found)
        if not found:
            raise CannotSearch(str(cut))
        raise AnswerCut(str(cut), cut.since, merged(found)) from cut

    def events(self, observable: Observable, span: Span, *, limit: int = 1000) -> Sequence[Event]:
        """The newest part first: where that has enough, nothing older is asked for."""
        found: list[Event] = []
        for part in reversed(self._parts(span)):
            if len(found) < limit:
                found += self._of(part).events(observable, part.span, limit=limit - len(found))
        return tuple(found)

    def principal(self, observable: Observable, until: datetime) -> Principal | None:
        for part in reversed(self._parts(Span(until - LOOK_BACK, until))):
            if found := self._of(part).principal(observable, part.span.until):
                return found
        return None

    def population(self, span: Span) -> int:
        """Of the part that is kept here, if that is most of it: who it was before is not asked for a mere number."""
        kept = [part.span for part in self._parts(span) if part.here]
        if not kept or (kept[0].until - kept[0].since) * 2 < span.until - span.since:
            return self._beyond.population(span)
        return self._here.population(kept[0])

    def prevalence(self, event: str, span: Span) -> Prevalence:
        told = [self._of(part).prevalence(event, part.span) for part in self._parts(span)]
        if len(told) == 1:
            return told[0]
        first = min((each.first_seen for each in told if each.first_seen is not None), default=None)
        who = tuple(sorted({principal for each in told for principal in each.principals}))
        return Prevalence(event, sum(each.count for each in told), who, first, all(each.exact for each in told))

    def sampled(self, accounts: Sequence[str], span: Span) -> Sequence[Sampled]:
        """Of what is kept here, where anything of the span is."""
        kept = next((part.span for part in self._parts(span) if part.here), None)
        return self._here.sampled(accounts, kept) if kept else self._beyond.sampled(accounts, span)

    def foresee(self, questions: Sequence[Foreseen]) -> None:
        self._beyond.foresee([each for question in questions for each in self._beyond_of(question)])

    def at_hand(self, question: Foreseen) -> bool:
        return all(self._beyond.at_hand(each) for each in self._beyond_of(question))

    def _beyond_of(self, question: Foreseen) -> Iterator[Foreseen]:
        if question.want is Want.POPULATION:
            return
        for part in self._parts(question.span):
            if not part.here:
                yield replace(question, span=part.span)

    def _of(self, part: Part) -> History:
        return self._here if part.here else self._beyond

    def _parts(self, span: Span) -> list[Part]:
        """The parts of ``span``, the oldest first."""
        kept = self._kept(span)
        if kept is None:
            return [Part(span, here=False)]
        before = Span(span.since, kept.since - _SECOND) if span.since < kept.since else None
        after = Span(kept.until + _SECOND, span.until) if kept.until < span.until else None
        parts = [Part(before, here=False) if before else None, Part(kept, here=True)]
        parts.append(Part(after, here=False) if after else None)
        return [part for part in parts if part is not None]

    def _kept(self, span: Span) -> Span | None:
        """What of ``span`` is asked of the embedded store."""
        held = self._here.span()
        if held is None:
            return None
        midnight = held.since.replace(hour=0, minute=0, second=0)
        since = midnight if held.since - midnight <= QUIET_START else midnight + timedelta(days=1)
        until = held.until if span.until - held.until > BEHIND else span.until
        return span.intersection(Span(since, until)) if since <= until else None


class OneTriage(JoinedHistory):
    """For the questions of one triage."""

    def newest(self) -> datetime | None:
        """Of what is kept here, where anything is: the other one is not asked for a time alone."""
        return self._here.newest() or self._beyond.newest()


def _newest(told: Iterable[Mapping[str, datetime]]) -> dict[str, datetime]:
    newest: dict[str, datetime] = {}
    for name, at in (each for part in told for each in part.items()):
        newest[name] = max(at, newest.get(name, at))
    return dict(sorted(newest.items()))


def _unseen(seen: Collection[str], quiet: Iterable[Collection[str]]) -> tuple[str, ...]:
    """What is ``quiet`` in some part of a span and ``seen`` in none."""
    return tuple(sorted(set().union(*quiet).difference(seen)))


def _lacking(found: Sequence[tuple[Part, Coverage | None]], whole: Coverage) -> Iterator[str]:
    """What each part lacks, with its time where there are several; its edge with the next is no gap."""
    for number, (part, coverage) in enumerate(found):
        when = "" if len(found) == 1 else f" (from {rfc3339(part.span.since)} to {rfc3339(part.span.until)})"
        if coverage is None:
            yield f"Nothing could be searched{when}."
            continue
        inner = ("Nothing before",) * (number > 0) + ("Nothing after",) * (number < len(found) - 1)
        told = silences(coverage)
        lacking = [each for each in coverage.missing if each not in told and not each.startswith(inner)]
        if part.span.until - part.span.since >= LONG_SILENCE:
            here = [account for account in coverage.quiet_accounts if account not in whole.quiet_accounts]
            lacking = [*without_events(here), *lacking]
        for sentence in lacking:
            yield sentence if sentence.startswith(_EDGES) else f"{sentence.rstrip('.')}{when}."
