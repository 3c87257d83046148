"""What our linter refuses, and what is left where Slack refuses a layout."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bot.slack.card import card
from bot.slack.elements import flattened
from bot.slack.lint import lint
from tests.slack.cases import (
    INCIDENT,
    KEY,
    NOW,
)
from tests.slack.hostile import HOSTILE


def test_a_refused_layout_keeps_its_words() -> None:
    assert KEY in flattened(card(INCIDENT, now=NOW).blocks)
    assert "<" not in flattened(card(replace(INCIDENT, title=HOSTILE), now=NOW).blocks)


def message_of(*blocks: dict[str, Any]) -> dict[str, Any]:
    return {"text": "x", "blocks": list(blocks)}


def plain(length: int) -> dict[str, Any]:
    return {"type": "plain_text", "text": "x" * length}


LONG_BUTTON = {"type": "button", "action_id": "a", "text": plain(76)}
INPUT = {"type": "input", "label": plain(1), "element": {"action_id": "a"}}
LONG_SECTION = {"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3000}}

TOO_MUCH: list[tuple[dict[str, Any], str]] = [
    ({"text": "", "blocks": []}, "text is empty"),
    ({"text": "x" * 4001, "blocks": []}, "limit is 4000"),
    (message_of(*[{"type": "divider"}] * 51), "51 blocks"),
    (message_of({"type": "header", "text": plain(151)}), "limit is 150"),
    (message_of({"type": "context", "elements": []}), "0 elements"),
    (message_of({"type": "markdown", "text": "x"}), "older clients"),
    (message_of(*[{"type": "divider", "block_id": "a"}] * 2), "used 2 times"),
    (message_of({"type": "section", "fields": [plain(2001)]}), "2000"),
    (message_of(*[LONG_SECTION] * 5), "the budget"),
    (message_of({"type": "actions", "elements": [LONG_BUTTON]}), "limit is 75"),
    (message_of({"type": "actions", "elements": [LONG_BUTTON] * 2}), "action_id a is used 2 times"),
    (message_of(INPUT), "an input in a message"),
    (message_of({"type": "rich_text", "elements": []}), "no elements"),
    ({"type": "modal", "title": {"type": "plain_text", "text": "x" * 25}, "blocks": []}, "limit is 24"),
    ({"type": "modal", "blocks": []}, "needs a title"),
]


@pytest.mark.parametrize(("payload", "problem"), TOO_MUCH)
def test_lint_says_what_slack_would_refuse(payload: dict[str, Any], problem: str) -> None:
    assert any(problem in found for found in lint(payload))
