"""The Home tab: what waits for me, what is open, and whether the bot itself is well."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from bot import summary
from bot.model import Case, Overview, Waiting
from bot.slack.elements import Block, View, bullets, context, header, paragraph

MOST = 15
LINE = 300


def home(overview: Overview, problems: Sequence[str], *, now: datetime) -> View:
    """The view for ``views.publish``; ``problems`` are sentences about what keeps the bot from working."""
    return {"type": "home", "blocks": [block for block in _blocks(overview, problems, now) if block]}


def refused_home(sentence: str) -> View:
    """What somebody sees who may not triage."""
    return {"type": "home", "blocks": [header("Triage"), paragraph(sentence, 1000)]}


def _blocks(overview: Overview, problems: Sequence[str], now: datetime) -> Iterator[Block | None]:
    yield header("Waiting for approval")
    yield _waiting(overview.waiting) or paragraph("Nothing.")
    if overview.with_others:
        yield header("Waiting for others")
        yield _waiting(overview.with_others)
    yield header("My cases")
    yield _cases(
        [case for case in overview.open if case.owner and case.owner.id == overview.actor.id], "You have none."
    )
    yield header("Open cases")
    yield _cases(overview.open, "No case is open.")
    yield header("The bot")
    yield bullets(list(_health(overview, problems)), LINE)
    yield context(f"As of {summary.moment(now)}, by your own clock. Open this tab again to refresh it.")


def _waiting(waiting: Sequence[Waiting]) -> Block | None:
    return bullets([summary.waiting_line(each) for each in waiting[:MOST]], LINE)


def _cases(cases: Sequence[Case], none: str) -> Block | None:
    lines = [f"#{case.id} {summary.headline(case)} · {summary.owned(case)}" for case in cases[:MOST]]
    more = len(cases) - MOST
    if more > 0:
        lines.append(f"{more} more: /triage case")
    return bullets(lines, LINE) or paragraph(none)


def _health(overview: Overview, problems: Sequence[str]) -> Iterator[str]:
    newest = overview.newest
    yield f"Newest CloudTrail record: {summary.moment(newest)}" if newest else "There is no CloudTrail record yet"
    last = overview.last_alert
    yield f"Last alert: {summary.moment(last)}" if last else "No alert has come yet"
    yield from (f"⚠️ {problem}" for problem in problems)
    if not problems:
        yield "Nothing keeps it from working"
