"""The raw record behind an evidence id, read again from the file it came from, without its secrets.

A history keeps where each record stands, not the record: what CloudTrail wrote stays in the trail's own files.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from bot.history.files import RawRecord, raw_records
from bot.history.sqlite import SqliteHistory
from bot.intake.secret_guard import REMOVED, remove_secrets

# Names of values that open a door by themselves; what merely names a secret (its id, ARN, type) is evidence.
_SECRET = re.compile(
    r"token|secret|password|passphrase|privatekey|credential|authorization|cookie|signature|plaintext|keymaterial"
    r"|authparameter|userdata"
)
_NAMES_ONE = re.compile(r"(?:id|ids|arn|name|type|version|status|enabled|expiration|accesskeyid)$")


class RecordUnavailable(LookupError):
    """The record cannot be shown; the message is a sentence for people."""


def event_record(history: SqliteHistory, event_id: str) -> dict[str, Any]:
    """The record as CloudTrail wrote it, secrets and tokens replaced by ``[secret removed]``.

    Raises ``RecordUnavailable``; ``HistoryUnavailableError`` if the history cannot be asked.
    """
    if event_id.startswith("alert:"):
        raise RecordUnavailable(
            f"{event_id} names an alert, not a CloudTrail record: only the alert tells of that call."
        )
    pointer = history.pointer(event_id)
    if pointer is None:
        raise RecordUnavailable(f"The history {history.path} holds no event with the id {event_id}.")
    record = _record_at(*pointer)
    if record is None or not _is(record, event_id):
        path, position = pointer
        gone = "is not there any more" if not path.exists() else "has changed since"
        raise RecordUnavailable(
            f"Event {event_id} was loaded from {path}, record {position + 1}, but that file {gone}."
            " Its fields are still in the history; the rest stands only in the trail's bucket."
        )
    shown: dict[str, Any] = remove_secrets(_without_named_secrets(record))[0]
    return shown


def _record_at(path: Path, position: int) -> dict[str, Any] | None:
    if not path.is_file():
        return None
    for found in raw_records(path):
        if isinstance(found, RawRecord) and found.position == position:
            return _decoded(bytes(found.text))
    return None


def _decoded(text: bytes) -> dict[str, Any] | None:
    try:
        record = json.loads(text.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) else None


def _is(record: dict[str, Any], event_id: str) -> bool:
    addendum = record.get("addendum")
    original = addendum.get("originalEventID") if isinstance(addendum, dict) else None
    # An id is kept up to 256 characters.
    return event_id in {str(each).strip()[:256] for each in (record.get("eventID"), original)}


def _without_named_secrets(value: Any, *, secret: bool = False) -> Any:
    if isinstance(value, dict):
        return {name: _without_named_secrets(one, secret=_is_secret(name, one, secret)) for name, one in value.items()}
    if isinstance(value, list):
        return [_without_named_secrets(one, secret=secret) for one in value]
    return REMOVED if secret and isinstance(value, str) and value else value


def _is_secret(name: str, value: Any, inside: bool) -> bool:
    """Whether what stands under ``name`` is to be cut out, or all below it unless its own name is harmless."""
    plain = re.sub(r"[^a-z]", "", name.lower())
    harmless = isinstance(value, str) and _NAMES_ONE.search(plain)
    return not harmless and (inside or bool(_SECRET.search(plain)))
