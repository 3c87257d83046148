"""The calls of a case's keys as CSV that is safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

from bot.model import Event, rfc3339
from bot.plain import clean

COLUMNS = ("time", "key", "principal", "event", "outcome", "error", "ip", "user_agent", "region", "account", "event_id")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What makes a spreadsheet calculate a cell (OWASP, CSV Injection)."""


def events_csv(events: Iterable[Event]) -> str:
    """One line an event, oldest first; times in UTC, as RFC 3339."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for event in sorted(events, key=lambda each: (each.at, each.id)):
        cells = (
            *(rfc3339(event.at), event.key or "", event.principal.id, event.name, event.outcome.value),
            *(event.error_code or "", event.ip or "", event.user_agent, event.region, event.account, event.id),
        )
        writer.writerow([_safe(cell) for cell in cells])
    return out.getvalue()


def _safe(cell: str) -> str:
    plain = clean(cell)
    return f"'{plain}" if plain.lstrip().startswith(_FORMULA) else plain
