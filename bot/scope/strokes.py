"""The use of the confirmed keys in short times, counted: what a picture needs, and no more of it than can be drawn."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from datetime import datetime, timedelta

from bot.model import Event, Outcome, Span, Stroke
from bot.scope.ground import Ground
from bot.scope.usual import pivot_of

TIMES = 480
"""Into how many times a window is parted: nothing that is drawn can tell more of them apart."""
MOST_KEYS = 25
_REFUSED = frozenset({Outcome.DENIED, Outcome.BAD_CREDENTIAL, Outcome.LOGIN_FAILED})

Short = tuple[datetime, str, str, bool, bool]
"""When, where, with what, refused, rare."""


def strokes_of(ground: Ground, confirmed: Collection[str], window: Span) -> tuple[Stroke, ...]:
    """By key, then time; the same however the events came."""
    step = timedelta(seconds=max(1, round((window.until - window.since).total_seconds() / TIMES)))
    found = []
    for key in sorted(confirmed)[:MOST_KEYS]:
        counts = Counter(_short(ground, event, window.since, step) for event in ground.calls(key))
        found += [Stroke(key, *short, calls=count) for short, count in sorted(counts.items())]
    return tuple(found)


def _short(ground: Ground, event: Event, since: datetime, step: timedelta) -> Short:
    begins = since + (event.at - since) // step * step
    if not ground.is_unfamiliar_use(event):
        return begins, "", "", False, False
    place = pivot_of(event.ip, event.address_class) or event.ip or "unknown"
    return begins, place, event.family, event.outcome in _REFUSED, ground.is_rare(event.name)
