"""What a change will break: what its target did in the last 14 days, from where, and when it is expected again.

And after it: whether AWS still answers what should have stopped. All of it is read from the CloudTrail history, so
"nothing" is only ever said of the span that was searched.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from ipaddress import ip_network
from statistics import median

from bot.model import (
    AddressClass,
    History,
    HistoryUnavailableError,
    Kind,
    Observable,
    Outcome,
    Span,
    Use,
    inside,
    rfc3339,
)

WINDOW = timedelta(days=14)
JUST_NOW = timedelta(hours=24)
"""What happened since then may be the thief's: it makes no address familiar."""
FAMILIAR_DAYS = 3
MOST = 5
NO_HISTORY = "there is no CloudTrail history to ask"
MOST_EVENTS = 10_000
"""The newest calls of a key that are searched for sessions it gave out."""
MOST_SESSIONS = 200
ALL_DAY_HOURS = 6.0
REGULAR_HOURS = 2.0
HARMLESS = "sts:GetCallerIdentity"
"""AWS answers this call whatever policies deny (STS API reference), but not to a key that is inactive."""
TOLD_BY_ADDRESS = frozenset({AddressClass.PUBLIC, AddressClass.PRIVATE})

Group = tuple[str, str]
"""An address and a client family."""


@dataclass(frozen=True, slots=True)
class Workload:
    """One client at one familiar address, and its habit."""

    ip: str
    family: str
    calls: int
    days: int
    hours: float
    """How long it was at work, over all days, a day counted as one hour at least."""
    last_seen: datetime
    next_at: datetime | None
    """When it is expected again, from the time of day it begins at; ``None`` if it keeps no hours, or works all day."""
    all_day: bool


class Usage:
    """Asks the history what is at work. ``history`` gives ``None`` where there is none."""

    def __init__(
        self,
        clock: Callable[[], datetime],
        history: Callable[[], History | None] = lambda: None,
        own_networks: Sequence[str] = (),
    ) -> None:
        self._clock = clock
        self._history = history
        self._own_networks = tuple(own_networks)

    def is_own(self, ip: str) -> bool:
        return inside(ip, self._own_networks)

    def is_own_network(self, network: str) -> bool:
        """Whether an address of ``network`` is one of ours."""
        wanted = ip_network(network)
        known = (ip_network(each) for each in self._own_networks)
        return any(each.version == wanted.version and each.overlaps(wanted) for each in known)

    def what_breaks(self, stops: Observable | None) -> tuple[str, ...]:
        """Sentences for the preview of a change after which AWS refuses the calls of ``stops``."""
        if stops is None:
            return ()
        now = self._clock()
        found = self._uses(stops, Span(now - WINDOW, now))
        if isinstance(found, str):
            return (f"What this breaks is not known: {found}.",)
        uses, searched = found
        if searched is None:
            return ("What this breaks is not known: the CloudTrail history holds nothing of the last 14 days.",)
        over = f"CloudTrail searched from {rfc3339(searched.since)} to {rfc3339(searched.until)}"
        if stops.kind is Kind.IP:
            return (_who_used(stops.value, uses, over),)
        return (*self._last_use(uses, now), *_told(self.workloads(uses, now), now, over, self.is_own))

    def principals_before(self, ip: str) -> int | None:
        """How many principals used ``ip`` in the 14 days up to yesterday; ``None`` if that could not be asked."""
        now = self._clock()
        found = self._uses(Observable(Kind.IP, ip), Span(now - WINDOW - JUST_NOW, now - JUST_NOW))
        if isinstance(found, str) or found[1] is None:
            return None
        return len({use.principal for use in found[0]})

    def holder_of(self, key: str) -> str | None:
        """The id of the principal that used ``key`` most recently; ``None`` if the history does not say."""
        history = self._history()
        if history is None:
            return None
        try:
            found = history.principal(Observable(Kind.ACCESS_KEY, key), self._clock())
        except HistoryUnavailableError:
            return None
        return found.id if found else None

    def roles_assumed_by(self, keys: Sequence[str]) -> tuple[str, ...]:
        """The ids of the roles that sessions given to ``keys`` in the last 14 days, or to those sessions, acted as."""
        left, seen, roles = list(keys), set(keys), dict[str, None]()
        while left:
            for session in self._minted_by(left.pop()):
                if session in seen or len(seen) > MOST_SESSIONS:
                    continue
                seen.add(session)
                left.append(session)
                holder = self.holder_of(session)
                if holder and ":role/" in holder:
                    roles[holder] = None
        return tuple(roles)

    def _minted_by(self, key: str) -> tuple[str, ...]:
        history, now = self._history(), self._clock()
        if history is None:
            return ()
        try:
            events = history.events(Observable(Kind.ACCESS_KEY, key), Span(now - WINDOW, now), limit=MOST_EVENTS)
        except HistoryUnavailableError:
            return ()
        return tuple(dict.fromkeys(event.minted for event in events if event.minted))

    def answered_since(self, stops: Observable | None, since: datetime) -> str:
        """A sentence naming a call of ``stops`` that AWS answered after ``since``; empty if none is known."""
        if stops is None or since >= (now := self._clock()):
            return ""
        found = self._uses(stops, Span(since, now))
        if isinstance(found, str):
            return ""
        answered = [use for use in found[0] if proves_access(use.event, use.outcome, stops)]
        if not answered:
            return ""
        last = max(answered, key=lambda use: use.last_seen)
        return f"AWS answered {last.event} from {last.ip or 'an unknown address'} at {rfc3339(last.last_seen)}."

    def workloads(self, uses: Iterable[Use], now: datetime) -> tuple[Workload, ...]:
        """The clients at familiar addresses whose calls AWS answered, the busiest first."""
        groups: dict[Group, list[Use]] = {}
        for use in uses:
            if use.ip and use.outcome is Outcome.OK:
                groups.setdefault((use.ip, use.family), []).append(use)
        familiar = self._familiar(groups, now)
        found = [_workload(group, made, now) for group, made in groups.items() if group[0] in familiar]
        return tuple(sorted(found, key=lambda each: (-each.calls, each.ip, each.family)))

    def _familiar(self, groups: dict[Group, list[Use]], now: datetime) -> set[str]:
        days: dict[str, set[date]] = {}
        for (ip, _), made in groups.items():
            days.setdefault(ip, set()).update(use.day for use in made if use.last_seen < now - JUST_NOW)
        return {ip for ip, seen in days.items() if len(seen) >= FAMILIAR_DAYS or self.is_own(ip)}

    def _last_use(self, uses: Sequence[Use], now: datetime) -> tuple[str, ...]:
        made = [use for use in uses if use.ip]
        if not made:
            return ()
        last = max(made, key=lambda use: use.last_seen)
        when, ip = _ago(now - last.last_seen), str(last.ip)
        if self.is_own(ip):
            return (f"Used {when} ago from {ip}, an address of yours: this will break it.",)
        groups = {(ip, ""): [use for use in made if use.ip == ip and use.outcome is Outcome.OK]}
        if self._familiar(groups, now):
            return (f"Used {when} ago from {ip}, one of its usual addresses: this will break it.",)
        return (f"Used {when} ago from {ip}, which is not one of its usual addresses.",)

    def _uses(self, observable: Observable, span: Span) -> tuple[list[Use], Span | None] | str:
        """The uses, and what was searched; or why the history could not be asked.

        What services did for it is left out: its addresses and clients are the services'.
        """
        history = self._history()
        if history is None:
            return NO_HISTORY
        try:
            coverage = history.coverage(span)
            uses = [use for use in history.uses(observable, span) if not use.by_service]
        except HistoryUnavailableError as error:
            return str(error).rstrip(".")
        searched = Span(coverage.since, coverage.until) if coverage else None
        return [use for use in uses if use.ip is None or use.address_class in TOLD_BY_ADDRESS], searched


def proves_access(event: str, outcome: Outcome, stops: Observable) -> bool:
    """Whether a call that AWS answered says that ``stops`` is not stopped."""
    return outcome is Outcome.OK and (event != HARMLESS or stops.kind is Kind.ACCESS_KEY)


def _workload(group: Group, uses: Sequence[Use], now: datetime) -> Workload:
    first: dict[date, datetime] = {}
    last: dict[date, datetime] = {}
    for use in uses:
        first[use.day] = min(use.first_seen, first.get(use.day, use.first_seen))
        last[use.day] = max(use.last_seen, last.get(use.day, use.last_seen))
    stretches = [(last[day] - first[day]).total_seconds() / 3600 for day in first]
    all_day = len(first) >= FAMILIAR_DAYS and median(stretches) >= ALL_DAY_HOURS
    return Workload(
        ip=group[0],
        family=group[1],
        calls=sum(use.count for use in uses),
        days=len(first),
        hours=sum(max(1.0, stretch) for stretch in stretches),
        last_seen=max(last.values()),
        next_at=None if all_day else _next(first.values(), now),
        all_day=all_day,
    )


def _next(begun: Iterable[datetime], now: datetime) -> datetime | None:
    """The next time of day it usually begins at, on a weekday it was seen on; ``None`` if it keeps no hours."""
    starts = list(begun)
    hours = [_hour(each) for each in starts]
    usual = median(hours)
    if len(starts) < FAMILIAR_DAYS or median(abs(hour - usual) for hour in hours) > REGULAR_HOURS:
        return None
    idle = _idle_weekdays({each.astimezone(UTC).date() for each in starts})
    midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    candidates = (midnight + timedelta(days=day, minutes=round(usual * 60)) for day in range(8))
    return next((each for each in candidates if each > now and each.weekday() not in idle), None)


def _idle_weekdays(seen: set[date]) -> set[int]:
    """The weekdays it was never seen on, though they came between the days it was seen on."""
    between = {min(seen) + timedelta(days=day) for day in range((max(seen) - min(seen)).days)}
    return {day.weekday() for day in between} - {day.weekday() for day in seen}


def _hour(at: datetime) -> float:
    moment = at.astimezone(UTC)
    return moment.hour + moment.minute / 60


def _told(workloads: Sequence[Workload], now: datetime, over: str, is_own: Callable[[str], bool]) -> tuple[str, ...]:
    if not workloads:
        return (f"Nothing was at work with it from a familiar address in the last 14 days ({over}).",)
    told = [f"Breaks {_sentence(each, now, yours=is_own(each.ip))}" for each in workloads[:MOST]]
    more = len(workloads) - MOST
    return (*told, f"Breaks {more} more such clients.") if more > 0 else tuple(told)


def _sentence(work: Workload, now: datetime, *, yours: bool) -> str:
    place = f"{work.ip}, an address of yours" if yours else work.ip
    over, unit = (work.hours, "calls an hour") if work.all_day else (work.days, "calls a day")
    rate = f"{_number(work.calls / over)} {unit}"
    habit = f"{rate} on {work.days} of 14 days, last {_ago(now - work.last_seen)} ago"
    if work.next_at is not None:
        return f"{_client(work.family)} at {place}: {habit}; next expected at {rfc3339(work.next_at)}."
    return f"{_client(work.family)} at {place}: {habit}; {'at work all day' if work.all_day else 'at no fixed hour'}."


def _who_used(ip: str, uses: Sequence[Use], over: str) -> str:
    calls: dict[str, int] = {}
    for use in uses:
        if use.outcome is Outcome.OK:
            calls[use.principal] = calls.get(use.principal, 0) + use.count
    if not calls:
        return f"AWS answered nobody's calls from {ip} in the last 14 days ({over})."
    ranked = sorted(calls.items(), key=lambda each: (-each[1], each[0]))
    named = ", ".join(f"{principal} ({count} calls)" for principal, count in ranked[:MOST])
    more = f" and {len(ranked) - MOST} more" if len(ranked) > MOST else ""
    return f"Whose calls from {ip} AWS answered in the last 14 days: {named}{more}."


def _client(family: str) -> str:
    """``aws-cli/2|linux|ubuntu|-`` is "aws-cli/2 (linux, ubuntu)"."""
    tool, *rest = family.split("|")
    known = [part for part in rest if part != "-"]
    return f"{tool} ({', '.join(known)})" if known else tool


def _number(value: float) -> str:
    return f"about {value:,.0f}" if value >= 1 else "less than 1"


def _ago(span: timedelta) -> str:
    minutes = max(0, int(span.total_seconds() // 60))
    for size, unit in ((1440, "day"), (60, "hour"), (1, "minute")):
        if minutes >= size:
            return f"{minutes // size} {unit}{'s' if minutes // size != 1 else ''}"
    return "less than a minute"
