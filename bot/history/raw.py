"""CloudTrail records as AWS writes them: the only code that knows raw record keys.

Field names and meanings: "CloudTrail record contents" and "CloudTrail userIdentity element" in the AWS CloudTrail user
guide. Every field may be missing or of the wrong type. Nothing here keeps ``responseElements``, ``requestParameters``
or ``additionalEventData``: the few values that are needed are taken out while decoding.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from operator import attrgetter
from typing import Any

import msgspec

MAX_RECORD_BYTES = 10 * 1024 * 1024
"""CloudTrail's own limits keep a record under 256 KB; what is forty times larger is no record."""


class UnreadableError(ValueError):
    """A record that cannot be taken; the message is the reason, in words for people."""


def _named(name: str) -> Any:
    return msgspec.field(name=name, default=None)


class SessionIssuer(msgspec.Struct, frozen=True, rename="camel"):
    type: str | None = None
    user_name: str | None = None
    principal_id: str | None = None
    arn: str | None = None
    account_id: str | None = None


class SessionContext(msgspec.Struct, frozen=True, rename="camel"):
    session_issuer: SessionIssuer | None = None


class OnBehalfOf(msgspec.Struct, frozen=True, rename="camel"):
    user_id: str | None = None


class Identity(msgspec.Struct, frozen=True, rename="camel"):
    """``userIdentity``: who called."""

    type: str | None = None
    user_name: str | None = None
    principal_id: str | None = None
    arn: str | None = None
    account_id: str | None = None
    access_key_id: str | None = None
    invoked_by: str | None = None
    identity_provider: str | None = None
    session_context: SessionContext | None = None
    on_behalf_of: OnBehalfOf | None = None


class Addendum(msgspec.Struct, frozen=True):
    """Why a record came late or again; ``UPDATED_DATA`` corrects the record it names."""

    reason: str | None = None
    original_id: str | None = _named("originalEventID")


class Minted(msgspec.Struct, frozen=True):
    """A credential in a response: its key id alone, never its secret or its token."""

    access_key_id: str | None = _named("accessKeyId")


class Response(msgspec.Struct, frozen=True):
    """What is read from a response: how a console sign-in ended, and the id of a key that was given out."""

    console_login: str | None = _named("ConsoleLogin")
    credentials: Minted | None = None
    access_key: Minted | None = _named("accessKey")


class Request(msgspec.Struct, frozen=True, rename="camel"):
    """What is read from a request: whom and which policy an IAM call is about, and what e-mail is switched to."""

    user_name: str | None = None
    policy_arn: str | None = None
    policy_name: str | None = None
    permissions_boundary: str | None = None
    enabled: bool | None = None
    sending_enabled: bool | None = None


class SignIn(msgspec.Struct, frozen=True):
    """What is read from ``additionalEventData``: how somebody proved who they are."""

    mfa_used: str | None = _named("MFAUsed")
    saml_provider: str | None = _named("SamlProviderArn")


class _Told(msgspec.Struct, frozen=True, gc=False):
    """What a record says in plain strings, and why it came late or again."""

    event_id: str | None = _named("eventID")
    event_time: str | None = _named("eventTime")
    exported_time: str | None = _named("@timestamp")
    """Logstash and its like move ``eventTime`` here."""
    event_source: str | None = _named("eventSource")
    event_name: str | None = _named("eventName")
    event_category: str | None = _named("eventCategory")
    region: str | None = _named("awsRegion")
    source: str | None = _named("sourceIPAddress")
    user_agent: str | None = _named("userAgent")
    error_code: str | None = _named("errorCode")
    error_message: str | None = _named("errorMessage")
    recipient: str | None = _named("recipientAccountId")
    shared_id: str | None = _named("sharedEventID")
    addendum: Addendum | None = None


class Record(_Told, frozen=True, gc=False):
    """One record, as far as it is used."""

    identity: Identity | None = _named("userIdentity")
    response: Response | None = _named("responseElements")
    request: Request | None = _named("requestParameters")
    sign_in: SignIn | None = _named("additionalEventData")


class Brief(_Told, frozen=True, gc=False):
    """A record whose nested parts are still JSON text: those of one caller are all the same, and read once."""

    identity: msgspec.Raw = msgspec.field(name="userIdentity", default=msgspec.Raw())
    response: msgspec.Raw = msgspec.field(name="responseElements", default=msgspec.Raw())
    request: msgspec.Raw = msgspec.field(name="requestParameters", default=msgspec.Raw())
    sign_in: msgspec.Raw = msgspec.field(name="additionalEventData", default=msgspec.Raw())


told_of: Callable[[Brief], tuple[object, ...]] = attrgetter(
    *(name for name in _Told.__struct_fields__ if name not in {"event_id", "event_time", "exported_time"})
)
"""What a record says of all but its moment, its caller and its nested parts."""


class _Log(msgspec.Struct, gc=False):
    records: list[Brief] | None = msgspec.field(name="Records", default=None)


_LOG = msgspec.json.Decoder(_Log)
_BRIEF = msgspec.json.Decoder(Brief)
_STRICT = msgspec.json.Decoder(Record)
_PARTS: dict[type[msgspec.Struct], msgspec.json.Decoder[Any]] = {
    part: msgspec.json.Decoder(part | None) for part in (Identity, Response, Request, SignIn)
}
FAILURES = (msgspec.MsgspecError, UnicodeError, RecursionError)
"""What msgspec raises for bytes that are not the JSON it was told to expect."""


def briefs(log: bytes) -> list[Brief] | None:
    """The records of a whole log file in CloudTrail's own form; ``None`` if anything in it is out of the ordinary."""
    if len(log) > MAX_RECORD_BYTES:
        return None
    try:
        return _LOG.decode(log).records
    except FAILURES:
        return None


def brief(record: bytes | memoryview) -> Brief | None:
    """One record alone; ``None`` if anything in it is out of the ordinary."""
    if len(record) > MAX_RECORD_BYTES:
        return None
    try:
        return _BRIEF.decode(record)
    except FAILURES:
        return None


def whole(found: Brief) -> Record:
    """The same record as ``decode`` gives of its text. Raises ``UnreadableError`` as that does."""
    told: dict[str, Any] = {name: getattr(found, name) for name in _Told.__struct_fields__}
    parts = {"identity": _part(Identity, found.identity), "sign_in": _part(SignIn, found.sign_in)}
    return Record(**told, **parts, response=response_of(found), request=request_of(found))


def response_of(found: Brief) -> Response | None:
    """What is read from the response. Raises ``UnreadableError``."""
    response: Response | None = _part(Response, found.response)
    return response


def request_of(found: Brief) -> Request | None:
    """What is read from the request. Raises ``UnreadableError``."""
    request: Request | None = _part(Request, found.request)
    return request


def _part(struct: type[Any], raw: msgspec.Raw) -> Any:
    text = bytes(raw)
    if not text:
        return None
    try:
        return _PARTS[struct].decode(text)
    except FAILURES:
        part = _loaded(text)
        return _taken(struct, part) if isinstance(part, dict) else None


def decode(raw: bytes | memoryview) -> Record:
    """One record from its JSON text. Raises ``UnreadableError`` if it is not a JSON object or too large.

    Fields of the wrong type count as missing; bytes that are not UTF-8 are replaced.
    """
    if len(raw) > MAX_RECORD_BYTES:
        raise UnreadableError("a record larger than 10 MB")
    try:
        return _STRICT.decode(raw)
    except FAILURES:
        return _decode_oddity(bytes(raw))


def _decode_oddity(raw: bytes) -> Record:
    """The slow way, for records the strict decoder refuses: wrong types, NaN, invalid UTF-8, lone surrogates."""
    found = _loaded(raw)
    if not isinstance(found, dict):
        raise UnreadableError("not a JSON object")
    record: Record = _taken(Record, found)
    return record


def _loaded(raw: bytes) -> Any:
    try:
        return json.loads(raw.decode("utf-8", "replace"))
    except RecursionError:
        raise UnreadableError("a record nested too deeply") from None
    except ValueError:
        raise UnreadableError("not valid JSON") from None


_NESTED: dict[str, type[msgspec.Struct]] = {
    "userIdentity": Identity,
    "sessionContext": SessionContext,
    "sessionIssuer": SessionIssuer,
    "onBehalfOf": OnBehalfOf,
    "addendum": Addendum,
    "responseElements": Response,
    "credentials": Minted,
    "accessKey": Minted,
    "requestParameters": Request,
    "additionalEventData": SignIn,
}
_TRUTH = bool | None


def _taken(struct: type[Any], found: dict[str, Any]) -> Any:
    values: dict[str, Any] = {}
    for part in msgspec.structs.fields(struct):
        value = found.get(part.encode_name)
        if part.encode_name in _NESTED:
            values[part.name] = _taken(_NESTED[part.encode_name], value) if isinstance(value, dict) else None
        elif isinstance(value, str):
            values[part.name] = value.encode("utf-8", "replace").decode() if part.type != _TRUTH else None
        elif isinstance(value, bool) and part.type == _TRUTH:
            values[part.name] = value
    return struct(**values)
