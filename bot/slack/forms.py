"""Windows that ask before anything is read: they open with the click; what is typed comes as a submission."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from bot import summary
from bot.commands import Ask, Command
from bot.model import Case, Conclusion
from bot.slack.buttons import ASK_OWNER, CLOSE, DECLARE, EXPECTED, HAND_OVER, LEAK, LIFT, RULE_IN, RULE_OUT
from bot.slack.elements import (
    TITLE,
    Block,
    Message,
    View,
    actions,
    button,
    checkbox,
    choice,
    line_input,
    message,
    paragraph,
    people_input,
    plain,
)
from bot.slack.modals import reason_input

RULE = "rule"
CONCLUSION, DUPLICATE_OF, PLACE = "conclusion", "duplicate_of", "place"
NEXT_ONE, CHECK_IN, NOTE = "next_one", "check_in", "note"
ROOM, INVITED, WITH_OWNER = "room", "invited", "with_owner"
YES = "yes"

CHECKS = {"30": "in 30 minutes", "60": "in an hour", "240": "in 4 hours", "720": "in 12 hours", "1440": "in a day"}
"""When the next one looks again: minutes, and how that is said."""

OF_WORDS = {"hand-over": HAND_OVER, "declare": DECLARE, "close": CLOSE}
"""The forms that have a word of their own (``commands.CASE_FORMS``)."""
LABELS = {HAND_OVER: "Hand over…", DECLARE: "Declare incident…", CLOSE: "Close…"}

CONCLUSIONS = {
    Conclusion.TRUE: "True: the key was stolen",
    Conclusion.BENIGN: "Benign: its owner did this",
    Conclusion.EXPECTED: "Expected: an approved test or a known job",
    Conclusion.DUPLICATE: "Duplicate: another case tells it",
}


def opened_by(action: str, value: str) -> View | None:
    """The form that the button ``action`` with ``value`` opens; ``None`` for buttons that open none."""
    operation = action.partition(":")[0]
    build = _FORMS.get(operation)
    return build(operation, value) if build else None


def asked_for(ask: Ask) -> View | None:
    """The form that a typed command opens; ``None`` where it needs none."""
    if ask.command is not Command.CASE or len(ask.values) < 2:
        return None
    return opened_by(OF_WORDS[ask.values[1]], f"case:{ask.values[0]}")


def opening(case: Case, word: str) -> Message:
    """A button that opens the form, where nobody but a button opens a window: for what was asked by a mention."""
    operation = OF_WORDS[word]
    told = f"Case #{case.id}: {summary.headline(case)}. The button opens the window for it."
    if not case.open:
        told = f"Case #{case.id} is closed: {summary.headline(case)}."
    press = [button(LABELS[operation], operation, f"case:{case.id}")] if case.open else []
    return message(told, paragraph(told, 600), actions(f"opening:{case.id}", press))


def ruling_of(metadata: str) -> tuple[int, str, bool]:
    """The case, the key and whether it belongs, of a submitted form. Raises ``LookupError`` if it is none."""
    operation, kind, number, *rest = [*metadata.split(":"), "", "", ""]
    if operation not in {RULE_IN, RULE_OUT} or kind != "case" or not number.isdecimal() or not rest[0]:
        raise LookupError(metadata)
    return int(number), rest[0], operation == RULE_IN


def case_of(metadata: str) -> int:
    """The case of a submitted form. Raises ``LookupError`` if it is none."""
    _, kind, number, *_ = [*metadata.split(":"), "", ""]
    if kind != "case" or not number.isdecimal():
        raise LookupError(metadata)
    return int(number)


def fields_of(view: Mapping[str, Any]) -> dict[str, str]:
    """What was typed or chosen, by block."""
    values = view.get("state", {}).get("values", {})
    return {block: _value(given) for block, given in values.items() if isinstance(given, Mapping)}


def _value(given: Mapping[str, Any]) -> str:
    for element in given.values():
        if isinstance(element, Mapping):
            if isinstance(people := element.get("selected_users"), list):
                return " ".join(str(each) for each in people)
            if element.get("selected_user"):
                return str(element["selected_user"])
            several = element.get("selected_options")
            chosen = several[0] if isinstance(several, list) and several else element.get("selected_option")
            typed = element.get("value") or (chosen.get("value") if isinstance(chosen, Mapping) else "")
            return str(typed or "").strip()
    return ""


def _ruling(operation: str, value: str) -> View:
    _, _, key = value.rpartition(":")
    if operation == RULE_IN:
        told = f"{key} counts as in the attacker's hands. The scope is made again from it, too, and may find more."
        return _form(RULE, operation, value, "It belongs", paragraph(told, 600), reason_input())
    told = f"{key} is left out of the scope, with your reason, and leads to nobody."
    return _form(RULE, operation, value, "Set aside", paragraph(told, 600), reason_input())


def _closing(operation: str, value: str) -> View:
    told = "What was it? The bot learns from the answer; a new alert in the next days opens the case again."
    options = [(each.value, label) for each, label in CONCLUSIONS.items()]
    first = Conclusion.EXPECTED.value if operation == EXPECTED else None
    other = line_input(DUPLICATE_OF, "The other case's number, for a duplicate", optional=True)
    chosen = choice(CONCLUSION, "Your verdict", options, first)
    return _form(CLOSE, operation, value, "Close case", paragraph(told, 600), chosen, other, reason_input())


def _leak(operation: str, value: str) -> View:
    told = "A key whose id stands in a public place is an incident whatever it did. Never paste the secret itself."
    place = line_input(PLACE, "Where: a URL, or a few words")
    return _form(LEAK, operation, value, "Seen in public", paragraph(told, 600), place, reason_input())


def _handing_over(operation: str, value: str) -> View:
    told = (
        "They are mentioned in the case's thread with its state, its open tasks and the keys that still work, and the "
        "case is theirs. Only somebody who may triage can have it."
    )
    return _form(
        HAND_OVER,
        operation,
        value,
        "Hand over",
        paragraph(told, 600),
        people_input(NEXT_ONE, "To whom"),
        choice(CHECK_IN, "When the case is looked at again", list(CHECKS.items()), "60"),
        line_input(NOTE, "What they should know", optional=True),
    )


def _declaring(operation: str, value: str) -> View:
    told = (
        "Your word stands beside the bot's verdict and is said aloud in the channel. A private channel begins with the "
        "case as it stands; its buttons stay at the card."
    )
    return _form(
        DECLARE,
        operation,
        value,
        "Declare incident",
        paragraph(told, 600),
        reason_input(),
        checkbox(ROOM, "Private channel", "Open one for this incident", YES),
        people_input(INVITED, "Whom to invite, beside you", many=True),
        checkbox(WITH_OWNER, "The key's owner", "May be invited, too", YES, "Left out unless you tick this"),
    )


def _asking_owner(operation: str, value: str) -> View:
    told = (
        "The key's owner is asked by direct message whether it was them: what the key did in a few words, no whole key "
        "id. Whoever holds the key may read that message, and learn that somebody is looking. The answer is evidence, "
        "never proof; a yes takes nothing away from the verdict."
    )
    return _form(ASK_OWNER, operation, value, "Ask the owner", paragraph(told, 600), reason_input())


def _lifting(operation: str, value: str) -> View:
    told = "Alerts that name it get a card again from now on, and so do the open cases that it kept silent."
    return _form(LIFT, operation, value, "Lift snooze", paragraph(told, 600), reason_input())


def _form(callback: str, operation: str, value: str, title: str, *blocks: Block) -> View:
    return {
        "type": "modal",
        "callback_id": callback,
        "private_metadata": f"{operation}:{value}",
        "title": plain(title, TITLE),
        "submit": plain(title, TITLE),
        "close": plain("Cancel", TITLE),
        "blocks": list(blocks),
    }


_FORMS: Mapping[str, Callable[[str, str], View]] = {
    RULE_IN: _ruling,
    RULE_OUT: _ruling,
    CLOSE: _closing,
    EXPECTED: _closing,
    LEAK: _leak,
    HAND_OVER: _handing_over,
    DECLARE: _declaring,
    LIFT: _lifting,
    ASK_OWNER: _asking_owner,
}
