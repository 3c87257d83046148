"""The three checkers: each finds what the others do not, and what the test suite has found once stays found."""

from __future__ import annotations

from typing import Any

import pytest

from tests.checkers import problems

Json = dict[str, Any]
WORDS: Json = {"type": "plain_text", "text": "Case 1"}
BUTTON: Json = {"type": "button", "text": WORDS, "action_id": "a", "value": "b"}
TITLE: Json = {"type": "header", "text": WORDS}


def said(*blocks: Json, **more: Any) -> Json:
    return {"text": "Case 1", "blocks": list(blocks), **more}


def modal(*blocks: Json, **more: Any) -> Json:
    return {"type": "modal", "title": WORDS, "blocks": list(blocks), **more}


@pytest.mark.parametrize(
    "shape",
    [
        said(TITLE, {"type": "actions", "elements": [BUTTON]}),
        said(TITLE, metadata={"event_type": "e", "event_payload": {"slot": "s"}}, channel="C1", thread_ts="1.2"),
        {"text": "no blocks"},
        modal(TITLE),
        {"type": "home", "blocks": [TITLE]},
    ],
)
def test_what_slack_takes_passes(shape: Json) -> None:
    assert problems(shape) == []


@pytest.mark.parametrize(
    ("shape", "finders"),
    [
        (said(TITLE, text=""), {"linter"}),
        (said(*[TITLE] * 51), {"linter"}),
        (said({"type": "header", "text": {**WORDS, "text": "x" * 151}}), {"linter", "slack_sdk.models"}),
        (said({**TITLE, "colour": "red"}), {"@slack/types"}),
        (said({"type": "header", "text": {**WORDS, "emoji": "yes"}}), {"@slack/types"}),
        (said({"type": "header", "text": {"type": "mrkdwn", "text": "x"}}), {"linter", "@slack/types"}),
        (said({"type": "nonsense"}), {"linter", "slack_sdk.models", "@slack/types"}),
        (modal(TITLE, submit="Go"), {"linter", "@slack/types"}),
        (modal(TITLE, title={**WORDS, "text": "x" * 25}), {"linter", "slack_sdk.models"}),
        ({"type": "home"}, {"slack_sdk.models", "@slack/types"}),
    ],
)
def test_what_slack_refuses_is_found_by(shape: Json, finders: set[str]) -> None:
    assert {problem.split(":")[0] for problem in problems(shape)} == finders
