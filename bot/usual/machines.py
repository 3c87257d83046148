"""Whether a principal works like a service account or CI, by the habits that scoping tells machines by."""

from __future__ import annotations

from bot.model import AnswerCut, Context, NotAnswered
from bot.scope.rules import shipped
from bot.scope.usual import works_like_a_machine


def machine_in_words(context: Context) -> str | None:
    """What the history says of the principal of a triage, if it works like a machine and nobody has said what it is.

    ``None`` also where the history does not answer: nothing rests on it.
    """
    who, here = context.principal, context.environment
    if context.history is None or who is None or here.is_automation(who) or here.is_person(who):
        return None
    try:
        baseline = context.baseline()
    except (AnswerCut, NotAnswered):
        return None
    uses = [use for use in baseline.uses if not use.by_service]
    at_work, days = {use.day for use in uses}, (baseline.span.until.date() - baseline.span.since.date()).days
    clients = {use.family for use in uses}
    if not works_like_a_machine(len(at_work), days, clients, shipped().habits):
        return None
    program = "one client" if len(clients) == 1 else f"{len(clients)} clients"
    return (
        f"works like a service account or CI, as learned from the history: at work on {len(at_work)} days since "
        f"{min(at_work)}, always with {program}"
    )
