"""A protected key on the demo's stage: one analyst plans, two others whom the page lets one be approve."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from bot.demo.slack import ANALYST, SECOND_ANALYST, SOC, THIRD_ANALYST
from bot.demo.slack.page import WATCHERS
from bot.demo.stage import Stage

CASE = 1
DISABLED = "InvalidClientTokenId"


@pytest.fixture
def stage() -> Iterator[Stage]:
    with Stage(seed=7, at=None, port=0, keep=None, pace=timedelta(0)) as set_up:
        set_up.wait(lambda: set_up.slack.connections)
        set_up.slack.type_command(ANALYST, SOC, f"/triage key {set_up.story.guarded_key.id}")
        set_up.wait(lambda: set_up.card() and set_up.settled(CASE))
        yield set_up


def answered(stage: Stage, person: str, action: str, button: str) -> None:
    """Press ``action`` on the card as ``person``, and the ``button`` of the window that opens."""
    card = stage.card()
    assert card is not None
    stage.slack.click(person, SOC, card["ts"], action)

    def previewed() -> dict[str, Any] | None:
        return next((one for one in stage.slack.open_views(person) if one.get("submit")), None)

    view = stage.wait(previewed)
    assert view["submit"]["text"] == button
    stage.slack.submit_view(person, view["id"], {"reason": "seen where it should not be"})


def says(stage: Stage, told: str) -> None:
    stage.wait(lambda: told in json.dumps(stage.card()))


def test_nobody_disables_the_protected_key_alone(stage: Stage) -> None:
    guarded = stage.story.guarded_key
    assert {ANALYST, SECOND_ANALYST, THIRD_ANALYST} <= WATCHERS
    answered(stage, ANALYST, "plan:disable_access_key", "Ask 2 others")
    says(stage, "asked for by sam; waiting for 2 others before")
    answered(stage, SECOND_ANALYST, "second:0", "Disable")
    says(stage, "approved by noor; waiting for 1 other before")
    assert stage.aws.attempt(guarded).error_code != DISABLED
    answered(stage, THIRD_ANALYST, "second:0", "Disable")
    stage.wait(lambda: stage.aws.attempt(guarded).error_code == DISABLED)
    says(stage, "confirmed; approved by ines")
