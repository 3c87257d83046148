"""The digest as a message: counted, not a card each."""

from __future__ import annotations

from collections.abc import Iterator

from bot import summary
from bot.digests import Digest
from bot.slack.elements import Block, Message, bullets, fitted, heading, labelled

LINE = 300
MORE = "More: run `triage digest`"


def digest_message(digest: Digest) -> Message:
    """Everything of a digest that fits one message."""
    return fitted(summary.digest_title(digest), _blocks(digest), MORE)


def _blocks(digest: Digest) -> Iterator[Block | None]:
    yield labelled(summary.digest_rows(digest), LINE)
    for title, lines in (
        ("Waits for somebody", summary.waiting_lines(digest)),
        ("Low and expected: no card", summary.quiet_lines(digest)),
    ):
        if lines:
            yield heading(title)
            yield bullets(lines, LINE)
