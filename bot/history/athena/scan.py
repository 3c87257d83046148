"""Answers from what one query brought, as far as it brought enough.

Every method returns ``None`` where it did not: roll-ups can be counted but not taken apart, and of single events only
the newest are there.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice

from bot.history.athena.rows import Entry, Result, RollUp
from bot.history.athena.sql import MOST_CALLERS, Stretch
from bot.history.athena.topics import EVERYBODY, SERVICE, TOGETHER, Topic
from bot.history.concerning import concerns
from bot.history.coverage import QUIET_START, Place, covered
from bot.history.gathered import kind_of
from bot.history.rolled import oldest_first
from bot.model import Coverage, Event, Foreseen, Kind, Observable, Prevalence, Principal, Span, Use, Want

_EVIDENCE = 2
_NOTHING: Entry = (datetime.min.replace(tzinfo=UTC), "")


@dataclass(frozen=True, slots=True)
class Scan:
    """What was read (``topics``, ``stretches``) and what it brought.

    ``accounts`` and ``regions`` are those that should have events.
    """

    topics: tuple[Topic, ...]
    stretches: tuple[Stretch, ...]
    result: Result
    accounts: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()

    def uses(self, observable: Observable, span: Span) -> tuple[Use, ...] | None:
        """Everything ``observable`` did inside ``span``; oldest first."""
        for _, rows in self._about(Foreseen(observable, span)):
            inside = [_inside(row, span) for row in rows]
            if None not in inside:
                return _uses(each for each in inside if each is not None and each.count)
        return None

    def events(self, observable: Observable, span: Span, limit: int) -> tuple[Event, ...] | None:
        """The newest ``limit`` events of ``observable`` inside ``span``, newest first."""
        for want in (Want.EVENTS, Want.USES):
            for topic, rows in self._about(Foreseen(observable, span, want)):
                found = _newest(rows, span, limit, self._floor(topic, rows, span))
                if found is not None:
                    return found
        return None

    def principal(self, observable: Observable, until: datetime) -> Principal | None:
        """Who was behind ``observable`` last; ``None`` also where only an earlier time could tell."""
        for topic, rows in self._about(Foreseen(observable, Span(until, until))):
            span = Span(topic.span.since, until)
            found = _newest(rows, span, 1, self._floor(topic, rows, span))
            if found:
                return _with_arn(found[0].principal, rows)
        return None

    def prevalence(self, event: str, span: Span) -> Prevalence | None:
        """Who called ``event`` inside ``span``."""
        call = Observable(Kind.EVENT, event)
        for _, rows in self._about(Foreseen(call, span, Want.PREVALENCE)):
            own = [row for row in rows if not row.like.by_service]
            who = tuple(sorted({row.like.principal.id for row in own}))
            first = min((row.first for row in own), default=None)
            return Prevalence(event, sum(row.count for row in own), who, first, exact=len(rows) < MOST_CALLERS)
        return None

    def population(self, span: Span) -> int | None:
        """How many principals did anything on the days of ``span``."""
        for number, topic in enumerate(self.topics):
            if topic.answers(Foreseen(EVERYBODY, span, Want.POPULATION)):
                who = {row.like.principal.id for row in self.result.by_topic.get(number, ())}
                return sum(not each.startswith(SERVICE) for each in who)
        return None

    def newest(self) -> datetime | None:
        """The time of the newest record that was read."""
        return max((row.last for row in self.result.seen), default=None)

    def coverage(self, span: Span) -> tuple[Coverage | None] | None:
        """What of ``span`` was there to be read: one answer, or none."""
        read = [each for each in self.stretches if each.span.since <= span.since and span.until <= each.span.until]
        if not read:
            return None
        accounts = None if any(each.accounts is None for each in read) else {a for e in read for a in e.accounts or ()}
        rows = [
            row
            for row in self.result.seen
            if (accounts is None or row.account in accounts) and row.last >= span.since and row.first <= span.until
        ]
        if any(row.last > span.until for row in rows):
            return None
        if not rows:
            return (None,)
        expected = (account for account in self.accounts if accounts is None or account in accounts)
        places = [Place(row.account, row.region, row.last) for row in rows]
        places += [Place(account, "", None) for account in expected if account not in {row.account for row in rows}]
        places += [Place("", region, None) for region in self.regions]
        first = min(row.first for row in rows)
        held = Span(span.since if first - span.since <= QUIET_START else first, max(row.last for row in rows))
        return (covered(span, held, places, unread=self.result.unreadable, unfinished=0),)

    def _about(self, asked: Foreseen) -> Iterable[tuple[Topic, list[RollUp]]]:
        """The topics that may answer, each with its roll-ups of what is asked about."""
        for number, topic in enumerate(self.topics):
            if topic.answers(replace(asked, limit=0)):
                rows = self.result.by_topic.get(number, ())
                yield topic, [row for row in rows if concerns(row.like, asked.observable)]

    def _floor(self, topic: Topic, rows: Sequence[RollUp], span: Span) -> Entry:
        """The newest event before which others may be missing from the entries."""
        if topic.want is Want.USES:
            cut = [row.entries[-1] for row in rows if not row.whole and row.entries and row.last >= span.since]
            return max(cut, default=_NOTHING)
        # Of several addresses or calls each has its own newest; of a principal they are taken before names are told
        # apart, so whoever else has the name counts, too.
        taken = rows if topic.kind in TOGETHER else self.result.by_topic.get(self.topics.index(topic), ())
        oldest: dict[str, list[Entry]] = {}
        for row in taken:
            oldest.setdefault(row.subject, []).extend(row.entries)
        cut = [min(entries) for entries in oldest.values() if len(entries) >= topic.limit]
        return max(cut, default=_NOTHING)


def _inside(row: RollUp, span: Span) -> RollUp | None:
    """What of ``row`` lies inside ``span``; ``None`` if that cannot be told."""
    if row.first in span and row.last in span:
        return row
    if row.last < span.since or row.first > span.until:
        return replace(row, count=0)
    if not row.whole:
        return None
    entries = tuple(entry for entry in row.entries if entry[0] in span)
    if not entries:
        return replace(row, count=0)
    return replace(row, count=len(entries), first=entries[-1][0], last=entries[0][0], entries=entries)


def _uses(rows: Iterable[RollUp]) -> tuple[Use, ...]:
    """The roll-ups counted by day and kind: what CloudTrail wrote in several ways may be one in normal form."""
    alike: dict[Use, list[RollUp]] = {}
    for row in rows:
        alike.setdefault(kind_of(replace(row.like, at=row.last)), []).append(row)
    return oldest_first(_use(kind, same) for kind, same in alike.items())


def _use(kind: Use, rows: Sequence[RollUp]) -> Use:
    newest = sorted((entry for row in rows for entry in row.entries[:_EVIDENCE]), reverse=True)
    return kind._replace(
        count=sum(row.count for row in rows),
        first_seen=min(row.first for row in rows),
        last_seen=max(row.last for row in rows),
        evidence=tuple(event_id for _, event_id in newest[:_EVIDENCE]),
    )


def _newest(rows: Sequence[RollUp], span: Span, limit: int, floor: Entry) -> tuple[Event, ...] | None:
    """The newest ``limit`` events, where none of them is before ``floor``, or nothing of the span is."""
    entries = sorted(((entry, row) for row in rows for entry in row.entries if entry[0] in span), key=_at, reverse=True)
    found = tuple(replace(row.like, id=event_id, at=at) for (at, event_id), row in islice(entries, limit))
    enough = len(found) >= limit and (not found or (found[-1].at, found[-1].id) >= floor)
    return found if enough or floor[0] < span.since else None


def _at(pair: tuple[Entry, RollUp]) -> Entry:
    return pair[0]


def _with_arn(principal: Principal, rows: Sequence[RollUp]) -> Principal:
    """An older record may name the ARN where the newest one does not."""
    known = (row.like.principal.arn for row in rows if row.like.principal.id == principal.id)
    return replace(principal, arn=principal.arn or max((arn for arn in known if arn), default=None))
