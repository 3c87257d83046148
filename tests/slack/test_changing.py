"""What is changed, approved and taken back with buttons: a local Slack, the real Bolt, made-up operations."""

from __future__ import annotations

import json

import pytest

from bot.demo.slack import (
    ANALYST,
    SECOND_ANALYST,
    SOC,
    TEAM_ID,
    LocalSlack,
)
from bot.model import (
    Actor,
    Refusal,
)
from bot.store.state import State
from tests.slack.cases import KEY
from tests.slack.made_up import ME, MadeUp, preview, show, window

pytestmark = pytest.mark.usefixtures("bot")


def test_a_key_is_disabled_from_its_card(slack: LocalSlack, state: State, operations: MadeUp) -> None:
    ts = show(state, slack, "incident")
    assert slack.click(ANALYST, SOC, ts, "plan:disable_access_key").acked
    view = window(slack, "Preview")
    slack.wait_until(lambda: "Active → Inactive" in json.dumps(slack.open_views(ANALYST), ensure_ascii=False))
    submitted = slack.submit_view(ANALYST, view["id"], {"reason": "stolen, see ticket"})
    assert submitted.response["response_action"] == "update"
    assert "about to be carried out" in json.dumps(window(slack, "Approved"))
    assert operations.asked == [
        ("plan", "disable_access_key", KEY, 12, ME),
        ("approve", "plan-1", "stolen, see ticket", ME),
    ]


def test_a_second_person_approves_from_the_card(slack: LocalSlack, state: State, operations: MadeUp) -> None:
    slack.click(SECOND_ANALYST, SOC, show(state, slack, "waiting"), "second:0")
    view = preview(slack, SECOND_ANALYST)
    slack.submit_view(SECOND_ANALYST, view["id"], {"reason": "seen it, too"})
    window(slack, "Approved", SECOND_ANALYST)
    other = f"slack:{TEAM_ID}:{SECOND_ANALYST}"
    assert operations.asked == [("planned", "plan-1", other), ("approve", "plan-1", "seen it, too", other)]


def test_who_planned_it_asks_others_and_is_told_who_must(slack: LocalSlack, state: State, operations: MadeUp) -> None:
    operations.waits, operations.needed = True, 2
    operations.requester = Actor(ME, "Sam")
    slack.click(ANALYST, SOC, show(state, slack, "incident"), "plan:disable_access_key")
    view = preview(slack)
    assert view["submit"]["text"] == "Ask 2 others"
    assert "You planned this, so you cannot approve it: 2 others named" in json.dumps(view)
    slack.submit_view(ANALYST, view["id"], {"reason": "stolen"})
    told = json.dumps(window(slack, "Waiting"))
    assert "waiting for 2 others before" in told
    assert "break the glass" in told


def test_who_planned_it_is_not_offered_to_approve_it_from_the_card(
    slack: LocalSlack, state: State, operations: MadeUp
) -> None:
    operations.requester = Actor(ME, "Sam")
    slack.click(ANALYST, SOC, show(state, slack, "waiting"), "second:0")
    assert preview(slack)["submit"]["text"] == "Ask 2 others"


def test_who_asked_for_a_containment_whose_rest_needs_others_only_asks_them(
    slack: LocalSlack, state: State, operations: MadeUp
) -> None:
    operations.requester, operations.needed = Actor(ME, "Sam"), 2
    slack.click(ANALYST, SOC, show(state, slack, "containment_waiting"), "second:0")
    assert window(slack, "Contain all")["submit"]["text"] == "Ask 2 others"
    slack.click(SECOND_ANALYST, SOC, show(state, slack, "containment_waiting"), "second:0")
    assert window(slack, "Contain all", SECOND_ANALYST)["submit"]["text"] == "Contain all"


def test_the_glass_is_broken_with_a_tick(slack: LocalSlack, state: State, operations: MadeUp) -> None:
    slack.click(ANALYST, SOC, show(state, slack, "waiting"), "second:0")
    view = preview(slack)
    slack.submit_view(ANALYST, view["id"], {"reason": "nobody else is awake", "glass": ["break"]})
    window(slack, "Approved")
    assert operations.asked[-1] == ("approve", "plan-1", "nobody else is awake", ME, "alone")


def test_a_change_is_taken_back_from_its_card(slack: LocalSlack, state: State, operations: MadeUp) -> None:
    ts = show(state, slack, "disabled")
    slack.click(SECOND_ANALYST, SOC, ts, "undo")
    view = window(slack, "Undo", SECOND_ANALYST)
    assert view["submit"]["text"] == "Undo"
    assert operations.asked == [("plan_undo", "exec-1", f"slack:{TEAM_ID}:{SECOND_ANALYST}")]


def test_a_change_is_taken_back_from_the_list_of_those_that_can_be(slack: LocalSlack, operations: MadeUp) -> None:
    slack.type_command(ANALYST, SOC, "/triage undo")
    listed = slack.wait_until(lambda: slack.ephemeral(ANALYST))[-1]
    assert listed["text"] == "1 change can be taken back"
    slack.click(ANALYST, SOC, listed["ts"], "undo:0")
    assert window(slack, "Undo")["submit"]["text"] == "Undo"
    assert operations.asked == [("plan_undo", "exec-1", ME)]


def test_a_refused_change_shows_the_commands_instead(slack: LocalSlack, state: State, operations: MadeUp) -> None:
    operations.refusal = Refusal("No acting role is set up.", ("aws iam update-access-key --status Inactive",))
    slack.click(ANALYST, SOC, show(state, slack, "incident"), "plan:disable_access_key")
    view = window(slack, "Nothing was changed")
    assert "aws iam update-access-key" in json.dumps(view)
    assert not view["submit"]


def test_all_keys_in_the_same_hands_are_contained_from_the_card(
    slack: LocalSlack, state: State, operations: MadeUp
) -> None:
    slack.click(ANALYST, SOC, show(state, slack, "scoped"), "contain")
    view = slack.wait_until(lambda: [one for one in slack.open_views(ANALYST) if one["submit"]])[0]
    shown = json.dumps(view)
    assert (view["title"]["text"], view["submit"]["text"]) == ("Contain all", "Contain all")
    for part in (
        "1. All keys",
        "2. Their users",
        "nothing to do",
        "For a person to run",
        "aws iam delete-login-profile",
    ):
        assert part in shown
    slack.submit_view(ANALYST, view["id"], {"reason": "seven stolen keys"})
    assert "1 of 3 changes are approved" in json.dumps(window(slack, "Approved"))
    assert operations.asked == [("contain", (), 12, ME), ("approve all", "contain-1", "seven stolen keys", ME)]


@pytest.mark.parametrize(
    ("chosen", "asked"),
    [
        ("plan:quarantine_user:1 case:12:111122223333:user/alice", ("quarantine_user", "111122223333:user/alice")),
        ("plan:block_ip:3 case:12:203.0.113.66", ("block_ip", "203.0.113.66")),
    ],
)
def test_what_is_suggested_of_others_is_previewed_from_the_list(
    slack: LocalSlack, state: State, operations: MadeUp, chosen: str, asked: tuple[str, str]
) -> None:
    slack.click(ANALYST, SOC, show(state, slack, "more_suggested"), "more", value=chosen)
    assert slack.wait_until(lambda: [one for one in slack.open_views(ANALYST) if one["submit"]])
    assert operations.asked == [("plan", *asked, 12, ME)]


def test_all_of_a_containment_is_taken_back_from_the_card(slack: LocalSlack, state: State, operations: MadeUp) -> None:
    slack.click(ANALYST, SOC, show(state, slack, "contained"), "more", value="uncontain contain-1")
    assert (
        slack.wait_until(lambda: [one for one in slack.open_views(ANALYST) if one["submit"]])[0]["title"]["text"]
        == "Undo all"
    )
    assert operations.asked == [("uncontain", "contain-1", ME)]


def test_a_second_person_approves_a_whole_containment(slack: LocalSlack, state: State, operations: MadeUp) -> None:
    slack.click(SECOND_ANALYST, SOC, show(state, slack, "containment_waiting"), "second:0")
    view = slack.wait_until(lambda: [one for one in slack.open_views(SECOND_ANALYST) if one["submit"]])[0]
    slack.submit_view(SECOND_ANALYST, view["id"], {"reason": "seen it, too"})
    window(slack, "Approved", SECOND_ANALYST)
    assert operations.asked[-1][:2] == ("approve all", "contain-1")
