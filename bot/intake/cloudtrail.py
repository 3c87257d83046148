"""CloudTrail events as EventBridge brings them, or bare records; CloudTrail user guide, "record contents"."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime

from bot.history.normal import reading_of
from bot.history.raw import UnreadableError, decode
from bot.intake import observables
from bot.intake.envelope import detail_of, first_of
from bot.intake.payload import Payload
from bot.intake.reading import CLOCK_SKEW, alert_id, moment, text, words
from bot.intake.secret_guard import REMOVED
from bot.intake.source import Source
from bot.model import AddressClass, Alert, Call, Event, Kind, Observable, is_quarantine, rfc3339


def recognises(payload: Payload) -> bool:
    """True for one record, bare or in an EventBridge envelope."""
    record = _record(payload)
    return all(isinstance(record.get(name), str) for name in ("eventName", "eventSource")) and "userIdentity" in record


def normalise(source: Source, payload: Payload, received_at: datetime) -> Alert:
    """The call in our normal form. Raises nothing: what is missing or odd becomes a note."""
    record = _record(payload)
    event, unread = _event(record)
    if event is None:
        return _unread(source, payload, record, received_at, unread)
    at, notes = _moment(event, received_at)
    call = _call(event, at)
    return Alert(
        id=alert_id(source.name, event.id, payload),
        source=source.name,
        title=_title(event),
        severity="critical" if _quarantines(event) else None,
        at=at,
        observables=tuple(dict.fromkeys([*observables.of_call(call), *_about(event)])),
        calls=(call,) if call.key or call.principal or call.ip else (),
        sample=payload.get("sample") is True,
        secrets_removed=str(payload).count(REMOVED),
        notes=(*_notes(event), *notes),
    )


def _record(payload: Payload) -> Payload:
    """The record in an event, in a log file that holds nothing else, or ``payload`` itself."""
    return first_of(payload.get("Records")) or detail_of(payload)


def _event(record: Payload) -> tuple[Event | None, str]:
    try:
        return reading_of(decode(json.dumps(record).encode())).event, ""
    except UnreadableError as reason:
        return None, str(reason)


def _unread(source: Source, payload: Payload, record: Payload, received_at: datetime, why: str) -> Alert:
    """A record that the history would not take either: what can be found in it, and why it is no call."""
    at, notes = moment(record.get("eventTime") or payload.get("time"), received_at)
    return Alert(
        id=alert_id(source.name, record.get("eventID") or payload.get("id"), payload),
        source=source.name,
        title=words(payload.get("detail-type")) or "CloudTrail event",
        severity=None,
        at=at,
        observables=observables.find(record),
        secrets_removed=str(payload).count(REMOVED),
        notes=(f"The CloudTrail record could not be read: {why}.", *notes),
    )


def _call(event: Event, at: datetime) -> Call:
    """What the call says of its caller; address and client of a service's own call are the service's."""
    own = not event.by_service
    public = own and event.address_class in {AddressClass.PUBLIC, AddressClass.PRIVATE}
    return Call(
        at=at,
        key=observables.access_key(event.key),
        principal=event.principal.arn or event.principal.id,
        ip=event.ip if public else None,
        user_agent=text(event.user_agent) if own else None,
        event=event.name,
        account=observables.account(event.account),
        region=event.region or None,
        error_code=event.error_code,
    )


def _about(event: Event) -> Iterator[Observable]:
    """Whom the call counts for: a role's session by its role, whatever the ARN says."""
    if event.principal.account and not event.principal.id.startswith(("service:", "unknown")):
        yield Observable(Kind.PRINCIPAL, event.principal.id)


def _moment(event: Event, received_at: datetime) -> tuple[datetime, tuple[str, ...]]:
    if event.at <= received_at + CLOCK_SKEW:
        return event.at, ()
    return moment(rfc3339(event.at), received_at)


def _title(event: Event) -> str:
    if _quarantines(event):
        return "AWS quarantined a key it found in public"
    refused = f" ({event.error_code})" if event.error_code else ""
    return words(f"{event.name}{refused} by {event.principal.name}")


def _quarantines(event: Event) -> bool:
    return event.by_service and event.detail is not None and is_quarantine(event.detail.policy)


def _notes(event: Event) -> Iterator[str]:
    if _quarantines(event):
        yield "AWS attached its quarantine policy in the user's name; the key still works: that contains nothing."
    elif event.by_service:
        yield "A service made this call for the principal; its address and client are the service's."
