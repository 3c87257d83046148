"""What every source reads the same way: times, names, ids, plain words."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from bot.intake.payload import Payload, canonical
from bot.model import rfc3339

MAX_TITLE = 300
MAX_WORD = 64
CLOCK_SKEW = timedelta(minutes=5)
"""A sender's clock may be ahead by so much; CloudTrail and Slack allow the same."""
FIRST_DAY_OF_AWS = datetime(2006, 3, 14, tzinfo=UTC)
"""Amazon S3 opened on that day; no key was used before it."""

_ID = re.compile(r"[\w.:/-]{1,100}", re.ASCII)
_HTTP_DATE = re.compile(r"\s*(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), ")
"""As AWS Health writes times (RFC 2822)."""
_UNSHOWN = frozenset({"Cc", "Cf", "Zl", "Zp", "Cs", "Co"})


def words(value: Any, *, limit: int = MAX_TITLE) -> str:
    """A string or number as one line of plain text of at most ``limit`` characters; empty for anything else."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    text = str(value)[: limit * 8]
    shown = "".join(" " if unicodedata.category(one) in _UNSHOWN else one for one in text)
    line = " ".join(shown.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def text(value: Any, *, limit: int = 1024) -> str | None:
    """A string as it came, cut to ``limit``; ``None`` if it is none or empty."""
    return value.strip()[:limit] or None if isinstance(value, str) else None


def alert_id(source: str, own: Any, payload: Payload) -> str:
    """The same for the same alert: its source's name, and the id it has there, else a digest of it."""
    given = words(own, limit=200)
    if _ID.fullmatch(given):
        return f"{source}:{given}"
    whole = given or canonical(payload)
    return f"{source}:{hashlib.sha256(whole.encode()).hexdigest()[:16]}"


def moment(value: Any, received_at: datetime) -> tuple[datetime, tuple[str, ...]]:
    """The UTC time in ``value`` (ISO 8601, RFC 2822, Unix seconds or milliseconds), else ``received_at`` and why."""
    taken = f"taken instead: when it was received, {rfc3339(received_at)}"
    if value is None or value == "":
        return received_at.replace(microsecond=0), (f"The alert gives no time; {taken}.",)
    at = _time(value)
    if at is None:
        return received_at.replace(microsecond=0), (f"The alert's time could not be read; {taken}.",)
    if at > received_at + CLOCK_SKEW:
        return received_at.replace(microsecond=0), (f"The alert's time, {rfc3339(at)}, is in the future; {taken}.",)
    if at < FIRST_DAY_OF_AWS:
        return received_at.replace(microsecond=0), (f"The alert's time, {rfc3339(at)}, is before AWS was; {taken}.",)
    return at, ()


def _time(value: Any) -> datetime | None:
    try:
        if isinstance(value, str) and _HTTP_DATE.match(value):
            return _in_utc(parsedate_to_datetime(value[:40]))
        if isinstance(value, str) and not re.fullmatch(r"\d{9,13}(?:\.\d{1,9})?", value.strip(), re.ASCII):
            return _in_utc(datetime.fromisoformat(value.strip()))
        seconds = float(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else -1.0
        return datetime.fromtimestamp(int(seconds / 1000 if seconds >= 1e11 else seconds), UTC) if seconds > 0 else None
    except (ValueError, OverflowError, OSError):
        return None


def _in_utc(at: datetime) -> datetime:
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC).replace(microsecond=0)
