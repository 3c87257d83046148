"""What must be heard: a card is edited in silence, so what got worse is said anew, in the thread and in the channel."""

from __future__ import annotations

from bot import summary
from bot.model import Case, Change, Verdict
from bot.slack.elements import Block, Message, calling, message, paragraph

GRAVE = (Verdict.PROBABLE, Verdict.INCIDENT)
"""Verdicts for which somebody is woken up, the graver last."""
_ORDER = (
    *(Verdict.EXPECTED, Verdict.LOW, Verdict.INCONCLUSIVE, Verdict.SUSPICIOUS),
    *GRAVE,
)


def has_risen(before: Verdict | None, after: Verdict) -> bool:
    """Whether somebody must hear of ``after``: it is grave, and graver than what was said before."""
    return after in GRAVE and (before is None or _ORDER.index(after) > _ORDER.index(before))


def risen(case: Case, on_call: str) -> Message:
    """The verdict is graver than it was."""
    return _said(f"{summary.headline(case)}. {summary.verdict_sentence(case)}", on_call)


def untaken(case: Case, on_call: str, minutes: int) -> Message:
    """Nobody has taken an incident."""
    return _said(f"Nobody has taken case #{case.id} for {minutes} minutes: {summary.headline(case)}.", on_call)


def loose(case: Case, change: Change, on_call: str) -> Message:
    """What was contained does not hold, or the same access came back another way."""
    return _said(f"Look at case #{case.id} again. {summary.change_line(change)}", on_call)


def found_again(case: Case, news: str, on_call: str) -> Message:
    """What the thief of a case did has been done again, or a key that was disabled still works."""
    return _said(f"Hunting case #{case.id} again: {news}", on_call)


def _said(text: str, on_call: str) -> Message:
    blocks: list[Block | None] = [paragraph(text, 600), calling(on_call)]
    return message(text, *blocks)
