"""The vocabulary of the bot and the contract of an enricher.

Standard library only (``bot.families``, ``bot.networks`` and ``bot.history.access_key``, too): enrichers import this
module and nothing else of ours. Everything here is frozen; a stop on the way of an alert takes what earlier stops made
and returns something new. Every ``datetime`` is aware and UTC.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Any, Literal, Protocol

from bot import families, networks
from bot.history import access_key

family_is_new = families.family_is_new
offensive_name = families.offensive_name
offensive_tool = families.offensive_tool
offensive_distribution = families.offensive_distribution
network_of = networks.network_of
inside = networks.inside
account_of = access_key.account_of
key_kind = access_key.kind_of

RECENT = timedelta(hours=24)
"""The end of a window that is judged against the rest of it (CONTRACT: *recent*)."""

THIN_BASELINE_EVENTS = 20
THIN_BASELINE_DAYS = 3
WIDENED_BASELINE = timedelta(days=90)
"""A baseline thinner than 20 events or 3 active days is asked again over 90 days before it is called too thin."""


PREVALENCE = timedelta(days=30)
"""How far before the recent part it is counted who uses a call."""
PREVALENCE_SAMPLE = 1_000
COMMON_PRINCIPALS = 10
"""A call that more principals than this use is common in an organisation of any size."""


def rfc3339(at: datetime) -> str:
    """``at`` as UTC with second precision and a ``Z``: the only form in which times leave the bot."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


# ---------------------------------------------------------------------------------------------- time


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


# ---------------------------------------------------------------------------------- what we look up


class Kind(StrEnum):
    """What an observable is; the values are those of the JSON documents."""

    ACCESS_KEY = "access_key"
    PRINCIPAL = "principal"
    IP = "ip"
    USER_AGENT = "user_agent"
    EVENT = "event"
    ACCOUNT = "account"


@dataclass(frozen=True, slots=True, order=True)
class Observable:
    """A value we can look up.

    A principal's value is its id ``<account>:<kind>/<name>``, an event's ``service:Name``.
    """

    kind: Kind
    value: str

    def __str__(self) -> str:
        return self.value


# ------------------------------------------------------------------------------ CloudTrail, normalised


class Outcome(StrEnum):
    """How a call ended. ``UNKNOWN`` is for what only an alert has told us; CloudTrail always says."""

    OK = "ok"
    DENIED = "denied"
    BAD_CREDENTIAL = "bad_credential"
    FAILED = "failed"
    DRY_RUN = "dry_run"
    LOGIN_FAILED = "login_failed"
    UNKNOWN = "unknown"


class AddressClass(StrEnum):
    """What kind of thing stood in ``sourceIPAddress``. Only ``PUBLIC`` is ever a pivot or looked up."""

    PUBLIC = "public"
    PRIVATE = "private"
    AWS_INTERNAL = "aws_internal"
    SERVICE_HOST = "service_host"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Principal:
    """Who acted in AWS. ``id`` is stable across sessions and keys: ``<account>:<kind>/<name>``."""

    id: str
    type: str | None
    arn: str | None
    account: str | None

    @property
    def name(self) -> str:
        return self.id.split("/", 1)[-1]


@dataclass(frozen=True, slots=True)
class Event:
    """One CloudTrail record (or the call an alert tells of) in normal form."""

    id: str
    at: datetime
    name: str
    """``service:Name`` with date suffixes stripped, e.g. ``ses:GetSendQuota``."""
    outcome: Outcome
    error_code: str | None
    key: str | None
    principal: Principal
    session: str | None
    """Role session, federated or SSO name: display only, the attacker may have picked it."""
    ip: str | None
    """As CloudTrail writes it; an address only where ``address_class`` is public or private."""
    address_class: AddressClass
    user_agent: str
    """Raw and attacker-controlled: show it only as plain or rich text."""
    family: str
    region: str
    account: str
    """The account whose log holds the record (``recipientAccountId``)."""
    by_service: bool
    """A service made the call for the principal: its address and client are the service's."""
    provenance: Literal["cloudtrail", "alert"] = "cloudtrail"
    minted: str | None = None
    """The access key this call gave out: a new long-term key, or the key of a session. Never the secret."""


@dataclass(frozen=True, slots=True)
class Use:
    """One kind of call on one UTC day, counted: what every question of the history is answered from.

    All fields but the last four are the same for every event counted. ``evidence`` names up to two of the events,
    the newest first.
    """

    day: date
    key: str | None
    principal: str
    ip: str | None
    address_class: AddressClass
    user_agent: str
    family: str
    event: str
    outcome: Outcome
    error_code: str | None
    region: str
    account: str
    by_service: bool
    count: int
    first_seen: datetime
    last_seen: datetime
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Habit:
    """One kind of call of one principal on one UTC day, counted; never one a service made for it."""

    day: date
    key: str | None
    principal: str
    ip: str | None
    address_class: AddressClass
    user_agent: str
    family: str
    event: str
    count: int = 1


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
    """The CloudTrail history. One protocol for every store; all answers are of unique records."""

    def coverage(self, span: Span) -> Coverage | None:
        """What of ``span`` the history holds; ``None`` if nothing."""

    def newest(self) -> datetime | None:
        """The time of the newest event; ``None`` if there is none."""

    def uses(self, observable: Observable, span: Span) -> Sequence[Use]:
        """Everything ``observable`` did, or was used for, inside ``span``; oldest first."""

    def events(self, observable: Observable, span: Span, *, limit: int = 1000) -> Sequence[Event]:
        """The newest ``limit`` events of ``observable`` inside ``span``, newest first."""

    def principal(self, observable: Observable, until: datetime) -> Principal | None:
        """Who was behind ``observable`` (a key or principal id) most recently before or at ``until``."""


# ------------------------------------------------------------------------------------------ the alert


@dataclass(frozen=True, slots=True)
class Call:
    """The AWS call an alert tells of, as far as it says; evidence minutes before CloudTrail delivers it."""

    at: datetime
    key: str | None = None
    principal: str | None = None
    """An ARN, a user name or a principal id: whatever the alert gave."""
    ip: str | None = None
    user_agent: str | None = None
    event: str | None = None
    account: str | None = None
    region: str | None = None
    error_code: str | None = None


@dataclass(frozen=True, slots=True)
class Alert:
    """A finding in our normal form."""

    id: str
    source: str
    title: str
    severity: str | None
    at: datetime
    observables: tuple[Observable, ...]
    calls: tuple[Call, ...] = ()
    sample: bool = False
    secrets_removed: int = 0
    """How many secret access keys were cut out before anything was stored."""
    notes: tuple[str, ...] = ()
    """Sentences about the alert itself, e.g. what in it could not be read."""

    @property
    def evidence_id(self) -> str:
        return f"alert:{self.id}"


# --------------------------------------------------------------------------- the contract of an enricher


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

    ``needs`` may hold ``"history"``, ``"ip_data"``, ``"iam"``, ``"cases"``, ``"web"``. ``raises`` are the signal kinds
    its answer can hold: when it cannot answer, the assessment knows what was not assessed. ``seconds`` is its time
    limit.
    """

    question: str
    takes: frozenset[Kind]
    needs: frozenset[str]
    raises: frozenset[str] = frozenset()
    seconds: float = 5.0


class Enricher(Protocol):
    """A module in ``enrichers`` (or in a user's own package, named in config)."""

    DECLARATION: Declaration

    def enrich(self, observable: Observable, context: Context) -> Answer: ...


@dataclass(frozen=True, slots=True)
class AddressOrigin:
    """What is known of a public address. ``None`` is unknown, never "no"."""

    ip: str
    asn: int | None = None
    organisation: str | None = None
    country: str | None = None
    provider: str | None = None
    hosting: bool | None = None
    big_three: bool | None = None
    tor: bool | None = None
    vpn: bool | None = None
    source: str | None = None
    as_of: str | None = None


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """An access key as IAM knows it now."""

    id: str
    owner: str
    """The user's name; ``<root_account>`` for the root user, as in IAM's credential report."""
    status: str | None = None
    """``Active`` or ``Inactive``; ``None`` where IAM does not list it, as for the root user."""
    created_at: datetime | None = None
    last_used_at: datetime | None = None
    last_used_for: str | None = None
    """Service and region of the last use IAM has noted, which may be some hours behind."""
    others: tuple[tuple[str, str], ...] = ()
    """The owner's other keys, each with its status."""


@dataclass(frozen=True, slots=True)
class IdentityRecord:
    """A user or role as IAM knows it now."""

    name: str
    created_at: datetime | None = None
    password: bool | None = None
    """Whether a user has a console password; ``None`` for a role."""
    mfa: int | None = None
    """How many MFA devices a user has; ``None`` for a role."""
    groups: tuple[str, ...] = ()
    policies: tuple[str, ...] = ()
    """Names of managed and inline policies, those of its groups included."""
    admin: bool | None = None
    """Whether one of them allows everything; ``None`` if a policy could not be read."""
    boundary: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Unread:
    """IAM could not be asked; ``why`` is a sentence for people."""

    why: str


class Iam(Protocol):
    """What AWS IAM says now. ``None`` means that there is no such key, user or role."""

    def key(self, key_id: str, account: str | None) -> KeyRecord | Unread | None: ...

    def identity(self, account: str, kind: Literal["user", "role"], name: str) -> IdentityRecord | Unread | None: ...


class Records(Protocol):
    """The raw records behind event ids, as far as their files are still where they were read."""

    def parameters(self, event_id: str) -> Mapping[str, Any] | None:
        """The ``requestParameters`` of a record; ``None`` if it can no longer be read."""


@dataclass(frozen=True, slots=True)
class EarlierCase:
    """A case that had the same observable."""

    id: int
    subject: str
    title: str
    verdict: str | None
    """As assessed last; ``None`` if it never was."""
    score: int | None
    opened_at: datetime
    open: bool


class EarlierCases(Protocol):
    """The cases of this bot, but for the one being triaged."""

    def with_observable(self, observable: Observable) -> Sequence[EarlierCase]:
        """Those about ``observable``, and those an alert of which named it; the newest first."""


class NotAnswered(Exception):
    """An enricher could not ask what it needs; the text is a sentence for people. The question ends ``failed``."""


class AddressData(Protocol):
    """Where addresses come from, from data at hand."""

    def origin(self, ip: str) -> AddressOrigin: ...


@dataclass(frozen=True, slots=True)
class Environment:
    """One customer or business unit."""

    name: str = "default"
    accounts: frozenset[str] = frozenset()
    """Empty: every account."""
    channel: str = ""
    own_networks: tuple[str, ...] = ()
    usual_countries: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Baseline:
    """What was usual for a principal before the judged part of the window."""

    uses: tuple[Use, ...]
    span: Span

    @property
    def events(self) -> int:
        return sum(use.count for use in self.uses if not use.by_service)

    @property
    def active_days(self) -> int:
        return len({use.day for use in self.uses if not use.by_service})

    @property
    def thin(self) -> bool:
        """Too little to call anything new (DOMAIN 3.7: fewer than 20 events or 3 active days)."""
        return self.events < THIN_BASELINE_EVENTS or self.active_days < THIN_BASELINE_DAYS

    @property
    def why_thin(self) -> str:
        days = (self.span.until - self.span.since).days + 1
        return f"only {self.events} events on {self.active_days} days in the {days} days before"


@dataclass(frozen=True, slots=True)
class Prevalence:
    """Who used a call before the recent part; what services did for others does not count."""

    event: str
    count: int
    principals: tuple[str, ...]
    first_seen: datetime | None
    exact: bool
    """False: there are at least so many, and more calls than were looked at."""


@dataclass(frozen=True, slots=True)
class Context:
    """The world as an enricher may see it: the moment asked about and the clients, nothing global."""

    window: Window
    history: History | None = None
    addresses: AddressData | None = None
    environment: Environment = field(default_factory=Environment)
    principal: Principal | None = None
    """Who is behind the observable under triage, where the history or the alert says so."""
    iam: Iam | None = None
    records: Records | None = None
    cases: EarlierCases | None = None

    @property
    def now(self) -> datetime:
        return self.window.until

    def uses(self, observable: Observable, span: Span | None = None) -> Sequence[Use]:
        """Everything ``observable`` did inside ``span`` (default: the whole window)."""
        assert self.history is not None  # noqa: S101 - the runner never asks an enricher without what it needs
        return self.history.uses(observable, span or self.window.span)

    def prevalence(self, event: str) -> Prevalence:
        """Who used ``event`` in the 30 days before the recent part."""
        assert self.history is not None  # noqa: S101 - the runner never asks an enricher without what it needs
        span = Span(self.window.recent_since - PREVALENCE, self.window.baseline.until)
        call = Observable(Kind.EVENT, event)
        newest = self.history.events(call, span, limit=PREVALENCE_SAMPLE)
        who = {each.principal.id for each in newest if not each.by_service}
        if len(newest) < PREVALENCE_SAMPLE or len(who) > COMMON_PRINCIPALS:
            own = [each for each in newest if not each.by_service]
            first = min((each.at for each in own), default=None)
            return Prevalence(event, len(own), tuple(sorted(who)), first, len(newest) < PREVALENCE_SAMPLE)
        uses = [use for use in self.history.uses(call, span) if not use.by_service]
        first = min((use.first_seen for use in uses), default=None)
        return Prevalence(
            event, sum(use.count for use in uses), tuple(sorted({use.principal for use in uses})), first, exact=True
        )

    def looked(self) -> str:
        """How an answer that found nothing ends: over which span it was possible to look, or that it was not."""
        coverage = self.history.coverage(self.window.span) if self.history is not None else None
        if coverage is None:
            return "in what the alert tells; no CloudTrail of this window could be searched"
        return f"between {coverage.since:%Y-%m-%d %H:%M} and {coverage.until:%Y-%m-%d %H:%M} UTC"

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
        return Baseline(tuple(self.uses(Observable(Kind.PRINCIPAL, self.principal.id), span)), span)


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


# --------------------------------------------------------------------------------------- the judgement


class Verdict(StrEnum):
    INCIDENT = "incident"
    PROBABLE = "probable"
    SUSPICIOUS = "suspicious"
    LOW = "low"
    EXPECTED = "expected"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True, slots=True)
class Reason:
    """A signal that counted. ``points`` are before the caps of its class."""

    signal: str
    points: int
    sentence: str
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Gap:
    """A question nobody answered: what it was, and why there is no answer."""

    question: str
    why: str


@dataclass(frozen=True, slots=True)
class ClassPoints:
    points: int
    cap: int


@dataclass(frozen=True, slots=True)
class Assessment:
    verdict: Verdict
    score: int
    classes: Mapping[str, ClassPoints]
    reasons: tuple[Reason, ...]
    gaps: tuple[Gap, ...]
    could_be: tuple[Verdict, int] | None
    """Verdict and score if every undecided signal fired; ``None`` if that changes nothing."""
    sentence: str


# ---------------------------------------------------------------------------------- people and changes


@dataclass(frozen=True, slots=True)
class Actor:
    """The person using the bot: ``slack:<team>:<user>`` or ``local:<os user>``."""

    id: str
    name: str


class Operation(StrEnum):
    """What a person may be allowed to do; each a separate right in ``[access]``."""

    TRIAGE = "triage"
    APPROVE = "approve"
    UNDO = "undo"


@dataclass(frozen=True, slots=True)
class Decision:
    allowed: bool
    sentence: str
    """Why, in words for the person who asked."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    remediation: str
    target: str
    why: str


@dataclass(frozen=True, slots=True)
class Activity:
    """What an observable did inside a window, counted in unique records (CONTRACT ``activity``)."""

    events: int = 0
    by_service: int = 0
    denied: int = 0
    failed: int = 0
    bad_credential: int = 0
    dry_run: int = 0
    login_failed: int = 0
    first_seen: datetime | None = None
    last_seen: datetime | None = None
    regions: Mapping[str, int] = field(default_factory=dict)
    services: Mapping[str, int] = field(default_factory=dict)
    events_by_name: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Triage:
    """Everything known about one observable at one moment: what cards and JSON documents are made from."""

    observable: Observable
    window: Window
    searched: Coverage | None
    principal: Principal | None
    principals: tuple[tuple[str, int], ...]
    """For an address, client or event: who used it, with counts; empty for keys and principals."""
    activity: Activity
    enrichments: tuple[Enrichment, ...]
    assessment: Assessment
    suggested: tuple[Suggestion, ...]
    pending: tuple[str, ...] = ()
    """Questions still being asked; empty once the triage is complete."""
    news: str | None = None
    """When a case was asked again: at which moment, and what that changed."""


# ------------------------------------------------------------------------------- changes to the world


@dataclass(frozen=True, slots=True)
class Plan:
    """The preview of one change: made from reading AWS, never from the alert. Nothing has been changed yet."""

    id: str
    remediation: str
    target: str
    account: str | None
    case: int | None
    undo_of: str | None
    """The execution this plan takes back; ``None`` for a change."""
    title: str
    before: Mapping[str, str]
    after: Mapping[str, str]
    warnings: tuple[str, ...]
    """Sentences: what this breaks, and what it does not stop."""
    requested_by: Actor
    created_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why nothing was done, in a sentence someone can act on, with the commands a person can run instead."""

    sentence: str
    commands: tuple[str, ...] = ()


class ChangeState(StrEnum):
    """How far an approved change has come. ``UNKNOWN``: AWS may have applied it, and could not be asked."""

    APPROVED = "approved"
    STARTED = "started"
    CONFIRMED = "confirmed"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Change:
    """One execution of an approved plan. An undo is a change of its own, with ``undo_of``."""

    execution: str
    plan: str
    case: int | None
    remediation: str
    target: str
    state: ChangeState
    undo_of: str | None
    undone: bool
    """A later, confirmed undo took it back."""
    approved_by: Actor
    reason: str
    at: datetime
    """When it reached this state."""
    sentence: str


# ------------------------------------------------------------------------------------------- the case


@dataclass(frozen=True, slots=True)
class Case:
    """Our record of one story about one observable, and everything its card shows."""

    id: int
    environment: str
    subject: Observable | None
    """``None`` where the alert names nothing that can be looked up."""
    title: str
    channel: str
    open: bool
    opened_at: datetime
    window: Window
    alerts: tuple[Alert, ...]
    """Oldest first."""
    triage: Triage | None = None
    """``None`` until the first answer is in."""
    changes: tuple[Change, ...] = ()
    """Oldest first."""
