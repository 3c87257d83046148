"""The card, its thread and its modal, as Slack would be sent them."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.model import Answer, Fact, Refusal, Signal, Waiting
from bot.plain import clean
from bot.slack import containing, modals, replies
from bot.slack.buttons import pressed
from bot.slack.card import card
from bot.slack.details import details
from bot.slack.elements import texts
from bot.slack.lint import lint
from tests.checkers import problems
from tests.slack.cases import (
    ADDRESS,
    ALERT,
    ALICE,
    CASES,
    GOLDEN,
    INCIDENT,
    KEY,
    NOW,
    change,
    clients,
    containment,
    drawn,
    enrichment,
    plan,
    read,
    triage,
)
from tests.slack.hostile import HOSTILE, assert_sendable


@pytest.mark.parametrize("name", CASES)
def test_card_is_as_reviewed(name: str) -> None:
    assert read(name) == (GOLDEN / f"{name}.txt").read_text(encoding="utf-8")
    assert drawn(name) == (GOLDEN / f"{name}.json").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", CASES)
def test_everything_shown_of_a_case_can_be_sent(name: str) -> None:
    assert_sendable(card(CASES[name], now=NOW).payload())
    for _, message in details(CASES[name]):
        assert_sendable(message.payload())


def words(name: str) -> str:
    return " ".join(" ".join(texts(block)) for block in card(CASES[name], now=NOW).blocks)


def elements(name: str) -> list[dict[str, Any]]:
    found = [block["elements"] for block in card(CASES[name], now=NOW).blocks if block["type"] == "actions"]
    return [element for some in found for element in some]


def shown(name: str) -> list[tuple[str, str]]:
    """The action id and value of each button."""
    return [(each["action_id"], each["value"]) for each in elements(name) if each["type"] == "button"]


def menu(name: str) -> list[str]:
    """What stands under More."""
    return [one["text"]["text"] for each in elements(name) if each["type"] == "overflow" for one in each["options"]]


DISABLE = ("plan:disable_access_key", f"case:12:{KEY}")
TAKE = ("take", "case:12")
UNDO = ("undo", "exec-1")
EXPECTED = ("expected", "case:12")
REST = ["Ask again", "Close…", "Hand over…", "Declare incident…", "More…"]

WAITS = ["Take", "Ask again", "Close…", "Hand over…", "More…"]


@pytest.mark.parametrize(
    ("name", "expected", "rest"),
    [
        ("checking", [TAKE], REST),
        ("incident", [DISABLE, TAKE], REST),
        ("being_disabled", [TAKE], REST),
        ("unknown_outcome", [TAKE], REST),
        ("disabled", [UNDO, TAKE], REST),
        ("undone", [DISABLE, TAKE], REST),
        ("waiting", [("second:0", "plan-1"), DISABLE, TAKE], REST),
        ("nothing_found", [DISABLE, TAKE, EXPECTED], REST),
        ("scoped", [("contain", "case:12"), DISABLE, TAKE], REST),
        ("contained", [UNDO, TAKE], ["Ask again", "Close…", "Undo all…", "Hand over…", "More…"]),
        ("containment_waiting", [("second:0", "contain-1"), ("contain", "case:12"), DISABLE], WAITS),
        ("taken", [DISABLE], REST),
        ("closed", [], ["Report as files", "Undo…"]),
        ("sample", [], ["Close…", "Hand over…", "Declare incident…", "Report as files"]),
    ],
)
def test_buttons_offer_what_can_be_done_now(name: str, expected: list[tuple[str, str]], rest: list[str]) -> None:
    assert shown(name) == expected
    assert menu(name) == rest


def test_what_has_no_room_on_the_card_stands_under_more() -> None:
    crowded = replace(CASES["nothing_found"], waiting=CASES["waiting"].waiting)
    (row,) = [block for block in card(crowded, now=NOW).blocks if block["type"] == "actions"]
    *pressable, more = row["elements"]
    assert [each["action_id"] for each in pressable] == ["second:0", "plan:disable_access_key", "take"]
    assert more["options"][0]["text"]["text"] == "This is expected…"
    assert pressed({"selected_option": more["options"][0]}) == ("expected", "case:12")


def test_what_is_suggested_of_others_stands_under_more_and_takes_no_button_s_place() -> None:
    *pressable, more = elements("more_suggested")
    assert [(each["action_id"], each["value"]) for each in pressable] == [DISABLE, TAKE]
    beside = ["Quarantine user alice…", "Reset console password alice…", "Block address 203.0.113.66…"]
    assert [one["text"]["text"] for one in more["options"]] == [*beside, "Ask again", "More…"]
    user = "case:12:111122223333:user/alice"
    assert [pressed({"selected_option": one}) for one in more["options"][:3]] == [
        ("plan:quarantine_user:1", user),
        ("plan:reset_console_password:2", user),
        ("plan:block_ip:3", "case:12:203.0.113.66"),
    ]
    closed = card(replace(CASES["more_suggested"], open=False), now=NOW)
    (left,) = [block["elements"] for block in closed.blocks if block["type"] == "actions"]
    assert [one["text"]["text"] for each in left for one in each["options"]] == ["Report as files"]


def test_before_it_is_armed_the_buttons_rehearse() -> None:
    (row,) = [b for b in card(replace(INCIDENT, armed=False), now=NOW).blocks if b["type"] == "actions"]
    assert row["elements"][0]["text"]["text"] == "Rehearse: disable access key…"
    assert "style" not in row["elements"][0]


@pytest.mark.parametrize("name", ["checking", "so_far_nothing_bad"])
def test_nothing_calming_is_said_before_every_question_has_ended(name: str) -> None:
    assert "Checking" in words(name)
    assert not any(word in words(name).lower() for word in ("low ·", "inconclusive", "/100"))


def test_an_incident_is_said_as_soon_as_it_is_known() -> None:
    assert "Incident · 80/100 so far" in words("so_far_an_incident")
    assert "Still asking" in words("so_far_an_incident")


@pytest.mark.parametrize("name", ["incident", "disabled", "nothing_found"])
def test_the_gaps_are_always_on_the_card(name: str) -> None:
    assert "Could not check: Is the key public? (the search timed out)" in words(name).replace(":  ", ": ")
    assert "Also unanswered: 1 question, named in the thread" in words(name).replace(":  ", ": ")


def test_not_searched_is_not_nothing_found() -> None:
    assert "CloudTrail could not be searched" in words("nothing_found")
    assert "no calls found" not in words("nothing_found")


def test_the_card_names_who_where_with_what_and_when() -> None:
    for expected in (
        "alice",
        "111122223333",
        KEY,
        ADDRESS,
        "DigitalOcean",
        "hosting",
        "NEW",
        "aws-cli/1 linux kali",
        "36 calls",
        "3 refused",
    ):
        assert expected in words("incident")


@given(st.text(max_size=400) | st.just(HOSTILE))
@settings(max_examples=60, deadline=None)
def test_text_of_strangers_shows_as_itself_and_fits(text: str) -> None:
    hostile = replace(
        INCIDENT,
        title=text,
        alerts=(replace(ALERT, title=text, notes=(text,)),),
        changes=(change(sentence=text, reason=text),),
        triage=triage(
            clients(text, text * 9),
            enrichment(
                "custom", Answer(text, (Fact(text, text),), (Signal("x", text, (text,)),), (), {text: [{text: text}]})
            ),
        ),
    )
    for payload in (card(hostile, now=NOW).payload(), *(message.payload() for _, message in details(hostile))):
        assert_sendable(payload)
        for shown in (payload["text"], *texts(payload["blocks"])):
            assert all(clean(line) == line.strip() for line in " ".join(shown.split(" ")).split("\n"))
        assert "<" not in payload["text"]
    preview = modals.preview(plan(title=text, warnings=(text,), before={text: text}))
    assert problems(preview) == problems(modals.done_view(change(sentence=text))) == []


def test_a_hostile_user_agent_is_seen_whole_in_the_thread_and_does_nothing_on_the_card() -> None:
    hostile = replace(INCIDENT, triage=triage(clients(HOSTILE)))
    thread = dict(details(hostile))["user_agents"]
    shown = " ".join(texts(list(thread.blocks)))
    assert "<!channel> <https://evil.example|click> *x* _y_ `z` gnp.exe [31m > quote &amp; :skull:" in shown
    for message in (thread, card(hostile, now=NOW)):
        assert problems(message.payload()) == []


def test_the_notification_text_pings_nobody() -> None:
    text = card(replace(CASES["sample"], title=HOSTILE), now=NOW).text
    assert "&lt;!channel&gt;" in text
    assert "<" not in text


def test_the_preview_shows_before_and_after_and_carries_the_plan() -> None:
    view = modals.preview(plan())
    assert problems(view) == []
    assert (view["callback_id"], view["private_metadata"]) == ("approve", "plan-1")
    assert view["submit"]["text"] == "Disable"
    assert "Active → Inactive" in list(texts(view["blocks"]))
    assert modals.preview(plan(undo_of="exec-1"))["submit"]["text"] == "Undo"
    assert "glass" not in [block.get("block_id") for block in view["blocks"]]


@pytest.mark.parametrize("rows", [1, 100])
def test_a_containment_of_any_size_can_be_shown(rows: int) -> None:
    many = containment(rows=containment().rows * rows)
    view = containing.preview(many)
    assert problems(view) == []
    assert problems(containing.approved(many)) == []


def test_a_containment_with_nothing_to_approve_has_no_button() -> None:
    view = containing.preview(containment(rows=containment().rows[1:]))
    assert "submit" not in view
    assert "1 cannot be done by the bot: a person has to." in str(view)


def test_where_two_must_approve_the_glass_can_be_broken() -> None:
    view = modals.preview(plan(approvers=2))
    assert problems(view) == []
    assert "glass" in [block.get("block_id") for block in view["blocks"]]
    too_long = json.loads(json.dumps(view))
    too_long["blocks"][-1]["element"]["options"][0]["description"]["text"] = "x" * 76
    assert "option description has 76 characters" in str(lint(too_long))


@pytest.mark.parametrize(
    "view",
    [
        modals.preparing(),
        modals.working_view(),
        modals.done_view(change()),
        modals.waiting_view(Waiting(plan(approvers=2), (ALICE,), 1)),
        containing.approved(containment()),
        modals.kept_view("Case #12 is closed as expected."),
        modals.refusal_view(Refusal("No.", ("aws iam update-access-key --status Inactive",))),
    ],
)
def test_no_other_view_can_be_submitted(view: dict[str, Any]) -> None:
    assert problems(view) == []
    assert "submit" not in view


@pytest.mark.parametrize(
    "message",
    [
        replies.usage(),
        replies.say(HOSTILE),
        replies.refusal(Refusal(HOSTILE, (HOSTILE,))),
        replies.opened([(1, True), (2, False)]),
        replies.whoami(ALICE, {}),
    ],
)
def test_answers_can_be_sent(message: Any) -> None:
    assert_sendable(message.payload())
