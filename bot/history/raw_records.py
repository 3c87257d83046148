"""The raw record behind an event id, read again from its file.

The history keeps what every question needs; a few need what stood in one record. Only ``requestParameters`` is handed
out: responses may hold session tokens.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import msgspec

from bot.history.files import RawRecord, raw_records


class Pointers(Protocol):
    """Where records stand."""

    def pointer(self, event_id: str) -> tuple[Path, int] | None: ...


class _Request(msgspec.Struct, frozen=True):
    parameters: Any = msgspec.field(name="requestParameters", default=None)


class RawRecords:
    """``bot.model.Records`` over a history whose files are still where they were loaded from."""

    def __init__(self, history: Pointers) -> None:
        self._history = history

    def parameters(self, event_id: str) -> Mapping[str, Any] | None:
        """The ``requestParameters`` of a record; ``None`` if its file is gone, or it is not there any more."""
        found = self._history.pointer(event_id)
        record = _record(*found) if found is not None else None
        return _parameters(record) if record is not None else None


def _record(path: Path, position: int) -> RawRecord | None:
    records = (each for each in raw_records(path) if isinstance(each, RawRecord))
    return next((record for record in records if record.position == position), None)


def _parameters(record: RawRecord) -> Mapping[str, Any] | None:
    try:
        found = msgspec.json.decode(bytes(record.text), type=_Request).parameters
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None
    return found if isinstance(found, dict) else {}
