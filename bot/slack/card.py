"""The one card of a case: is it bad, why, and what do I press."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from bot import summary
from bot.model import Case, Change
from bot.plain import clean
from bot.slack.buttons import buttons
from bot.slack.elements import Block, Message, actions, bullets, context, header, labelled, message, paragraph
from bot.summary import Row

GAPS = 2
"""Questions that could not be answered, by name; the thread has all."""
CHANGES = 4
VALUE = 200
"""Characters a row may take, so that the card stays on one screen of a phone; the thread has the rest."""


def card(case: Case, *, now: datetime) -> Message:
    """The card of ``case`` as of ``now``; drawn anew at every change and updated in place."""
    headline, sentence = summary.headline(case), summary.verdict_sentence(case)
    return message(
        f"Case #{case.id}: {headline}. {sentence}",
        header(headline),
        paragraph(sentence, 600),
        labelled(summary.short_rows(case), VALUE),
        labelled(tuple(_open_questions(case)), VALUE),
        bullets(summary.change_lines(case, CHANGES), VALUE),
        bullets([summary.task_line(task) for task in case.tasks if task.open][:CHANGES], VALUE),
        bullets([summary.waiting_line(each) for each in case.waiting], VALUE),
        actions(f"case:{case.id}", buttons(case)),
        _small_print(case, now),
    )


def line(case: Case) -> Message:
    """One line in place of a card that turned out calm: the digest counts it, and nobody deletes what may be read."""
    why = "Snoozed" if case.snoozed else "Counted in the digest"
    told = f"Case #{case.id}: {summary.headline(case)}. {why}; /triage case {case.id} shows its card."
    return message(told, context(told))


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
    shown = [gap for gap in gaps if gap.label == summary.COULD_NOT][:GAPS]
    yield from (Row(f"⚠️ {gap.label}", gap.value) for gap in shown)
    if left := len(gaps) - len(shown):
        yield Row("⚠️ Also unanswered", f"{left} question{'s' if left > 1 else ''}, named in the thread")
    if could_be := summary.could_be(case.triage):
        yield Row("⚠️", could_be)


def _small_print(case: Case, now: datetime) -> Block | None:
    state = "" if case.open else " (closed)"
    complete = summary.newest_record(case.triage.searched) if case.triage else ""
    return context(
        f"Case #{case.id}{state} · environment {case.environment} · {summary.owned(case)}",
        f"{complete + ' · ' if complete else ''}last changed {summary.moment(now)}{_last_decision(case)}",
    )


def _last_decision(case: Case) -> str:
    made = summary.decisions(case)
    return f" · last decision by {clean(made[-1].by, 60)} {summary.moment(made[-1].at)}" if made else ""
