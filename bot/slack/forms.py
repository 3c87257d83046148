"""Windows that ask before anything is read: they open with the click; what is typed comes as a submission."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from bot.model import Conclusion
from bot.slack.buttons import CLOSE, EXPECTED, LEAK, RULE_IN, RULE_OUT
from bot.slack.elements import TITLE, Block, View, choice, line_input, paragraph, plain
from bot.slack.modals import reason_input

RULE = "rule"
CONCLUSION, DUPLICATE_OF, PLACE = "conclusion", "duplicate_of", "place"

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
}
