"""The story's seven keys contained from the card, against a local AWS that enforces."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

import pytest

from bot.demo.slack import ANALYST, SOC
from bot.demo.stage import Stage
from bot.model import Change, ChangeState
from bot.remediation.records import changes_of

CASE = 1


@pytest.fixture
def stage() -> Iterator[Stage]:
    with Stage(seed=7, at=None, port=0, keep=None, pace=timedelta(0)) as set_up:
        set_up.wait(lambda: set_up.slack.connections)
        set_up.send_alert()
        set_up.wait(lambda: set_up.settled(CASE) and set_up.card())
        yield set_up


def submitted(stage: Stage, action: str, value: str | None = None) -> dict[str, Any]:
    """Press ``action`` on the card, approve what its window previews; the window."""
    card, before = stage.card(), len(made(stage))
    assert card is not None
    stage.slack.click(ANALYST, SOC, card["ts"], action, value=value)
    view = stage.wait(lambda: next((one for one in stage.slack.open_views(ANALYST) if one.get("submit")), None))
    stage.slack.submit_view(ANALYST, view["id"], {"reason": "seven stolen keys"})
    stage.wait(lambda: ended(made(stage)[before:]))
    stage.wait(lambda: stage.settled(CASE))
    for opened in stage.slack.open_views(ANALYST):
        stage.slack.close_view(ANALYST, opened["id"])
    return dict(view)


def made(stage: Stage) -> tuple[Change, ...]:
    return changes_of(stage.bot.desk.state.read(), CASE)


def ended(changes: Sequence[Change]) -> bool:
    return bool(changes) and all(each.state not in {ChangeState.APPROVED, ChangeState.STARTED} for each in changes)


def test_all_seven_are_contained_at_once_and_taken_back(stage: Stage) -> None:
    stolen = stage.story.stolen
    assert all(stage.aws.attempt(key, "sts", "get_caller_identity").allowed for key in stolen)
    view = submitted(stage, "contain")
    assert view["title"]["text"] == "Contain all"
    assert not any(stage.aws.attempt(key, "sts", "get_caller_identity").allowed for key in stolen)
    changes = made(stage)
    assert Counter(change.remediation for change in changes) == {
        "disable_access_key": 7,
        "quarantine_user": 7,
        "reset_console_password": 7,
    }
    assert {change.state for change in changes} == {ChangeState.CONFIRMED}
    (containment,) = stage.bot.desk.state.read().execute("SELECT id FROM containments").fetchone()
    submitted(stage, "more", value=f"uncontain {containment}")
    assert all(stage.aws.attempt(key, "sts", "get_caller_identity").allowed for key in stolen)
