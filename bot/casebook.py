"""Cases as documents and as text: lists of them, one in full, and what the analysts' verdicts come to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from bot import summary
from bot.calibration import Calibration, SignalRecord
from bot.digests import Digest
from bot.document import change_document, triage_document
from bot.model import Alert, Case, Closing, Conclusion, Handover, Hidden, Observable, Snooze, Task, Verdict, rfc3339
from bot.plain import clean

Json = dict[str, Any]
SAID = (Conclusion.TRUE, Conclusion.BENIGN, Conclusion.EXPECTED)


def cases_document(cases: Iterable[Case]) -> Json:
    """The document of ``triage case list``."""
    return {"cases": [_brief(case) for case in cases]}


def case_document(case: Case) -> Json:
    """The document of ``triage case show`` and ``triage case close``."""
    return {
        **_brief(case),
        "channel": case.channel,
        "reopened": case.reopened,
        "alerts": [_alert(alert) for alert in case.alerts],
        "closings": [_closing(closing) for closing in case.closings],
        "changes": [change_document(change) for change in case.changes],
        "tasks": [task_document(task) for task in case.tasks],
        "owner": case.owner.id if case.owner else None,
        "declared": _declared(case),
        "handovers": [handover_document(each) for each in case.handovers],
        "linked": [{"case": each.case, "subject": _value(each.subject), "why": each.why} for each in case.links],
        "triage": triage_document(case.triage) if case.triage is not None else None,
    }


def handover_document(handover: Handover) -> Json:
    """A handover in the documents of ``triage case show`` and ``triage case hand-over``."""
    return {
        "by": handover.by.id,
        "to": handover.to.id,
        "note": handover.note or None,
        "next_check": rfc3339(handover.next_check) if handover.next_check else None,
        "at": rfc3339(handover.at),
    }


def _declared(case: Case) -> Json | None:
    said = case.declared
    if said is None:
        return None
    return {"by": said.by.id, "reason": said.reason, "at": rfc3339(said.at), "channel": said.room or None}


def snooze_document(snooze: Snooze) -> Json:
    """A snooze in the documents of ``triage snooze``."""
    return {
        "snooze": snooze.id,
        "environment": snooze.environment or None,
        "observable": {"kind": snooze.observable.kind.value, "value": snooze.observable.value},
        "reason": snooze.reason,
        "by": snooze.by.id,
        "at": rfc3339(snooze.at),
        "until": rfc3339(snooze.until),
        "lifted_at": rfc3339(snooze.lifted_at) if snooze.lifted_at else None,
        "alerts": snooze.hidden,
        "cases": snooze.cases,
    }


def hidden_document(hidden: Hidden) -> Json:
    """What a snooze would have hidden, as ``triage snooze add`` previews it."""
    return {
        "observable": {"kind": hidden.observable.kind.value, "value": hidden.observable.value},
        "since": rfc3339(hidden.since),
        "until": rfc3339(hidden.until),
        "alerts": hidden.alerts,
        "cases": hidden.cases,
        "grave_cases": list(hidden.grave),
    }


def digest_document(digest: Digest) -> Json:
    """The document of ``triage digest``; spans in seconds."""
    return {
        "since": rfc3339(digest.since),
        "until": rfc3339(digest.until),
        "environments": list(digest.environments),
        "cases": digest.cases,
        "verdicts": dict(digest.verdicts),
        "closed": dict(digest.conclusions),
        "times": {
            step: {
                "cases": took.cases,
                "median": round(took.median.total_seconds(), 1),
                "longest": round(took.longest.total_seconds(), 1),
            }
            for step, took in digest.took.items()
        },
        "sources": [
            {"source": each.source, "alerts": each.alerts, "cases": each.cases, "harmless": each.harmless}
            for each in digest.noise
        ],
        "quiet": {"count": digest.quiet_count, "cases": [_brief(case) for case in digest.quiet]},
        "snoozed": [
            {**snooze_document(each.snooze), "alerts": each.alerts, "cases": each.cases} for each in digest.kept
        ],
        "waiting": {
            "untaken": [_brief(case) for case in digest.untaken],
            "overdue": [_brief(case) for case in digest.overdue],
            "tasks": digest.tasks,
        },
    }


def task_document(task: Task) -> Json:
    """A task in the documents of ``triage case show`` and ``triage case task``."""
    return {
        "task": task.id,
        "case": task.case,
        "state": "open" if task.open else "done",
        "tried": task.title,
        "why": task.why,
        "commands": list(task.commands),
        "opened_at": rfc3339(task.opened_at),
        "taken_by": task.taken_by.id if task.taken_by else None,
        "done_by": task.done_by.id if task.done_by else None,
        "done_at": rfc3339(task.done_at) if task.done_at else None,
        "outcome": task.outcome or None,
    }


def calibration_document(found: Calibration) -> Json:
    """The document of ``triage case calibrate``."""
    return {
        "cases": found.cases,
        "true": found.true,
        "harmless": found.harmless,
        "duplicates": found.duplicates,
        "sentence": found.sentence,
        "verdicts": [
            {"bot": verdict, **{each.value: _count(found, verdict, each) for each in SAID}}
            for verdict in _verdicts(found)
        ],
        "signals": [
            {
                "signal": each.signal,
                "points": each.points,
                "in_true": each.in_true,
                "in_harmless": each.in_harmless,
                "ratio": each.ratio,
                "suggested": each.suggested,
            }
            for each in found.signals
        ],
    }


def cases_text(cases: Sequence[Case]) -> str:
    """One line a case."""
    lines = [f"#{case.id}  {summary.moment(case.opened_at)}  {summary.headline(case)}" for case in cases]
    return "\n".join(clean(line, 200) for line in lines) or "No cases."


def calibration_text(found: Calibration) -> str:
    """Two tables: the bot's verdict against the analysts', and each signal."""
    said = ["the bot said", *(each.value for each in SAID)]
    judged = [
        [verdict or "nothing", *(str(_count(found, verdict, each)) for each in SAID)] for verdict in _verdicts(found)
    ]
    signals = [_signal_cells(each) for each in found.signals]
    return "\n".join(
        [
            *_table(said, judged),
            "",
            *_table(["signal", "points", "in true", "in harmless", "ratio", "suggested"], signals),
            "",
            found.sentence,
        ]
    )


def _signal_cells(each: SignalRecord) -> list[str]:
    cells = [each.points, each.in_true, each.in_harmless, each.ratio, each.suggested]
    return [clean(each.signal, 60), *("–" if cell is None else str(cell) for cell in cells)]


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(len(head))]
    return [
        "  ".join(
            [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        ).rstrip()
        for row in [head, *rows]
    ]


def _verdicts(found: Calibration) -> list[Verdict | None]:
    told = {verdict for verdict, _ in found.judged}
    return [each for each in (*Verdict, None) if each in told]


def _count(found: Calibration, verdict: Verdict | None, conclusion: Conclusion) -> int:
    return found.judged.get((verdict, conclusion), 0)


def _brief(case: Case) -> Json:
    judged = case.triage.assessment if case.triage is not None else None
    return {
        "case": case.id,
        "environment": case.environment,
        "state": "open" if case.open else "closed",
        "subject": _value(case.subject) if case.subject else None,
        "title": case.title,
        "opened_at": rfc3339(case.opened_at),
        "verdict": judged.verdict.value if judged else None,
        "score": judged.score if judged else None,
        "concluded": case.closings[-1].conclusion.value if case.closings else None,
    }


def _value(observable: Observable) -> Json:
    return {"kind": observable.kind.value, "value": observable.value}


def _alert(alert: Alert) -> Json:
    return {
        "id": alert.id,
        "source": alert.source,
        "title": alert.title,
        "severity": alert.severity,
        "time": rfc3339(alert.at),
    }


def _closing(closing: Closing) -> Json:
    return {
        "verdict": closing.conclusion.value,
        "duplicate_of": closing.duplicate_of,
        "reason": closing.reason,
        "by": closing.by.id,
        "at": rfc3339(closing.at),
        "bot": {"verdict": closing.verdict, "score": closing.score, "signals": list(closing.signals)},
    }
