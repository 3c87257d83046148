"""The one card of a case: is it bad, why, and what do I press."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from bot import summary
from bot.model import Case, Change
from bot.slack.elements import Block, Message, actions, bullets, button, context, header, labelled, message, paragraph
from bot.summary import Row

BUTTONS = 3
GAPS = 5
CHANGES = 4
VALUE = 260
"""Characters a row may take, so that the card stays on one screen of a phone; the thread has the rest."""

PLAN = "plan:"
UNDO = "undo"
ASK_AGAIN = "ask_again"
SECOND = "second"
"""The approval of another person, where one is not enough."""

LABELS = {"disable_access_key": "Disable access key…"}


def card(case: Case, *, now: datetime) -> Message:
    """The card of ``case`` as of ``now``; drawn anew at every change and updated in place."""
    headline, sentence = summary.headline(case), summary.verdict_sentence(case)
    return message(
        f"Case #{case.id}: {headline}. {sentence}",
        header(headline),
        paragraph(sentence, 600),
        labelled(summary.rows(case), VALUE),
        labelled(tuple(_open_questions(case)), VALUE),
        bullets([summary.change_line(change) for change in case.changes[-CHANGES:]], VALUE),
        bullets([summary.waiting_line(each) for each in case.waiting], VALUE),
        actions(f"case:{case.id}", _buttons(case)),
        _small_print(case, now),
    )


def broken_glass(change: Change) -> Message:
    """What the whole channel is told where one person decided alone."""
    told = f"🔨 {change.approved_by.name} broke the glass: approved alone what more people must approve."
    return message(
        told,
        paragraph(told),
        labelled([Row("Change", summary.change_line(change)), Row("Reason", change.reason)], 1000),
    )


def _open_questions(case: Case) -> Iterator[Row]:
    if pending := summary.pending(case):
        yield Row("⏳", pending)
    if case.triage is None:
        return
    gaps = summary.gaps(case.triage)
    yield from (Row(f"⚠️ {gap.label}", gap.value) for gap in gaps[:GAPS])
    if len(gaps) > GAPS:
        yield Row("⚠️", f"{len(gaps) - GAPS} more not answered: see the thread")
    if could_be := summary.could_be(case.triage):
        yield Row("⚠️", could_be)


def _buttons(case: Case) -> list[dict[str, Any]]:
    if case.subject is None:
        return []
    rest = [button("Ask again", ASK_AGAIN, f"case:{case.id}")] if case.open else []
    if change := summary.undoable(case):
        rest.append(button("Undo…", UNDO, change.execution))
    second = [button("Approve…", f"{SECOND}:{n}", each.plan.id) for n, each in enumerate(case.waiting[:1])]
    offers = _offers(case, BUTTONS - len(rest) - len(second)) if case.open else ()
    return [*second, *offers, *rest]


def _offers(case: Case, most: int) -> Iterator[dict[str, Any]]:
    offered = summary.offered(case)
    for number, suggestion in enumerate(offered[:most]):
        label = LABELS.get(suggestion.remediation, f"{suggestion.remediation.replace('_', ' ').capitalize()}…")
        if len(offered) > 1:
            label = f"{label.rstrip('…')} {suggestion.target[-24:]}…"
        label = label if case.armed else f"Rehearse: {label[:1].lower()}{label[1:]}"
        action = f"{PLAN}{suggestion.remediation}" + (f":{number}" if number else "")
        style = "danger" if case.armed else None
        yield button(label, action, f"case:{case.id}:{suggestion.target}", style=style)


def _small_print(case: Case, now: datetime) -> Block | None:
    state = "" if case.open else " (closed)"
    return context(
        f"Case #{case.id}{state} · {case.environment} · opened {summary.moment(case.opened_at)}",
        summary.searched(case.triage.searched) if case.triage else "",
        f"Last changed {summary.moment(now)}",
    )
