"""A digest in plain lines: what both Slack and the terminal say."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from bot.digests import Digest
from bot.model import Case
from bot.summary.cases import headline
from bot.summary.wording import Row, moment

STEPS = {"card": "alert to card", "decision": "alert to decision", "containment": "alert to containment"}


def digest_title(digest: Digest) -> str:
    """Which time it tells of."""
    where = f" of {', '.join(digest.environments)}" if digest.environments else ""
    return f"Digest{where}: {moment(digest.since)} to {moment(digest.until)}"


def digest_rows(digest: Digest) -> tuple[Row, ...]:
    """Counts, times, noise, what was kept silent, what waits; a row each."""
    return tuple(_rows(digest))


def quiet_lines(digest: Digest) -> tuple[str, ...]:
    """The cases that got no card, a line each, and how many more there are."""
    lines = [_case(case) for case in digest.quiet]
    left = digest.quiet_count - len(lines)
    return (*lines, *([f"{left} more: triage case list --all"] if left > 0 else []))


def waiting_lines(digest: Digest) -> tuple[str, ...]:
    """What still waits for somebody."""
    untaken = [f"{_case(case)}: nobody has taken it" for case in digest.untaken]
    overdue = [f"{_case(case)}: its next check was due" for case in digest.overdue]
    tasks = [f"{_counted(digest.tasks, 'open task')}: triage case task list ID"] if digest.tasks else []
    return (*untaken, *overdue, *tasks)


def span(time: timedelta) -> str:
    """How long, in the two largest units."""
    seconds = int(time.total_seconds())
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days} d {hours} h"
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"


def _rows(digest: Digest) -> Iterator[Row]:
    verdicts = ", ".join(f"{count} {verdict}" for verdict, count in digest.verdicts.items())
    yield Row("New cases", f"{digest.cases}: {verdicts}" if verdicts else "none")
    if digest.quiet_count:
        yield Row("Without a card", f"{_counted(digest.quiet_count, 'case')}, because nothing speaks against them")
    if digest.conclusions:
        yield Row("Closed", ", ".join(f"{count} {said}" for said, count in digest.conclusions.items()))
    for step, took in digest.took.items():
        many = f" ({_counted(took.cases, 'case')}, longest {span(took.longest)})" if took.cases > 1 else ""
        yield Row(STEPS[step].capitalize(), f"{span(took.median)}{many}")
    for noise in digest.noise:
        told = f"{_counted(noise.alerts, 'alert')}, {_counted(noise.cases, 'case')}, {noise.harmless} of them harmless"
        yield Row(f"From {noise.source}", told)
    for kept in digest.kept:
        told = f"{_counted(kept.alerts, 'alert')} in {_counted(kept.cases, 'case')}"
        yield Row(
            "Snoozed", f"{kept.snooze.observable}: {told}, until {moment(kept.snooze.until)}: {kept.snooze.reason}"
        )


def _case(case: Case) -> str:
    alerts = f" · {len(case.alerts)} alerts" if len(case.alerts) > 1 else ""
    return f"#{case.id} {headline(case)}{alerts}"


def _counted(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
