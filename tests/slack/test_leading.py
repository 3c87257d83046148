"""A case is handed over and declared an incident: what is pressed, what Slack then shows, what is on record."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.demo.slack import ANALYST, GUEST, KEY_OWNER, LOST_ANSWER, SECOND_ANALYST, SOC
from bot.demo.slack.http import SCOPES
from bot.model import Actor, Refusal
from tests.slack.office import ME, SHE, Office, office
from tests.slack.readable import readable

OWNERS = f"""
[owners.people]
"alice" = "{KEY_OWNER}"
"""


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Office]:
    with office(tmp_path, OWNERS) as opened:
        opened.alert()
        yield opened


def test_a_case_is_handed_over_with_its_state_and_comes_back_when_the_next_check_is_due(room: Office) -> None:
    room.press("hand_over case:1")
    values = {"next_one": SECOND_ANALYST, "check_in": "60", "note": "Ask the mail team."}
    assert "Case #1 is Noor Haddad's now" in room.submit("Hand over", values)
    assert room.case().owner == Actor(SHE, "Noor Haddad")
    told = next(each for each in room.thread() if "hands case #1 over" in each)
    assert f"<{SECOND_ANALYST}>" in told
    assert "State: " in told
    assert "Open tasks: none" in told
    assert "Next check: <2026-11-20 16:00 UTC>" in told
    assert "Note: Ask the mail team." in told
    assert (ME, "hand over", "case 1", "handed over to Noor Haddad") in room.audit()
    assert not [each for each in room.thread() if "The next check of case #1 is due" in each]
    room.move(timedelta(minutes=61))
    due = next(each for each in room.thread() if "The next check of case #1 is due" in each)
    assert f"<{SECOND_ANALYST}>" in due


def test_every_decision_stands_in_the_thread_and_the_last_in_the_small_print(room: Office) -> None:
    room.card()
    assert not [each for each in room.thread() if "what people decided" in each]
    room.press("declare case:1")
    room.submit("Declare incident", {"reason": "The thief sends mail."})
    room.press("close case:1")
    room.submit("Close case", {"conclusion": "true", "reason": "All of it is contained."})
    [told] = [each for each in room.thread() if "what people decided" in each]
    assert "• <2026-11-20 15:00 UTC>: Declared an incident by sam: The thief sends mail." in told
    assert told.index("Closed as true by sam: All of it is contained.") > told.index("Declared an incident")
    assert "last decision by sam <2026-11-20 15:00 UTC>" in readable(room.card())


def test_a_case_is_given_to_nobody_who_may_not_have_it(room: Office) -> None:
    room.press("hand_over case:1")
    assert "they are not named under [access] triage" in room.submit("Hand over", {"next_one": GUEST})
    assert room.case().owner is None
    assert not [each for each in room.audit() if each[1] == "hand over"]
    stranger = room.bot.desk.operations.hand_over(1, Actor(SHE, "Noor"), Actor("slack:T:U0X", "X"), "")
    assert isinstance(stranger, Refusal)


def test_an_incident_is_declared_with_a_private_channel_without_the_keys_owner(room: Office) -> None:
    room.press("declare case:1")
    values = {"reason": "The thief sends mail.", "room": ["yes"], "invited": [SECOND_ANALYST, KEY_OWNER]}
    assert "declared an incident" in room.submit("Declare incident", values)
    room.settle()
    (private,) = [each for each in room.slack.conversations(ANALYST) if each["is_private"]]
    assert private["name"].startswith("incident-1-")
    assert private in room.slack.conversations(SECOND_ANALYST)
    assert private not in room.slack.conversations(KEY_OWNER)
    (begins,) = room.slack.messages(private["id"])
    assert "Case #1: 🚨 Declared incident" in begins["text"]
    assert f"/archives/{SOC}/p" in json.dumps(begins)
    link = next(each for each in room.thread() if "A private channel was opened" in each)
    assert f"<{private['id']}>" in link
    assert f"Not invited: {KEY_OWNER}: they own the key" in link
    loud = [each["text"] for each in room.slack.messages(SOC) if each.get("subtype") == "thread_broadcast"]
    assert loud[-1].startswith("🚨 sam declares case #1 an incident: The thief sends mail.")
    assert "Declared incident" in room.card()["text"]
    assert (ME, "declare", "case 1", "declared an incident") in room.audit()


def test_the_owner_comes_where_it_is_ticked(room: Office) -> None:
    room.press("declare case:1")
    values = {"reason": "She helps us.", "room": ["yes"], "invited": [KEY_OWNER], "with_owner": ["yes"]}
    room.submit("Declare incident", values)
    room.settle()
    assert [each for each in room.slack.conversations(KEY_OWNER) if each["is_private"]]


def test_a_channel_whose_making_was_answered_to_nobody_is_found_and_not_made_twice(room: Office) -> None:
    room.slack.fail_next("conversations.create", LOST_ANSWER)
    room.press("declare case:1")
    room.submit("Declare incident", {"reason": "The thief sends mail.", "room": ["yes"]})
    room.move(timedelta(seconds=10))
    room.settle()
    assert len([each for each in room.slack.conversations(ANALYST) if each["is_private"]]) == 1
    assert len(room.slack.calls("conversations.create")) == 2


def test_without_the_scope_the_thread_says_what_is_missing_and_it_can_be_asked_for_again(tmp_path: Path) -> None:
    scopes = [scope for scope in SCOPES if scope != "groups:write"]
    with office(tmp_path, scopes=scopes) as room:
        room.alert()
        room.press("declare case:1")
        room.submit("Declare incident", {"reason": "The thief sends mail.", "room": ["yes"]})
        told = next(each for each in room.thread() if "asked for a private channel" in each)
        assert "the app lacks groups:write or groups:read: install it again with deploy/slack-manifest.yaml" in told
        room.press("declare case:1")
        assert "declared an incident" in room.submit("Declare incident", {"reason": "Now.", "room": ["yes"]})


def test_a_typed_command_opens_the_window_and_a_mention_gives_a_button_that_does(room: Office) -> None:
    room.card()
    assert room.slack.type_command(ANALYST, SOC, "/triage case hand-over 1").acked
    assert room.window("Hand over")["private_metadata"] == "hand_over:case:1"
    room.slack.mention(ANALYST, SOC, "case declare 1")
    room.settle()
    answer = room.slack.messages(SOC)[-1]
    assert "The button opens the window for it" in answer["text"]
    room.press("declare", card=answer)
    assert room.window("Declare incident")["private_metadata"] == "declare:case:1"
