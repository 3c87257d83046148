"""The whole backtest: ordinary days replayed and judged, thefts laid over copies of some of them."""

from __future__ import annotations

import time as clock
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from typing import Protocol

from bot.backtest.laid import DayByDay, Kept, Laid, day_span
from bot.backtest.replay import Noise, Told, noise, told, watched
from bot.backtest.theft import FEWEST
from bot.backtest.trial import Judge, Trial, first_case, theft_on, thieves_addresses, tried, victims_of
from bot.model import Coverage, Gap, History, Span, Triage, Verdict
from bot.scope.ground import Known

DAYS, THEFTS, SEED = 30, 5, 7
FEWEST_DAYS = 10
"""With fewer days before it no habit and no shared exit can be told, and a day says nothing."""
MOST_JUDGED = 200
"""Alerts of ordinary days that are triaged; each takes from a tenth of a second to seconds."""

Progress = Callable[[str], None]


class Store(History, Kept, Protocol):
    """A history that can tell of everybody at once."""


@dataclass(frozen=True, slots=True)
class Judged:
    """An alert of an ordinary day, and the verdict of its first case; ``None`` where it was not triaged."""

    told: Told
    verdict: Verdict | None
    score: int
    signals: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Cost:
    seconds: float
    events: int
    """Of the replayed days, read from the history."""


@dataclass(frozen=True, slots=True)
class Backtest:
    """What the bot would have said. ``days`` are those replayed, ``window`` from the first to the last of them."""

    window: Span | None
    searched: Coverage | None
    seed: int
    days: tuple[date, ...]
    noise: Noise
    judged: tuple[Judged, ...]
    trials: tuple[Trial, ...]
    points: Mapping[str, int]
    """What each signal that counted is worth now."""
    gaps: tuple[Gap, ...]
    cost: Cost


def backtest(
    store: Store,
    known: Known,
    judge: Judge,
    *,
    points: Mapping[str, int],
    days: int = DAYS,
    thefts: int = THEFTS,
    seed: int = SEED,
    progress: Progress = lambda _: None,
) -> Backtest:
    """Replay the last ``days`` full days of ``store`` and lay ``thefts`` over copies of some of them.

    ``points`` are the weights' own, by signal. The history's own errors pass through.
    """
    started = clock.perf_counter()
    replayed, gaps = _days(store, days, known)
    by_day = DayByDay(store)
    plain = Laid(store, by_day)
    rng = Random(seed)  # noqa: S311 - so that the same seed makes the same thefts
    chosen = Counter(rng.choice(replayed) for _ in range(thefts)) if replayed else Counter()
    alerts: list[Told] = []
    trials: list[Trial] = []
    for n, day in enumerate(replayed):
        progress(f"day {n + 1} of {len(replayed)}: {len(alerts)} alerts, {len(trials)} of {thefts} thefts tried")
        by_day.forget(day - timedelta(days=known.rules.habits.widened_days + 1))
        hunted = watched(plain, day, known)
        gaps += [gap for gap in hunted.gaps if gap not in gaps]
        today = list(told(hunted, day))
        alerts += today
        for _ in range(chosen[day]):
            made = _trial(store, by_day, day, known, judge, rng, len(trials), today)
            if isinstance(made, Gap):
                gaps += [made] if made not in gaps else []
            else:
                trials.append(made)
    judged = tuple(_judged(plain, alerts, judge, progress))
    if len(alerts) > MOST_JUDGED:
        gaps.append(Gap("What were the other alerts?", f"only the last {MOST_JUDGED} of {len(alerts)} were triaged"))
    window = Span(day_span(replayed[0]).since, day_span(replayed[-1]).until) if replayed else None
    signals = {signal for some in (judged, trials) for each in some for signal in each.signals}
    return Backtest(
        window=window,
        searched=store.coverage(window) if window is not None else None,
        seed=seed,
        days=tuple(replayed),
        noise=noise(len(replayed), alerts),
        judged=judged,
        trials=tuple(trials),
        points={signal: points[signal] for signal in sorted(signals) if signal in points},
        gaps=tuple(gaps),
        cost=Cost(round(clock.perf_counter() - started, 1), by_day.events),
    )


def _days(store: Store, days: int, known: Known) -> tuple[list[date], list[Gap]]:
    """The last full days that have enough before them, and what that leaves open."""
    newest = store.newest()
    question = "What would have been said earlier?"
    if newest is None:
        return [], [Gap(question, "the history is empty: load the last weeks with `triage ingest`")]
    last = newest.date() if newest >= day_span(newest.date()).until else newest.date() - timedelta(days=1)
    wanted = days + known.rules.habits.baseline_days
    covered = store.coverage(Span(day_span(last - timedelta(days=wanted)).since, newest))
    first = covered.since.date() if covered is not None else last
    known_days = (last - first).days
    reach = max(min(days, known_days - FEWEST_DAYS + 1), 0)
    found = [last - timedelta(days=n) for n in range(reach - 1, -1, -1)]
    gaps = []
    if reach < days:
        why = f"insufficient history: it begins on {first}, and a day says nothing without {FEWEST_DAYS} before it"
        gaps.append(Gap(question, f"{why}; {reach} of {days} days were replayed"))
    short = sum((day - first).days < known.rules.habits.baseline_days for day in found)
    if short:
        many = f"{short} of the {len(found)} days have fewer than {known.rules.habits.baseline_days} before them"
        gaps.append(Gap("What was usual before?", f"{many}: more is new on them than would be"))
    return found, gaps


def _trial(
    store: Store,
    by_day: DayByDay,
    day: date,
    known: Known,
    judge: Judge,
    rng: Random,
    number: int,
    today: Sequence[Told],
) -> Trial | Gap:
    habits = known.rules.habits
    before = Span(day_span(day - timedelta(days=habits.baseline_days)).since, day_span(day - timedelta(days=1)).until)
    victims = victims_of(by_day.everyones_habits(before), habits, rng)
    addresses = thieves_addresses(store, Span(before.since, day_span(day).until), rng)
    stolen = theft_on(day, victims, addresses, rng, f"theft-{number}")
    if stolen is None:
        few = f"only {len(victims)} long-term keys of IAM users are known well enough, and a theft needs {FEWEST}"
        why = few if len(victims) < FEWEST else "every address the thief could come from was used here before"
        return Gap("Would a theft have been found?", f"on {day} {why}")
    laid = Laid(store, by_day, stolen.events)
    return tried(laid, stolen, known, judge, frozenset(each.alert.id for each in today))


def _judged(plain: Laid, alerts: Sequence[Told], judge: Judge, progress: Progress) -> Iterator[Judged]:
    for n, each in enumerate(alerts[-MOST_JUDGED:]):
        progress(f"alert {n + 1} of {min(len(alerts), MOST_JUDGED)} triaged")
        case = first_case([each])
        made: Triage | None = judge(plain, *case) if case is not None else None
        if made is None:
            yield Judged(each, None, 0, ())
            continue
        counted = tuple(sorted({reason.signal for reason in made.assessment.reasons if reason.points}))
        yield Judged(each, made.assessment.verdict, made.assessment.score, counted)
