"""The window in which something is snoozed, with what that would have hidden; and the list of what is snoozed now."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from bot import summary
from bot.model import Hidden, Kind, Observable, Snooze
from bot.slack.buttons import LIFT, SNOOZE
from bot.slack.elements import (
    TITLE,
    Block,
    Message,
    View,
    actions,
    bullets,
    button,
    choice,
    fitted,
    message,
    paragraph,
    plain,
)
from bot.slack.modals import reason_input

TYPED = "snooze"
"""How the value of a button begins that was not drawn of a case."""
WHAT, LASTING = "what", "lasting"
LASTINGS = {"4": "4 hours", "24": "a day", "168": "a week", "720": "30 days"}
"""Hours, and how they are said."""
KINDS = {Kind.ACCESS_KEY: "Key", Kind.PRINCIPAL: "User or role", Kind.IP: "Address", Kind.USER_AGENT: "Client"}
VALUE = 400
LINE = 300


def snooze_view(hidden: Sequence[Hidden], environment: str) -> View:
    """What can be snoozed, what that would have hidden lately, and for how long."""
    days = (hidden[0].until - hidden[0].since).days if hidden else 0
    told = (
        "Alerts that name it are kept, judged and counted in the digest, and get no card. An incident, or what sets a "
        "least score by itself, is shown all the same."
    )
    options = [(str(number), named(each.observable)[:75]) for number, each in enumerate(hidden)]
    about = {"environment": environment, "what": [[each.observable.kind, each.observable.value] for each in hidden]}
    return {
        "type": "modal",
        "callback_id": SNOOZE,
        "private_metadata": json.dumps(about),
        "title": plain("Snooze", TITLE),
        "submit": plain("Snooze", TITLE),
        "close": plain("Cancel", TITLE),
        "blocks": [
            block
            for block in (
                paragraph(told, 600),
                paragraph(f"In the last {days} days it would have hidden:"),
                bullets([summary.would_have_hidden(each) for each in hidden], LINE),
                choice(WHAT, "What", options, "0"),
                choice(LASTING, "For how long", list(LASTINGS.items()), "24"),
                reason_input(),
            )
            if block
        ],
    }


def asked_in(metadata: str, fields: Mapping[str, str]) -> tuple[Observable, timedelta, str]:
    """What was chosen in the window: what, for how long, in which environment. Raises ``LookupError`` if nothing."""
    try:
        about = json.loads(metadata)
        kind, value = about["what"][int(fields[WHAT])]
        return Observable(Kind(kind), value), timedelta(hours=int(fields[LASTING])), str(about["environment"])
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise LookupError(metadata) from error


def snoozes_message(snoozes: Sequence[Snooze]) -> Message:
    """What is snoozed now, each with a button to end it."""
    if not snoozes:
        told = "Nothing is snoozed. /triage snooze ip 203.0.113.7 opens a window."
        return message(told, paragraph(told))
    title = "1 snooze holds" if len(snoozes) == 1 else f"{len(snoozes)} snoozes hold"
    return fitted(title, _listed(snoozes), "More: run `triage snooze list`")


def _listed(snoozes: Sequence[Snooze]) -> Iterator[Block | None]:
    for each in snoozes:
        yield paragraph(summary.snooze_line(each), LINE)
        yield actions(f"snooze:{each.id}", [button("Lift…", f"{LIFT}:{each.id}", f"snooze:{each.id}")])


def snooze_of(metadata: str) -> int:
    """The snooze of a submitted form. Raises ``LookupError`` if it is none."""
    number: Any = metadata.rpartition(":")[2]
    if not number.isdecimal():
        raise LookupError(metadata)
    return int(number)


def asked_for(kind: str, value: str) -> Message:
    """A button that opens the window, where nobody but a button opens one."""
    told = f"The button opens a window that says what a snooze of {value} would have hidden, and asks for how long."
    press = button("Snooze…", SNOOZE, f"{TYPED}:{kind}:{value}")
    return message(told, paragraph(told, LINE), actions("snooze", [press]))


def typed_in(value: str) -> tuple[str, str] | None:
    """The kind and the value that such a button carries; ``None`` for one of a case."""
    typed, kind, what = [*value.split(":", 2), "", ""][:3]
    return (kind, what) if typed == TYPED and kind in {each.value for each in Kind} and what else None


def named(observable: Observable) -> str:
    """What it is, and its value."""
    kind = "Network" if "/" in observable.value and observable.kind is Kind.IP else None
    return f"{kind or KINDS.get(observable.kind, observable.kind.value)} {observable.value}"
