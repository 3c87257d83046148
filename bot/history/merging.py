"""Uses that several sources counted → one row for each kind of call and day."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from bot.history.rolled import oldest_first
from bot.model import Use

_EVIDENCE = 2
_NO_TIME = datetime.min.replace(tzinfo=UTC)


def merged(uses: Iterable[Use]) -> tuple[Use, ...]:
    """The uses, those of one kind and day as one; oldest first. No event may be counted in two of them."""
    found: dict[Use, Use] = {}
    for use in uses:
        kind = use._replace(count=0, first_seen=_NO_TIME, last_seen=_NO_TIME, evidence=())
        found[kind] = _sum(found[kind], use) if kind in found else use
    return oldest_first(found.values())


def _sum(one: Use, other: Use) -> Use:
    newest_first = (other, one) if other.last_seen > one.last_seen else (one, other)
    evidence = dict.fromkeys(event_id for each in newest_first for event_id in each.evidence)
    return one._replace(
        count=one.count + other.count,
        first_seen=min(one.first_seen, other.first_seen),
        last_seen=max(one.last_seen, other.last_seen),
        evidence=tuple(evidence)[:_EVIDENCE],
    )
