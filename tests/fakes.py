"""A history made of events in memory, and short ways to make events: for tests that need no file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, Literal

from bot.history.concerning import concerns
from bot.hunts.around import Around
from bot.model import (
    AddressClass,
    AddressOrigin,
    Baseline,
    CodeFound,
    ContactRecord,
    Context,
    Coverage,
    EarlierCase,
    Event,
    History,
    IdentityRecord,
    KeyRecord,
    Kind,
    MailSent,
    Observable,
    Outcome,
    Principal,
    Registration,
    Reputation,
    Span,
    Unread,
    Use,
    Window,
)
from bot.usual.countries import Learner, UsualHere

NOW = datetime(2026, 11, 20, 14, 0, tzinfo=UTC)
WINDOW = Window.ending(NOW)
ALICE = Principal("111122223333:user/alice", "IAMUser", "arn:aws:iam::111122223333:user/alice", "111122223333")
KEY = "AKIARTX3GSDSQAAAAAAA"
"""Made by encoding the account 111122223333."""
LEAD = Observable(Kind.ACCESS_KEY, KEY)
OFFICE = "198.51.100.10"
RENTED = "159.89.100.10"
"""An address of DigitalOcean."""
LINUX = "aws-cli/2|linux|ubuntu|-"
KALI = "aws-cli/1|linux|kali|-"
KALI_AGENT = "aws-cli/1.22.34 Python/3.9.11 Linux/5.15.0-kali3-amd64 botocore/1.27.84"

_numbers = count(1)


def event(minutes_ago: float = 10, **changes: Any) -> Event:
    """An ordinary call of alice's from the office ``minutes_ago``, but for ``changes``."""
    values: dict[str, Any] = {
        "id": f"event-{next(_numbers)}",
        "at": (NOW - timedelta(minutes=minutes_ago)).replace(microsecond=0),
        "name": "s3:GetObject",
        "outcome": Outcome.OK,
        "error_code": None,
        "key": KEY,
        "principal": ALICE,
        "session": None,
        "ip": OFFICE,
        "address_class": AddressClass.PUBLIC,
        "user_agent": "aws-cli/2.31.0 md/distrib#ubuntu",
        "family": LINUX,
        "region": "us-east-1",
        "account": "111122223333",
        "by_service": False,
    }
    if changes.get("outcome") is Outcome.DENIED:
        values["error_code"] = "AccessDenied"
    return Event(**(values | changes))


def ordinary(days: int = 10, each: int = 5, **changes: Any) -> list[Event]:
    """``days`` days of ordinary calls before the recent part: enough to say what is usual."""
    return [event(24 * 60 * (day + 1) + 30 * number + 1, **changes) for day in range(days) for number in range(each)]


def use(group: Sequence[Event]) -> Use:
    """``group`` (events of one kind on one day, oldest first) as one row."""
    one = group[0]
    return Use(
        day=one.at.date(),
        key=one.key,
        principal=one.principal.id,
        ip=one.ip,
        address_class=one.address_class,
        user_agent=one.user_agent,
        family=one.family,
        event=one.name,
        outcome=one.outcome,
        error_code=one.error_code,
        region=one.region,
        account=one.account,
        by_service=one.by_service,
        count=len(group),
        first_seen=one.at,
        last_seen=group[-1].at,
        evidence=tuple(each.id for each in reversed(group[-2:])),
        detail=one.detail,
    )


def uses(events: Iterable[Event]) -> tuple[Use, ...]:
    """``events`` counted as a store counts them, oldest first."""
    groups: dict[Use, list[Event]] = {}
    for each in sorted(events, key=lambda each: each.at):
        kind = use([each])._replace(count=0, first_seen=NOW, last_seen=NOW, evidence=())
        groups.setdefault(kind, []).append(each)
    return tuple(use(group) for group in groups.values())


class FakeHistory(History):
    """``History`` over a list of events."""

    def __init__(self, events: Sequence[Event], *, missing: tuple[str, ...] = ()) -> None:
        self._events = sorted(events, key=lambda event: event.at)
        self._missing = missing

    def coverage(self, span: Span) -> Coverage | None:
        held = [event.at for event in self._events if event.at in span]
        if not held:
            return None
        return Coverage(min(held), max(held), ("111122223333",), {"us-east-1": max(held)}, self._missing)

    def newest(self) -> datetime | None:
        return self._events[-1].at if self._events else None

    def population(self, span: Span) -> int:
        return len({event.principal.id for event in self._events if event.at in span})

    def uses(self, observable: Observable, span: Span) -> Sequence[Use]:
        return uses(reversed(self.events(observable, span, limit=len(self._events))))

    def events(self, observable: Observable, span: Span, *, limit: int = 1000) -> Sequence[Event]:
        found = [event for event in self._events if event.at in span and concerns(event, observable)]
        return found[::-1][:limit]

    def principal(self, observable: Observable, until: datetime) -> Principal | None:
        found = self.events(observable, Span(datetime.min.replace(tzinfo=UTC), until), limit=1)
        return found[0].principal if found else None


@dataclass(frozen=True)
class FakeAddresses:
    """``AddressData`` over a few addresses; every other is unknown."""

    origins: tuple[AddressOrigin, ...] = (
        AddressOrigin(RENTED, provider="DigitalOcean", hosting=True, big_three=False, tor=False, source="a list"),
    )

    def origin(self, ip: str) -> AddressOrigin:
        return next((origin for origin in self.origins if origin.ip == ip), AddressOrigin(ip))


@dataclass(frozen=True)
class FakeRegistries:
    """``Registries`` that say the same of every address, and keep which they were asked about."""

    of_address: Registration | Unread
    asked: list[str] = field(default_factory=list)

    def registration(self, ip: str) -> Registration | Unread:
        self.asked.append(ip)
        return self.of_address


@dataclass(frozen=True)
class FakeThreatLists:
    """``ThreatLists`` that say the same of every address, and keep which they were asked about."""

    said: Mapping[str, Reputation | Unread] = field(default_factory=dict)
    without_key: Mapping[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def reputations(self, ip: str) -> Mapping[str, Reputation | Unread]:
        self.asked.append(ip)
        return self.said


@dataclass(frozen=True)
class FakeIam:
    """``Iam`` that says the same of every key, of every user and role, and of every account."""

    of_key: KeyRecord | Unread | None = None
    of_identity: IdentityRecord | Unread | None = None
    of_account: ContactRecord | Unread | None = None

    def key(self, key_id: str, account: str | None) -> KeyRecord | Unread | None:
        return self.of_key

    def identity(self, account: str, kind: Literal["user", "role"], name: str) -> IdentityRecord | Unread | None:
        return self.of_identity

    def contact(self, account: str) -> ContactRecord | Unread | None:
        return self.of_account


@dataclass(frozen=True)
class FakeRecords:
    """``Records`` over the request parameters of a few events; the files of all others are gone."""

    of_event: Mapping[str, Mapping[str, Any]]
    started: Mapping[str, Mapping[str, int]] = field(default_factory=dict)

    def parameters(self, event_id: str) -> Mapping[str, Any] | None:
        return self.of_event.get(event_id)

    def instances(self, event_id: str) -> Mapping[str, int] | None:
        return self.started.get(event_id)


@dataclass(frozen=True)
class FakeStatistics:
    """``Statistics`` that says the same of every account; a region it does not know sent nothing."""

    of_region: Mapping[str, MailSent | Unread] = field(default_factory=dict)

    def mail(self, account: str, regions: Sequence[str]) -> Mapping[str, MailSent | Unread]:
        nothing = MailSent(NOW - timedelta(days=14), ())
        return {region: self.of_region.get(region, nothing) for region in regions}


@dataclass
class FakeCodeSearch:
    """``CodeSearch`` that says the same of every query, and keeps what was sent."""

    found: CodeFound | Unread = field(default_factory=lambda: CodeFound(NOW, 0, ()))
    sent: list[str] = field(default_factory=list)

    def find(self, query: str) -> CodeFound | Unread:
        self.sent.append(query)
        return self.found


@dataclass(frozen=True)
class FakeCases:
    """``EarlierCases`` by observable."""

    having: Mapping[Observable, Sequence[EarlierCase]]

    def with_observable(self, observable: Observable) -> Sequence[EarlierCase]:
        return self.having.get(observable, ())


def context(events: Sequence[Event], *, addresses: FakeAddresses | None = None, **changes: Any) -> Context:
    """The world of alice's key with ``events`` in the history."""
    values: dict[str, Any] = {"window": WINDOW, "history": FakeHistory(events), "principal": ALICE}
    made = Context(**(values | {"addresses": addresses or FakeAddresses()} | changes))
    usual = UsualHere(made.environment, made.history, made.addresses, Learner())
    made = replace(made, usual=made.usual or usual)
    return replace(made, hunts=Around(made)) if made.history is not None else made


def baseline(events: Iterable[Event]) -> Baseline:
    return Baseline(uses(events), WINDOW.baseline)
