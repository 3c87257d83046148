"""Mutants that do the same as the original, with the reason: by module, function and mistake."""

from __future__ import annotations

ONE_COLUMN = "the row has one column"
BUSY = "fault(error) in {Fault.THROTTLED, Fault.BUSY}"
APPROVALS, RUN = "bot.remediation.approvals", "bot.remediation.run"

EQUIVALENT: dict[tuple[str, str, str], str] = {
    (
        "bot.access",
        "AccessRules.person",
        "`self.people.get(… actor.id, actor.id …)` the other way round",
    ): "both arguments are the same",
    (APPROVALS, "waiting_of", "`0` → `-1`"): ONE_COLUMN,
    (APPROVALS, "waiting_in", "`0` → `-1`"): ONE_COLUMN,
    (APPROVALS, "waiting_in", "without `if plan is not None`"): "the ids come from the plans; the type checker asks",
    (APPROVALS, "told", "`0` → `-1`"): "there is one name",
    (
        RUN,
        "Remediations._made",
        "`return _Outcome(ChangeState.UNKNOWN, 'Another process took this change over.')` → `return None`",
    ): "whoever lost the claim records nothing, so that this outcome is never read",
    (RUN, "Remediations._start", "`return False` → `return None`"): "only asked whether it is true",
    (RUN, "Remediations._start", "`plan.account or ''` → `plan.account`"): "every draft names its account",
    (RUN, "Remediations._start", "`''` → `'X'`"): "every draft names its account",
    (
        RUN,
        "Remediations._refused",
        f"`isinstance(error, ClientError) and {BUSY}` → `{BUSY}`",
    ): "only a `ClientError` can be either; the type checker asks",
}
