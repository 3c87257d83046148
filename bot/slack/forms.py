"""Windows that ask before anything is read: they open with the click; what is typed comes as a submission."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.slack.elements import TITLE, View, paragraph, plain
from bot.slack.modals import reason_input

RULE = "rule"
RULE_IN, RULE_OUT = "rule_in", "rule_out"


def opened_by(action: str, value: str) -> View | None:
    """The form that the button ``action`` with ``value`` opens; ``None`` for buttons that open none."""
    operation = action.partition(":")[0]
    if operation not in {RULE_IN, RULE_OUT}:
        return None
    _, _, key = value.rpartition(":")
    belongs = operation == RULE_IN
    title = "It belongs" if belongs else "Set aside"
    told = (
        f"{key} counts as in the attacker's hands. The scope is made again from it, too, and may find more."
        if belongs
        else f"{key} is left out of the scope, with your reason, and leads to nobody."
    )
    return {
        "type": "modal",
        "callback_id": RULE,
        "private_metadata": f"{operation}:{value}",
        "title": plain(title, TITLE),
        "submit": plain(title, TITLE),
        "close": plain("Cancel", TITLE),
        "blocks": [paragraph(told, 600), reason_input()],
    }


def ruling_of(metadata: str) -> tuple[int, str, bool]:
    """The case, the key and whether it belongs, of a submitted form. Raises ``LookupError`` if it is none."""
    operation, kind, number, *rest = [*metadata.split(":"), "", "", ""]
    if operation not in {RULE_IN, RULE_OUT} or kind != "case" or not number.isdecimal() or not rest[0]:
        raise LookupError(metadata)
    return int(number), rest[0], operation == RULE_IN


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
