"""The model as plain text, for a terminal and for the one line of a notification."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence

from bot import summary
from bot.digests import Digest
from bot.history.load import HistoryReport, SetAside
from bot.model import (
    Alert,
    Assessment,
    Case,
    Change,
    Containment,
    ContainmentRow,
    Enrichment,
    Hidden,
    Plan,
    Reason,
    Refusal,
    Task,
    Triage,
    Waiting,
)
from bot.plain import LONGEST_AGENT, clean
from bot.remediation.arming import Armed
from bot.summary import Row

WIDTH = 100
LABEL = 18
LINES = 15
SET_ASIDE_SHOWN = 20
"""Files of one reason that are named; of more, the first."""


def notification(case: Case) -> str:
    """One line: which case, how bad, about whom."""
    return clean(f"Case #{case.id}: {summary.headline(case)}", 200)


def case_text(case: Case) -> str:
    """What the card of ``case`` says."""
    triage = case.triage
    asking = summary.pending(case)
    return _document(
        [
            notification(case),
            *_wrapped(summary.verdict_sentence(case)),
            "",
            *_rows(summary.rows(case)),
            *(_rows(summary.gaps(triage)) if triage else ()),
            *_wrapped((summary.could_be(triage) if triage else None) or ""),
            *_wrapped(asking or ""),
            *(line for change in case.changes for line in _with_commands(f"- {summary.change_line(change)}")),
            *(line for task in case.tasks for line in _task_lines(task)),
            *_rows([Row("Searched", summary.searched(triage.searched))] if triage else []),
        ]
    )


def task_text(task: Task) -> str:
    """What is left to do, with the commands."""
    return _document(_task_lines(task))


def hidden_text(hidden: Hidden) -> str:
    """What a snooze would have hidden; nothing was snoozed."""
    days = (hidden.until - hidden.since).days
    told = f"In the last {days} days a snooze would have hidden {summary.would_have_hidden(hidden)}."
    return _document([*_wrapped(told), "Nothing was snoozed: say why with --reason."])


def digest_text(digest: Digest) -> str:
    """A digest, whole."""
    return _document(
        [
            clean(summary.digest_title(digest)),
            "",
            *_rows(summary.digest_rows(digest)),
            *_section("Waits for somebody", summary.waiting_lines(digest)),
            *_section("Low and expected: no card", summary.quiet_lines(digest)),
        ]
    )


def _task_lines(task: Task) -> Iterator[str]:
    yield from _wrapped(f"- {summary.task_line(task)}")
    if task.open:
        yield from (f"    {clean(command)}" for command in task.commands)


def triage_text(triage: Triage, *, why: bool = False) -> str:
    """Everything a triage found, readable: verdict, reasons, answers, gaps; with ``why``, the score term by term."""
    judged = triage.assessment
    return _document(
        [
            f"{clean(str(triage.observable))}: {judged.verdict.value}, {judged.score}/100",
            *_wrapped(judged.sentence),
            "",
            *_rows(
                [
                    Row("Who", summary.who(triage)),
                    Row("Activity", summary.did(triage.activity, triage.searched)),
                    Row("Searched", summary.searched(triage.searched)),
                    *([Row("Cost", triage.cost)] if triage.cost else []),
                ]
            ),
            *_section("Why", (_reason(reason) for reason in judged.reasons)),
            *(_section("How the score came about", judged.arithmetic) if why else _section("Score", _score(judged))),
            *(line for enrichment in triage.enrichments for line in _enrichment(enrichment)),
            *_section("Not known", (f"{gap.label}: {gap.value}" for gap in summary.gaps(triage))),
            *_wrapped(summary.could_be(triage) or ""),
            *_section("Suggested", (f"{s.remediation} {s.target}: {s.why}" for s in triage.suggested)),
        ]
    )


def _score(judged: Assessment) -> Iterator[str]:
    yield from (f"{name}: {each.points} of at most {each.cap}" for name, each in judged.classes.items())


def alert_text(alert: Alert) -> str:
    """One line about an alert."""
    return clean(f"{alert.title} ({alert.source}, {summary.moment(alert.at)})", 300)


def plan_text(plan: Plan) -> str:
    """The preview of a change: nothing has been made yet."""
    keys = dict.fromkeys([*plan.before, *plan.after])
    return _document(
        [
            clean(plan.title),
            "",
            *_rows(
                [
                    Row("Plan", plan.id),
                    Row("Target", plan.target),
                    Row("Account", plan.account or "unknown"),
                    *(Row(k, f"{plan.before.get(k, 'absent')} → {plan.after.get(k, 'absent')}") for k in keys),
                    Row("Asked for by", plan.requested_by.name),
                    Row("Expires", summary.moment(plan.expires_at)),
                ]
            ),
            *_section("Before you approve", plan.warnings),
            "",
            f"Nothing has been changed. To do it: triage approve {plan.id} --reason TEXT",
        ]
    )


def containment_text(containment: Containment) -> str:
    """Everything that is to be done about one thief, row by row, with how far each has come."""
    what = "Take back a containment" if containment.undo_of else "Contain"
    rows, begun = containment.rows, any(row.change for row in containment.rows)
    how = "To go on" if begun else "Nothing has been changed. To do all of it"
    return _document(
        [
            f"{what}: {len(rows)} changes, {containment.id}, expires {summary.moment(containment.expires_at)}",
            *(line for row in rows for line in _containment_row(row)),
            "",
            *([] if all(row.change for row in rows) else [f"{how}: triage approve {containment.id} --reason TEXT"]),
        ]
    )


def _containment_row(row: ContainmentRow) -> Iterator[str]:
    name = clean(f"{row.step.value}: {row.remediation.replace('_', ' ')} {row.target}")
    if row.change is not None:
        yield from _with_commands(f"- {name} [{row.change.execution}]: {clean(summary.change_line(row.change))}")
        return
    if row.refusal is not None:
        why = "nothing to do" if row.refusal.settled else "not possible"
        yield from _wrapped(f"- {name}: {why}. {clean(row.refusal.sentence)}")
        yield from (f"    {clean(command)}" for command in row.refusal.commands)
        return
    waiting = f" (waiting for {summary.others(row.missing)})" if row.missing else ""
    yield from _wrapped(f"- {name}: {clean(row.plan.title) if row.plan else 'planned'}{waiting}")
    for warning in row.plan.warnings if row.plan else ():
        yield from _wrapped(f"    {clean(warning)}", indent="    ")


def armed_text(state: Armed) -> str:
    """Whether changes in an environment are made or rehearsed, and who said so."""
    by = f" by {' and '.join(state.by)}" if state.by else ""
    if state.armed:
        return clean(f"{state.environment}: armed{by}. Approved changes are made.")
    more = "one more person must arm it, too" if state.by else "two people must arm it"
    return clean(f"{state.environment}: {f'armed{by} so far; ' if by else 'not armed; '}{more}. Changes are rehearsed.")


def waiting_text(waiting: Waiting) -> str:
    """Who must still approve, and how."""
    return _document(
        [
            *_wrapped(summary.waiting_line(waiting)),
            *(_wrapped(summary.own_request(waiting.missing, waiting.plan)) if waiting.own else ()),
            f"Nothing has been changed. To approve it: triage approve {waiting.plan.id} --reason TEXT",
        ]
    )


def refusal_text(refusal: Refusal) -> str:
    """Why nothing was done, and what to run instead."""
    return _document([*_wrapped(refusal.sentence), *(f"    {clean(command)}" for command in refusal.commands)])


def change_text(change: Change) -> str:
    """How a change ended, with the id that takes it back."""
    return _document([*_with_commands(summary.change_line(change)), f"Execution {change.execution}"])


def _enrichment(enrichment: Enrichment) -> Iterator[str]:
    yield ""
    about = f" [{enrichment.observable}]"
    yield from _wrapped(f"{summary.enricher_name(enrichment.enricher)}{about}: {enrichment.question}")
    answer = enrichment.answer
    if answer is None:
        yield from _wrapped(f"  {summary.unanswered(enrichment)}", indent="  ")
        return
    yield from _wrapped(f"  {answer.headline}", indent="  ")
    yield from _rows([Row(fact.label, fact.value) for fact in answer.facts[:LINES]], indent="  ")
    if len(answer.facts) > LINES:
        yield f"  {len(answer.facts) - LINES} more: use --json"


def _reason(reason: Reason) -> str:
    return f"+{reason.points} {reason.signal}: {reason.sentence} [{', '.join(reason.evidence[:3])}]"


def _section(title: str, lines: Iterable[str]) -> Iterator[str]:
    written = [line for text in lines for line in _wrapped(f"- {clean(text)}")]
    if written:
        yield from ("", title, *written)


def _rows(rows: Sequence[Row], *, indent: str = "") -> Iterator[str]:
    for row in rows:
        label = f"{clean(row.label, LABEL * 2)}: ".ljust(LABEL)
        yield from _wrapped(f"{indent}{label}{clean(row.value, 4 * LONGEST_AGENT)}", indent=indent + " " * LABEL)


def _wrapped(text: str, *, indent: str = "  ") -> list[str]:
    return textwrap.wrap(
        text,
        WIDTH,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _with_commands(text: str) -> Iterator[str]:
    """A sentence, wrapped; the commands at its end on lines of their own, whole, so that they can be copied."""
    happened, by_hand, commands = text.partition(summary.BY_HAND)
    yield from _wrapped(f"{happened}{by_hand}".rstrip())
    yield from (f"    {clean(command)}" for command in commands.split(" && ") if command)


def _document(lines: Iterable[str]) -> str:
    shown = [_visible(line) for line in lines]
    return "\n".join(shown).strip("\n")


def _visible(line: str) -> str:
    """The last gate to a terminal: a line keeps its spaces but no character that could drive it."""
    return " ".join(clean(piece) for piece in line.split(" "))


def history_text(report: HistoryReport) -> str:
    """What a history holds, or what a load brought in."""
    rows = [
        Row("Events", str(report.events)),
        Row("Duplicates", f"{report.duplicates} records seen before, counted once"),
        Row("Files", str(report.files)),
        Row("Accounts", ", ".join(report.accounts) or "none"),
        Row("Access keys", str(report.keys)),
        Row("Principals", str(report.principals)),
        Row("Searched", summary.searched(report.searched)),
    ]
    missing = list(report.searched.missing) if report.searched else []
    return _document(
        [
            *_rows(rows),
            *(_section("Missing", missing) if missing else []),
            *_section("Set aside", list(_aside(report.set_aside)) or ["nothing"]),
        ]
    )


def _aside(entries: Sequence[SetAside]) -> Iterator[str]:
    """A line each; one line for all of a reason that many share, as where a whole bucket may not be read."""
    by_reason: dict[str, list[SetAside]] = {}
    for each in entries:
        by_reason.setdefault(each.reason, []).append(each)
    for reason, alike in by_reason.items():
        if len(alike) <= SET_ASIDE_SHOWN:
            yield from (f"{each.count} x {reason} ({_place(each)})" for each in alike)
        else:
            count, more = sum(each.count for each in alike), len(alike) - 1
            yield f"{count} x {reason} ({_place(alike[0])} and {more} more: --json names them)"


def _place(each: SetAside) -> str:
    return each.file if each.line is None else f"{each.file}:{each.line}"
