"""Moments by the clock of whoever reads: words that tell one in UTC become dates, which Slack shows in the reader's own
time zone, with UTC beside.

Nobody's zone is asked for or kept: each reader's Slack knows it, summer time and all, and one message has many readers.
Slack says no zone by itself, so each date carries its moment in UTC: ``today 1:03 PM (12:03 UTC)``. Clients that know
no dates show the words as they were. https://docs.slack.dev/messaging/formatting-message-text/#date-formatting
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

TO_THE_MINUTE = "{date_short_pretty} {time}"
TO_THE_SECOND = "{date_short} {time_secs}"
"""Evidence is quoted and printed: it says no “today”."""

_MINUTE = r"20\d\d-\d\d-\d\d \d\d:\d\d"
_SPAN = rf"(?= (?:to|and) {_MINUTE} UTC)"
_TOLD = re.compile(rf"(?<![\w-])(20\d\d-\d\d-\d\d)(?: (\d\d:\d\d)(?: UTC|{_SPAN})|T(\d\d:\d\d:\d\d)Z)(?!\w)", re.ASCII)
"""How ``summary.moment`` and ``model.rfc3339`` write one; the first of a span says its zone with the second."""

_TOKEN = re.compile(r"<!date\^\d+\^[^|<>]*\|([^|<>]*)>", re.ASCII)


def pieces(text: str, style: dict[str, Any] | None = None) -> list[dict[str, Any]]:
    """``text`` as elements of a ``rich_text_section``."""
    styled = {"style": style} if style else {}
    return [
        {"type": "text", "text": each, **styled} if isinstance(each, str) else {"type": "date", **_date(each), **styled}
        for each in _split(text)
    ]


def small(text: str) -> list[dict[str, Any]]:
    """``text`` as elements of a ``context`` block. Of mrkdwn they hold nothing but a date, which is ours."""
    return [
        {"type": "plain_text", "text": each, "emoji": False} if isinstance(each, str) else _token(**_date(each))
        for each in _split(text)
        if not isinstance(each, str) or each.strip()
    ]


def in_words(text: str) -> str:
    """``text`` with each date of small print as the words it stands for."""
    return _TOKEN.sub(r"\1", text)


def _split(text: str) -> Iterator[str | re.Match[str]]:
    """The words, and the moments between them; what only looks like a moment stays among the words."""
    start = 0
    for found in _TOLD.finditer(text):
        if _timestamp(found) is None:
            continue
        if found.start() > start:
            yield text[start : found.start()]
        yield found
        start = found.end()
    if start < len(text):
        yield text[start:]


def _date(found: re.Match[str]) -> dict[str, Any]:
    minute, second = found[2], found[3]
    shown = f"{TO_THE_SECOND} ({second} UTC)" if second else f"{TO_THE_MINUTE} ({minute} UTC)"
    return {"timestamp": _timestamp(found), "format": shown, "fallback": found[0]}


def _token(timestamp: int, format: str, fallback: str) -> dict[str, Any]:  # noqa: A002 - Slack's names
    return {"type": "mrkdwn", "text": f"<!date^{timestamp}^{format}|{fallback}>"}


def _timestamp(found: re.Match[str]) -> int | None:
    """Seconds since 1970; ``None`` for a day or an hour that no clock shows."""
    try:
        return int(datetime.fromisoformat(f"{found[1]}T{found[2] or found[3]}+00:00").timestamp())
    except ValueError:
        return None
