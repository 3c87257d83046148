"""The strings behind the numbers of a history file, as a reader remembers them.

Looking a number up here is several times cheaper than a join, and a number's string never changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bot.history.selecting import Rows

_REMEMBERED = 50_000
_AT_A_TIME = 500


def many(rows: Rows, query: str, values: Sequence[object]) -> Iterable[tuple[Any, ...]]:
    """The answers to ``query`` for any number of values; ``{places}`` stands where they belong."""
    for start in range(0, len(values), _AT_A_TIME):
        some = values[start : start + _AT_A_TIME]
        yield from rows(query.format(places=", ".join("?" * len(some))), some)


class Words:
    """The rows of one table by their id: a string, or a tuple where ``columns`` are several. Safe from any thread."""

    def __init__(self, rows: Rows, table: str, *columns: str) -> None:
        self._rows = rows
        self._query = f"SELECT id, {', '.join(columns)} FROM {table} WHERE id IN ({{places}})"  # noqa: S608 - our words
        self._single = len(columns) == 1
        self._known: dict[int | None, Any] = {None: None}

    def of(self, numbers: Iterable[int | None]) -> Mapping[int | None, Any]:
        """At least the given numbers, each with what it stands for; ``None`` with ``None``."""
        wanted, known = {*numbers, None}, self._known
        missing = wanted - known.keys()
        if missing:
            found = {row[0]: row[1] if self._single else row[1:] for row in many(self._rows, self._query, [*missing])}
            if len(known) > _REMEMBERED:
                known = {number: known[number] for number in wanted - missing}
            # Another thread may be reading the old one: it is left as it is.
            known = self._known = {**known, **found}
        return known
