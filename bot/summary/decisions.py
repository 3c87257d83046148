"""What people decided about a case, in a sentence each: for its thread, its small print and its report."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from bot.model import Case
from bot.summary.changes import change_line


@dataclass(frozen=True, slots=True)
class Decision:
    """``by`` is a name; ``sentence`` says who, too."""

    at: datetime
    by: str
    sentence: str


def decisions(case: Case) -> tuple[Decision, ...]:
    """Every decision of a person about ``case``, the oldest first."""
    return tuple(sorted(_decided(case), key=lambda each: each.at))


def _decided(case: Case) -> Iterator[Decision]:
    for ruling in case.rulings:
        what = "counted in" if ruling.belongs else "set aside"
        yield Decision(ruling.at, ruling.by, f"{ruling.key} {what} by {ruling.by}: {ruling.reason}")
    for change in case.changes:
        yield Decision(change.at, change.approved_by.name, f"{change_line(change)} Reason: {change.reason}")
    if case.declared is not None:
        said = case.declared
        yield Decision(said.at, said.by.name, f"Declared an incident by {said.by.name}: {said.reason}")
    for handover in case.handovers:
        note = f": {handover.note}" if handover.note else ""
        told = f"Handed over by {handover.by.name} to {handover.to.name}{note}"
        yield Decision(handover.at, handover.by.name, told)
    for closing in case.closings:
        told = f"Closed as {closing.conclusion} by {closing.by.name}: {closing.reason}"
        yield Decision(closing.at, closing.by.name, told)
