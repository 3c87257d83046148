"""Records without their secrets: what may be shown, and what may be kept."""

from __future__ import annotations

import re
from typing import Any

from bot.intake.secret_guard import REMOVED, remove_secrets

# Names of values that open a door by themselves; what merely names a secret (its id, ARN, type) is evidence.
_SECRET = re.compile(
    r"token|secret|password|passphrase|privatekey|credential|authorization|cookie|signature|plaintext|keymaterial"
    r"|authparameter|userdata"
)
_NAMES_ONE = re.compile(r"(?:id|ids|arn|name|type|version|status|enabled|expiration|accesskeyid)$")

TOO_DEEP = "[nested too deeply to be shown]"
_DEEPEST = 100
"""AWS's own parameters are nested a dozen levels deep at most."""


def redacted(record: dict[str, Any]) -> dict[str, Any]:
    """The record with secrets and tokens replaced by ``[secret removed]``; what is nested 100 levels deep is cut."""
    shown: dict[str, Any] = remove_secrets(_without_named_secrets(record))[0]
    return shown


def _without_named_secrets(value: Any, *, secret: bool = False, depth: int = 0) -> Any:
    if isinstance(value, dict | list) and depth == _DEEPEST:
        return TOO_DEEP
    if isinstance(value, dict):
        return {
            name: _without_named_secrets(one, secret=_is_secret(name, one, secret), depth=depth + 1)
            for name, one in value.items()
        }
    if isinstance(value, list):
        return [_without_named_secrets(one, secret=secret, depth=depth + 1) for one in value]
    return REMOVED if secret and isinstance(value, str) and value else value


def _is_secret(name: str, value: Any, inside: bool) -> bool:
    """Whether what stands under ``name`` is to be cut out, or all below it unless its own name is harmless."""
    plain = re.sub(r"[^a-z]", "", name.lower())
    harmless = isinstance(value, str) and _NAMES_ONE.search(plain)
    return not harmless and (inside or bool(_SECRET.search(plain)))
