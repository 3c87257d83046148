"""A real Bolt app on the local Slack: every way a person reaches it, and what it is refused."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from bot.demo.slack import ANALYST, GUEST, SECOND_ANALYST, SOC, LocalSlack
from tests.demo.slack.app import Bot, bolt_app, socket_mode


@pytest.fixture
def slack() -> Iterator[LocalSlack]:
    with LocalSlack(ack_seconds=3.0) as local:
        yield local


@pytest.fixture
def bot(slack: LocalSlack) -> Iterator[Bot]:
    bot = bolt_app(slack)
    with socket_mode(slack, bot.app):
        yield bot


def test_a_command_is_acknowledged_with_text_only_its_author_sees(slack: LocalSlack, bot: Bot) -> None:
    done = slack.type_command(ANALYST, SOC, "/triage help")
    assert done.acked
    assert [message["text"] for message in slack.ephemeral(ANALYST)] == ["`/triage key AKIA…` looks a key up"]
    assert slack.ephemeral(SECOND_ANALYST) == []
    assert slack.messages(SOC) == []


def test_a_click_brings_the_message_and_its_update_replaces_it(slack: LocalSlack, bot: Bot) -> None:
    slack.type_command(ANALYST, SOC, "/triage card")
    card = slack.wait_until(lambda: slack.messages(SOC))[0]
    assert slack.click(SECOND_ANALYST, SOC, card["ts"], "approve").acked
    updated = slack.wait_until(lambda: [one for one in slack.messages(SOC) if one["text"] == "Disabled"])[0]
    body = bot.seen[-1]
    assert updated["ts"] == card["ts"]
    assert body["user"]["id"] == SECOND_ANALYST
    assert body["actions"][0]["value"] == "plan-1"
    assert body["message"]["blocks"] == card["blocks"]


def test_a_modal_opens_refuses_and_closes(slack: LocalSlack, bot: Bot) -> None:
    slack.type_command(ANALYST, SOC, "/triage card")
    card = slack.wait_until(lambda: slack.messages(SOC))[0]
    slack.click(ANALYST, SOC, card["ts"], "ask")
    view = slack.wait_until(lambda: slack.open_views(ANALYST))[0]
    slack.submit_view(ANALYST, view["id"], {"reason": ""})
    assert slack.open_views(ANALYST)[0]["errors"] == {"why": "Say why"}
    slack.submit_view(ANALYST, view["id"], {"reason": "stolen"})
    assert slack.open_views(ANALYST) == []


def test_a_mention_and_a_shortcut_reach_the_app(slack: LocalSlack, bot: Bot) -> None:
    assert slack.mention(GUEST, SOC, "what about AKIA").acked
    slack.wait_until(lambda: len(slack.messages(SOC)) == 2)
    said, answer = slack.messages(SOC)
    assert answer["thread_ts"] == said["ts"]
    assert slack.message_shortcut(ANALYST, SOC, said["ts"], "triage_message").acked
    assert slack.wait_until(lambda: slack.ephemeral(ANALYST))[0]["text"] == "looking"


def test_no_connection_is_a_failed_dispatch_the_person_sees(slack: LocalSlack) -> None:
    assert slack.type_command(ANALYST, SOC, "/triage help").error == "dispatch_failed"
    assert slack.notices(ANALYST) == ["/triage failed with the error “dispatch_failed”"]


def test_wrong_tokens_are_told_apart(slack: LocalSlack) -> None:
    for token, code in (("", "not_authed"), ("xoxb-no", "invalid_auth"), (slack.app_token, "not_allowed_token_type")):
        with pytest.raises(SlackApiError) as refused:
            WebClient(token=token, base_url=slack.api_url).auth_test()
        assert refused.value.response["error"] == code
