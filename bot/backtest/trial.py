"""One theft laid over one day: whose keys, from where, when; and what came of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from random import Random

from bot.backtest.laid import Laid
from bot.backtest.replay import Told, told, watched
from bot.backtest.theft import ADDRESSES, FEWEST, KEYS, LASTS, Victim, theft
from bot.cases import subjects
from bot.history.access_key import account_of
from bot.model import Alert, Event, Habit, History, Kind, Observable, Principal, Span, Triage, Verdict
from bot.scope.ground import Known
from bot.scope.leads import SCOPED
from bot.scope.rules import HabitRules
from bot.scope.usual import LONG_TERM_KEY, Own

Judge = Callable[[Laid, Observable, Alert], Triage]
"""The triage of one observable over a history, as an alert leads to it."""
_USER = ":user/"


@dataclass(frozen=True, slots=True)
class Theft:
    """What is laid over the history: seven keys of its own, or as many as there are, at ``at``."""

    at: datetime
    victims: tuple[Victim, ...]
    addresses: tuple[str, ...]
    events: tuple[Event, ...]

    @property
    def keys(self) -> frozenset[str]:
        return frozenset(victim.key for victim in self.victims)


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of a theft. ``innocents`` are confirmed keys that were not stolen, ``told_of`` principals outside the
    theft of whom an alert told only because of it.
    """

    theft: Theft
    alerts: int
    detections: tuple[str, ...]
    named: frozenset[str]
    """Stolen keys that the alerts name."""
    verdict: Verdict | None
    """Of the first case; ``None`` where nothing was told."""
    score: int
    signals: tuple[str, ...]
    confirmed: frozenset[str]
    """Stolen keys that the search for other keys confirmed, from that case on."""
    suspects: frozenset[str]
    innocents: frozenset[str]
    told_of: frozenset[str]

    @property
    def found(self) -> bool:
        """Somebody is told, and the verdict is suspicious at least."""
        return self.verdict in SCOPED

    @property
    def known(self) -> frozenset[str]:
        """Stolen keys that an analyst would have known of."""
        return self.named | self.confirmed


def victims_of(habits: Iterable[Habit], rules: HabitRules, rng: Random) -> tuple[Victim, ...]:
    """Keys of IAM users of whom enough is known, people's first; fewer than seven where there are no more."""
    days: set[date] = set()
    own: defaultdict[str, list[Habit]] = defaultdict(list)
    owners: defaultdict[str, set[str]] = defaultdict(set)
    for habit in habits:
        days.add(habit.day)
        own[habit.principal].append(habit)
        if habit.key and habit.key.startswith(LONG_TERM_KEY) and _USER in habit.principal:
            owners[habit.principal].add(habit.key)
    counted = (Own(each, own[each], tuple, rules) for each in sorted(owners))
    known = {each.principal: each for each in counted if not each.thin}
    people = [name for name, each in known.items() if not each.is_machine(len(days))]
    chosen = rng.sample(people, min(KEYS, len(people)))
    machines = [each for each in known if each not in people]
    chosen += rng.sample(machines, min(KEYS - len(chosen), len(machines)))
    return tuple(_victim(each, rng.choice(sorted(owners[each]))) for each in chosen)


def _victim(principal: str, key: str) -> Victim:
    account = principal.partition(":")[0]
    arn = f"arn:aws:iam::{account}:user/{principal.partition(_USER)[2]}"
    return Victim(key, Principal(principal, "IAMUser", arn, account or account_of(key)))


def thieves_addresses(history: History, span: Span, rng: Random) -> tuple[str, ...]:
    """Two rented servers from where nobody called in ``span``."""
    strange = [ip for ip in ADDRESSES if not history.events(Observable(Kind.IP, ip), span, limit=1)]
    return tuple(rng.sample(strange, 2)) if len(strange) >= 2 else ()


def theft_on(day: date, victims: Sequence[Victim], addresses: Sequence[str], rng: Random, label: str) -> Theft | None:
    """A theft at a random hour of a UTC day, all of it on that day; ``None`` where there is too little to steal."""
    if len(victims) < FEWEST or len(addresses) < 2:
        return None
    midnight = datetime.combine(day, time(), UTC)
    at = midnight + timedelta(seconds=rng.randrange(int(LASTS.total_seconds()) + 60, 24 * 3600))
    return Theft(at, tuple(victims), tuple(addresses), theft(victims, at, addresses, label))


def first_case(alerts: Sequence[Told]) -> tuple[Observable, Alert] | None:
    """What an analyst opens first, and the alert that leads there: the gravest about a key, else the gravest."""
    opened = [(subject, each.alert) for each in alerts for subject in subjects(each.alert)[:1]]
    keys = (case for case in opened if case[0].kind is Kind.ACCESS_KEY)
    return next(keys, opened[0] if opened else None)


def tried(laid: Laid, stolen: Theft, known: Known, judge: Judge, quiet: frozenset[str]) -> Trial:
    """What the bot makes of ``stolen``, which is laid over ``laid``; ``quiet`` are that day's alerts without it."""
    day = stolen.at.date()
    alerts = list(told(watched(laid, day, known), day))
    owners = {victim.principal.id for victim in stolen.victims}
    ours = [each for each in alerts if stolen.keys & set(each.hit.keys) or owners & set(each.hit.principals)]
    case = first_case(ours)
    made = judge(laid, *case) if case is not None else None
    scope = made.scope if made is not None else None
    confirmed = frozenset(each.key for each in scope.confirmed) if scope is not None else frozenset()
    assessed = made.assessment if made is not None else None
    return Trial(
        theft=stolen,
        alerts=len(ours),
        detections=tuple(sorted({name for each in ours for name in each.detections})),
        named=stolen.keys & {key for each in ours for key in each.hit.keys},
        verdict=assessed.verdict if assessed is not None else None,
        score=assessed.score if assessed is not None else 0,
        signals=tuple(sorted({each.signal for each in assessed.reasons if each.points})) if assessed else (),
        confirmed=confirmed & stolen.keys,
        suspects=frozenset(each.key for each in scope.suspects) - stolen.keys if scope is not None else frozenset(),
        innocents=confirmed - stolen.keys,
        told_of=frozenset(who for each in alerts if each.alert.id not in quiet for who in each.hit.principals) - owners,
    )
