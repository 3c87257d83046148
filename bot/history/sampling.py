"""An even sample of a history file, at the same cost over a thousand events as over a billion.

Roll-ups are numbered as they come, so numbers spread evenly over the file fall on every account, region and day as
often as these have roll-ups. Each is looked up by its number: no index is needed, nothing is read that is not taken.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from bot.history.rolled import Seconds, address_class, moment
from bot.history.words import many
from bot.model import Sampled, Span

Rows = Callable[[str, Sequence[object]], list[tuple[Any, ...]]]

LOOK_UPS = 4_000
"""A round of look-ups takes some 50 ms; where it meets too few calls of the accounts asked about, there is another."""
ROUNDS = 3
ENOUGH = 1_000
MOST_OF_ONE = 100
"""Calls that one roll-up counts for: a single busy program must not be the whole sample."""

_EDGES = "SELECT coalesce(min(id), 0), coalesce(max(id), -1) FROM use"
_OF_NUMBERS = """SELECT u.first, u.last, u.count, u.by_service, u.copy, p.value, i.value, i.class, a.value
    FROM use u JOIN principal p ON p.id = u.principal JOIN text a ON a.id = u.account
    LEFT JOIN address i ON i.id = u.address WHERE u.id IN ({places})"""
_GOLDEN = (math.sqrt(5) - 1) / 2
"""Multiples of it, without their whole part, spread more evenly than chance, and the same every time."""


def sampled(rows: Rows, accounts: Sequence[str], span: Span) -> tuple[Sampled, ...]:
    """Calls of ``accounts`` (none: of all) inside ``span``, by roll-ups that lie in it as a whole."""
    low, high = rows(_EDGES, [])[0]
    seconds, wanted = Seconds.of(span), set(accounts)
    found: list[Sampled] = []
    for numbers in _rounds(low, high):
        for first, last, count, by_service, copy, who, ip, its_class, account in many(rows, _OF_NUMBERS, numbers):
            if seconds.holds(first, last) and not copy and (not wanted or account in wanted):
                known = address_class(its_class)
                found.append(Sampled(moment(first), who, ip, known, bool(by_service), min(count, MOST_OF_ONE)))
        if len(found) >= ENOUGH:
            break
    return tuple(found)


def _rounds(low: int, high: int) -> Iterator[list[int]]:
    """Numbers from ``low`` to ``high``, each at most once; all of them at once where they are few."""
    size = high - low + 1
    if size <= LOOK_UPS * ROUNDS:
        yield list(range(low, high + 1))
        return
    taken: set[int] = set()
    for turn in range(ROUNDS):
        steps = range(turn * LOOK_UPS, (turn + 1) * LOOK_UPS)
        numbers = {low + int(step * _GOLDEN % 1 * size) for step in steps} - taken
        taken |= numbers
        yield sorted(numbers)
