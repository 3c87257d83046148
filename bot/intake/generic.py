"""Alerts of any form: named fields where there are any, and every observable found anywhere in them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

import jmespath
from jmespath.exceptions import JMESPathError
from jmespath.parser import ParsedResult

from bot.intake import observables
from bot.intake.payload import Payload
from bot.intake.reading import alert_id, moment, text, words
from bot.intake.secret_guard import REMOVED
from bot.intake.source import Source
from bot.model import Alert, Call, Observable

# The usual names: ours, those of a CloudTrail record, and those of one inside an EventBridge envelope ("detail").
USUAL: Mapping[str, str] = {
    "id": "id || eventID || detail.eventID",
    "title": (
        'title || name || alert_name || search_name || rule.name || subject || detail.eventTypeCode || "detail-type"'
    ),
    "severity": "severity || level || priority",
    "time": 'time || timestamp || eventTime || detail.eventTime || "@timestamp"',
    "access_key": "access_key || accessKeyId || userIdentity.accessKeyId || detail.userIdentity.accessKeyId",
    "principal": "principal || userIdentity.arn || detail.userIdentity.arn",
    "source_ip": "source_ip || sourceIPAddress || detail.sourceIPAddress",
    "user_agent": "user_agent || userAgent || detail.userAgent",
    "event": "event || eventName || detail.eventName",
    "event_source": "eventSource || detail.eventSource",
    "account": "account || recipientAccountId || detail.recipientAccountId",
    "region": "region || awsRegion || detail.awsRegion",
    "error_code": "error_code || errorCode || detail.errorCode",
    "over": "`false`",
}


def normalise(source: Source, payload: Payload, received_at: datetime) -> Alert:
    """``payload`` in our normal form. Raises nothing: what cannot be read becomes a note."""
    fields, unread = _fields(source, payload)
    at, notes = moment(fields.get("time"), received_at)
    call = _call(fields, at)
    named = tuple(observables.of_call(call)) if call else ()
    found = tuple(dict.fromkeys((*named, *observables.find(payload))))
    return Alert(
        id=alert_id(source.name, fields.get("id"), payload),
        source=source.name,
        title=words(fields.get("title")) or f"Alert from {source.name}",
        severity=words(fields.get("severity"), limit=40).lower() or None,
        at=at,
        observables=found[: observables.MAX_FOUND],
        calls=(call,) if call else (),
        sample=payload.get("sample") is True,
        secrets_removed=str(payload).count(REMOVED),
        notes=(*unread, *notes, *_cut(found)),
        over=fields.get("over") is True,
    )


def _fields(source: Source, payload: Payload) -> tuple[Mapping[str, Any], tuple[str, ...]]:
    """The value of every field: by the user's expression, else by the shipped one, else by the usual names.

    A shipped expression that finds nothing is no news: one mapping serves several versions of a sender.
    """
    fields: dict[str, Any] = {}
    unread: list[str] = []
    for name, usual in USUAL.items():
        own = source.fields.get(name)
        try:
            fields[name] = _compiled(own or source.mapping.get(name) or usual).search(payload)
        except JMESPathError:
            unread.append(f"The mapping of {name} does not fit this alert.")
        if own and fields.get(name) is None:
            unread.append(f"The mapping of {name} finds nothing in this alert.")
    return fields, tuple(dict.fromkeys(unread))


@lru_cache(maxsize=256)
def _compiled(expression: str) -> ParsedResult:
    return jmespath.compile(expression)


def _call(fields: Mapping[str, Any], at: datetime) -> Call | None:
    """The call the fields tell of, if they say by whom or from where."""
    call = Call(
        at=at,
        key=observables.access_key(fields.get("access_key")),
        principal=text(fields.get("principal")),
        ip=observables.address(fields.get("source_ip")),
        user_agent=text(fields.get("user_agent")),
        event=observables.event_name(fields.get("event"), fields.get("event_source")),
        account=observables.account(fields.get("account")),
        region=text(fields.get("region"), limit=40),
        error_code=text(fields.get("error_code"), limit=200),
    )
    return call if call.key or call.principal or call.ip else None


def _cut(found: tuple[Observable, ...]) -> tuple[str, ...]:
    limit = observables.MAX_FOUND
    return (f"The alert holds {limit} observables or more; {limit} are taken.",) if len(found) >= limit else ()
