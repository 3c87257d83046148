"""What was changed, what waits for an approval, and what is left to do, in a line each."""

from __future__ import annotations

from collections.abc import Sequence

from bot.model import Case, Change, ChangeState, Hidden, Plan, Snooze, Suggestion, Task, Waiting
from bot.remediation.canaries import Drilled
from bot.summary.wording import moment, more

BY_HAND = " By hand: "
"""What stands in a sentence before the commands for a person; they are its end."""


def change_line(change: Change) -> str:
    """What was changed, by whom, when, and how far it has come."""
    state = {
        ChangeState.APPROVED: "approved, not started yet",
        ChangeState.STARTED: "started, not confirmed yet",
        ChangeState.CONFIRMED: "confirmed",
        ChangeState.FAILED: "failed",
        ChangeState.PARTIAL: "done in part",
        ChangeState.UNKNOWN: "unknown: AWS may have applied it",
        ChangeState.REHEARSED: "rehearsed: nothing was changed",
    }[change.state]
    taken_back = ", taken back since" if change.undone else ""
    what = f"{'Undo of ' if change.undo_of else ''}{change.remediation.replace('_', ' ')} {change.target}: "
    told = change.sentence if change.target in change.sentence else what[:1].upper() + what[1:] + change.sentence
    happened, by_hand, commands = told.partition(BY_HAND)
    ended = f"({state}{taken_back}; approved by {change.approved_by.name}, {moment(change.at)})"
    return f"{happened} {ended}{by_hand}{commands}"


def drill_line(drilled: Drilled) -> str:
    """How the fire drill of one key went."""
    if drilled.problem is None and drilled.contained is not None and drilled.restored is not None:
        took = f"AWS refused it after {drilled.contained:.1f} s and took it again after {drilled.restored:.1f} s"
        return f"Fire drill of {drilled.key}: {took}."
    standing = "It works." if drilled.restored is not None else "LOOK AT IT: it may be disabled now."
    standing = "" if drilled.contained is None and drilled.restored is None else f" {standing}"
    return f"Fire drill of {drilled.key} failed: {drilled.problem}{standing}"


def undrilled_line(accounts: Sequence[str]) -> str:
    """In which accounts no canary is."""
    return f"No canary in {', '.join(accounts)}: no drill proves that the bot can disable a key there."


def task_line(task: Task) -> str:
    """What is left for a person to do, why, and who does it; or how it ended."""
    if task.done_by is not None:
        return f"Task {task.id} done by {task.done_by.name}: {task.title}. {task.outcome}"
    who = f"{task.taken_by.name} has it" if task.taken_by else "nobody has taken it"
    return f"☐ Task {task.id} ({who}): {task.title}. {task.why}"


def waiting_line(waiting: Waiting) -> str:
    """What waits for how many people's approval, who asked for it, and until when."""
    names = ", ".join(actor.name for actor in waiting.approved_by)
    so_far = f", approved by {names}" if names else ""
    until = f"waiting for {others(waiting.missing)} before {moment(waiting.plan.expires_at)}"
    return f"{waiting.plan.title}: asked for by {waiting.plan.requested_by.name}{so_far}; {until}."


def own_request(missing: int, plan: Plan) -> str:
    """Why somebody may not approve what they planned, who can, and what there is if nobody can be reached."""
    right = "undo" if plan.undo_of else "approve"
    return (
        f"You planned this, so you cannot approve it: {others(missing)} named under [access] {right} in config.toml "
        "must. If nobody can be reached, who is named under [access] break_glass, too, can break the glass and approve "
        "it alone."
    )


def others(count: int) -> str:
    """So many people other than who asked, and who approved already."""
    return "1 other" if count == 1 else f"{count} others"


def snooze_line(snooze: Snooze) -> str:
    """What is silent until when, by whom, why, and what it has kept silent so far."""
    where = f" in {snooze.environment}" if snooze.environment else ""
    alerts = "1 alert" if snooze.hidden == 1 else f"{snooze.hidden} alerts"
    hidden = f"{alerts} so far" if snooze.hidden else "no alert so far"
    until = f"until {moment(snooze.until)}"
    return f"{snooze.observable}{where} is snoozed {until} by {snooze.by.name}: {snooze.reason} ({hidden})"


def would_have_hidden(hidden: Hidden) -> str:
    """How much a snooze would have kept silent, and what it would not have."""
    if not hidden.alerts:
        return f"{hidden.observable}: nothing"
    alerts = "1 alert" if hidden.alerts == 1 else f"{hidden.alerts} alerts"
    cases = "1 case" if hidden.cases == 1 else f"{hidden.cases} cases"
    grave = ", ".join(f"#{case}" for case in hidden.grave[:5]) + more(len(hidden.grave) - 5)
    kept = f"; grave, and shown all the same: {grave}" if hidden.grave else "; none of them was grave"
    return f"{hidden.observable}: {alerts} in {cases}{kept}"


def uncontained(case: Case) -> tuple[str, ...]:
    """The keys in the same hands that are not disabled by the bot, or about to be; none before the scope is made."""
    if case.triage is None or case.triage.scope is None:
        return ()
    gone = {ChangeState.FAILED, ChangeState.REHEARSED}
    done = {
        change.target
        for change in case.changes
        if not change.undo_of and not change.undone and change.state not in gone
    }
    return tuple(each.key for each in case.triage.scope.confirmed if each.key not in done)


def change_lines(case: Case, most: int) -> list[str]:
    """The newest changes, and of the rest how many ended how."""
    shown, rest = case.changes[-most:], case.changes[:-most]
    lines = [change_line(change) for change in shown]
    if not rest:
        return lines
    ended: dict[str, int] = {}
    for change in rest:
        ended[change.state.value] = ended.get(change.state.value, 0) + 1
    told = ", ".join(f"{count} {state}" for state, count in ended.items())
    return [
        f"{len(rest)} more changes before these: {told}; the thread and `triage case show {case.id}` have each",
        *lines,
    ]


def owned(case: Case) -> str:
    """Whose case it is."""
    return f"taken by {case.owner.name}" if case.owner else "nobody has taken it"


def undoable(case: Case) -> Change | None:
    """The newest change that was made, if only in part, and can still be taken back."""
    made = {ChangeState.CONFIRMED, ChangeState.PARTIAL}
    standing = [c for c in case.changes if c.state in made and not c.undone and c.undo_of is None]
    return standing[-1] if standing else None


def offered(case: Case) -> tuple[Suggestion, ...]:
    """The suggested changes that are not already made or under way."""
    ended_short = {ChangeState.FAILED, ChangeState.PARTIAL, ChangeState.REHEARSED}
    busy = {
        (change.remediation, change.target)
        for change in case.changes
        if change.undo_of is None and not change.undone and change.state not in ended_short
    }
    suggested = case.triage.suggested if case.triage else ()
    return tuple(one for one in suggested if (one.remediation, one.target) not in busy)
