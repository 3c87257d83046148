"""Single events of a history file, as far as their packed entries tell."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from bot.history import packing
from bot.history.selecting import Rows

_PACKED = """SELECT e.manner, e.packed FROM json_each(?) j CROSS JOIN manner m ON m.id = j.value
    CROSS JOIN event e ON e.place = m.place AND e.day = ? AND e.manner = m.id"""
_ODD = "SELECT digest, value FROM odd_id WHERE digest IN ({places})"
_MINTED = """WITH wanted (day, id) AS (VALUES {places})
    SELECT event_id, key FROM wanted CROSS JOIN minted ON minted.day = wanted.day AND event_id = id"""


class Chunks:
    """Raises what ``rows`` raises."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def of(self, day: int, manners: Sequence[int]) -> Mapping[int, list[bytes]]:
        """The packed entries of a day, by manner."""
        found: defaultdict[int, list[bytes]] = defaultdict(list)
        for manner, packed in self._rows(_PACKED, [json.dumps(manners), day]):
            found[manner].append(packed)
        return found

    def odd_ids(self, keys: Iterable[bytes]) -> Mapping[bytes, str]:
        """The spelling of those ids that are no UUIDs."""
        digests = sorted({packing.id_of(key) for key in keys if not packing.is_uuid(key)})
        some = (digests[start : start + 500] for start in range(0, len(digests), 500))
        return {row[0]: row[1] for each in some for row in self._rows(_ODD.format(places=_marks(each)), each)}

    def minted(self, minting: Iterable[tuple[int, bytes]]) -> Mapping[bytes, str]:
        """The keys that the events with these days and ids gave out, by event id."""
        values = [f"({day}, x'{event_id.hex()}')" for day, event_id in sorted(set(minting))]
        some = (values[start : start + 200] for start in range(0, len(values), 200))
        return {row[0]: row[1] for each in some for row in self._rows(_MINTED.format(places=", ".join(each)), [])}


def _marks(values: Sequence[object]) -> str:
    return ", ".join("?" * len(values))
