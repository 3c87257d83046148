"""A small real Bolt app on the real clients, for the tests of what it talks to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Thread
from typing import Any

from slack_bolt import App
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_sdk import WebClient

from bot.demo.slack import SOC, LocalSlack

HOSTILE = "<!channel> <https://evil.example|click> *x* &lt;b&gt; https://evil.example/a"
CONFIRM = {
    "title": {"type": "plain_text", "text": "Disable the key?"},
    "text": {"type": "plain_text", "text": "alice loses access until it is undone."},
    "confirm": {"type": "plain_text", "text": "Disable"},
    "deny": {"type": "plain_text", "text": "Cancel"},
    "style": "danger",
}


def card(text: str) -> list[dict[str, Any]]:
    """A card as the bot makes one: header, untrusted text in plain and rich text, a button with a confirmation."""
    disable = {"type": "plain_text", "text": "Disable the key"}
    more = {"type": "plain_text", "text": "Ask more"}
    return [
        {"type": "header", "text": {"type": "plain_text", "text": text}},
        {"type": "section", "text": {"type": "plain_text", "text": HOSTILE}},
        {"type": "section", "fields": [{"type": "mrkdwn", "text": "*Verdict*\nincident"}]},
        {
            "type": "rich_text",
            "elements": [{"type": "rich_text_section", "elements": [{"type": "text", "text": HOSTILE}]}],
        },
        {"type": "context", "elements": [{"type": "plain_text", "text": HOSTILE}]},
        {
            "type": "actions",
            "block_id": "acts",
            "elements": [
                {
                    "type": "button",
                    "action_id": "approve",
                    "value": "plan-1",
                    "text": disable,
                    "style": "danger",
                    "confirm": CONFIRM,
                },
                {
                    "type": "button",
                    "action_id": "ask",
                    "value": "1",
                    "text": more,
                },
            ],
        },
    ]


MODAL = {
    "type": "modal",
    "callback_id": "reason",
    "title": {"type": "plain_text", "text": "Why?"},
    "submit": {"type": "plain_text", "text": "Send"},
    "close": {"type": "plain_text", "text": "Cancel"},
    "blocks": [
        {"type": "section", "text": {"type": "mrkdwn", "text": "This is written to the *audit log*."}},
        {
            "type": "input",
            "block_id": "why",
            "label": {"type": "plain_text", "text": "Reason"},
            "element": {"type": "plain_text_input", "action_id": "reason", "multiline": True},
        },
    ],
}


@dataclass(frozen=True, slots=True)
class Bot:
    """The app, and the bodies it got."""

    app: App
    seen: list[dict[str, Any]] = field(default_factory=list)


def bolt_app(slack: LocalSlack) -> Bot:
    """Answers ``/triage``, two buttons, a modal, a shortcut and mentions."""
    client = WebClient(token=slack.bot_token, base_url=slack.api_url)
    bot = Bot(App(client=client, signing_secret=slack.signing_secret))
    app, seen = bot.app, bot.seen

    @app.command("/triage")
    def command(ack: Any, body: dict[str, Any], respond: Any) -> None:
        seen.append(body)
        if body["text"] == "silent":
            return
        ack("`/triage key AKIA…` looks a key up" if body["text"] == "help" else "")
        if body["text"] == "card":
            client.chat_postMessage(channel=SOC, text="A card", blocks=card("Key used from Kali"))
        if body["text"] == "later":
            respond(text="here it is")

    @app.action("approve")
    def approve(ack: Any, body: dict[str, Any]) -> None:
        seen.append(body)
        ack()
        ts = body["container"]["message_ts"]
        client.chat_update(channel=SOC, ts=ts, text="Disabled", blocks=card("Key disabled"))

    @app.action("ask")
    def ask(ack: Any, body: dict[str, Any]) -> None:
        seen.append(body)
        ack()
        client.views_open(trigger_id=body["trigger_id"], view=MODAL)

    @app.view("reason")
    def reason(ack: Any, body: dict[str, Any], view: dict[str, Any]) -> None:
        seen.append(body)
        given = view["state"]["values"]["why"]["reason"]["value"]
        if given:
            ack()
        else:
            ack(response_action="errors", errors={"why": "Say why"})

    @app.shortcut("triage_message")
    def shortcut(ack: Any, body: dict[str, Any], respond: Any) -> None:
        seen.append(body)
        ack()
        respond(text="looking", response_type="ephemeral")

    @app.event("app_mention")
    def mentioned(event: dict[str, Any], say: Any) -> None:
        seen.append(event)
        say(text="you called", thread_ts=event["ts"])

    return bot


@contextmanager
def socket_mode(slack: LocalSlack, app: App) -> Iterator[SocketModeHandler]:
    """The app connected over Socket Mode, its ``hello`` received."""
    handler: Any = SocketModeHandler(app, slack.app_token)
    handler.connect()
    try:
        slack.wait_until(lambda: slack.connections)
        yield handler
    finally:
        handler.client.default_auto_reconnect_enabled = handler.client.auto_reconnect_enabled = False
        slack.cut_off()  # the client's own close would wait three seconds for a read to time out, and one even so
        Thread(target=handler.close, daemon=True).start()
