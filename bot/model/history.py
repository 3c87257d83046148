"""The CloudTrail history as everybody asks it: one protocol for every store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from bot.model.event import AddressClass, Event, Principal, Use
from bot.model.observable import Kind, Observable
from bot.model.times import Span

PREVALENCE_SAMPLE = 1_000
COMMON_PRINCIPALS = 10
"""A call that more principals than this use is common in an organisation of any size."""


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
    newest: Mapping[str, datetime] = field(default_factory=dict)
    """Account → its newest event."""
    quiet_accounts: tuple[str, ...] = ()
    """Those that should have events and have none; ``missing`` tells of them, and of the next."""
    quiet_regions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Prevalence:
    """Who used a call in a span; what services did for others does not count."""

    event: str
    count: int
    principals: tuple[str, ...]
    first_seen: datetime | None
    exact: bool
    """False: there are at least so many, and more calls than were looked at."""


class Want(StrEnum):
    """What is asked of an observable: see the methods of ``History``."""

    USES = "uses"
    EVENTS = "events"
    PREVALENCE = "prevalence"
    COVERAGE = "coverage"
    POPULATION = "population"
    """Of nothing in particular, as the coverage: the observable does not matter."""


@dataclass(frozen=True, slots=True)
class Foreseen:
    """A question that will be asked; where not ``certain``, one that may be."""

    observable: Observable
    span: Span
    want: Want = Want.USES
    limit: int = 0
    """Of ``events``."""
    certain: bool = True


@dataclass(frozen=True, slots=True)
class Sampled:
    """Calls of one kind in a sample: whose, from where, how many."""

    at: datetime
    principal: str
    ip: str | None
    address_class: AddressClass
    by_service: bool
    count: int = 1


SLOT = timedelta(hours=37)
"""So that the last calls of each slot come from every hour of the day and every day of the week."""
SAMPLE_OF_SLOT = 100


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

        An address may be a network, such as an IPv6 /64; a user agent may be raw, what one begins with, a family, or
        ``sid/…``, the terminal an AWS CLI was used in.
        """

    def population(self, span: Span) -> int:
        """How many principals did anything on the UTC days of ``span``; AWS's own services do not count."""

    def events(self, observable: Observable, span: Span, *, limit: int = 1000) -> Sequence[Event]:
        """The newest ``limit`` events of ``observable`` inside ``span``, newest first."""

    def principal(self, observable: Observable, until: datetime) -> Principal | None:
        """Who was behind ``observable`` (a key or principal id) most recently before or at ``until``."""

    # A store in which every question costs a query answers the rest in ways of its own.

    patience: float = 0.0
    """How many seconds a question may take here beyond what one does that is answered on this machine."""
    foresight: bool = False
    """Whether it is worth the trouble to find out what will be asked, for ``foresee``."""

    def prevalence(self, event: str, span: Span) -> Prevalence:
        """Who called ``event`` (``service:Name``) inside ``span``. Of a common call no more is read than shows it."""
        call = Observable(Kind.EVENT, event)
        newest = self.events(call, span, limit=PREVALENCE_SAMPLE)
        own = [each for each in newest if not each.by_service]
        who = {each.principal.id for each in own}
        if len(newest) < PREVALENCE_SAMPLE or len(who) > COMMON_PRINCIPALS:
            first = min((each.at for each in own), default=None)
            return Prevalence(event, len(own), tuple(sorted(who)), first, len(newest) < PREVALENCE_SAMPLE)
        uses = [use for use in self.uses(call, span) if not use.by_service]
        first = min((use.first_seen for use in uses), default=None)
        principals = tuple(sorted({use.principal for use in uses}))
        return Prevalence(event, sum(use.count for use in uses), principals, first, exact=True)

    def sampled(self, accounts: Sequence[str], span: Span) -> Sequence[Sampled]:
        """An even sample of what was done in ``accounts`` inside ``span``, of the same size however much that was."""
        slots = (span.until - span.since) // SLOT
        spans = [Span(span.until - SLOT * (n + 1), span.until - SLOT * n) for n in range(slots)]
        asked = [(Observable(Kind.ACCOUNT, accounts[n % len(accounts)]), slot) for n, slot in enumerate(spans)]
        self.foresee([Foreseen(account, slot, Want.EVENTS, SAMPLE_OF_SLOT) for account, slot in asked])
        events = [each for account, slot in asked for each in self.events(account, slot, limit=SAMPLE_OF_SLOT)]
        return [Sampled(each.at, each.principal.id, each.ip, each.address_class, each.by_service) for each in events]

    def foresee(self, questions: Sequence[Foreseen]) -> None:
        """These will be asked: a store may answer them all in one go. The answers are the same without."""
        return None  # noqa: RET501 - without it, whoever needs no foresight would have to say so

    def at_hand(self, question: Foreseen) -> bool:
        """Whether the answer is there without a query that costs something."""
        return True

    def for_one_triage(self) -> History:
        """The same history for the questions of one triage, with a ``cost`` of its own."""
        return self

    def cost(self) -> str | None:
        """A sentence: what the answers have cost so far; ``None`` where they cost nothing."""
        return None
