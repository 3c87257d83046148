"""The raw record behind an evidence id, read again from where it stands, without its secrets.

A history keeps where each record stands, not the record: what CloudTrail wrote stays in the trail's own files. Only
what was delivered and stands nowhere else is kept, for a while (``bot.history.kept``).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bot.history.content import Content, content_from
from bot.history.forms import RawRecord
from bot.history.redacted import redacted
from bot.history.sources import LogFile, Unfetched
from bot.history.sqlite import Pointer, SqliteHistory

Fetch = Callable[[str], bytes]
"""The bytes of an object by its address (``s3://bucket/key``). Raises ``bot.history.sources.Unfetched``."""


class RecordUnavailable(LookupError):
    """The record cannot be shown; the message is a sentence for people."""


def event_record(history: SqliteHistory, event_id: str, fetch: Fetch | None = None) -> dict[str, Any]:
    """The record as CloudTrail wrote it, secrets and tokens replaced by ``[secret removed]``.

    Raises ``RecordUnavailable``; ``HistoryUnavailableError`` if the history cannot be asked.
    """
    return redacted(raw_record(history, event_id, fetch))


def raw_record(history: SqliteHistory, event_id: str, fetch: Fetch | None = None) -> dict[str, Any]:
    """The record with what secrets it has: not to be shown. ``fetch`` reads objects in a bucket.

    Raises as :func:`event_record` does.
    """
    if event_id.startswith("alert:"):
        raise RecordUnavailable(
            f"{event_id} names an alert, not a CloudTrail record: only the alert tells of that call."
        )
    pointer = history.pointer(event_id)
    if pointer is None:
        raise RecordUnavailable(f"The history {history.path} holds no event with the id {event_id}.")
    text = history.kept(pointer) or _text_at(pointer, event_id, fetch)
    record = _decoded(text) if text is not None else None
    if record is None or not _is(record, event_id):
        raise RecordUnavailable(
            f"Event {event_id} was loaded from {pointer.log}, record {pointer.position + 1}, {_gone(pointer)}"
            " Its fields are still in the history; the rest stands only in the trail's bucket."
        )
    return record


def _text_at(pointer: Pointer, event_id: str, fetch: Fetch | None) -> bytes | None:
    if pointer.delivered:
        return None
    content = _object(pointer, event_id, fetch) if pointer.in_bucket else LogFile(Path(pointer.log)).content()
    records = (each for each in content.records() if isinstance(each, RawRecord))
    return next((bytes(each.text) for each in records if each.position == pointer.position), None)


def _object(pointer: Pointer, event_id: str, fetch: Fetch | None) -> Content:
    where = f"Event {event_id} is record {pointer.position + 1} of {pointer.log}"
    if fetch is None:
        raise RecordUnavailable(f"{where}. Fetch it with `aws s3 cp {pointer.log} - | gunzip`.")
    try:
        return content_from([fetch(pointer.log)])
    except Unfetched as reason:
        raise RecordUnavailable(f"{where}, which could not be fetched: {reason}") from reason


def _gone(pointer: Pointer) -> str:
    if pointer.delivered:
        return "and that record is no longer kept."
    if pointer.in_bucket:
        return "but that object has changed since."
    return f"but that file {'has changed since' if Path(pointer.log).exists() else 'is not there any more'}."


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
