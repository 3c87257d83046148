"""Who makes a call, as a history file tells it: no further than to see that it is common."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain

from bot.history.moments import Seconds
from bot.history.rolled import Rolled
from bot.history.schema import DAY
from bot.history.selecting import Rows, Selection
from bot.model import COMMON_PRINCIPALS, Prevalence, Use

OWN = "NOT m.by_service"
"""What services did for others does not count."""
_CALLERS = """SELECT DISTINCT m.principal FROM manner m CROSS JOIN use u ON u.manner = m.id
    WHERE {where} AND {own} AND m.block BETWEEN ? AND ? AND u.day BETWEEN ? AND ? LIMIT ?"""
_NAMES = "SELECT value FROM principal WHERE id IN ({places})"


def prevalence(rows: Rows, rolled: Rolled, event: str, selected: Selection, span: Seconds) -> Prevalence:
    """Who made the calls that ``selected`` are, inside ``span``.

    Of a call that more principals than ``COMMON_PRINCIPALS`` made on the whole days of the span, its newest day is
    counted, and the answer says that there is more.
    """
    first, last = -(-span.since // DAY), (span.until + 1) // DAY - 1
    query = _CALLERS.format(where=selected.where, own=OWN)
    callers = [row[0] for row in rows(query, [*selected.values, *span.blocks, first, last, COMMON_PRINCIPALS + 1])]
    own = Selection(f"{selected.where} AND {OWN}", selected.values)
    if len(callers) <= COMMON_PRINCIPALS:
        return _counted(event, rolled.uses(own, span), exact=True)
    names = rows(_NAMES.format(places=", ".join("?" * len(callers))), callers)
    newest = Seconds(max(span.since, span.until - DAY + 1), span.until)
    return _counted(event, rolled.uses(own, newest), (name for (name,) in names), exact=False)


def _counted(event: str, uses: Iterable[Use], others: Iterable[str] = (), *, exact: bool) -> Prevalence:
    found = list(uses)
    who = sorted(set(chain((use.principal for use in found), others)))
    first = min((use.first_seen for use in found), default=None)
    return Prevalence(event, sum(use.count for use in found), tuple(who), first, exact)
