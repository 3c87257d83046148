"""What enrichers may ask of the world outside the history, and the records they get for answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol

from bot.model.observable import Observable


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
    cdn: bool | None = None
    tor: bool | None = None
    vpn: bool | None = None
    latitude: float | None = None
    longitude: float | None = None
    """In degrees; only where a database gives the place itself, never the middle of a country."""
    radius_km: float | None = None
    """How far from there it may be."""
    source: str | None = None
    as_of: str | None = None


class AddressData(Protocol):
    """Where addresses come from, from data at hand."""

    def origin(self, ip: str) -> AddressOrigin: ...


@dataclass(frozen=True, slots=True)
class Registration:
    """What the registries say of an address. ``origin`` has the country of registration, which is not a place."""

    origin: AddressOrigin
    networks: tuple[str, ...] = ()
    """The networks around it that are announced and registered, as CIDR."""


class Registries(Protocol):
    """Who registered an address: asked over the network within a few seconds, and kept for weeks."""

    def registration(self, ip: str) -> Registration | Unread: ...


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
class ContactRecord:
    """Whom an account names as its security contact; a part is ``None`` where the account leaves it empty."""

    name: str | None = None
    title: str | None = None
    email: str | None = None
    phone: str | None = None


@dataclass(frozen=True, slots=True)
class Unread:
    """Somebody outside could not be asked; ``why`` is a sentence for people."""

    why: str


class Iam(Protocol):
    """What AWS says now of a key, a user, a role or an account. ``None`` means that there is no such thing."""

    def key(self, key_id: str, account: str | None) -> KeyRecord | Unread | None: ...

    def identity(self, account: str, kind: Literal["user", "role"], name: str) -> IdentityRecord | Unread | None: ...

    def contact(self, account: str) -> ContactRecord | Unread | None:
        """The account's security contact."""


@dataclass(frozen=True, slots=True)
class MailQuarter:
    """What was mailed in a quarter of an hour, SMTP included."""

    at: datetime
    """When it began."""
    sent: int
    bounced: int = 0
    complained: int = 0
    rejected: int = 0


@dataclass(frozen=True, slots=True)
class MailSent:
    """What a whole account mailed through SES in one region; a quarter of an hour without mail is not there."""

    since: datetime
    """How far back SES still counts."""
    quarters: tuple[MailQuarter, ...]


class Statistics(Protocol):
    """What AWS itself counts, whether or not a trail logs it. It counts accounts, not keys."""

    def mail(self, account: str, regions: Sequence[str]) -> Mapping[str, MailSent | Unread]:
        """What the account mailed, for each of ``regions``."""


@dataclass(frozen=True, slots=True)
class CodePlace:
    """A file of a public or readable repository that has what was searched for; never what stands in it."""

    repository: str
    path: str
    url: str | None = None


@dataclass(frozen=True, slots=True)
class CodeFound:
    """What a code search came to at one moment. ``complete`` is false where the search ran out of time."""

    at: datetime
    total: int
    places: tuple[CodePlace, ...]
    complete: bool = True


class CodeSearch(Protocol):
    """A search over the code of repositories. What is searched for leaves the house: never a secret."""

    def find(self, query: str) -> CodeFound | Unread: ...


@dataclass(frozen=True, slots=True)
class Reputation:
    """What one threat list says of an address: what others reported, true or not."""

    listed: bool
    """Whether the list counts it as an attacker's."""
    words: str
    score: int | None = None
    """In per cent, where the list has one."""
    reports: int | None = None
    last_seen: str | None = None
    """ISO date of the newest report."""


class ThreatLists(Protocol):
    """Lists of reported addresses, asked over the web within a few seconds and kept for a day."""

    @property
    def without_key(self) -> Mapping[str, str]:
        """The lists that are not asked, each with the setting that its key is missing from."""

    def reputations(self, ip: str) -> Mapping[str, Reputation | Unread]:
        """What each list with a key says, by its name; empty for what is no public address."""


@dataclass(frozen=True, slots=True)
class Searching:
    """What the organisation says of searching for its keys in public."""

    words: tuple[str, ...] = ()
    """Of its own: domains, project names."""
    organisations: tuple[str, ...] = ()
    """Its own on GitHub."""
    send_key_ids: bool = False
    """Whether a whole key id may leave the house: it tells the account, and that somebody looks into it."""


class Records(Protocol):
    """The raw records behind event ids, as far as their files are still where they were read."""

    def parameters(self, event_id: str) -> Mapping[str, Any] | None:
        """The ``requestParameters`` of a record; ``None`` if it can no longer be read."""

    def instances(self, event_id: str) -> Mapping[str, int] | None:
        """How many instances of which type a ``RunInstances`` started; ``None`` if its record can no longer be read."""


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
    concluded: str | None = None
    """What an analyst said it was when it was closed last; ``None`` if none has."""


class EarlierCases(Protocol):
    """The cases of this bot, but for the one being triaged."""

    def with_observable(self, observable: Observable) -> Sequence[EarlierCase]:
        """Those about ``observable``, and those an alert of which named it; the newest first."""
