"""Who makes a call, as a history file tells it: no further than to see that it is common."""

from __future__ import annotations

from collections.abc import Sequence

from bot.history.moments import Seconds
from bot.history.rolled import Rolled
from bot.history.schema import DAY
from bot.history.selecting import Rows, Selection
from bot.model import COMMON_PRINCIPALS, Prevalence

OWN = "NOT m.by_service"
"""What services did for others does not count."""
_CALLERS = """SELECT DISTINCT m.principal FROM manner m CROSS JOIN use u ON u.manner = m.id
    WHERE {where} AND {own} AND m.block BETWEEN ? AND ? AND u.day BETWEEN ? AND ? LIMIT ?"""
_NAMES = "SELECT value FROM principal WHERE id IN ({places}) ORDER BY value"


def prevalence(rows: Rows, rolled: Rolled, event: str, selected: Selection, span: Seconds) -> Prevalence:
    """Who made the calls that ``selected`` are, inside ``span``.

    Of a call that more principals than ``COMMON_PRINCIPALS`` made on the whole days of the span, one more than those
    are told of, and that there is more.
    """
    days = -(-span.since // DAY), (span.until + 1) // DAY - 1
    query = _CALLERS.format(where=selected.where, own=OWN)
    callers = [row[0] for row in rows(query, [*selected.values, *span.blocks, *days, COMMON_PRINCIPALS + 1])]
    if len(callers) <= COMMON_PRINCIPALS:
        return _counted(event, rolled, Selection(f"{selected.where} AND {OWN}", selected.values), span)
    return Prevalence(event, len(callers), _named(rows, callers), None, exact=False)


def _counted(event: str, rolled: Rolled, own: Selection, span: Seconds) -> Prevalence:
    uses = rolled.uses(own, span)
    who = tuple(sorted({use.principal for use in uses}))
    first = min((use.first_seen for use in uses), default=None)
    return Prevalence(event, sum(use.count for use in uses), who, first, exact=True)


def _named(rows: Rows, principals: Sequence[int]) -> tuple[str, ...]:
    found = rows(_NAMES.format(places=", ".join("?" * len(principals))), principals)
    return tuple(name for (name,) in found)
