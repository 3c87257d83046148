"""A case given from one person to the next: state, open tasks, next check, in one message that mentions them."""

from __future__ import annotations

from collections.abc import Iterator

from bot import summary
from bot.model import Case, Handover
from bot.slack.elements import Message, bullets, labelled, mentioned, message, paragraph
from bot.summary import Row

LINES = 8
LINE = 400


def handed_over(case: Case, handover: Handover) -> Message:
    """Everything the next person needs to go on."""
    told = f"{handover.by.name} hands case #{case.id} over to {handover.to.name}."
    return message(
        told,
        paragraph(told),
        mentioned([handover.to]),
        labelled(tuple(_state(case, handover)), LINE),
        bullets([summary.task_line(task) for task in case.tasks if task.open][:LINES], LINE),
        bullets([summary.waiting_line(each) for each in case.waiting][:LINES], LINE),
        bullets(summary.change_lines(case, LINES), LINE),
    )


def check_due(case: Case) -> Message:
    """The moment that was named for the next look has come."""
    told = f"The next check of case #{case.id} is due: {summary.headline(case)}."
    return message(told, paragraph(told), mentioned([case.owner] if case.owner else []))


def _state(case: Case, handover: Handover) -> Iterator[Row]:
    yield Row("State", f"{summary.headline(case)}. {summary.verdict_sentence(case)}")
    yield Row("Still working", _loose(case))
    yield Row("Open tasks", str(sum(task.open for task in case.tasks)) if case.tasks else "none")
    yield Row("Next check", summary.moment(handover.next_check) if handover.next_check else "none was set")
    if handover.note:
        yield Row("Note", handover.note)


def _loose(case: Case) -> str:
    """The keys that the bot has not stopped, as far as it knows the scope."""
    if case.triage is None or case.triage.scope is None:
        return "no scope was made, so nobody can say which keys are in the same hands"
    keys = summary.uncontained(case)
    if not keys:
        return "no key of the scope that the bot has not disabled"
    return f"{', '.join(keys[:LINES])}{summary.more(len(keys) - LINES)}"
