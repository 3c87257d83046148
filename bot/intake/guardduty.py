"""Amazon GuardDuty findings, bare or in an EventBridge envelope (GuardDuty user guide, "Finding format")."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from bot.intake import observables
from bot.intake.envelope import at as _at
from bot.intake.envelope import detail_of as _finding
from bot.intake.payload import Payload
from bot.intake.reading import alert_id, moment, text, words
from bot.intake.secret_guard import REMOVED
from bot.intake.source import Source
from bot.model import Alert, Call, Observable

GENERATED = "GeneratedFinding"
"""What every made-up value of a sample finding begins with."""
SEVERITIES = ((9.0, "critical"), (7.0, "high"), (4.0, "medium"), (0.0, "low"))
"""Lower bounds, from the GuardDuty user guide, "Severity levels of GuardDuty findings"."""


def recognises(payload: Payload) -> bool:
    """True for a finding, bare or wrapped."""
    finding = _finding(payload)
    service = finding.get("service")
    return isinstance(finding.get("type"), str) and isinstance(service, dict) and "schemaVersion" in finding


def normalise(source: Source, payload: Payload, received_at: datetime) -> Alert:
    """The finding in our normal form. Raises nothing: what is missing or odd becomes a note."""
    finding = _finding(payload)
    action = _at(finding, "service", "action")
    details = _at(finding, "resource", "accessKeyDetails")
    at, notes = moment(_at(finding, "service").get("eventLastSeen") or finding.get("updatedAt"), received_at)
    call = _call(finding, _at(action, "awsApiCallAction"), details, at)
    sample = _is_sample(finding, details)
    found = tuple(dict.fromkeys(_observables(call, finding, details)))
    return Alert(
        id=alert_id(source.name, finding.get("id"), payload),
        source=source.name,
        title=words(finding.get("type")) or words(finding.get("title")) or "GuardDuty finding",
        severity=_severity(finding.get("severity")),
        at=at,
        observables=found,
        calls=(call,) if call.key or call.principal or call.ip else (),
        sample=sample,
        secrets_removed=str(payload).count(REMOVED),
        notes=(*_notes(finding, call, sample=sample), *notes),
        over=_at(finding, "service").get("archived") is True,
    )


def principal_of(kind: object, name: str | None, account: str | None) -> str | None:
    """Who holds the key, as a principal id. A federated user's issuer is not in a finding, so there is none."""
    if account is None:
        return None
    match kind:
        case "Root":
            return f"{account}:root"
        case "IAMUser" if name:
            return f"{account}:user/{name}"
        case "AssumedRole" | "Role" if name:
            return f"{account}:role/{name}"
    return None


def real(value: str | None) -> str | None:
    """``value``, unless it is one of a sample's made-up ones."""
    return None if value is None or GENERATED in value else value


def _call(finding: dict[str, Any], api: dict[str, Any], details: dict[str, Any], at: datetime) -> Call:
    remote = _at(api, "remoteIpDetails")
    account = observables.account(finding.get("accountId"))
    return Call(
        at=at,
        key=observables.access_key(details.get("accessKeyId")),
        principal=principal_of(details.get("userType"), real(text(details.get("userName"), limit=200)), account),
        ip=observables.address(remote.get("ipAddressV4")) or observables.address(remote.get("ipAddressV6")),
        user_agent=text(_at(api, "userAgent").get("fullUserAgent")) or text(api.get("userAgent")),
        event=real(observables.event_name(api.get("api"), api.get("serviceName"))),
        account=account,
        region=text(finding.get("region"), limit=40),
        error_code=text(api.get("errorCode"), limit=200),
    )


def _observables(call: Call, finding: dict[str, Any], details: dict[str, Any]) -> Iterator[Observable]:
    yield from observables.of_call(call)
    if not call.key and not details and not _is_sample(finding, details):
        # A finding on something else (an instance, a bucket) may still name a key or an address.
        # An attack sequence names its actors and their keys in its own place.
        yield from observables.find([_at(finding, "service", "action"), _at(finding, "service", "detection")])


def _is_sample(finding: dict[str, Any], details: dict[str, Any]) -> bool:
    marked = _at(finding, "service", "additionalInfo").get("sample") is True
    return marked or str(details.get("accessKeyId", "")).startswith(GENERATED)


def _severity(value: Any) -> str | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return words(value, limit=40).lower() or None
    return next((name for bound, name in SEVERITIES if value >= bound), None)


def _notes(finding: dict[str, Any], call: Call, *, sample: bool) -> Iterator[str]:
    if sample:
        yield "This is a sample finding: GuardDuty made it up, with the key in it."
    elif not call.key:
        kind = words(_at(finding, "resource").get("resourceType"), limit=40)
        yield f"The finding names no access key{f' (it is about: {kind})' if kind else ''}."
