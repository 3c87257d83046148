"""AWS Health events about credentials, in their EventBridge envelope (AWS Health user guide, "EventBridge schema").

AWS itself says that a key lies in public or is being misused: nearly every one is true.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime

from bot.intake import observables
from bot.intake.envelope import detail_of, objects_of
from bot.intake.payload import Payload
from bot.intake.reading import alert_id, moment, text, words
from bot.intake.secret_guard import REMOVED
from bot.intake.source import Source
from bot.model import Alert, Call, Kind, Observable

RISK = "AWS_RISK_"
"""How the codes begin that tell of a risk; all others are about AWS's own state."""
SUSPECTED = "SUSPECTED"
_USER_NAME = re.compile(r"[\w+=,.@-]{1,64}", re.ASCII)
"""IAM user names (IAM user guide, "IAM and AWS STS quotas")."""


def recognises(payload: Payload) -> bool:
    """True for an event of AWS Health, bare or in its envelope."""
    return isinstance(detail_of(payload).get("eventTypeCode"), str)


def normalise(source: Source, payload: Payload, received_at: datetime) -> Alert:
    """The event in our normal form. Raises nothing: what is missing or odd becomes a note."""
    event = detail_of(payload)
    code = words(event.get("eventTypeCode")) or "AWS Health event"
    at, notes = moment(event.get("startTime") or payload.get("time"), received_at)
    account = observables.account(event.get("affectedAccount")) or observables.account(payload.get("account"))
    keys, users = _entities(event, account)
    found = dict.fromkeys(
        [
            *(Observable(Kind.ACCESS_KEY, key) for key in keys),
            *(Observable(Kind.PRINCIPAL, user) for user in users),
            *observables.find(event.get("eventDescription")),
            *([Observable(Kind.ACCOUNT, account)] if account else []),
        ]
    )
    return Alert(
        id=alert_id(source.name, event.get("eventArn") or payload.get("id"), payload),
        source=source.name,
        title=code,
        severity=_severity(code),
        at=at,
        observables=tuple(found)[: observables.MAX_FOUND],
        calls=tuple(_calls(keys, users, account, at)),
        sample=payload.get("sample") is True,
        secrets_removed=str(payload).count(REMOVED),
        notes=(*_notes(event, keys), *notes),
        over=event.get("statusCode") == "closed",
    )


def _entities(event: Payload, account: str | None) -> tuple[list[str], list[str]]:
    """The keys and the users that are affected; a value is either, and the event does not say which."""
    values = [text(each.get("entityValue"), limit=300) for each in objects_of(event.get("affectedEntities"))]
    keys = [key for value in values for found in observables.find(value) if (key := _key(found))]
    names = [value for value in values if value and _USER_NAME.fullmatch(value) and not observables.access_key(value)]
    users = [f"{account}:user/{name}" for name in names if account and not observables.account(name)]
    return list(dict.fromkeys(keys)), list(dict.fromkeys(users))


def _key(found: Observable) -> str | None:
    return found.value if found.kind is Kind.ACCESS_KEY else None


def _calls(keys: list[str], users: list[str], account: str | None, at: datetime) -> Iterator[Call]:
    """Where one key and one user are named, they belong together."""
    if len(keys) == 1:
        yield Call(at=at, key=keys[0], principal=users[0] if len(users) == 1 else None, account=account)


def _severity(code: str) -> str | None:
    if not code.startswith(RISK):
        return None
    return "high" if SUSPECTED in code else "critical"


def _notes(event: Payload, keys: list[str]) -> Iterator[str]:
    described = words(next((each.get("latestDescription") for each in objects_of(event.get("eventDescription"))), ""))
    if described:
        yield f"AWS says: {described}"
    if not keys:
        yield "The event names no access key."
