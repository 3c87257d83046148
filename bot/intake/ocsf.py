"""Findings in OCSF, as Security Hub sends them since 2025 (schema.ocsf.io, class "Detection Finding", 2004)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import chain

from bot.intake import observables
from bot.intake.envelope import at as _at
from bot.intake.envelope import detail_of, first_of, objects_of
from bot.intake.guardduty import principal_of, real
from bot.intake.payload import Payload, objects_in
from bot.intake.reading import alert_id, moment, text, words
from bot.intake.secret_guard import REMOVED
from bot.intake.securityhub import guardduty_type
from bot.intake.source import Source
from bot.model import Alert, Call, Kind, Observable

FINDINGS = 2
"""The category of every class of finding."""
_OVER = frozenset({"suppressed", "resolved", "archived", "deleted"})


def recognises(payload: Payload) -> bool:
    """True for a finding in OCSF, bare or in an event."""
    finding = _finding(payload)
    class_ = finding.get("class_uid")
    return isinstance(class_, int) and class_ // 1000 == FINDINGS and isinstance(finding.get("finding_info"), dict)


def normalise(source: Source, payload: Payload, received_at: datetime) -> Alert:
    """The finding in our normal form. Raises nothing: what is missing or odd becomes a note."""
    finding = _finding(payload)
    about = _at(finding, "finding_info")
    at, notes = moment(_when(finding, about), received_at)
    call, sample = _call(finding, at), _is_sample(finding, about)
    found = dict.fromkeys([*observables.of_call(call), *(() if sample else _others(finding, about))])
    return Alert(
        id=alert_id(source.name, about.get("uid"), payload),
        source=source.name,
        title=_title(finding, about),
        severity=words(finding.get("severity"), limit=40).lower() or None,
        at=at,
        observables=tuple(found)[: observables.MAX_FOUND],
        calls=(call,) if call.key or call.principal or call.ip else (),
        sample=sample,
        secrets_removed=str(payload).count(REMOVED),
        notes=(*_notes(call, sample=sample), *notes),
        over=words(finding.get("status"), limit=40).lower() in _OVER,
    )


def _finding(payload: Payload) -> Payload:
    detail = detail_of(payload)
    return first_of(detail.get("findings")) or detail


def _title(finding: Payload, about: Payload) -> str:
    kind = guardduty_type(_at(finding, "metadata", "product").get("uid"), about.get("types"))
    return kind or words(about.get("title")) or "Finding"


def _when(finding: Payload, about: Payload) -> object:
    named = ("last_seen_time_dt", "last_seen_time", "modified_time_dt", "modified_time")
    return next((about[name] for name in named if about.get(name)), finding.get("time"))


def _call(finding: Payload, at: datetime) -> Call:
    """The call the first evidence tells of, by whom it says or by the key among the resources."""
    evidence = first_of(finding.get("evidences"))
    api, user, holder = _at(evidence, "api"), _user(finding, evidence), _holder(finding)
    account = observables.account(_at(finding, "cloud", "account").get("uid"))
    return Call(
        at=at,
        key=_key(finding, user),
        principal=_principal(user, account)
        or principal_of(holder.get("PrincipalType"), real(text(holder.get("PrincipalName"), limit=200)), account),
        ip=observables.address(_at(evidence, "src_endpoint").get("ip")),
        user_agent=text(_at(evidence, "http_request").get("user_agent")),
        event=real(observables.event_name(api.get("operation"), _at(api, "service").get("name"))),
        account=account,
        region=text(_at(finding, "cloud").get("region"), limit=40),
        error_code=text(_at(api, "response").get("error"), limit=200),
    )


def _user(finding: Payload, evidence: Payload) -> Payload:
    """Who acted, by the evidence; else by the finding; else the holder of the key among the resources."""
    owners = (_at(each, "owner") for each in objects_of(finding.get("resources")))
    people = chain((_at(evidence, "actor", "user"), _at(finding, "actor", "user")), owners)
    return next((each for each in people if each), {})


def _holder(finding: Payload) -> Payload:
    """Who holds the key, as ASFF said it: a resource keeps that as JSON, sometimes in a string."""
    for resource in objects_of(finding.get("resources")):
        kept = resource.get("data")
        data = first_of(list(objects_in(kept) or ())) if isinstance(kept, str) else kept
        if holder := _at(data, "AwsIamAccessKey"):
            return holder
    return {}


def _key(finding: Payload, user: Payload) -> str | None:
    found = observables.find([user.get("credential_uid"), finding.get("resources"), finding.get("evidences")])
    return next((each.value for each in found if each.kind is Kind.ACCESS_KEY), None)


def _principal(user: Payload, account: str | None) -> str | None:
    of_arn = observables.principal(user.get("uid_alt") or user.get("uid"))
    return of_arn or principal_of(user.get("type"), real(text(user.get("name"), limit=200)), account)


def _others(finding: Payload, about: Payload) -> Iterator[Observable]:
    """What the rest of the finding names."""
    places = ("resources", "evidences", "observables")
    yield from observables.find([*(finding.get(place) for place in places), about.get("title"), about.get("desc")])


def _is_sample(finding: Payload, about: Payload) -> bool:
    marked = str(_at(finding, "unmapped").get("Sample")).lower() == "true"
    return marked or str(about.get("title", "")).startswith("[SAMPLE]") or "GeneratedFinding" in str(finding)


def _notes(call: Call, *, sample: bool) -> Iterator[str]:
    if sample:
        yield "This is a sample finding: it is made up, with the key in it."
    elif not call.key:
        yield "The finding names no access key."
