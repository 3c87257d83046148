"""One list for many new cases: what a channel shows where a card for each would bury everything."""

from __future__ import annotations

from collections.abc import Iterator

from bot.slack.elements import Block, Message, bullets, calling, context, header, message, paragraph
from bot.storms import Crowd, Listed
from bot.summary.findings import WORDS

HOW = "A case gets its card when somebody takes it or asks for it, or turns out to be grave while cards keep up."


def crowd_message(crowd: Crowd) -> Message:
    """The list as it stands: how many, the most urgent first, how to see the rest."""
    title = f"{crowd.count} new cases at once, the most urgent first"
    return message(title, header(title), *_blocks(crowd))


def grave_among(on_call: str) -> Message:
    """Said aloud once: in a list that nobody is notified of there are cases somebody must see."""
    said = "Among these cases are probable incidents, more than can be shown one by one. The list has them first."
    return message(said, paragraph(said), calling(on_call))


def _blocks(crowd: Crowd) -> Iterator[Block | None]:
    yield bullets([_line(each) for each in crowd.lines])
    left = crowd.count - len(crowd.lines)
    more = f"{left} more: /triage case lists every open case. " if left else ""
    checking = f"{crowd.checking} not judged yet. " if crowd.checking else ""
    yield paragraph(f"{more}{checking}/triage case {crowd.lines[0].case} shows one, with its buttons.")
    yield context(HOW)


def _line(each: Listed) -> str:
    judged = f"{WORDS[each.verdict]} {each.score}/100" if each.verdict else "⏳ Checking"
    alerts = f", {each.alerts} alerts" if each.alerts > 1 else ""
    state = " (closed)" if each.closed else " (has a card)" if each.carded else ""
    return f"#{each.case} {judged} · {each.name} · {each.title}{alerts}{state}"
