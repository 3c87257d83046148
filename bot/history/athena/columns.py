"""What is read of a record by SQL, and a row of it as the ``Record`` that all normal forms are made from.

The table's columns are those of ``deploy/athena/table.sql``: the keys of a record in small letters. Nothing is
normalised in SQL: the columns come back as CloudTrail wrote them, and ``bot.history.normal`` reads them like any other
record. Of long free text (error messages, requests, responses) only what that reading needs is taken out, or every
call would be a kind of its own.
"""

from __future__ import annotations

from collections.abc import Sequence

from bot.history.details import EXPLICIT, IMPLICIT, SENDING_SWITCHES, UNNAMED, USER_CALLS
from bot.history.normal import DATE_SUFFIX, MINTING
from bot.history.outcome import DENIED_MESSAGE, SIGN_IN_NAME
from bot.history.raw import (
    Identity,
    Minted,
    OnBehalfOf,
    Record,
    Request,
    Response,
    SessionContext,
    SessionIssuer,
    SignIn,
)

ADDRESS = "sourceipaddress"
AGENT = "useragent"
TIME = "eventtime"
KEY = "useridentity.accesskeyid"
ISSUER = "useridentity.sessioncontext.sessionissuer"
OWNER = f"coalesce(nullif(useridentity.accountid, ''), nullif({ISSUER}.accountid, ''), recipientaccountid)"
"""The account of the principal, as ``bot.history.principal`` finds it."""
BARE_NAME = f"coalesce(nullif(regexp_replace(eventname, '{DATE_SUFFIX.pattern}', ''), ''), eventname)"
NAME = f"split_part(eventsource, '.', 1) || ':' || {BARE_NAME}"
"""``service:Name``."""

_MESSAGE = "substr(errormessage, 1, 1024)"


def _found(pattern: str) -> str:
    return f"regexp_extract({_MESSAGE}, '(?i){pattern}')"


def _in(calls: Sequence[str]) -> str:
    return ", ".join(f"'{call.partition(':')[2]}'" for call in sorted(calls))


_TELLING_MESSAGE = (
    f"CASE WHEN nullif(errormessage, '') IS NOT NULL THEN concat_ws(' ', 'refused:', {_found(EXPLICIT.pattern)},"
    f" {_found(IMPLICIT.pattern)}, {_found(UNNAMED)}, {_found(DENIED_MESSAGE.pattern)}) END"
)
_ABOUT = f"eventname IN ({_in([*USER_CALLS, *SENDING_SWITCHES])})"
_SIGN_IN = f"eventname = '{SIGN_IN_NAME}'"
_MINTS = " OR ".join([f"starts_with(eventname, '{call.partition(':')[2]}')" for call in MINTING])
_GIVEN = (
    f"CASE WHEN eventname = 'CreateAccessKey' OR {_MINTS} THEN"
    " coalesce(json_extract_scalar(responseelements, '$.credentials.accessKeyId'),"
    " json_extract_scalar(responseelements, '$.accessKey.accessKeyId')) END"
)


def _asked(name: str) -> str:
    return f"CASE WHEN {_ABOUT} THEN json_extract_scalar(requestparameters, '$.{name}') END"


def _signed(column: str, name: str) -> str:
    return f"CASE WHEN {_SIGN_IN} THEN json_extract_scalar({column}, '$.{name}') END"


_CALLED = ("eventsource", "eventname")
_WHO = (
    *("useridentity.type", "useridentity.username", "useridentity.principalid", "useridentity.arn"),
    *("useridentity.accountid", "useridentity.invokedby", "useridentity.identityprovider"),
    *(f"{ISSUER}.{name}" for name in ("type", "username", "principalid", "arn", "accountid")),
    "useridentity.onbehalfof.userid",
)
_HOW = (
    *(KEY, ADDRESS, AGENT, "errorcode", _TELLING_MESSAGE, _GIVEN, _signed("responseelements", "ConsoleLogin")),
    *(_signed("additionaleventdata", "MFAUsed"), _signed("additionaleventdata", "SamlProviderArn")),
    *(_asked(name) for name in ("userName", "policyArn", "policyName", "permissionsBoundary")),
    *(_asked(name) for name in ("enabled", "sendingEnabled")),
)
# A role is one principal, but for those of IAM Identity Center, whose sessions are people.
_A_ROLE = (
    f"(useridentity.type IN ('AssumedRole', 'FederatedUser') AND nullif({ISSUER}.username, '') IS NOT NULL"
    f" AND NOT starts_with({ISSUER}.username, 'AWSReservedSSO_'))"
)
_SESSION_BOUND = frozenset({"useridentity.principalid", "useridentity.arn"})

IDENTITY_TEXT = f"concat_ws(' ', {', '.join(_WHO)})"
"""Everything a principal's name can stand in."""


def _array(expressions: Sequence[str]) -> str:
    return f"json_format(CAST(ARRAY[{', '.join(expressions)}] AS JSON))"


EVERYTHING = _array([*_CALLED, *_WHO, *_HOW])
"""All that tells two kinds of call apart, as one JSON array."""
_PERSON = tuple(f"CASE WHEN NOT {_A_ROLE} THEN {each} END" if each in _SESSION_BOUND else each for each in _WHO)
CALLER = _array([*_CALLED, *_PERSON])
"""Who called what: the sessions of a role are one, and nothing is said of how."""
ANYBODY = _array(["'-'", "'-'", *_PERSON])
"""Who called anything."""
# Whether a call is AWS's own, who quarantines a key in its user's name, stands in what only a few calls tell.
_OF_NOBODY = (
    f"CASE WHEN {_ABOUT} THEN errorcode END",
    *("NULL", "NULL", "NULL", "NULL", "NULL"),
    *(_asked(name) for name in ("userName", "policyArn", "policyName", "permissionsBoundary")),
    *("NULL", "NULL"),
)
HABIT = _array([*_CALLED, *_PERSON, KEY, ADDRESS, AGENT, *_OF_NOBODY])
"""Who called what with which key, from where and with what: what one session of a role did is like any other's."""


def holder(of: str) -> str:
    """Who called anything, and, where ``of`` (a condition) holds, with which key."""
    called = [f"CASE WHEN {_ABOUT} THEN {each} ELSE '-' END" for each in _CALLED]
    how = [f"CASE WHEN {of} THEN {KEY} END", *(f"CASE WHEN {_ABOUT} THEN {each} END" for each in (ADDRESS, AGENT))]
    return _array([*called, *_PERSON, *how, *_OF_NOBODY])


def record_of(told: Sequence[str | None], *, event_id: str, at: str, account: str | None, region: str | None) -> Record:
    """The record behind the JSON array of ``EVERYTHING`` or ``CALLER``."""
    source, name, *rest = told
    who, how = rest[: len(_WHO)], [*rest[len(_WHO) :], *[None] * len(_HOW)]
    kind, user, unique_id, arn, owner, invoked_by, provider, *issuer, behalf = who
    issuer_kind, issuer_name, issuer_id, issuer_arn, issuer_owner = issuer
    key, address, agent, code, message, given, console, mfa, saml, *request = how[: len(_HOW)]
    about, policy_arn, policy_name, boundary, enabled, sending = request
    return Record(
        event_id=event_id,
        event_time=at,
        event_source=source,
        event_name=name,
        region=region,
        source=address,
        user_agent=agent,
        error_code=code,
        error_message=message,
        recipient=account,
        identity=Identity(
            type=kind,
            user_name=user,
            principal_id=unique_id,
            arn=arn,
            account_id=owner,
            access_key_id=key,
            invoked_by=invoked_by,
            identity_provider=provider,
            session_context=SessionContext(
                SessionIssuer(issuer_kind, issuer_name, issuer_id, issuer_arn, issuer_owner)
            ),
            on_behalf_of=OnBehalfOf(behalf),
        ),
        response=Response(console_login=console, credentials=Minted(given) if given else None),
        request=Request(about, policy_arn, policy_name, boundary, _truth(enabled), _truth(sending)),
        sign_in=SignIn(mfa, saml),
    )


def _truth(written: str | None) -> bool | None:
    return None if written is None else written == "true"
