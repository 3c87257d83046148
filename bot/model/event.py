"""CloudTrail in normal form: events, and what they come to by day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Literal, NamedTuple


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
class Detail:
    """What little is kept of a request, its response or its error message, of the few calls where a question needs it.

    ``None`` is "not told": most calls have no detail at all.
    """

    denied_by: str | None = None
    """The kind of policy that refused the call, in AWS's words, e.g. ``identity-based policy``"""
    explicit: bool = False
    """A Deny statement refused the call; where it is false, nothing allowed it."""
    denying_policy: str | None = None
    """The name of that policy, where AWS tells it: since 2026, inside one account or organisation."""
    policy: str | None = None
    """The name of a policy that is put on a user or taken off."""
    user: str | None = None
    """The IAM user a call is about: its policies, keys or password."""
    enabled: bool | None = None
    """What account-wide e-mail sending was switched to."""
    mfa: bool | None = None
    """Whether a sign-in used MFA; ``None`` also where an identity provider asks for it."""


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
    detail: Detail | None = None


class Use(NamedTuple):
    """One kind of call on one UTC day, counted: what every question of the history is answered from.

    All fields but ``count``, ``first_seen``, ``last_seen`` and ``evidence`` are the same for every event counted.
    ``evidence`` names up to two of the events, the newest first. A busy key has ten thousand uses, and a named tuple is
    made in a sixth of the time of a dataclass.
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
    count: int  # type: ignore[assignment] # the tuple's own method of that name is of no use here
    first_seen: datetime
    last_seen: datetime
    evidence: tuple[str, ...]
    detail: Detail | None = None


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
