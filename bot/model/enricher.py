"""The contract of an enricher: what it declares, what it is given, what it answers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol

from bot.model.alert import Alert
from bot.model.environment import Environment
from bot.model.event import AddressClass, Event, Outcome, Principal, Use
from bot.model.history import COMMON_PRINCIPALS, History, Prevalence
from bot.model.hunting import Hunts
from bot.model.observable import Kind, Observable
from bot.model.ports import (
    AddressData,
    CodeSearch,
    EarlierCases,
    Iam,
    Records,
    Registries,
    Searching,
    Statistics,
    ThreatLists,
)
from bot.model.times import Span, Window
from bot.model.unanswered import AnswerCut, CannotSearch
from bot.model.usual import Doubted, Usual, is_trusted
from bot.networks import site_of

THIN_BASELINE_EVENTS = 20
THIN_BASELINE_DAYS = 3
WIDENED_BASELINE = timedelta(days=90)
"""A baseline thinner than 20 events or 3 active days is asked again over 90 days before it is called too thin."""
POLICY_CALLS = (
    *("iam:AttachUserPolicy", "iam:PutUserPolicy", "iam:PutUserPermissionsBoundary"),
    *("iam:DetachUserPolicy", "iam:DeleteUserPolicy", "iam:DeleteUserPermissionsBoundary"),
)
"""What puts a policy on a user, and what takes one off."""
MOST_POLICY_CHANGES = 200
MOST_CALLS_OF_ADDRESS = 1_000
RARE_SHARE, RARE_PRINCIPALS = 0.05, 2
"""Without the cap of ``COMMON_PRINCIPALS`` rare would be 250 of 5,000, and innocents behind one exit look alike."""
SHARED_EXIT = 3
"""So many different users before the recent part make an address a shared exit: an office, a VPN, a proxy."""
PREVALENCE = timedelta(days=30)
"""How far before the recent part it is counted who uses a call."""


@dataclass(frozen=True, slots=True)
class Fact:
    """A label and a value, both plain text."""

    label: str
    value: str


@dataclass(frozen=True, slots=True)
class Signal:
    """A claim that can be weighed: its kind, one plain sentence, the ids of the events behind it."""

    kind: str
    sentence: str
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Unknown:
    """A signal that could not be decided, and why. It weighs nothing and is always shown."""

    kind: str
    why: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What an enricher found. Plain text only; ``data`` is for ``--json``."""

    headline: str
    facts: tuple[Fact, ...] = ()
    signals: tuple[Signal, ...] = ()
    unknowns: tuple[Unknown, ...] = ()
    data: Mapping[str, Any] = field(default_factory=dict)
    found: bool = True
    """Whether the headline is worth a line of the card; where nothing was found, the thread says so."""


@dataclass(frozen=True, slots=True)
class Declaration:
    """What an enricher says of itself before it is asked.

    ``needs`` may hold ``"history"`` (``hunts`` come with it), ``"ip_data"``, ``"iam"``, ``"cases"``, ``"web"``,
    ``"threat_lists"``. ``raises`` are the signal kinds its answer can hold: when it cannot answer, the assessment knows
    what was not assessed. ``seconds`` is its time limit. ``sends`` says what it lets out to others than your own AWS
    and Slack, to whom, and when.
    """

    question: str
    takes: frozenset[Kind]
    needs: frozenset[str]
    raises: frozenset[str] = frozenset()
    seconds: float = 5.0
    sends: str = ""


class Enricher(Protocol):
    """A module in ``enrichers`` (or in a user's own package, named in config)."""

    DECLARATION: Declaration

    def enrich(self, observable: Observable, context: Context) -> Answer: ...


@dataclass(frozen=True, slots=True)
class Baseline:
    """What was usual for a principal before the judged part of the window."""

    uses: tuple[Use, ...]
    span: Span
    events: int = field(init=False)
    active_days: int = field(init=False)

    def __post_init__(self) -> None:
        # Counted once: a busy key has thousands of uses, and every enricher asks whether they are enough.
        own = [use for use in self.uses if not use.by_service]
        object.__setattr__(self, "events", sum(use.count for use in own))
        object.__setattr__(self, "active_days", len({use.day for use in own}))

    @property
    def thin(self) -> bool:
        """Too little to call anything new (DOMAIN 3.7: fewer than 20 events or 3 active days)."""
        return self.events < THIN_BASELINE_EVENTS or self.active_days < THIN_BASELINE_DAYS

    @property
    def why_thin(self) -> str:
        days = (self.span.until - self.span.since).days + 1
        return f"insufficient history (only {self.events} events on {self.active_days} days in the {days} days before)"


@dataclass(frozen=True, slots=True)
class Context:
    """The world as an enricher may see it: the moment asked about and the clients, nothing global."""

    window: Window
    history: History | None = None
    addresses: AddressData | None = None
    environment: Environment = field(default_factory=Environment)
    principal: Principal | None = None
    """Who is behind the observable under triage, where the history or the alert says so."""
    usual: Usual | None = None
    iam: Iam | None = None
    records: Records | None = None
    cases: EarlierCases | None = None
    statistics: Statistics | None = None
    registries: Registries | None = None
    """``None`` where the configuration does not let addresses leave the machine."""
    code_search: CodeSearch | None = None
    threat_lists: ThreatLists | None = None
    searching: Searching = field(default_factory=Searching)
    hunts: Hunts | None = None
    alerts: tuple[Alert, ...] = ()
    """Those of the case under triage, oldest first."""
    doubted: Doubted = field(default_factory=dict)
    """Principals of open cases: what they did since those began is no part of what was usual."""

    @property
    def now(self) -> datetime:
        return self.window.until

    def uses(self, observable: Observable, span: Span | None = None) -> Sequence[Use]:
        """Everything ``observable`` did inside ``span`` (default: the whole window)."""
        assert self.history is not None  # noqa: S101 - the runner never asks an enricher without what it needs
        return self.history.uses(observable, span or self.window.span)

    def uses_if_searchable(self, observable: Observable, span: Span | None = None) -> Sequence[Use] | None:
        """As ``uses``, or what is known of them; ``None`` where this history cannot look for it.

        For what an answer can do without.
        """
        try:
            return self.uses(observable, span)
        except AnswerCut as cut:
            return cut.uses
        except CannotSearch:
            return None

    def events_or_why(self, observable: Observable, span: Span, *, limit: int) -> Sequence[Event] | str:
        """The newest events; why not where this history cannot look for them: for what an answer can do without."""
        assert self.history is not None  # noqa: S101 - the runner never asks an enricher without what it needs
        try:
            return self.history.events(observable, span, limit=limit)
        except CannotSearch as error:
            return str(error)

    def policy_changes(self) -> tuple[Event, ...]:
        """The calls of the window that put a policy on the principal, where it is an IAM user, or took one off.

        Oldest first; ``detail`` tells which policy. A history of an older version does not know whom they are about:
        then those are given that the user itself seems to have made, as AWS does it.
        """
        account, _, name = (self.principal.id if self.principal is not None else "").partition(":user/")
        if not name:
            return ()
        assert self.history is not None  # noqa: S101 - the runner never asks an enricher without what it needs
        calls = (
            event
            for call in POLICY_CALLS
            for event in self.history.events(Observable(Kind.EVENT, call), self.window.span, limit=MOST_POLICY_CHANGES)
            if event.outcome is Outcome.OK and event.account in {account, ""}
        )
        own = [event for event in calls if _about(event) == name]
        return tuple(sorted(own, key=lambda event: (event.at, event.id)))

    def prevalence(self, event: str) -> Prevalence:
        """Who used ``event`` in the 30 days before the recent part."""
        assert self.history is not None  # noqa: S101 - the runner never asks an enricher without what it needs
        span = Span(self.window.recent_since - PREVALENCE, self.window.baseline.until)
        found = self.history.prevalence(event, span)
        doubtful = {
            each for each in found.principals if each in self.doubted and not self._made_before(each, event, span)
        }
        if not doubtful:
            return found
        return replace(found, principals=tuple(each for each in found.principals if each not in doubtful))

    def population(self) -> int | None:
        """How many principals did anything since 30 days before the recent part; ``None`` if that cannot be counted."""
        assert self.history is not None  # noqa: S101 - the runner never asks an enricher without what it needs
        try:
            return self.history.population(Span(self.window.recent_since - PREVALENCE, self.window.until))
        except CannotSearch:
            return None

    def rarity(self, event: str) -> float | None:
        """From 0 (everybody uses it) to 1 (nobody did in 30 days); ``None`` if too little is known."""
        population = (self.population() or 0) + 1
        if population < 3:
            return None
        users = len(self.prevalence(event).principals)
        return max(math.log(population / (users + 1)) / math.log(population), 0.0)

    def rare_at_most(self) -> int:
        """A call that no more principals made before is rare here: 5 % of all, but at least 2 and at most 10."""
        return min(COMMON_PRINCIPALS, max(RARE_PRINCIPALS, math.ceil((self.population() or 0) * RARE_SHARE)))

    def calls_before(self, ip: str) -> Sequence[Event]:
        """The newest 1,000 calls from the address (IPv6: its /64) in the 30 days before the recent part."""
        assert self.history is not None  # noqa: S101 - the runner never asks an enricher without what it needs
        span = Span(self.window.recent_since - PREVALENCE, self.window.baseline.until)
        calls = self.history.events(Observable(Kind.IP, site_of(ip)), span, limit=MOST_CALLS_OF_ADDRESS)
        return [event for event in calls if is_trusted(event.principal.id, event.at, self.doubted)]

    def users_before(self, ip: str) -> frozenset[str] | None:
        """Whom ``calls_before`` are of; ``None`` where this history cannot look for addresses."""
        try:
            return frozenset(event.principal.id for event in self.calls_before(ip) if not event.by_service)
        except CannotSearch:
            return None

    def recent_addresses(self, observable: Observable) -> list[str]:
        """The public addresses of recent calls, the newest first; those of services do not count."""
        last_seen: dict[str, datetime] = {}
        for use in self.uses(observable, self.window.recent):
            if use.ip and use.address_class is AddressClass.PUBLIC and not use.by_service:
                last_seen[use.ip] = max(use.last_seen, last_seen.get(use.ip, use.last_seen))
        return sorted(last_seen, key=lambda ip: (-last_seen[ip].timestamp(), ip))

    def looked(self) -> str:
        """How an answer that found nothing ends: over which span it was possible to look, or that it was not."""
        coverage = self.history.coverage(self.window.span) if self.history is not None else None
        if coverage is None:
            return "in what the alert tells; no CloudTrail of this window could be searched"
        gaps = ", with gaps in the logs" if coverage.missing else ""
        return f"between {coverage.since:%Y-%m-%d %H:%M} and {coverage.until:%Y-%m-%d %H:%M} UTC{gaps}"

    def baseline_if_searchable(self) -> Baseline | None:
        """As ``baseline``; ``None`` where nobody can say, or there is no history of one principal."""
        if self.history is None or self.principal is None:
            return None
        try:
            return self.baseline()
        except (AnswerCut, CannotSearch):
            return None

    def baseline(self) -> Baseline:
        """What was usual for the principal before the recent part: the window's, or 90 days where that is thin."""
        baseline = self._baseline_over(self.window.baseline)
        if baseline.thin:
            wider = self._baseline_over(Span(self.window.recent_since - WIDENED_BASELINE, self.window.baseline.until))
            return wider if wider.events > baseline.events else baseline
        return baseline

    def _baseline_over(self, span: Span) -> Baseline:
        if self.principal is None:
            return Baseline((), span)
        uses = self.uses(Observable(Kind.PRINCIPAL, self.principal.id), span)
        return Baseline(tuple(use for use in uses if is_trusted(use.principal, use.first_seen, self.doubted)), span)

    def _made_before(self, principal: str, event: str, span: Span) -> bool:
        """Whether ``principal`` used ``event`` before it came into doubt."""
        uses = self.uses_if_searchable(Observable(Kind.PRINCIPAL, principal), span) or ()
        return any(use.event == event and is_trusted(principal, use.first_seen, self.doubted) for use in uses)


def _about(event: Event) -> str:
    """The user a call is about; itself, where nothing says whom."""
    return (event.detail.user if event.detail is not None else None) or event.principal.name


class Status(StrEnum):
    """How a question ended. Only ``ANSWERED`` can clear anybody."""

    ANSWERED = "answered"
    SKIPPED = "skipped"
    FAILED = "failed"
    TIMED_OUT = "timed_out"


@dataclass(frozen=True, slots=True)
class Enrichment:
    """The result of one enricher on one observable."""

    enricher: str
    question: str
    observable: Observable
    status: Status
    answer: Answer | None = None
    why: str | None = None
    """For every status but answered: the reason, with what a person can do about it."""
    raises: frozenset[str] = frozenset()
    seconds: float = 0.0
