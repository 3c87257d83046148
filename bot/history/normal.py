"""One raw CloudTrail record → one ``Event``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from bot.history.access_key import account_of
from bot.history.address import classify
from bot.history.details import detail_of
from bot.history.outcome import CONSOLE_LOGIN, outcome_of, sign_in_outcome
from bot.history.principal import principal_of, session_of
from bot.history.raw import Addendum, Identity, Record, Response, UnreadableError
from bot.history.user_agent import MAX_LENGTH, NO_AGENT, family_of
from bot.model import AddressClass, Detail, Event, Outcome, is_quarantine

# Lambda's event names carry the API's date: CreateFunction20150331, UpdateFunctionCode20150331v2.
DATE_SUFFIX = re.compile(r"(?:\d{8}|\d{4}_\d{2}_\d{2})(?:v\d{1,3})?$")
MINTING = ("sts:AssumeRole", "sts:GetSessionToken", "sts:GetFederationToken")
_OF_AWS = frozenset({"aws-internal", "service", NO_AGENT})
_LONGEST_NAME = 256
_LONGEST_ID = 256


@dataclass(frozen=True, slots=True)
class Reading:
    """An event, and how its record relates to others."""

    event: Event
    shared_id: str | None
    """The same for the copies of one action that were delivered to several accounts."""
    amended_by: str | None
    """The id of the record that corrects ``event.id``; ``None`` for an original."""
    home: bool
    """The log is the caller's own account's."""


def reading_of(record: Record) -> Reading:
    """The normal form of a record. Raises ``UnreadableError`` with the reason if it tells no call."""
    if record.event_category == "Insight":
        raise UnreadableError("a CloudTrail Insights record, not a call")
    own_id, identity = _required(record.event_id, "eventID")[:_LONGEST_ID], record.identity or Identity()
    original = _original_id(record.addendum)
    return Reading(
        event=_event(record, identity, original or own_id),
        shared_id=record.shared_id or None,
        amended_by=own_id if original or _updates(record.addendum) else None,
        home=bool(identity.account_id) and identity.account_id == record.recipient,
    )


def moment(text: str) -> datetime:
    """An RFC 3339 time as UTC with whole seconds; a time without a zone is UTC. Raises ``UnreadableError``."""
    try:
        at = datetime.fromisoformat(text.strip())
        at = at if at.tzinfo else at.replace(tzinfo=UTC)
        return at.astimezone(UTC).replace(microsecond=0)
    except (ValueError, OverflowError):
        raise UnreadableError("eventTime is not a time") from None


def event_name(source: str, name: str) -> str:
    """``lambda.amazonaws.com`` and ``CreateFunction20150331`` → ``lambda:CreateFunction``."""
    return f"{source.split('.', 1)[0]}:{DATE_SUFFIX.sub('', name) or name}"[:_LONGEST_NAME]


def mints(name: str) -> bool:
    """Whether a call gives out keys. Other services' responses have fields of those names, too, which are no keys."""
    return name == "iam:CreateAccessKey" or name.startswith(MINTING)


def minted_key(response: Response | None, name: str) -> str | None:
    """The key a call gave out."""
    if response is None or not mints(name):
        return None
    given = response.credentials or response.access_key
    return ((given.access_key_id if given else None) or "").strip()[:_LONGEST_ID] or None


def _event(record: Record, identity: Identity, event_id: str) -> Event:
    at = moment(_required(record.event_time or record.exported_time, "eventTime"))
    name = event_name(_required(record.event_source, "eventSource"), _required(record.event_name, "eventName"))
    ip, address_class = classify(record.source)
    agent = (record.user_agent or "")[:MAX_LENGTH]
    family = family_of(agent)
    key = (identity.access_key_id or "").strip()[:_LONGEST_ID] or None
    account = record.recipient or identity.account_id or account_of(key or "") or ""
    outcome = _outcome(record, name)
    detail = detail_of(name, outcome, record.error_message, record.request, record.sign_in)
    return Event(
        id=event_id,
        at=at,
        name=name,
        outcome=outcome,
        error_code=(record.error_code or "")[:_LONGEST_NAME] or None,
        key=key,
        principal=principal_of(identity, account),
        session=session_of(identity),
        ip=ip,
        address_class=address_class,
        user_agent=agent,
        family=family,
        region=(record.region or "")[:_LONGEST_NAME],
        account=account[:_LONGEST_NAME],
        by_service=bool(identity.invoked_by)
        or identity.type == "AWSService"
        or _quarantines(detail, family, address_class),
        minted=minted_key(record.response, name),
        detail=detail,
    )


def _quarantines(detail: Detail | None, family: str, address_class: AddressClass) -> bool:
    """AWS limits a key it found in public in the name of its user; address and client are Amazon's all the same."""
    from_aws = family in _OF_AWS or address_class is AddressClass.AWS_INTERNAL
    return detail is not None and from_aws and is_quarantine(detail.policy)


def _outcome(record: Record, name: str) -> Outcome:
    if name == CONSOLE_LOGIN:
        return sign_in_outcome((record.response or Response()).console_login, record.error_message)
    return outcome_of(record.error_code, record.error_message)


def _original_id(addendum: Addendum | None) -> str | None:
    return (addendum.original_id or None) if addendum and _updates(addendum) else None


def _updates(addendum: Addendum | None) -> bool:
    return bool(addendum and addendum.reason == "UPDATED_DATA")


def _required(value: str | None, key: str) -> str:
    if not value or not value.strip():
        raise UnreadableError(f"no {key}")
    return value.strip()
