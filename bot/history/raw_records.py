"""The raw record behind an event id, read again from where it stands.

The history keeps what every question needs; a few need what stood in one record. Only ``requestParameters`` is handed
out: responses may hold session tokens.
"""

from __future__ import annotations

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
        try:
            found = raw_record(self._history, event_id, self._fetch).get("requestParameters")
        except RecordUnavailable:
            return None
        return found if isinstance(found, dict) else {}
