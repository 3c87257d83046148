"""A case that a person declared real: said aloud, and told again in a private channel of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bot import summary
from bot.model import Case
from bot.slack.elements import (
    Message,
    bullets,
    calling,
    channel_link,
    header,
    labelled,
    link,
    message,
    paragraph,
)
from bot.summary import Row

LINES = 8
VALUE = 600


def declared(case: Case, on_call: str) -> Message:
    """Who declared it, why, and what the bot says of it."""
    said = case.declared
    who, why = (said.by.name, said.reason) if said else ("Somebody", "")
    says = summary.headline(replace(case, declared=None))
    told = f"🚨 {who} declares case #{case.id} an incident: {why} The bot says: {says}."
    return message(told, paragraph(told, 800), calling(on_call))


def summary_of(case: Case, card: str) -> Message:
    """The case as it stands, for people who were not there; ``card`` is the address of its card."""
    headline, sentence = summary.headline(case), summary.verdict_sentence(case)
    return message(
        f"Case #{case.id}: {headline}",
        header(f"Case #{case.id}: {headline}"),
        paragraph(sentence, VALUE),
        labelled(summary.rows(case), VALUE),
        bullets(summary.change_lines(case, LINES), VALUE),
        bullets([summary.task_line(task) for task in case.tasks if task.open][:LINES], VALUE),
        paragraph("Buttons and updates stay at the card; this is how it stood when this channel was opened."),
        link("The card and its thread", card) if card else None,
    )


def room_link(channel: str, left_out: Sequence[str]) -> Message:
    """Where the private channel is, and who is not in it."""
    told = "A private channel was opened for this incident."
    return message(told, channel_link(told, channel), labelled([Row("Not invited", each) for each in left_out], VALUE))
