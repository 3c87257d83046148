"""The third-party Slack starts, keeps what is posted, and answers slack_sdk as Slack does."""

from __future__ import annotations

from pathlib import Path

from slack_sdk import WebClient

from tests.emulate import CHANNEL, TOKEN, emulated_slack


def test_what_is_posted_can_be_updated_and_read_back(tmp_path: Path) -> None:
    with emulated_slack(tmp_path) as slack:
        client = WebClient(token=TOKEN, base_url=slack.api_url)
        (channel,) = [one["id"] for one in client.conversations_list()["channels"] if one["name"] == CHANNEL]
        posted = client.chat_postMessage(channel=channel, text="checking…")
        client.chat_update(channel=channel, ts=posted["ts"], text="done")
        history = client.conversations_history(channel=channel)["messages"]
    assert [message["text"] for message in history if message["ts"] == posted["ts"]] == ["done"]
