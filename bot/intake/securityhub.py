"""AWS Security Hub findings in ASFF, bare or in EventBridge events (Security Hub user guide, "ASFF syntax").

GuardDuty's findings come this way, too: then the title is GuardDuty's own type, and the call is in ``ProductFields``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from bot.intake import observables
from bot.intake.envelope import at as _at
from bot.intake.envelope import detail_of, first_of, objects_of
from bot.intake.guardduty import principal_of, real
from bot.intake.payload import Payload
from bot.intake.reading import alert_id, moment, text, words
from bot.intake.secret_guard import REMOVED
from bot.intake.source import Source
from bot.model import Alert, Call, Kind, Observable

LISTS = ("detail.findings", "Findings", "findings")
"""Where several findings stand together: in an event, in the answer of GetFindings."""
_API = ("aws/guardduty/service/action/awsApiCallAction/", "action/awsApiCallAction/")
"""Where GuardDuty's call stands in ``ProductFields``, now and in findings of before 2020."""
_GUARDDUTY_TYPE = re.compile(r"(?:[^/]+/){1,2}(\w+):(\w+)-([\w.]+)")
"""``TTPs/Discovery/Recon:IAMUser-UserPermissions``: GuardDuty's ``Recon:IAMUser/UserPermissions``."""
_NORMALIZED = ((90, "critical"), (70, "high"), (40, "medium"), (1, "low"), (0, "informational"))
"""Lower bounds, from the Security Hub user guide, "Severity"."""
_OVER = frozenset({"RESOLVED", "SUPPRESSED"})


def recognises(payload: Payload) -> bool:
    """True for a finding in ASFF, bare or in an event."""
    finding = _finding(payload)
    return isinstance(finding.get("ProductArn"), str) and isinstance(finding.get("Resources"), list)


def normalise(source: Source, payload: Payload, received_at: datetime) -> Alert:
    """The finding in our normal form. Raises nothing: what is missing or odd becomes a note."""
    finding = _finding(payload)
    at, notes = moment(finding.get("LastObservedAt") or finding.get("UpdatedAt"), received_at)
    call, sample = _call(finding, at), _is_sample(finding)
    found = dict.fromkeys([*observables.of_call(call), *(() if sample else _others(finding))])
    return Alert(
        id=alert_id(source.name, finding.get("Id"), payload),
        source=source.name,
        title=_title(finding),
        severity=_severity(_at(finding, "Severity"), _product_fields(finding)),
        at=at,
        observables=tuple(found)[: observables.MAX_FOUND],
        calls=(call,) if call.key or call.principal or call.ip else (),
        sample=sample,
        secrets_removed=str(payload).count(REMOVED),
        notes=(*_notes(call, sample=sample), *notes),
        over=finding.get("RecordState") == "ARCHIVED" or _at(finding, "Workflow").get("Status") in _OVER,
    )


def _finding(payload: Payload) -> Payload:
    detail = detail_of(payload)
    listed = (first_of(detail.get("findings")), first_of(payload.get("Findings")))
    return next((each for each in listed if each), detail)


def _call(finding: Payload, at: datetime) -> Call:
    """The call GuardDuty tells of, with the key and its holder from the resource."""
    account = observables.account(finding.get("AwsAccountId"))
    resource = next((each for each in objects_of(finding.get("Resources")) if _is_key(each)), {})
    details = _at(resource, "Details", "AwsIamAccessKey")
    action = _at(finding, "Action", "AwsApiCallAction")
    told = {name: _product_field(finding, name) for name in ("api", "serviceName", "errorCode")}
    address = _product_field(finding, "remoteIpDetails/ipAddressV4")
    key = _key(details.get("AccessKeyId"), resource.get("Id"))
    return Call(
        at=at,
        key=key,
        principal=_principal(details, account, is_session=(key or "").startswith("ASIA")),
        ip=observables.address(address or _at(action, "RemoteIpDetails").get("IpAddressV4")),
        event=real(
            observables.event_name(told["api"] or action.get("Api"), told["serviceName"] or action.get("ServiceName"))
        ),
        account=account,
        region=text(finding.get("Region") or resource.get("Region"), limit=40),
        error_code=text(told["errorCode"], limit=200),
    )


def _is_key(resource: Payload) -> bool:
    return resource.get("Type") == "AwsIamAccessKey"


def _key(*places: object) -> str | None:
    """The key of a resource: its own field, or the end of ``AWS::IAM::AccessKey:<id>``; ``null`` is none."""
    ends = (each.rpartition(":")[2] for each in places if isinstance(each, str))
    return next((key for end in ends if (key := observables.access_key(end))), None)


def _principal(details: Payload, account: str | None, *, is_session: bool) -> str | None:
    """Who holds the key. Old findings give a name without its kind: a user's, unless the key is a session's."""
    name = real(text(details.get("PrincipalName") or details.get("UserName"), limit=200))
    return principal_of(details.get("PrincipalType") or (None if is_session else "IAMUser"), name, account)


def _others(finding: Payload) -> Iterator[Observable]:
    """Further keys and principals among the resources, and what the words of the finding name."""
    for resource in objects_of(finding.get("Resources")):
        key = _key(resource.get("Id")) if _is_key(resource) else None
        yield from (Observable(Kind.ACCESS_KEY, key),) if key else observables.find(resource.get("Id"))
    yield from observables.find([finding.get("Title"), finding.get("Description")])


def guardduty_type(product: object, kinds: object) -> str:
    """The type GuardDuty itself gives a finding, from Security Hub's product and types; empty for other products."""
    listed = kinds if isinstance(kinds, list) and str(product).endswith("/guardduty") else []
    found = (_GUARDDUTY_TYPE.fullmatch(each[:300]) for each in listed if isinstance(each, str))
    return next((words(f"{kind[1]}:{kind[2]}/{kind[3]}") for kind in found if kind), "")


def _title(finding: Payload) -> str:
    kind = guardduty_type(finding.get("ProductArn"), finding.get("Types"))
    return kind or words(finding.get("Title")) or "Security Hub finding"


def _severity(severity: Payload, product_fields: Payload) -> str | None:
    label = words(severity.get("Label") or product_fields.get("aws/securityhub/SeverityLabel"), limit=40)
    normalized = severity.get("Normalized")
    if not label and isinstance(normalized, int) and not isinstance(normalized, bool):
        return next((name for bound, name in _NORMALIZED if normalized >= bound), None)
    return label.lower() or None


def _is_sample(finding: Payload) -> bool:
    marked = finding.get("Sample") is True or str(finding.get("Title", "")).startswith("[SAMPLE]")
    return marked or "GeneratedFinding" in str(finding.get("Resources"))


def _product_fields(finding: Payload) -> Payload:
    return _at(finding, "ProductFields")


def _product_field(finding: Payload, name: str) -> Any:
    fields = _product_fields(finding)
    return next((fields[start + name] for start in _API if fields.get(start + name)), None)


def _notes(call: Call, *, sample: bool) -> Iterator[str]:
    if sample:
        yield "This is a sample finding: GuardDuty made it up, with the key in it."
    elif not call.key:
        yield "The finding names no access key."
