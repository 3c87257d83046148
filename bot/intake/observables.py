"""Finds what we can look up in any text or JSON. All patterns are bounded, so the time is linear in the length.

The forms of key ids and ARNs are those of "IAM identifiers" and "Amazon Resource Names" in the AWS documentation.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

from bot.history.address import parse_address
from bot.history.principal import id_of_arn
from bot.intake.secret_guard import KEY_ID
from bot.model import Call, Kind, Observable

MAX_FOUND = 200
"""A payload with more is not an alert; the first ones found are taken."""
MAX_USER_AGENT = 1024
"""CloudTrail cuts user agents there (CloudTrail user guide, "record contents")."""

_ARN = re.compile(r"arn:aws[a-z-]{0,16}:[a-z0-9-]{0,40}:[a-z0-9-]{0,40}:\d{0,12}:[^\s\"'<>|\\]{1,1024}", re.ASCII)
_IPV4 = re.compile(r"(?<![\w.-])(?<![A-Za-z0-9]/)(?:\d{1,3}\.){3}\d{1,3}(?![\w-]|\.\d|/\d)", re.ASCII)
_IPV6 = re.compile(r"(?<![\w:.])[0-9A-Fa-f:]{4,45}(?:\.\d{1,3}){0,3}(?![\w:]|/\d)", re.ASCII)
_AGENT = re.compile(
    r"\b(?:aws-cli|Boto3|Botocore|aws-sdk-[a-z0-9-]{1,30})/[0-9][^\s\"'<>|]{0,100}"
    r"(?: (?:[^\s/#\"'<>|]{1,40}[/#][^\s\"'<>|]{0,120}|\([^()\n]{1,80}\))){0,30}",
    re.IGNORECASE,
)
_EVENT = re.compile(
    r"(?<![\w:.-])[a-z][a-z0-9-]{1,30}:"
    r"(?:Get|List|Describe|Put|Create|Delete|Update|Attach|Detach|Assume|Send|Run|Invoke|Start|Stop|Add|Remove|Set|"
    r"Modify|Enable|Disable|Lookup|Verify|Converse)[A-Za-z0-9]{0,60}(?![\w:])",
    re.ASCII,
)
_ACCOUNT = re.compile(r"\baccount\b[^\d\n]{0,16}(\d{12})(?!\d)", re.IGNORECASE | re.ASCII)
_PRINCIPAL_ID = re.compile(r"\d{12}:(?:root|(?:user|role|sso)/\S{1,200})", re.ASCII)
_DATE_SUFFIX = re.compile(r"(?:\d{8}|\d{4}_\d{2}_\d{2})(?:v\d+)?$")
_NAME = re.compile(r"[^a-z]")

_AGENT_NAMES = frozenset({"useragent", "httpuseragent", "ua"})
_EVENT_NAMES = frozenset({"event", "eventname", "api", "action", "apicall"})
_SERVICE_NAMES = frozenset({"eventsource", "servicename", "service"})


def find(payload: Any) -> tuple[Observable, ...]:
    """Every observable in ``payload`` (text or JSON values), in the order found, each once, at most 200."""
    found: dict[Observable, None] = {}
    for observable in chain.from_iterable(_of_member(name, value) for name, value in _members(payload)):
        found.setdefault(observable)
        if len(found) >= MAX_FOUND:
            break
    return tuple(found)


def of_call(call: Call) -> Iterator[Observable]:
    """What a call names, the most telling first."""
    known: tuple[tuple[Kind, str | None], ...] = (
        (Kind.ACCESS_KEY, call.key),
        (Kind.PRINCIPAL, principal(call.principal) or _principal_id(call.principal)),
        (Kind.IP, call.ip),
        (Kind.USER_AGENT, call.user_agent),
        (Kind.EVENT, call.event),
        (Kind.ACCOUNT, call.account),
    )
    return (Observable(kind, value) for kind, value in known if value)


def access_key(text: object) -> str | None:
    """``text`` if it is an access key id, as a person may type it; AWS's documented examples are none."""
    typed = text.strip().upper() if isinstance(text, str) else ""
    return typed if KEY_ID.fullmatch(typed) and not typed.endswith("EXAMPLE") else None


def address(text: object) -> str | None:
    """``text`` in the usual spelling if it is an address that can belong to somebody, else ``None``."""
    parsed = parse_address(text.strip()) if isinstance(text, str) else None
    if parsed is None or parsed.is_unspecified or parsed.is_loopback or parsed.is_multicast:
        return None
    return None if str(parsed) == "255.255.255.255" else str(parsed)


def event_name(name: object, service: object = None) -> str | None:
    """``service:Name`` from a name that says both, or from a name and a service or event source."""
    if not isinstance(name, str):
        return None
    before, colon, after = name.strip().rpartition(":")
    if not colon and isinstance(service, str):
        before = service
    before = before.strip().lower().split(".")[0]
    after = _DATE_SUFFIX.sub("", after)
    if re.fullmatch(r"[a-z][a-z0-9-]{1,40}", before) and re.fullmatch(r"[A-Z][A-Za-z0-9_]{1,80}", after, re.ASCII):
        return f"{before}:{after}"
    return None


def account(value: object) -> str | None:
    """A 12-digit account id; a number may have lost its leading zeros on the way."""
    text = f"{value:012d}" if isinstance(value, int) and not isinstance(value, bool) and value > 0 else value
    return text if isinstance(text, str) and re.fullmatch(r"\d{12}", text, re.ASCII) else None


def principal(arn: object) -> str | None:
    """The principal id of an ARN: ``<account>:<kind>/<name>``, without path or session; ``None`` if it is of none.

    A federated user's name was picked by whoever asked for the session, and its ARN does not say who that was.
    """
    return id_of_arn(arn) if isinstance(arn, str) else None


def _principal_id(text: str | None) -> str | None:
    """``text`` if it is a principal id already: ``<account>:<kind>/<name>`` or ``<account>:root``."""
    return text if text and _PRINCIPAL_ID.fullmatch(text) else None


def _members(payload: Any) -> Iterator[tuple[str, Any]]:
    """Every object and every value in it, in reading order, with the name it goes by; as deep as it may be."""
    waiting = [("", payload)]
    while waiting:
        name, value = waiting.pop()
        if isinstance(value, list):
            waiting += [(name, one) for one in reversed(value)]
            continue
        yield name, value
        if isinstance(value, dict):
            waiting += [(str(key), one) for key, one in reversed(value.items())]


def _of_member(name: str, value: Any) -> Iterable[Observable]:
    match value:
        case str():
            return _of_string(_plain(name), value)
        case dict():
            return _call(value)
        case _:
            return _maybe(Kind.ACCOUNT, account(value) if "account" in _plain(name) else None)


def _of_string(plain: str, text: str) -> Iterator[Observable]:
    """A string, with what the name it goes by tells about it."""
    if plain in _AGENT_NAMES:
        yield from _maybe(Kind.USER_AGENT, text.strip()[:MAX_USER_AGENT])
        return
    if plain in _EVENT_NAMES:
        yield from _maybe(Kind.EVENT, event_name(text))
    if "account" in plain:
        yield from _maybe(Kind.ACCOUNT, account(text))
    yield from _of_text(text)


def _of_text(text: str) -> Iterator[Observable]:
    for key in KEY_ID.findall(text):
        yield from _maybe(Kind.ACCESS_KEY, access_key(key))
    for arn in _ARN.findall(text):
        yield from _maybe(Kind.PRINCIPAL, principal(arn.rstrip(".,;:)]}")))
    agents = _AGENT.findall(text)
    yield from (Observable(Kind.USER_AGENT, agent.rstrip(".,;:")[:MAX_USER_AGENT]) for agent in agents)
    # A version in a user agent may look like an address.
    rest = _AGENT.sub(" ", text) if agents else text
    for candidate in (*_IPV4.findall(rest), *_IPV6.findall(rest)):
        yield from _maybe(Kind.IP, address(candidate) if re.search(r"\d", candidate) else None)
    yield from (Observable(Kind.EVENT, event) for event in _EVENT.findall(text))
    yield from (Observable(Kind.ACCOUNT, found) for found in _ACCOUNT.findall(text))


def _call(record: dict[Any, Any]) -> Iterator[Observable]:
    """The event of an object that says name and service in two members, as CloudTrail and GuardDuty do."""
    names = {_plain(str(key)): one for key, one in record.items()}
    services = [names[key] for key in _SERVICE_NAMES if key in names]
    for key in sorted(_EVENT_NAMES & names.keys()) if services else ():
        yield from _maybe(Kind.EVENT, event_name(names[key], services[0]))


def _maybe(kind: Kind, value: str | None) -> Iterable[Observable]:
    return (Observable(kind, value),) if value else ()


def _plain(name: str) -> str:
    return _NAME.sub("", name.lower())
