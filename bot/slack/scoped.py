"""Every key in the same hands, as a message: who, why, when, what with, and what a person has to decide."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bot.made.telling import NOTHING, TITLE, answers, origin, state, what
from bot.model import Scope, Standing, Suspicion, Sweep
from bot.scope.telling import in_lines
from bot.slack.buttons import RULE_IN, RULE_OUT
from bot.slack.elements import Block, Message, actions, bullets, button, commands, fitted, labelled, paragraph
from bot.summary import Row, moment

LINES = 15
MARKS = {Standing.EXISTS: "🔴", Standing.DISABLED: "🟢", Standing.GONE: "⚪", Standing.UNKNOWN: "❔"}
LINE = 400


def message_of(scope: Scope, *, case: int | None = None) -> Message:
    """The scope as a message; with the ``case`` it belongs to, suspects have buttons to decide about them."""
    more = f"More: run `{_command(scope)} --json`"
    return fitted(_title(scope), _blocks(scope, case, more), more)


def _command(scope: Scope) -> str:
    leads = " ".join(lead.value for lead in scope.leads)
    kinds = {lead.kind.value.replace("access_", "") for lead in scope.leads}
    return f"triage scope {kinds.pop() if len(kinds) == 1 else 'key'} {leads}"


def _title(scope: Scope) -> str:
    count = len(scope.confirmed)
    if not count:
        return "No key is confirmed to be in these hands"
    return "1 key in these hands" if count == 1 else f"{count} keys in the same hands"


def _blocks(scope: Scope, case: int | None, more: str) -> Iterator[Block | None]:
    yield paragraph("To confirm is to recommend containment: a person decides.")
    for each in scope.confirmed[:LINES]:
        yield from _key("🔑 Confirmed", each)
    for each in scope.suspects[:LINES]:
        yield from _key("❔ Suspect", each)
        if case is not None:
            yield actions(f"ruling:{case}:{each.key}", _decisions(case, each.key))
    yield labelled([Row("Set aside", f"{each.what}: {each.why}") for each in scope.excluded[:LINES]], LINE)
    rare = [
        f"{each.event} ({each.principals_before} principals before, {each.principals_ever} ever)"
        for each in scope.rare_events[:LINES]
    ]
    yield labelled([Row("Rare calls of these keys", "; ".join(rare))], 3 * LINE) if rare else None
    yield labelled([Row("⚠️ Not known", f"{gap.question} {gap.why}") for gap in scope.gaps[:LINES]], LINE)
    if left := _left_out(scope):
        yield paragraph(f"Not shown here: {left}. {more}")


def _left_out(scope: Scope) -> str:
    """How many entries of each list have no room."""
    lists = {
        "keys in these hands": scope.confirmed,
        "suspects": scope.suspects,
        "set aside": scope.excluded,
        "rare calls": scope.rare_events,
        "not known": scope.gaps,
    }
    return ", ".join(f"{len(each) - LINES} more {what}" for what, each in lists.items() if len(each) > LINES)


def made_message(scope: Scope) -> Message | None:
    """What the confirmed keys made, changed or gave out, and what is left of it; ``None`` before AWS was asked."""
    if scope.sweep is None or not scope.confirmed:
        return None
    more = f"Not all {len(scope.sweep.things)} have room here: run `{_command(scope)}`"
    return fitted(TITLE, _sweep(scope.sweep), more)


def _sweep(sweep: Sweep) -> Iterator[Block | None]:
    yield paragraph(f"As of {moment(sweep.at)}. Contain all takes what is certainly the thief's and still there.")
    if not sweep.things:
        yield paragraph(NOTHING)
    for thing in sweep.things:
        yield labelled([Row(MARKS[thing.standing], f"{what(thing)} ({state(thing)})")], LINE)
        yield bullets([origin(thing)], LINE)
        yield commands(answers(thing))
    yield labelled([Row("⚠️ Not known", f"{gap.question} {gap.why}") for gap in sweep.gaps[:LINES]], LINE)


def _key(mark: str, each: Suspicion) -> Iterator[Block | None]:
    first, *rest = in_lines(each)
    yield labelled([Row(mark, first)], LINE)
    yield bullets(rest, LINE)


def _decisions(case: int, key: str) -> list[dict[str, Any]]:
    value = f"case:{case}:{key}"
    return [button("It belongs…", RULE_IN, value), button("Set aside…", RULE_OUT, value)]
