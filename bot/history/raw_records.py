"""The raw record behind an event id, read again from where it stands.

The history keeps what every question needs; a few need what stood in one record. Only ``requestParameters`` is handed
out, and numbers: responses may hold session tokens.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from bot.history.evidence import Fetch, RecordUnavailable, raw_record
from bot.history.sqlite import SqliteHistory


class RawRecords:
    """``bot.model.Records`` over a history whose logs are still where they were loaded from.

    ``fetch`` reads those that stand in a bucket.
    """

    def __init__(self, history: SqliteHistory, fetch: Fetch | None = None) -> None:
        self._history = history
        self._fetch = fetch

    def parameters(self, event_id: str) -> Mapping[str, Any] | None:
        """The ``requestParameters`` of a record; ``None`` if its log is gone, or it is not there any more."""
        record = self._record(event_id)
        return _table(record, "requestParameters") if record is not None else None

    def instances(self, event_id: str) -> Mapping[str, int] | None:
        """Instances by type, as the response lists them, or the request asks for at the least; ``None`` as above."""
        record = self._record(event_id)
        if record is None:
            return None
        counts: Counter[str] = Counter()
        for kind, count in _started(record):
            counts[kind if isinstance(kind, str) else "of unknown type"] += count if isinstance(count, int) else 1
        return dict(counts)

    def _record(self, event_id: str) -> dict[str, Any] | None:
        try:
            return raw_record(self._history, event_id, self._fetch)
        except RecordUnavailable:
            return None


def _started(record: Mapping[str, Any]) -> list[tuple[Any, Any]]:
    """Type and number, as the record has them."""
    asked = _table(record, "requestParameters")
    started = _items(_table(record, "responseElements"))
    if started:
        return [(each.get("instanceType"), 1) for each in started]
    return [(asked.get("instanceType"), each.get("minCount")) for each in _items(asked)]


def _table(record: Mapping[str, Any], name: str) -> dict[str, Any]:
    found = record.get(name)
    return found if isinstance(found, dict) else {}


def _items(table: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The entries of ``instancesSet``, in which EC2 lists what is asked for and what was started."""
    listed = _table(table, "instancesSet").get("items")
    return [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
