"""What is left of a story once its beginning has left the window is no new story.

The detections look at the last 24 hours, and a story is named for the day it begins on. Of one that went on past
midnight, the next night's look sees the second part alone, as if it began on the second day: told again, it would open
a case that somebody has just closed. Every function that takes a ``Database`` runs inside a caller's transaction.
"""

from __future__ import annotations

from datetime import date, timedelta

from bot.database import Database
from bot.model import Alert, rfc3339

_DAY = timedelta(days=1)


def is_left_of_another(db: Database, story: Alert) -> bool:
    """Whether ``story`` has nothing that the story of the same name and the day before was not known to have."""
    name, _, day = story.id.rpartition(":")
    before = f"{name}:{date.fromisoformat(day) - _DAY}"
    known = db.execute("SELECT until FROM stories WHERE id = ?", [before]).fetchone()
    return known is not None and known[0] >= rfc3339(story.at)


def keep(db: Database, story: Alert) -> None:
    """Note how far ``story`` goes, as far as it is known by now."""
    db.execute(
        "INSERT INTO stories (id, until) VALUES (?, ?)"
        " ON CONFLICT (id) DO UPDATE SET until = max(until, excluded.until)",
        [story.id, rfc3339(story.at)],
    )
