"""``Triage`` → the JSON document that users script against: fixed keys, ``null`` for unknown, times in UTC with Z."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bot.history.load import HistoryReport, LoadReport
from bot.model import (
    Activity,
    Alert,
    Assessment,
    Change,
    Containment,
    ContainmentRow,
    Coverage,
    Enrichment,
    Gap,
    Observable,
    Plan,
    Principal,
    Triage,
    Waiting,
    rfc3339,
)
from bot.remediation.arming import Armed
from bot.remediation.canaries import Drilled
from bot.remediation.readiness import Checked

LONGEST_LIST = 1000
"""Lists are cut here; a cut list says ``"truncated": true`` and, as ``<list>_count``, how long it was."""

Json = dict[str, Any]


def triage_document(triage: Triage) -> Json:
    """The document of ``triage key|user|role|ip|agent|event``."""
    window = triage.window
    return {
        "observable": _observable(triage.observable),
        "at": rfc3339(window.until),
        "window": {
            "since": rfc3339(window.since),
            "until": rfc3339(window.until),
            "recent_since": rfc3339(window.recent_since),
        },
        "searched": searched_document(triage.searched),
        **({"cost": triage.cost} if triage.cost else {}),
        "principal": _principal(triage.principal),
        **_principals(triage),
        "activity": _activity(triage.activity),
        "enrichments": [_enrichment(enrichment) for enrichment in triage.enrichments],
        "assessment": assessment_document(triage.assessment),
        "suggested": [
            {"remediation": each.remediation, "target": each.target, "why": each.why} for each in triage.suggested
        ],
    }


def alert_document(alert: Alert, triages: Sequence[Triage], assessment: Assessment, gaps: Sequence[Gap]) -> Json:
    """The document of ``triage alert``."""
    return {
        "alert": {
            "source": alert.source,
            "title": alert.title,
            "severity": alert.severity,
            "time": rfc3339(alert.at),
            "observables": [_observable(observable) for observable in alert.observables],
            "sample": alert.sample,
        },
        "triages": [triage_document(triage) for triage in triages],
        "assessment": assessment_document(assessment),
        "gaps": [_gap(gap) for gap in gaps],
    }


def history_document(report: HistoryReport) -> Json:
    """The document of ``triage history``, and of ``triage ingest`` with the seconds it took."""
    document = {
        "events": report.events,
        "duplicates": report.duplicates,
        "files": report.files,
        "accounts": list(report.accounts),
        "keys": report.keys,
        "principals": report.principals,
        "searched": searched_document(report.searched),
        "set_aside": [
            {"file": each.file, "line": each.line, "reason": each.reason, "count": each.count}
            for each in report.set_aside
        ],
    }
    return {**document, "seconds": round(report.seconds, 3)} if isinstance(report, LoadReport) else document


def plan_document(plan: Plan) -> Json:
    """The document of ``triage plan``."""
    return {
        "plan": plan.id,
        "remediation": plan.remediation,
        "target": plan.target,
        "account": plan.account,
        "case": plan.case,
        "undo_of": plan.undo_of,
        "title": plan.title,
        "before": dict(plan.before),
        "after": dict(plan.after),
        "warnings": list(plan.warnings),
        "requested_by": plan.requested_by.id,
        "expires_at": rfc3339(plan.expires_at),
    }


def checked_document(checked: Checked) -> Json:
    """An account in the document of ``triage doctor --act``."""
    return {"account": checked.account, "allowed": list(checked.allowed), "problems": list(checked.problems)}


def armed_document(state: Armed) -> Json:
    """An environment in the document of ``triage arm``."""
    return {"environment": state.environment, "armed": state.armed, "by": list(state.by)}


def drill_document(drilled: Sequence[Drilled], undrilled: Sequence[str]) -> Json:
    """What ``triage drill`` prints: each canary, and the accounts that have none."""
    return {"drilled": [_drilled(each) for each in drilled], "accounts_without_canary": list(undrilled)}


def _drilled(drilled: Drilled) -> Json:
    """A key in it; times are seconds."""
    return {
        "key": drilled.key,
        "account": drilled.account,
        "refused_after": drilled.contained is not None,
        "seconds_to_containment": round(drilled.contained, 3) if drilled.contained is not None else None,
        "works_after_undo": drilled.restored is not None,
        "seconds_to_restore": round(drilled.restored, 3) if drilled.restored is not None else None,
        "problem": drilled.problem,
    }


def waiting_document(waiting: Waiting) -> Json:
    """What ``triage approve`` and ``triage undo`` print where more people must approve."""
    return {
        "plan": waiting.plan.id,
        "state": "waiting",
        "approved_by": [actor.id for actor in waiting.approved_by],
        "missing": waiting.missing,
        "expires_at": rfc3339(waiting.plan.expires_at),
    }


def change_document(change: Change) -> Json:
    """The document of ``triage approve`` and ``triage undo``."""
    return {
        "execution": change.execution,
        "plan": change.plan,
        "remediation": change.remediation,
        "target": change.target,
        "state": change.state.value,
        "undo_of": change.undo_of,
        "approved_by": change.approved_by.id,
        "reason": change.reason,
        "at": rfc3339(change.at),
        "sentence": change.sentence,
    }


def containment_document(containment: Containment) -> Json:
    """The document of ``triage plan contain``, and of approving or taking back what it printed."""
    return {
        "containment": containment.id,
        "case": containment.case,
        "undo_of": containment.undo_of,
        "requested_by": containment.requested_by.id,
        "expires_at": rfc3339(containment.expires_at),
        "rows": [_containment_row(row) for row in containment.rows],
    }


def _containment_row(row: ContainmentRow) -> Json:
    refusal = row.refusal
    return {
        "step": row.step.value,
        "remediation": row.remediation,
        "target": row.target,
        "plan": plan_document(row.plan) if row.plan else None,
        "refusal": refusal.sentence if refusal else None,
        "commands": list(refusal.commands) if refusal else [],
        "nothing_to_do": bool(refusal and refusal.settled),
        "missing": row.missing,
        "change": change_document(row.change) if row.change else None,
    }


def assessment_document(assessment: Assessment) -> Json:
    could_be = assessment.could_be
    return {
        "verdict": assessment.verdict.value,
        "score": assessment.score,
        "classes": {name: {"points": each.points, "cap": each.cap} for name, each in assessment.classes.items()},
        "reasons": [
            {"signal": each.signal, "points": each.points, "sentence": each.sentence, "evidence": list(each.evidence)}
            for each in assessment.reasons
        ],
        "gaps": [_gap(gap) for gap in assessment.gaps],
        "could_be": {"verdict": could_be[0].value, "score": could_be[1]} if could_be is not None else None,
    }


def searched_document(coverage: Coverage | None) -> Json | None:
    if coverage is None:
        return None
    return {
        "since": rfc3339(coverage.since),
        "until": rfc3339(coverage.until),
        "accounts": list(coverage.accounts),
        "regions": {region: rfc3339(newest) for region, newest in coverage.regions.items()},
        "missing": list(coverage.missing),
    }


def cut(value: Any) -> Any:
    """``value`` with every list in it cut to ``LONGEST_LIST``; the mapping around a cut list says so."""
    if isinstance(value, Mapping):
        kept = {key: cut(each) for key, each in value.items()}
        long = {key: len(each) for key, each in value.items() if _is_long(each)}
        return {**kept, "truncated": True, **{f"{key}_count": count for key, count in long.items()}} if long else kept
    if isinstance(value, list | tuple):
        return [cut(each) for each in value[:LONGEST_LIST]]
    return value


def _is_long(value: Any) -> bool:
    return isinstance(value, list | tuple) and len(value) > LONGEST_LIST


def _observable(observable: Observable) -> Json:
    return {"kind": observable.kind.value, "value": observable.value}


def _gap(gap: Gap) -> Json:
    return {"question": gap.question, "why": gap.why}


def _principal(principal: Principal | None) -> Json | None:
    if principal is None:
        return None
    return {"id": principal.id, "type": principal.type, "arn": principal.arn, "account": principal.account}


def _principals(triage: Triage) -> Json:
    """Who used an address, a client or an event; a key or principal is one already."""
    if triage.observable.kind in {"access_key", "principal"}:
        return {}
    listed: Json = cut({"principals": [{"id": name, "count": count} for name, count in triage.principals]})
    return listed


def _activity(activity: Activity) -> Json:
    return {
        "events": activity.events,
        "by_service": activity.by_service,
        "denied": activity.denied,
        "failed": activity.failed,
        "bad_credential": activity.bad_credential,
        "dry_run": activity.dry_run,
        "login_failed": activity.login_failed,
        "first_seen": rfc3339(activity.first_seen) if activity.first_seen is not None else None,
        "last_seen": rfc3339(activity.last_seen) if activity.last_seen is not None else None,
        "regions": dict(activity.regions),
        "services": dict(activity.services),
        "events_by_name": dict(activity.events_by_name),
    }


def _enrichment(enrichment: Enrichment) -> Json:
    """Every enrichment has all keys: an unanswered one has nulls and says why."""
    answer = enrichment.answer
    return {
        "enricher": enrichment.enricher,
        "observable": _observable(enrichment.observable),
        "status": enrichment.status.value,
        "headline": answer.headline if answer is not None else None,
        "facts": [{"label": fact.label, "value": fact.value} for fact in answer.facts] if answer is not None else [],
        "signals": [
            {"kind": signal.kind, "sentence": signal.sentence, "evidence": list(signal.evidence)}
            for signal in (answer.signals if answer is not None else ())
        ],
        "data": cut(answer.data) if answer is not None else None,
        **({"why": enrichment.why} if answer is None else {}),
    }
