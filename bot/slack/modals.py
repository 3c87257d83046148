"""The modal in which a change is read, approved and followed.

It is opened empty at once, because a trigger lives three seconds, and filled in when AWS has been read.
"""

from __future__ import annotations

from collections.abc import Mapping

from bot import summary
from bot.model import Case, Change, ChangeState, Plan, Refusal, Waiting
from bot.plain import clean
from bot.slack.buttons import rest_of
from bot.slack.elements import TITLE, Block, View, actions, bullets, button, commands, labelled, paragraph, plain
from bot.summary import Row

APPROVE = "approve"
REASON_BLOCK = "reason"
REASON_ACTION = "reason"
GLASS, BREAK = "glass", "break"
LONGEST_REASON = 500
LONGEST_LIST = 20

_TITLES = {
    ChangeState.CONFIRMED: "Done",
    ChangeState.FAILED: "Failed",
    ChangeState.PARTIAL: "Done in part",
    ChangeState.UNKNOWN: "Not certain",
    ChangeState.REHEARSED: "Rehearsed",
    ChangeState.APPROVED: "Approved",
    ChangeState.STARTED: "Started",
}


def preparing() -> View:
    """What is seen while AWS is being read. Nothing can be approved in it."""
    return _view("Preview", paragraph("Reading the current state… Nothing has been changed."))


def actions_view(case: Case) -> View:
    """Everything that can be done about a case, a button each."""
    rows = [
        actions(f"actions:{number}", [button(label, *value.split(" ", 1))])
        for number, (label, value) in enumerate(rest_of(case))
    ]
    return _view(f"Case #{case.id}", paragraph(summary.headline(case), 300), *rows)


def preview(plan: Plan, *, own: bool = False) -> View:
    """What would change, before it does, with a field for the reason and the button that approves it.

    ``own``: it is shown to who planned it, so the button asks the others where more than one person must approve.
    """
    submit = "Undo" if plan.undo_of else _submit(plan.remediation)
    submit = "Rehearse" if plan.rehearsal else submit
    asks = own and plan.approvers > 1
    return {
        **_view(
            "Undo" if plan.undo_of else "Preview",
            paragraph(plan.title, 300),
            labelled([Row("Target", plan.target), Row("Account", plan.account or "unknown")]),
            labelled(_states(plan.before, plan.after), 400),
            bullets(plan.warnings[:LONGEST_LIST], 600),
            paragraph(f"Asked for by {plan.requested_by.name}; expires {summary.moment(plan.expires_at)}."),
            paragraph(summary.own_request(plan.approvers, plan), 600) if asks else None,
            reason_input(),
            glass_input() if plan.approvers > 1 else None,
        ),
        "callback_id": APPROVE,
        "private_metadata": plan.id,
        "submit": plain(f"Ask {summary.others(plan.approvers)}" if asks else submit, TITLE),
        "close": plain("Cancel", TITLE),
    }


def working_view(form: str = APPROVE) -> View:
    """What is seen from a submission until it is done."""
    told = "Kept. What nobody else must approve is made now and read back…"
    told = told if form == APPROVE else "Keeping what you decided…"
    return _view("Working", paragraph(f"{told} You may close this window."))


def waiting_view(waiting: Waiting) -> View:
    """What is seen by who asked or approved, while others must."""
    told = f"{summary.waiting_line(waiting)} Nothing has been changed yet."
    own = paragraph(summary.own_request(waiting.missing, waiting.plan), 600) if waiting.own else None
    card = paragraph(f"The card has a button for {summary.others(waiting.missing)}.")
    return _view("Waiting", paragraph(told, 1000), own, card)


def done_view(change: Change) -> View:
    """How far the change has come when this is drawn; the card follows it to its end."""
    under_way = change.state in {ChangeState.APPROVED, ChangeState.STARTED}
    follow = paragraph("The card shows how it ends. You may close this window.") if under_way else None
    return _view(_TITLES[change.state], paragraph(summary.change_line(change), 1000), follow)


def kept_view(sentence: str) -> View:
    """What is seen once what was decided is kept."""
    return _view("Kept", paragraph(sentence, 600))


def refusal_view(refusal: Refusal) -> View:
    """Why nothing was done, and the commands a person can run instead."""
    return _view("Nothing was changed", paragraph(refusal.sentence, 1500), commands(refusal.commands))


def _states(before: Mapping[str, str], after: Mapping[str, str]) -> list[Row]:
    keys = list(dict.fromkeys([*before, *after]))[:LONGEST_LIST]
    return [Row(key.capitalize(), _change(before.get(key, "absent"), after.get(key, "absent"))) for key in keys]


def _change(before: str, after: str) -> str:
    return before if before == after else f"{before} → {after}"


def _submit(remediation: str) -> str:
    return clean(remediation).split("_", maxsplit=1)[0].capitalize() or "Approve"


def reason_input() -> Block:
    """A field for the reason of something that goes on record."""
    return {
        "type": "input",
        "block_id": REASON_BLOCK,
        "label": plain("Reason (kept in the audit log)", 200),
        "element": {
            "type": "plain_text_input",
            "action_id": REASON_ACTION,
            "min_length": 3,
            "max_length": LONGEST_REASON,
        },
    }


def glass_input() -> Block:
    """A way past the second person, for the night nobody else wakes up."""
    told = "Told to the channel; needs a right of its own and a full reason"
    option = {"text": plain("Break the glass: approve alone", 75), "description": plain(told, 75), "value": BREAK}
    return {
        "type": "input",
        "block_id": GLASS,
        "optional": True,
        "label": plain("If nobody else can be reached", 200),
        "element": {"type": "checkboxes", "action_id": GLASS, "options": [option]},
    }


def _view(title: str, *blocks: Block | None) -> View:
    return {
        "type": "modal",
        "title": plain(title, TITLE),
        "close": plain("Close", TITLE),
        "blocks": [block for block in blocks if block],
    }
