"""What attackers may write, and whether a message keeps it from doing anything."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from tests.checkers import problems

HOSTILE = "<!channel> <https://evil.example|click> *x* _y_ `z` \u202egnp.exe\u200b\x1b[31m\n> quote &amp; :skull:"

DATE = re.compile(
    r"<!date\^\d+\^\{date_short(?:_pretty)?\} \{time(?:_secs)?\} \([\d:]+ UTC\)\|20[\d-]+[ T][\d:]+(?: UTC|Z)>",
    re.ASCII,
)


def mrkdwn(thing: Any) -> Iterator[Any]:
    """Everything Slack would read as markup, or could ping or link with, but dates, of which every letter is ours."""
    if isinstance(thing, dict):
        if DATE.fullmatch(str(thing.get("text", ""))):
            return
        if thing.get("type") in {"mrkdwn", "user", "usergroup", "broadcast", "channel", "link", "emoji", "image"}:
            yield thing
        for value in thing.values():
            yield from mrkdwn(value)
    elif isinstance(thing, list | tuple):
        for one in thing:
            yield from mrkdwn(one)


def assert_sendable(payload: dict[str, Any]) -> None:
    assert problems(payload) == []
    assert not list(mrkdwn(payload["blocks"]))
    json.dumps(payload).encode()
