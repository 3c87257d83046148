"""Verified bytes → JSON objects: strict, bounded, and without secrets from here on."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, NoReturn

from bot.intake.secret_guard import remove_secrets

Payload = dict[str, Any]

MAX_BYTES = 256 * 1024
MAX_DEPTH = 64
MAX_ALERTS = 100

# Everything inside a string is passed over; one that never ends is passed over to its end, so that this stays linear.
_STRINGS_AND_BRACKETS = re.compile(r'"(?:[^"\\]|\\.)*+"?|[\[{]|[\]}]', re.DOTALL)
_SURROGATE = re.compile("[\ud800-\udfff]")


class Unreadable(Exception):
    """What came in is not an alert or a list of alerts; the message says why in a sentence."""


def read(body: bytes, limit: int = MAX_BYTES) -> tuple[Payload, ...]:
    """The alerts in ``body``: one JSON object, or a list of 1 to 100, each with its secrets removed.

    Raises :class:`Unreadable` for anything else, for more than ``limit`` bytes and for nesting over 64 levels.
    """
    parsed = _whole(body, limit)
    alerts = parsed if isinstance(parsed, list) else [parsed]
    if not alerts:
        raise Unreadable("The list holds no alert.")
    if len(alerts) > MAX_ALERTS:
        raise Unreadable(f"The list holds {len(alerts)} alerts; send at most {MAX_ALERTS} at once.")
    if not all(isinstance(alert, dict) for alert in alerts):
        raise Unreadable("An alert must be a JSON object, or a list of them.")
    return tuple(remove_secrets(alert)[0] for alert in alerts)


def object_of(body: bytes, limit: int) -> Payload:
    """The JSON object in ``body`` as it came, secrets and all: for whoever verifies it, and never to be kept.

    Raises :class:`Unreadable` as :func:`read`.
    """
    parsed = _whole(body, limit)
    if not isinstance(parsed, dict):
        raise Unreadable("The body is no JSON object.")
    return parsed


def objects_in(text: str) -> tuple[Payload, ...] | None:
    """The objects that ``text`` spells as JSON, one or a list of them; ``None`` if it spells anything else.

    For JSON inside JSON: what is around it has been read already, and its secrets are gone.
    """
    try:
        parsed = _parse(text)
    except Unreadable:
        return None
    objects = parsed if isinstance(parsed, list) else [parsed]
    if not objects or len(objects) > MAX_ALERTS or not all(isinstance(one, dict) for one in objects):
        return None
    return tuple(remove_secrets(one)[0] for one in objects)


def canonical(payload: Mapping[str, Any]) -> str:
    """``payload`` as JSON that is the same however its keys were ordered."""
    return json.dumps(payload, sort_keys=True, separators=(",", ":"))


def _whole(body: bytes, limit: int) -> Any:
    if len(body) > limit:
        raise Unreadable(f"The body is over {limit} bytes.")
    return _parse(_decode(body))


def _decode(body: bytes) -> str:
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Unreadable(f"The body is not UTF-8 (byte {error.start}).") from None


def _parse(text: str) -> Any:
    if _depth(text) > MAX_DEPTH:
        raise Unreadable(f"The JSON is nested deeper than {MAX_DEPTH} levels.")
    try:
        parsed = json.loads(text, parse_constant=_refuse, parse_float=_finite)
    except json.JSONDecodeError as error:
        raise Unreadable(f"The body is not JSON: {error.msg} (line {error.lineno}, column {error.colno}).") from None
    except ValueError:
        raise Unreadable("The JSON holds a number that is none, or is too long.") from None
    return _printable(parsed)


def _depth(text: str) -> int:
    deepest = depth = 0
    for token in _STRINGS_AND_BRACKETS.finditer(text):
        if token[0] in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif token[0] in "]}":
            depth -= 1
    return deepest


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)


def _finite(number: str) -> float:
    value = float(number)
    return _refuse(number) if value in (float("inf"), float("-inf")) else value


def _printable(value: Any) -> Any:
    """``value`` with half surrogate pairs replaced: JSON can spell them, UTF-8 cannot, so nothing could store them."""
    if isinstance(value, str):
        return _SURROGATE.sub("\ufffd", value)
    if isinstance(value, list):
        return [_printable(one) for one in value]
    if isinstance(value, dict):
        return {_printable(name): _printable(one) for name, one in value.items()}
    return value
