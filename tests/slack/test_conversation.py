"""People at a local Slack over Socket Mode, the real Bolt, jobs and sender in between, made-up operations behind."""

from __future__ import annotations

import json

import pytest

from bot.demo.slack import (
    ANALYST,
    SOC,
    Fault,
    LocalSlack,
)
from bot.model import (
    Conclusion,
    Refusal,
    Task,
)
from bot.slack.answers import SAID_IN_SLACK
from bot.slack.details import details
from bot.slack.todo import tasks_message
from bot.store import outbox
from bot.store.state import State
from tests.slack.cases import KEY, SCOPED, SUSPECT
from tests.slack.made_up import ME, TASK, MadeUp, now, show, told, window

pytestmark = pytest.mark.usefixtures("bot")


def test_a_key_is_asked_for(slack: LocalSlack, operations: MadeUp) -> None:
    assert slack.type_command(ANALYST, SOC, f"/triage key {KEY}").acked
    assert told(slack) == "Case #1 opened. Its card is being updated."
    assert operations.asked == [("triage", [KEY], ME)]


def test_whoami(slack: LocalSlack) -> None:
    assert slack.type_command(ANALYST, SOC, "/triage whoami").acked
    assert ME in told(slack)
    assert "[access] triage" in json.dumps(slack.ephemeral(ANALYST))


def test_a_refused_question_says_why(slack: LocalSlack, operations: MadeUp) -> None:
    operations.refusal = Refusal("You may not do this.")
    slack.type_command(ANALYST, SOC, f"/triage key {KEY}")
    assert told(slack) == "You may not do this."


def test_asking_again(slack: LocalSlack, state: State, operations: MadeUp) -> None:
    slack.click(ANALYST, SOC, show(state, slack, "incident"), "more", value="ask_again case:12")
    assert told(slack) == "Case #12: asking every question again."
    assert operations.asked == [("ask_again", 12, ME)]
    assert slack.open_views(ANALYST) == []


def test_a_card_of_a_forgotten_case_says_so(slack: LocalSlack, state: State, operations: MadeUp) -> None:
    operations.missing = True
    slack.click(ANALYST, SOC, show(state, slack, "incident"), "more", value="ask_again case:12")
    assert "not known here any more" in told(slack)


def test_a_window_slack_does_not_open_is_answered(slack: LocalSlack, state: State) -> None:
    slack.fail_next("views.open", Fault(200, {"ok": False, "error": "expired_trigger_id"}))
    assert slack.click(ANALYST, SOC, show(state, slack, "incident"), "plan:disable_access_key").acked
    assert "Ask for it again" in told(slack)


def test_a_double_click_makes_two_windows_and_no_change(slack: LocalSlack, state: State, operations: MadeUp) -> None:
    ts = show(state, slack, "incident")
    for _ in range(2):
        assert slack.click(ANALYST, SOC, ts, "plan:disable_access_key").acked
    slack.wait_until(lambda: len(slack.calls("views.update")) >= 2)
    assert {asked[0] for asked in operations.asked} == {"plan"}


def test_a_case_is_taken_from_its_card(slack: LocalSlack, state: State, operations: MadeUp) -> None:
    slack.click(ANALYST, SOC, show(state, slack, "incident"), "take")
    assert told(slack) == "Case #12 is yours."
    assert operations.asked == [("take", 12, ME)]


def test_a_case_is_closed_with_a_verdict_and_a_reason(slack: LocalSlack, state: State, operations: MadeUp) -> None:
    slack.click(ANALYST, SOC, show(state, slack, "incident"), "more", value="close case:12")
    filled = {"conclusion": "duplicate", "duplicate_of": "#7", "reason": "same theft"}
    slack.submit_view(ANALYST, window(slack, "Close case")["id"], filled)
    assert "Case #12 is closed as duplicate." in json.dumps(window(slack, "Kept"))
    assert operations.asked == [("close", 12, Conclusion.DUPLICATE, "same theft", 7, ME)]


def test_what_is_expected_is_closed_so_unless_the_analyst_says_otherwise(
    slack: LocalSlack, state: State, operations: MadeUp
) -> None:
    slack.click(ANALYST, SOC, show(state, slack, "nothing_found"), "expected")
    slack.submit_view(ANALYST, window(slack, "Close case")["id"], {"reason": "the scanner, every Friday"})
    window(slack, "Kept")
    assert operations.asked == [("close", 12, Conclusion.EXPECTED, "the scanner, every Friday", None, ME)]


def test_a_key_that_stands_in_public_is_told_of(slack: LocalSlack, state: State, operations: MadeUp) -> None:
    slack.click(ANALYST, SOC, show(state, slack, "incident"), "more", value="actions case:12")
    slack.click_view(ANALYST, window(slack, "Case #12")["id"], "leak")
    filled = {"place": "a public Postman workspace", "reason": "saw the id there"}
    slack.submit_view(ANALYST, window(slack, "Seen in public")["id"], filled)
    assert "is judged again with it" in json.dumps(window(slack, "Kept"))
    assert operations.asked == [("leak", 12, "a public Postman workspace", "saw the id there", ME)]


def test_what_is_no_case_number_is_refused(slack: LocalSlack, state: State, operations: MadeUp) -> None:
    slack.click(ANALYST, SOC, show(state, slack, "incident"), "more", value="close case:12")
    filled = {"conclusion": "duplicate", "duplicate_of": "the other one", "reason": "same theft"}
    slack.submit_view(ANALYST, window(slack, "Close case")["id"], filled)
    assert "the other one is no case number" in json.dumps(window(slack, "Nothing was changed"))
    assert operations.asked == []


def show_scope(state: State, slack: LocalSlack) -> str:
    (message,) = [message for slot, message in details(SCOPED) if slot == "scope"]
    state.write(lambda db: outbox.show(db, "scope", SOC, message.payload(), now()))
    return str(slack.wait_until(lambda: slack.messages(SOC))[0]["ts"])


@pytest.mark.parametrize(
    ("button", "title", "belongs", "told"),
    [
        ("rule_in", "It belongs", True, "counts as in the attacker's hands"),
        ("rule_out", "Set aside", False, "set aside"),
    ],
)
def test_a_suspect_is_decided_on_from_the_thread(
    slack: LocalSlack, state: State, operations: MadeUp, button: str, title: str, belongs: bool, told: str
) -> None:
    assert slack.click(ANALYST, SOC, show_scope(state, slack), button).acked
    view = window(slack, title)
    assert slack.submit_view(ANALYST, view["id"], {"reason": "it is ours"}).response["response_action"] == "update"
    assert told in json.dumps(window(slack, "Kept"))
    assert operations.asked == [("rule", 12, SUSPECT, belongs, "it is ours", ME)]


def test_a_ruling_in_a_closed_case_is_refused_with_a_sentence(
    slack: LocalSlack, state: State, operations: MadeUp
) -> None:
    operations.missing = True
    slack.click(ANALYST, SOC, show_scope(state, slack), "rule_in")
    slack.submit_view(ANALYST, window(slack, "It belongs")["id"], {"reason": "it is ours"})
    assert "not known here any more" in json.dumps(window(slack, "Nothing was changed"))


# ------------------------------------------------------------------------------------------- the socket


def show_tasks(state: State, slack: LocalSlack, *tasks: Task) -> str:
    """What the thread holds of ``tasks``; where it stands."""
    state.write(lambda db: outbox.show(db, "tasks", SOC, tasks_message(tasks).payload(), now()))
    return str(slack.wait_until(lambda: slack.messages(SOC))[0]["ts"])


@pytest.mark.parametrize(
    ("action", "asked", "answer"),
    [
        ("task_take:3", ("take_task", 3), "Task 3 is yours."),
        ("task_done:3", ("finish_task", 3, SAID_IN_SLACK), "Task 3 is done."),
    ],
)
def test_a_task_is_taken_and_done_with_its_buttons(
    state: State, slack: LocalSlack, operations: MadeUp, action: str, asked: tuple[object, ...], answer: str
) -> None:
    ts = show_tasks(state, slack, TASK)
    shown = json.dumps(slack.messages(SOC)[0])
    assert "nobody has taken it" in shown
    assert TASK.commands[0] in shown
    assert slack.click(ANALYST, SOC, ts, action).acked
    assert told(slack) == answer
    assert operations.asked[-1] == (*asked, ME)
    assert slack.open_views(ANALYST) == []
