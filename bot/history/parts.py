"""The parts of a history that a load is adding to, kept in memory as long as nobody else writes.

CloudTrail's logs come by account, region and day, and an event comes again only in the same ones. So a load keeps at
hand the ids of the events of those parts that it touched last: what is among them has been stored before.
"""

from __future__ import annotations

from collections import OrderedDict

from bot.database import Database
from bot.history import packing

_REMEMBERED = 400_000
"""Event ids kept at hand, about 110 bytes each; a single part is always kept whole."""

_PACKED = "SELECT packed FROM event WHERE place = ? AND day = ?"


class Parts:
    """The ids of the events of each place (account and region) and UTC day."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._ids: OrderedDict[tuple[int, int], set[bytes]] = OrderedDict()
        self._last: tuple[tuple[int, int] | None, set[bytes]] = None, set()

    def forget(self) -> None:
        """Another process wrote, or the transaction was rolled back."""
        self._ids.clear()
        self._last = None, set()

    def ids(self, place: int, day: int) -> set[bytes]:
        """What is held, to be added to."""
        part = place, day
        if part == self._last[0]:
            return self._last[1]
        ids = self._ids.get(part)
        if ids is None:
            self.make_room()
            ids = self._ids[part] = self._read(place, day)
        self._ids.move_to_end(part)
        self._last = part, ids
        return ids

    def make_room(self) -> None:
        """Let those go that were not touched for longest, until what is left may be kept."""
        size = sum(map(len, self._ids.values()))
        while self._ids and size > _REMEMBERED:
            _, gone = self._ids.popitem(last=False)
            self._last = None, set()
            size -= len(gone)

    def _read(self, place: int, day: int) -> set[bytes]:
        ids: set[bytes] = set()
        for (packed,) in self._db.execute(_PACKED, [place, day]):
            ids.update(packing.ids_of(packed))
        return ids
