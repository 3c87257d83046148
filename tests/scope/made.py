"""Small made organisations, and what a thief does in them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from bot.history.address import classify
from bot.history.concerning import concerns
from bot.history.user_agent import family_of
from bot.model import AddressOrigin, Coverage, Event, Habit, Kind, Observable, Outcome, Principal, Scope, Span
from bot.scope.ground import Known
from bot.scope.reading import scope
from bot.scope.whole import Whole

ACCOUNT = "111122223333"
AT = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
"""A Monday."""
OFFICE = "203.0.113.10"
THIEF, OTHER_THIEF = "198.51.100.7", "198.51.100.99"
KALI = "aws-cli/1.22.34 Python/3.9.11 Linux/5.15.0-kali3-amd64 botocore/1.27.84"
THIEFS_BOTO = "Boto3/1.24.96 Python/3.10.6 Linux/5.15.0-52-generic Botocore/1.27.96"
CLI = "aws-cli/2.28.12 ua/2.1 os/macos#24.6.0 lang/python#3.13.5 sid/{sid} md/command#{command}"
MACHINE = "Boto3/1.38.46 ua/2.1 os/linux#5.10.239 lang/python#3.11.13 Botocore/1.38.46"
COMMON = ("sts:GetCallerIdentity", "s3:ListBuckets", "ec2:DescribeInstances", "logs:FilterLogEvents")
WHO, USERS, QUOTA = "sts:GetCallerIdentity", "iam:ListUsers", "ses:GetSendQuota"
SENDING = "ses:UpdateAccountSendingEnabled"
_BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"


def key_of(number: int, prefix: str = "AKIA") -> str:
    """A key id that encodes the made account."""
    tail = "".join(_BASE32[number >> (5 * place) & 31] for place in reversed(range(7)))
    return f"{prefix}RTX3GSDSQ{tail}"


def home(number: int) -> str:
    return f"192.0.2.{number % 250 + 1}"


def call(
    key: str,
    principal: str,
    name: str,
    at: datetime,
    ip: str = THIEF,
    agent: str = THIEFS_BOTO,
    *,
    outcome: Outcome = Outcome.OK,
    minted: str | None = None,
    by_service: bool = False,
) -> Event:
    address, address_class = classify(ip)
    return Event(
        id=f"{key}/{at.isoformat()}/{name}/{ip}",
        at=at,
        name=name,
        outcome=outcome,
        error_code="AccessDenied" if outcome is Outcome.DENIED else None,
        key=key,
        principal=Principal(principal if ":" in principal else f"{ACCOUNT}:user/{principal}", None, None, ACCOUNT),
        session=None,
        ip=address,
        address_class=address_class,
        user_agent=agent,
        family=family_of(agent),
        region="eu-central-1",
        account=ACCOUNT,
        by_service=by_service,
        minted=minted,
    )


def user(number: int) -> str:
    return f"user-{number}"


def minutes_ago(minutes: float) -> datetime:
    return AT - timedelta(minutes=minutes)


def office_days(number: int, *, days: int = 30, agent: str = CLI) -> Iterator[Event]:
    """What user ``number`` does on working days, from the office and from home, up to yesterday and today."""
    for day in range(days, -1, -1):
        morning = AT - timedelta(days=day, hours=4) + timedelta(seconds=number)
        if morning.weekday() >= 5:
            continue
        ip = home(number) if day % 3 == 0 else OFFICE
        for n, name in enumerate(COMMON[number % 2 :]):
            client = agent.format(sid=f"{number:06x}{day:06x}", command=name.partition(":")[2])
            yield call(key_of(number), user(number), name, morning + timedelta(minutes=3 * n), ip, client)


def machine_days(number: int, name: str, event: str, *, days: int = 30) -> Iterator[Event]:
    """A program that makes one call every day, from one address."""
    for day in range(days, -1, -1):
        yield call(key_of(number), name, event, AT - timedelta(days=day, hours=9), "203.0.113.200", MACHINE)


def organisation(people: int = 20) -> list[Event]:
    staff = [event for number in range(people) for event in office_days(number)]
    return [*staff, *machine_days(900, "svc-mail-quota", QUOTA)]


def stolen(number: int, *, ago: float, ip: str = THIEF, agent: str = THIEFS_BOTO) -> Iterator[Event]:
    """What the thief does with a key: who is it, what is it worth, switch its mail on."""
    for n, name in enumerate((WHO, QUOTA, SENDING)):
        yield call(key_of(number), user(number), name, minutes_ago(ago - n), ip, agent)


class MadeHistory:
    """``bot.scope.whole.Complete`` over events in memory."""

    def __init__(self, events: Iterable[Event]) -> None:
        self._events = tuple(events)

    def coverage(self, span: Span) -> Coverage | None:
        times = [event.at for event in self._events]
        held = span.intersection(Span(min(times), max(times))) if times else None
        return Coverage(held.since, held.until, (ACCOUNT,), {"eu-central-1": held.until}, ()) if held else None

    def newest(self) -> datetime | None:
        return max((event.at for event in self._events), default=None)

    def events(self, observable: Observable, span: Span, *, limit: int = 1000) -> Sequence[Event]:
        found = [event for event in self._events if event.at in span and concerns(event, observable)]
        return sorted(found, key=lambda event: event.at, reverse=True)[:limit]

    def population(self, span: Span) -> int:
        days = (span.since.date(), span.until.date())
        who = {event.principal.id for event in self._events if days[0] <= event.at.date() <= days[1]}
        return sum(not each.startswith("service:") for each in who)

    def everyones_events(self, span: Span) -> Sequence[Event]:
        return [event for event in self._events if event.at in span]

    def everyones_habits(self, span: Span) -> Sequence[Habit]:
        unique = {event.id: event for event in self._events if event.at in span and not event.by_service}
        counts = Counter(_habit(event) for event in unique.values())
        return [replace(habit, count=count) for habit, count in counts.items()]


def _habit(event: Event) -> Habit:
    where = (event.ip, event.address_class, event.user_agent, event.family, event.name)
    return Habit(event.at.date(), event.key, event.principal.id, *where)


def origin(ip: str) -> AddressOrigin:
    """198.51.100.0/24 is rented out."""
    hosting = ip.startswith("198.51.100.")
    return AddressOrigin(ip, provider="Rented Servers" if hosting else None, hosting=hosting)


def scoped(events: Iterable[Event], *leads: int | str, at: datetime = AT, known: Known | None = None) -> Scope:
    """The scope of user keys (numbers) and addresses."""
    observables = [
        Observable(Kind.ACCESS_KEY, key_of(lead)) if isinstance(lead, int) else Observable(Kind.IP, lead)
        for lead in leads
    ]
    return scope(Whole(MadeHistory(events)), observables, at, known=known or Known(origin=origin))


def users(scope: Scope) -> list[str]:
    return sorted((each.principal or each.key).rpartition("/")[2] for each in scope.confirmed)


def suspected(scope: Scope) -> list[str]:
    return sorted((each.principal or each.key).rpartition("/")[2] for each in scope.suspects)


def why(scope: Scope) -> dict[str, str]:
    return {each.what: each.why for each in scope.excluded}
