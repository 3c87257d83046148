"""An even sample of a history file, at the same cost over a thousand events as over a billion.

Manners are numbered as they come and stand for 16 days each. So numbers spread evenly over the file, each for a manner
and one of its days, fall on every account, region and day as often as these have roll-ups. Each is looked up by its
number: no index is needed, nothing is read that is not taken.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from bot.history.moments import Seconds, moment
from bot.history.schema import DAY, DAYS_OF_MANNER
from bot.history.spelling import Spelling
from bot.model import Sampled, Span

Rows = Callable[[str, Sequence[object]], list[tuple[Any, ...]]]

LOOK_UPS = 10_000
"""Of a round, which takes some 50 ms; a manner is not seen on each of its days. Where the round meets too few calls of
the accounts asked about, there is another."""
ROUNDS = 3
ENOUGH = 1_000
MOST_OF_ONE = 100
"""Calls that one roll-up counts for: a single busy program must not be the whole sample."""

_EDGES = "SELECT coalesce(min(id), 0), coalesce(max(id), -1) FROM manner"
_OF_NUMBERS = f"""SELECT u.day, u.first, u.last, u.count, u.manner FROM json_each(?) j
    CROSS JOIN manner m ON m.id = j.value / {DAYS_OF_MANNER} AND NOT m.copy
    CROSS JOIN use u ON u.manner = m.id AND u.day = m.block * {DAYS_OF_MANNER} + j.value % {DAYS_OF_MANNER}"""  # noqa: S608 - ours
_GOLDEN = (math.sqrt(5) - 1) / 2
"""Multiples of it, without their whole part, spread more evenly than chance, and the same every time."""


def sampled(rows: Rows, spelling: Spelling, accounts: Sequence[str], span: Span) -> tuple[Sampled, ...]:
    """Calls of ``accounts`` (none: of all) inside ``span``, by roll-ups that lie in it as a whole."""
    low, high = rows(_EDGES, [])[0]
    seconds, wanted = Seconds.of(span), set(accounts)
    found: list[Sampled] = []
    for numbers in _rounds(low * DAYS_OF_MANNER, (high + 1) * DAYS_OF_MANNER - 1):
        uses = rows(_OF_NUMBERS, [json.dumps(numbers)])
        spelt = spelling.of({use[-1] for use in uses})
        for day, first, last, count, manner in uses:
            of, start = spelt[manner], day * DAY
            if (
                seconds.since <= start + first
                and start + last <= seconds.until
                and (not wanted or of.account in wanted)
            ):
                _, who, ip, known, *_ = of.told
                found.append(Sampled(moment(start + first), who, ip, known, of.by_service, min(count, MOST_OF_ONE)))
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
