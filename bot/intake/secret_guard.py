"""Cuts secret access keys and session tokens out of what came in, before anything of it is stored."""

from __future__ import annotations

import re
from typing import Any

REMOVED = "[secret removed]"
KEY_ID = re.compile(r"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16,124}\b", re.ASCII)

# A secret access key is 40 characters of base64; a key id before it may be joined to it by one "/".
_SECRET = re.compile(r"(?<![A-Za-z0-9/+])[/+]?([A-Za-z0-9/+]{40})(?![A-Za-z0-9/+=])")
# Session tokens begin with what their fixed header encodes to.
_SESSION_TOKEN = re.compile(
    r"(?<![A-Za-z0-9/+])(?:IQoJb3JpZ2luX2|FwoGZXIvYXdz|FQoGZXIvYXdz|FQoDYXdz)[A-Za-z0-9/+=]{40,}"
)
_SECRET_NAMES = frozenset({"secretaccesskey", "awssecretaccesskey", "sessiontoken", "awssessiontoken", "secretkey"})


def remove_secrets(payload: Any) -> tuple[Any, int]:
    """``payload`` (JSON values) with every AWS secret in it replaced, and how many were.

    Removed are: values of keys that name a secret; session tokens; and, if a key id stands anywhere in the payload,
    every token that looks like a secret access key. Without a key id such a token is most likely something else.
    """
    guard = _Guard(has_key_id=_mentions_key_id(payload))
    return guard.clean(payload), guard.removed


class _Guard:
    def __init__(self, *, has_key_id: bool) -> None:
        self.removed = 0
        self._has_key_id = has_key_id

    def clean(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, list):
            return [self.clean(one) for one in value]
        if isinstance(value, dict):
            return {self._text(name): self._member(name, one) for name, one in value.items()}
        return value

    def _member(self, name: str, value: Any) -> Any:
        if isinstance(value, str) and value and re.sub(r"[^a-z]", "", name.lower()) in _SECRET_NAMES:
            return value if value == REMOVED else self._removal()
        return self.clean(value)

    def _text(self, text: str) -> str:
        text = _SESSION_TOKEN.sub(lambda _: self._removal(), text)
        if not self._has_key_id:
            return text
        parts, at = [], 0
        for key_id in KEY_ID.finditer(text):
            parts += [self._secrets(text[at : key_id.start()]), key_id[0]]
            at = key_id.end()
        return "".join([*parts, self._secrets(text[at:])])

    def _secrets(self, text: str) -> str:
        return _SECRET.sub(lambda found: self._removal() if _random(found[1]) else found[0], text)

    def _removal(self) -> str:
        self.removed += 1
        return REMOVED


def _mentions_key_id(value: Any) -> bool:
    if isinstance(value, str):
        return KEY_ID.search(value) is not None
    if isinstance(value, dict):
        return any(_mentions_key_id(name) or _mentions_key_id(one) for name, one in value.items())
    return isinstance(value, list) and any(_mentions_key_id(one) for one in value)


def _random(token: str) -> bool:
    """True for 40 random base64 characters; false for digests in hex, and for names and paths in words.

    Of random ones about 16 are upper case, 16 lower: fewer than 5 of either happens once in 30,000 times.
    """
    upper, lower = sum(map(str.isupper, token)), sum(map(str.islower, token))
    return min(upper, lower) >= 5 and (upper + lower < len(token) or upper >= 12)
