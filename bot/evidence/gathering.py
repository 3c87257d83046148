"""What IAM says of the targets of changes, and their events: asked together, in one time for all of them.

One principal is asked about once, however many changes are made to its keys and to itself. Nothing is raised: what
could not be had, or not in time, is a gap.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from bot.aws import Aws
from bot.evidence.iam import Sayings, ask_all
from bot.model import Case, Event, History, HistoryUnavailableError, Kind, Observable, Plan
from bot.threads import Threads, done_within

MOST_EVENTS = 10_000
"""Of one key, the newest."""
MOST_KEYS = 50
LANES = 8
"""Principals asked about at once: IAM throttles whoever asks it too much."""


@dataclass
class Gathered:
    """What has come so far about one principal, or about one target that is none; threads fill it."""

    plans: tuple[Plan, ...]
    sayings: Sayings
    events: dict[str, Event] = field(default_factory=dict)
    gaps: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=lambda: ["IAM", "the history"])
    """Who has not answered everything yet."""

    @property
    def targets(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(plan.target for plan in self.plans))

    def fill(self, who: str, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as error:  # it is a gap, whatever it is
            self.gaps.append(f"{type(error).__name__}: {error}")
        self.left.remove(who)


def gathered(plans: Iterable[Plan], clock: Callable[[], datetime]) -> tuple[Gathered, ...]:
    """``plans``, those of one principal together, with nothing gathered yet."""
    groups: dict[tuple[str | None, str], list[Plan]] = {}
    for plan in plans:
        groups.setdefault((plan.account, plan.principal or plan.target), []).append(plan)
    return tuple(Gathered(tuple(group), Sayings(clock)) for group in groups.values())


def gather(
    groups: Sequence[Gathered],
    aws: Aws,
    history: Callable[[], History | None],
    case: Case,
    threads: Threads,
    *,
    seconds: float,
    first: bool,
) -> None:
    """Fill ``groups`` for at most ``seconds``. ``first``: nothing was kept for ``case`` before, so all it is about is.

    What has not come by then may still come in; whoever keeps it says that it was late.
    """
    waiting = deque(groups)

    def ask_iam() -> None:
        for group in _taken(waiting):
            group.fill("IAM", _asking(aws, group))

    def ask_history() -> None:
        for group in groups:
            scope = about_scope(case) if first and group is groups[0] else ()
            group.fill("the history", _searching(history, case, group, scope))

    done_within(threads, seconds, [ask_history, *[ask_iam] * min(LANES, len(groups))])
    waiting.clear()


def about_scope(case: Case) -> tuple[Observable, ...]:
    """The subject of a case and the keys in the same hands."""
    scope = case.triage.scope if case.triage else None
    keys = [each.key for each in (*scope.confirmed, *scope.suspects)] if scope else []
    scoped = (Observable(Kind.ACCESS_KEY, key) for key in keys[:MOST_KEYS])
    return tuple(dict.fromkeys([*([case.subject] if case.subject else []), *scoped]))


def _taken(waiting: deque[Gathered]) -> Iterator[Gathered]:
    """Each once, however many threads take from it."""
    while True:
        try:
            yield waiting.popleft()
        except IndexError:
            return


def _asking(aws: Aws, group: Gathered) -> Callable[[], None]:
    plan = group.plans[0]
    return lambda: ask_all(aws, plan.account, group.targets, plan.principal, group.sayings)


def _searching(
    history: Callable[[], History | None], case: Case, group: Gathered, scope: Sequence[Observable]
) -> Callable[[], None]:
    stopped = [plan.stops for plan in group.plans if plan.stops is not None]
    return lambda: _search(history(), case, group, dict.fromkeys([*stopped, *scope]))


def _search(history: History | None, case: Case, group: Gathered, about: Iterable[Observable]) -> None:
    if history is None:
        group.gaps.append("there is no history to take events from")
        return
    for observable in about:
        try:
            found = history.events(observable, case.window.span, limit=MOST_EVENTS)
        except HistoryUnavailableError as error:
            group.gaps.append(f"events of {observable.value}: {error}")
            continue
        if len(found) >= MOST_EVENTS:
            group.gaps.append(f"of {observable.value} only the newest {MOST_EVENTS} events were kept")
        group.events.update((event.id, event) for event in found)
