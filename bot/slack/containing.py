"""The windows in which everything a thief holds is contained: one preview, one approval, a row for each target."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from bot import summary
from bot.model import Containment, ContainmentRow, Plan, Step
from bot.slack.elements import TITLE, Block, View, bullets, commands, heading, paragraph, plain
from bot.slack.modals import glass_input, reason_input

APPROVE_ALL = "contain_all"
ROWS = 60
"""Rows that are shown; the terminal has them all."""
WARNINGS = 12
LINE = 300

STEPS = {
    Step.KEYS: "1. All keys",
    Step.ORGANISATION: "The organisation denies",
    Step.USERS: "2. Their users",
    Step.PASSWORDS: "3. Console passwords",
    Step.SESSIONS: "4. Sessions",
    Step.ADDRESSES: "5. Addresses",
    Step.MADE: "6. What they made",
    Step.UNDO: "Taken back, the last first",
}


def preview(containment: Containment, *, own: bool = False) -> View:
    """Everything that would be done, before any of it is.

    ``own``: it is shown to who planned it. Where all that is left needs other people, the button asks them.
    """
    undo = containment.undo_of is not None
    title = "Undo all" if undo else "Contain all"
    blocks = [
        paragraph(_headline(containment), 600),
        *_rows(containment),
        *_warnings(containment),
        paragraph(f"Asked for by {containment.requested_by.name}; expires {summary.moment(containment.expires_at)}."),
    ]
    if not any(row.plan for row in containment.rows):
        return _view(title, blocks)
    left = [row.plan for row in containment.rows if row.plan and row.change is None]
    shared = [plan for plan in left if plan.approvers > 1]
    if own and shared and shared == left:
        most = max(shared, key=lambda plan: plan.approvers)
        blocks.append(paragraph(summary.own_request(most.approvers, most), 600))
        submit = f"Ask {summary.others(most.approvers)}"
    else:
        submit = "Rehearse" if _rehearses(containment) else title
    return {
        **_view(title, [*blocks, reason_input(), *([glass_input()] if shared else [])]),
        "callback_id": APPROVE_ALL,
        "private_metadata": containment.id,
        "submit": plain(submit, TITLE),
        "close": plain("Cancel", TITLE),
    }


def approved(containment: Containment) -> View:
    """How far each row is when this is drawn; the card follows them to their end."""
    done = sum(row.change is not None for row in containment.rows)
    waiting = sum(row.missing > 0 for row in containment.rows)
    told = f"{done} of {len(containment.rows)} changes are approved and being made, in this order."
    if waiting:
        told += f" {waiting} wait for others: the card has a button."
    return _view("Approved", [paragraph(told), *_rows(containment), paragraph("The card shows how each ends.")])


def _headline(containment: Containment) -> str:
    planned = sum(row.plan is not None for row in containment.rows)
    impossible = sum(row.refusal is not None and not row.refusal.settled for row in containment.rows)
    told = f"{planned} changes, all keys first. Nothing has been changed yet."
    if _rehearses(containment):
        told = (
            f"A rehearsal of {planned} changes: nothing will be changed until two people have armed this environment."
        )
    return told + (f" {impossible} cannot be done by the bot: a person has to." if impossible else "")


def _rehearses(containment: Containment) -> bool:
    return any(row.plan.rehearsal for row in containment.rows if row.plan)


def _rows(containment: Containment) -> Iterator[Block | None]:
    shown = containment.rows[:ROWS]
    for step in dict.fromkeys(row.step for row in shown):
        yield heading(STEPS[step])
        yield bullets([_line(row) for row in shown if row.step is step], LINE)
    by_hand = [line for row in shown if row.refusal for line in row.refusal.commands]
    if by_hand:
        yield heading("For a person to run")
        yield commands(by_hand[:ROWS])
    if len(containment.rows) > ROWS:
        yield paragraph(f"{len(containment.rows) - ROWS} more rows.")


def _line(row: ContainmentRow) -> str:
    if row.change is not None:
        return summary.change_line(row.change)
    if row.refusal is not None:
        what = "nothing to do" if row.refusal.settled else "not possible"
        return f"{row.target}: {what}. {row.refusal.sentence}"
    waiting = f" (waiting for {summary.others(row.missing)})" if row.missing else ""
    return f"{row.plan.title if row.plan else row.target}{waiting}"


def _warnings(containment: Containment) -> Iterator[Block | None]:
    """What speaks against it: what holds for several rows once, what holds for one with whom it is about."""
    plans = [row.plan for row in containment.rows if row.plan]
    often = Counter(warning for plan in plans for warning in dict.fromkeys(plan.warnings))
    shared = [warning for warning, times in often.items() if times > 1]
    single = [f"{_whom(plan)}: {warning}" for plan in plans for warning in plan.warnings if often[warning] == 1]
    told = [*shared, *single]
    if told:
        yield heading("Before you approve")
        yield bullets(told[:WARNINGS], 2 * LINE)
    if len(told) > WARNINGS:
        yield paragraph(f"{len(told) - WARNINGS} more warnings: `triage plan contain` prints all.")


def _whom(plan: Plan) -> str:
    return plan.principal.partition("/")[2] or plan.target


def _view(title: str, blocks: list[Block | None]) -> View:
    return {
        "type": "modal",
        "title": plain(title, TITLE),
        "close": plain("Close", TITLE),
        "blocks": [block for block in blocks if block],
    }
