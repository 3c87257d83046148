"""What a report says: the verdict, how long each step took, who was in whose hands, what people decided."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from bot import summary
from bot.made.telling import NOTHING, TITLE, answers, origin, state, what
from bot.measures import Times
from bot.model import Case, ChangeState, Made, Scope, Suspicion, Triage


@dataclass(frozen=True, slots=True)
class Table:
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Section:
    """``table`` comes after the ``lines``; a section with neither is left out."""

    title: str
    lines: tuple[str, ...] = ()
    table: Table | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """Strings may hold what attackers wrote: whatever renders them makes them safe."""

    title: str
    sentence: str
    sections: tuple[Section, ...]


def report(case: Case, now: datetime, times: Times | None = None) -> Report:
    """The report of ``case`` as it stands at ``now`` (UTC); ``times``: when each of its steps first happened."""
    sections = [
        Section("At a glance", table=_at_a_glance(case, now)),
        *([Section("How long it took", table=_took(times))] if times else []),
        Section("What was found", table=Table(("", ""), tuple((row.label, row.value) for row in summary.rows(case)))),
        *(_of_triage(case, case.triage) if case.triage else ()),
        Section("Timeline (UTC)", table=_timeline(case)),
        Section("Left to do", tuple(summary.task_line(task) for task in case.tasks)),
    ]
    kept = tuple(each for each in sections if each.lines or (each.table and each.table.rows))
    return Report(f"Case #{case.id}: {summary.headline(case)}", summary.verdict_sentence(case), kept)


def _of_triage(case: Case, triage: Triage) -> Iterator[Section]:
    scope = triage.scope
    if scope is not None:
        done = {change.target: change for change in case.changes if change.undo_of is None and not change.undone}
        status = {key: change.state.value for key, change in done.items() if change.remediation == "disable_access_key"}
        rows = tuple(_scoped(each, status) for each in scope.confirmed)
        head = ("Key", "Whose", "Used by others (UTC)", "Why", "Disabled")
        yield Section("Keys in the same hands", table=Table(head, rows))
        yield from _of_sweep(scope)
        aside = tuple(f"{each.what}: {each.why}" for each in scope.excluded)
        yield Section("Looked at and set aside", aside)
    reasons = tuple((str(each.points), each.signal, each.sentence) for each in triage.assessment.reasons)
    yield Section("Reasons of the verdict", table=Table(("Points", "Signal", "Reason"), reasons))
    yield Section("What is not known", tuple(f"{gap.label}: {gap.value}" for gap in summary.gaps(triage)))
    yield Section("What was searched", (summary.searched(triage.searched),))


def _scoped(each: Suspicion, status: dict[str, str]) -> tuple[str, ...]:
    seen = [summary.moment(at) for at in (each.first_seen, each.last_seen) if at is not None]
    why = " ".join(evidence.sentence for evidence in each.evidence) or "where the search began"
    return (each.key, each.principal or "unknown", " to ".join(dict.fromkeys(seen)), why, status.get(each.key, "no"))


def _of_sweep(scope: Scope) -> Iterator[Section]:
    if scope.sweep is None or not scope.confirmed:
        return
    things = scope.sweep.things
    table = Table(("What", "Made by (UTC)", "State", "What answers it"), tuple(map(_left_behind, things)))
    yield Section(f"{TITLE}, as of {summary.moment(scope.sweep.at)}", () if things else (NOTHING,), table)


def _left_behind(thing: Made) -> tuple[str, ...]:
    answer = "; ".join(answers(thing)) or "nothing left to do"
    return (what(thing), origin(thing), state(thing), answer)


def _at_a_glance(case: Case, now: datetime) -> Table:
    alerted = min((alert.at for alert in case.alerts), default=None)
    contained = min((change.at for change in case.changes if change.state is ChangeState.CONFIRMED), default=None)
    began = alerted or case.opened_at
    rows = [
        ("Alert", summary.moment(alerted) if alerted else "none: a person asked"),
        ("Case opened", _after(case.opened_at, began)),
        ("First change made", _after(contained, began) if contained else "none"),
        ("State", _state(case)),
        ("Whose", summary.owned(case)),
        ("Report of", summary.moment(now)),
    ]
    return Table(("", ""), tuple(rows))


def _took(times: Times) -> Table:
    steps = {
        "Card shown": times.card,
        "Taken": times.taken,
        "First decision": times.decided,
        "First change that stopped something": times.contained,
    }
    rows = [(name, _step(times, at)) for name, at in steps.items()]
    return Table(("Step", "When (UTC), and after the alert came in"), (("Alert came in", _second(times.began)), *rows))


def _step(times: Times, at: datetime | None) -> str:
    after = times.after(at)
    return "not yet" if at is None or after is None else f"{_second(at)} (+{summary.span(after)})"


def _second(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _after(at: datetime, began: datetime) -> str:
    """A moment, and how long after the alert it was."""
    return f"{summary.moment(at)} (+{summary.span(at - began)})" if at > began else summary.moment(at)


def _state(case: Case) -> str:
    if case.open or not case.closings:
        return "open"
    last = case.closings[-1]
    return f"closed as {last.conclusion} by {last.by.name}, {summary.moment(last.at)}"


def _timeline(case: Case) -> Table:
    told = sorted(_happened(case), key=lambda each: each[0])
    return Table(("When", "What"), tuple((f"{at:%Y-%m-%d %H:%M:%S}", what) for at, what in told))


def _happened(case: Case) -> Iterator[tuple[datetime, str]]:
    scope = case.triage.scope if case.triage else None
    for each in scope.confirmed if scope else ():
        if each.first_seen is not None:
            yield each.first_seen, f"{each.key} of {each.principal or 'unknown'}: first use that is not its owner's"
    for alert in case.alerts:
        yield alert.at, f"Alert of {alert.source}: {alert.title}"
    yield case.opened_at, "Case opened"
    yield from ((each.at, each.sentence) for each in summary.decisions(case))
