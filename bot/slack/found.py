"""What was looked up without a case, as messages: a triage, hits of a hunt, cases, changes that can be taken back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bot import summary
from bot.hunts.result import Hunted
from bot.model import Case, Change, Triage
from bot.slack.buttons import UNDO
from bot.slack.details import command
from bot.slack.elements import Block, Message, actions, bullets, button, context, fitted, labelled, message, paragraph
from bot.summary import Row

MOST = 20
GAPS = 5
LINE = 400


def looked(triages: Sequence[Triage]) -> Message:
    """Everything about one observable in short, or the same about several, one under the other."""
    if len(triages) == 1:
        return fitted(summary.title(triages[0]), _looked(triages[0]), f"More: run `{command(triages[0])}`")
    blocks = (block for each in triages for block in (paragraph(summary.title(each)), *_looked(each)))
    return fitted(f"{len(triages)} looked up", blocks, "More: ask about one at a time.")


def _looked(triage: Triage) -> Iterator[Block | None]:
    yield labelled(summary.findings(triage), LINE)
    yield labelled([Row(f"⚠️ {gap.label}", gap.value) for gap in summary.gaps(triage)[:GAPS]], LINE)
    yield context(summary.searched(triage.searched), f"All of it: {command(triage)}")


def hunted(found: Hunted, asked: Sequence[str]) -> Message:
    """The hits, the gravest first; where there are none, over which span."""
    span = f"{summary.moment(found.window.since)} to {summary.moment(found.window.until)}"
    title = f"{len(found.hits)} hit{'' if len(found.hits) == 1 else 's'}" if found.hits else "Nothing found"
    return fitted(title, _hunted(found, span), f"More: run `triage hunt {' '.join(asked)} --json`")


def _hunted(found: Hunted, span: str) -> Iterator[Block | None]:
    yield paragraph(f"Hunted {span}.")
    for hit in found.hits:
        keys = f" Keys: {', '.join(hit.keys[:5])}{summary.more(len(hit.keys) - 5)}." if hit.keys else ""
        yield bullets([f"{hit.severity} {hit.hunt} ({hit.level}): {hit.sentence}{keys}"], 2 * LINE)
    yield labelled([Row("⚠️ Not known", f"{gap.question} {gap.why}") for gap in found.gaps[:GAPS]], LINE)


def listed(cases: Sequence[Case]) -> Message:
    """The open cases, a line each."""
    if not cases:
        return message("No case is open.", paragraph("No case is open."))
    count = len(cases)
    title = "1 open case" if count == 1 else f"{count} open cases"
    lines = [f"#{each.id} {summary.headline(each)} · since {summary.moment(each.opened_at)}" for each in cases]
    blocks = (bullets([line], LINE) for line in lines)
    return fitted(title, blocks, "More: run `triage case list`")


def undoable(changes: Sequence[Change]) -> Message:
    """The changes that can be taken back, each with its button."""
    if not changes:
        return message("Nothing to take back.", paragraph("No confirmed change is left that could be taken back."))
    shown = changes[:MOST]
    title = f"{len(changes)} change{'' if len(changes) == 1 else 's'} can be taken back"
    blocks = (
        block
        for number, each in enumerate(shown)
        for block in (
            paragraph(summary.change_line(each), LINE),
            actions(f"undo:{each.execution}", [button("Undo…", f"{UNDO}:{number}", each.execution)]),
        )
    )
    return fitted(title, blocks, "More: run `triage undo EXECUTION`")
