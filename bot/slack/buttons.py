"""What the card of a case lets a person press: at most three buttons by situation, the rest under More.

An action id begins with the operation it asks for. An option of the menu carries ``<action id> <value>``, so that a
listener reads a button and an option alike (:func:`pressed`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from bot import summary
from bot.model import Case, Verdict
from bot.slack.elements import button, menu

PLAN = "plan:"
UNDO = "undo"
ASK_AGAIN = "ask_again"
SECOND = "second"
"""The approval of another person, where one is not enough."""
CONTAIN, UNCONTAIN = "contain", "uncontain"
TAKE = "take"
TASK_TAKE, TASK_DONE = "task_take", "task_done"
CLOSE = "close"
EXPECTED = "expected"
LEAK = "leak"
HAND_OVER = "hand_over"
DECLARE = "declare"
SNOOZE, LIFT = "snooze", "lift"
REPORT = "report"
ASK_OWNER = "ask_owner"
ACTIONS = "actions"
"""Everything that can be done about a case, in a window: a menu holds five."""
RULE_IN, RULE_OUT = "rule_in", "rule_out"
MORE = "more"

MOST = 3
MENU = 5
"""Options Slack takes in an overflow menu."""
LABELS = {
    "disable_access_key": "Disable access key…",
    "quarantine_user": "Quarantine user…",
    "reset_console_password": "Reset console password…",
    "revoke_sessions": "End sessions…",
    "block_ip": "Block address…",
    "pause_ses": "Pause e-mail…",
}
CALMER = frozenset({Verdict.SUSPICIOUS, Verdict.LOW, Verdict.EXPECTED, Verdict.INCONCLUSIVE})
"""Verdicts for which "this is expected" is a likely answer."""

Element = dict[str, Any]


def pressed(action: Mapping[str, Any]) -> tuple[str, str]:
    """The action id and the value of a pressed button, or of the chosen option of the menu."""
    option = action.get("selected_option")
    if isinstance(option, Mapping):
        operation, _, value = str(option.get("value") or "").partition(" ")
        return operation, value
    return str(action.get("action_id") or ""), str(action.get("value") or "")


def buttons(case: Case) -> list[Element]:
    """The buttons and the menu of a card, the most urgent first."""
    urgent = list(_urgent(case))
    rest = rest_of(case)
    if len(rest) > MENU:
        rest = [*rest[: MENU - 1], ("More…", f"{ACTIONS} case:{case.id}")]
    return [*urgent[:MOST], *([menu(MORE, rest)] if rest else [])]


def rest_of(case: Case) -> list[tuple[str, str]]:
    """What stands under More, as label and value: what has no room on the card, then what is always there."""
    return [*_options([*_beside(case), *list(_urgent(case))[MOST:]]), *_more(case)]


def _urgent(case: Case) -> Iterator[Element]:
    if not case.open:
        return
    for number, waiting in enumerate(case.waiting[:1]):
        yield button("Approve…", f"{SECOND}:{number}", waiting.containment or waiting.plan.id)
    yield from _containment(case)
    yield from _offers(case, about_others=False)
    if change := summary.undoable(case):
        yield button("Undo…", UNDO, change.execution)
    if case.owner is None and case.subject is not None:
        yield button("Take", TAKE, f"case:{case.id}")
    if case.triage is not None and not case.triage.pending and case.triage.assessment.verdict in CALMER:
        yield button("This is expected…", EXPECTED, f"case:{case.id}")


def _containment(case: Case) -> Iterator[Element]:
    """Where more keys than one are in the same hands: all of them at once, before any of them alone."""
    count = len(summary.uncontained(case))
    if count < 2:
        return
    label = f"Contain {count} keys…" if case.armed else f"Rehearse: contain {count} keys…"
    yield button(label, CONTAIN, f"case:{case.id}", style="danger" if case.armed else None)


def _beside(case: Case) -> Iterator[Element]:
    """What is suggested of others than the case's subject: it never takes a button's place."""
    if case.open:
        yield from _offers(case, about_others=True)


def _offers(case: Case, *, about_others: bool) -> Iterator[Element]:
    """What is suggested of the case's own subject, or of others: who is behind a key, where it was used from."""
    subject = case.subject.value if case.subject is not None else ""
    for number, suggestion in enumerate(summary.offered(case)):
        if (suggestion.target != subject) is not about_others:
            continue
        label = LABELS.get(suggestion.remediation, f"{suggestion.remediation.replace('_', ' ').capitalize()}…")
        if about_others:
            label = f"{label.rstrip('…')} {_short(suggestion.target)}…"
        if not case.armed:
            label = f"Rehearse: {label[:1].lower()}{label[1:]}"
        action = f"{PLAN}{suggestion.remediation}" + (f":{number}" if number else "")
        style = "danger" if case.armed else None
        yield button(label, action, f"case:{case.id}:{suggestion.target}", style=style)


def _short(target: str) -> str:
    """``alice`` of ``111122223333:user/alice``; of everything else the end, where it differs."""
    return target.rpartition("/")[2][-24:]


def _more(case: Case) -> Iterator[tuple[str, str]]:
    here = f"case:{case.id}"
    if case.open and case.subject is not None:
        yield "Ask again", f"{ASK_AGAIN} {here}"
    if case.open:
        yield "Close…", f"{CLOSE} {here}"
    if case.containment:
        yield "Undo all…", f"{UNCONTAIN} {case.containment}"
    if case.open:
        yield "Hand over…", f"{HAND_OVER} {here}"
        if case.declared is None or not case.declared.room:
            yield "Declare incident…", f"{DECLARE} {here}"
    if case.open and case.subject is not None:
        yield "Seen in public…", f"{LEAK} {here}"
        if case.askable:
            yield "Ask the owner…", f"{ASK_OWNER} {here}"
        yield "Snooze…", f"{SNOOZE} {here}"
    yield "Report as files", f"{REPORT} {here}"
    if not case.open and (change := summary.undoable(case)):
        yield "Undo…", f"{UNDO} {change.execution}"


def _options(left: list[Element]) -> Iterator[tuple[str, str]]:
    for each in left:
        yield each["text"]["text"], f"{each['action_id']} {each['value']}"
