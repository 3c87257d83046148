"""The real clients against the local Slack: what is refused, what expires, what goes wrong on demand."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import RemoteDisconnected
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import httpx
import pytest
from slack_bolt import App
from slack_bolt.request import BoltRequest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.webhook import WebhookClient

from bot.demo.slack import (
    ANALYST,
    FORMER,
    GUEST,
    LOST_ANSWER,
    OTHER_CHANNEL,
    RATE_LIMITED,
    SERVER_ERROR,
    SOC,
    LocalSlack,
    NotPossible,
)
from tests.demo.slack.app import MODAL, Bot, bolt_app, card, socket_mode


class Clock:
    """Unix seconds that stand until they are moved."""

    def __init__(self) -> None:
        self.now = 1_790_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def slack(clock: Clock) -> Iterator[LocalSlack]:
    with LocalSlack(clock=clock) as local:
        yield local


@pytest.fixture
def client(slack: LocalSlack) -> WebClient:
    return WebClient(token=slack.bot_token, base_url=slack.api_url)


@contextmanager
def refused(code: str) -> Iterator[None]:
    with pytest.raises(SlackApiError) as error:
        yield
    assert error.value.response["error"] == code


def long_blocks(characters: int) -> list[dict[str, Any]]:
    whole, rest = divmod(characters, 3000)
    sizes = [3000] * whole + ([rest] if rest else [])
    return [{"type": "section", "text": {"type": "plain_text", "text": "x" * size}} for size in sizes]


@pytest.mark.refusable
@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"channel": "C0", "text": "x"}, "channel_not_found"),
        ({"channel": OTHER_CHANNEL, "text": "x"}, "not_in_channel"),
        ({"channel": SOC}, "no_text"),
        ({"channel": SOC, "text": "x" * 4001}, "msg_too_long"),
        ({"channel": SOC, "text": "x", "blocks": long_blocks(13_201)}, "msg_blocks_too_long"),
        ({"channel": SOC, "text": "x", "blocks": [{"type": "divider"}] * 51}, "invalid_blocks"),
        ({"channel": SOC, "text": "x", "blocks": "not json"}, "invalid_blocks_format"),
        ({"channel": SOC, "text": "x", "thread_ts": "1.000001"}, "thread_not_found"),
        ({"channel": SOC, "text": "x", "metadata": {"event_type": "t"}}, "invalid_metadata_format"),
    ],
)
@pytest.mark.filterwarnings("ignore:The top-level `text` argument:UserWarning")
def test_a_post_slack_would_refuse_is_refused(
    slack: LocalSlack, client: WebClient, arguments: dict[str, Any], code: str
) -> None:
    with refused(code):
        client.chat_postMessage(**arguments)
    assert slack.messages(SOC) == []


@pytest.mark.refusable
def test_refused_blocks_are_named(client: WebClient) -> None:
    header = {"type": "header", "text": {"type": "mrkdwn", "text": "x"}}
    with pytest.raises(SlackApiError) as error:
        client.chat_postMessage(channel=SOC, text="x", blocks=[header])
    assert error.value.response["response_metadata"]["messages"] == [
        "[ERROR] must be one of: plain_text [json-pointer:/blocks/0/text/type]"
    ]


def test_only_the_apps_own_messages_change(slack: LocalSlack, client: WebClient) -> None:
    slack.say(ANALYST, SOC, "mine")
    ts = slack.messages(SOC)[0]["ts"]
    with refused("cant_update_message"):
        client.chat_update(channel=SOC, ts=ts, text="x")
    with refused("cant_delete_message"):
        client.chat_delete(channel=SOC, ts=ts)
    with refused("message_not_found"):
        client.chat_update(channel=SOC, ts="1.000001", text="x")
    assert slack.messages(SOC)[0]["text"] == "mine"


def test_an_update_without_blocks_removes_them(slack: LocalSlack, client: WebClient) -> None:
    ts = client.chat_postMessage(channel=SOC, text="a", blocks=card("a"))["ts"]
    client.chat_update(channel=SOC, ts=ts, text="b")
    assert "blocks" not in slack.messages(SOC)[0]


def test_metadata_is_kept_over_updates_and_shown_on_request(client: WebClient) -> None:
    metadata = {"event_type": "case", "event_payload": {"id": "7"}}
    ts = client.chat_postMessage(channel=SOC, text="a", metadata=metadata)["ts"]
    client.chat_update(channel=SOC, ts=ts, text="b")
    assert client.conversations_history(channel=SOC, include_all_metadata=True)["messages"][0]["metadata"] == metadata
    assert "metadata" not in client.conversations_history(channel=SOC)["messages"][0]


def test_replies_stay_in_their_thread_unless_broadcast(client: WebClient) -> None:
    parent = client.chat_postMessage(channel=SOC, text="card")["ts"]
    client.chat_postMessage(channel=SOC, text="quiet", thread_ts=parent)
    client.chat_postMessage(channel=SOC, text="loud", thread_ts=parent, reply_broadcast=True)
    thread = client.conversations_replies(channel=SOC, ts=parent)["messages"]
    assert [message["text"] for message in thread] == ["card", "quiet", "loud"]
    assert thread[0]["reply_count"] == 2
    assert [one["text"] for one in client.conversations_history(channel=SOC)["messages"]] == ["loud", "card"]


def test_an_ephemeral_message_needs_a_member_and_enters_no_history(slack: LocalSlack, client: WebClient) -> None:
    client.chat_postEphemeral(channel=SOC, user=GUEST, text="for you")
    assert slack.ephemeral(GUEST)[0]["text"] == "for you"
    assert client.conversations_history(channel=SOC)["messages"] == []
    with refused("user_not_in_channel"):
        client.chat_postEphemeral(channel=SOC, user=FORMER, text="x")


def test_people_differ_in_what_a_permission_check_looks_at(client: WebClient) -> None:
    assert client.users_info(user=GUEST)["user"]["is_restricted"]
    assert client.users_info(user=FORMER)["user"]["deleted"]
    with refused("user_not_found"):
        client.users_info(user="U0NOBODY00")


def test_a_token_without_the_scope_is_told_which(slack: LocalSlack) -> None:
    with LocalSlack(scopes=["chat:write"]) as narrow:
        client = WebClient(token=narrow.bot_token, base_url=narrow.api_url)
        with refused("missing_scope"):
            client.users_info(user=ANALYST)
        assert client.auth_test().headers["x-oauth-scopes"] == "chat:write"


def test_an_unknown_method_and_a_file_upload(slack: LocalSlack, client: WebClient) -> None:
    with refused("unknown_method"):
        client.api_call("chat.shout")
    client.files_upload_v2(channel=SOC, filename="report.csv", content="a,b", title="Report")
    assert slack.messages(SOC)[0]["files"][0]["title"] == "Report"


# -------------------------------------------------------------------------------- what can be used once


@pytest.fixture
def bot(slack: LocalSlack) -> Iterator[Bot]:
    bot = bolt_app(slack)
    with socket_mode(slack, bot.app):
        yield bot


def test_a_trigger_opens_one_view_within_three_seconds(
    slack: LocalSlack, client: WebClient, bot: Bot, clock: Clock
) -> None:
    slack.type_command(ANALYST, SOC, "/triage help")
    trigger = bot.seen[-1]["trigger_id"]
    client.views_open(trigger_id=trigger, view=MODAL)
    with refused("exchanged_trigger_id"):
        client.views_open(trigger_id=trigger, view=MODAL)
    slack.type_command(ANALYST, SOC, "/triage help")
    clock.now += 3.1
    with refused("expired_trigger_id"):
        client.views_open(trigger_id=bot.seen[-1]["trigger_id"], view=MODAL)
    with refused("invalid_trigger_id"):
        client.views_open(trigger_id="1.2.x", view=MODAL)


def test_a_response_url_works_five_times_in_half_an_hour(slack: LocalSlack, bot: Bot, clock: Clock) -> None:
    slack.type_command(ANALYST, SOC, "/triage nothing")
    url = bot.seen[-1]["response_url"]
    answers = [WebhookClient(url).send(text=str(number)) for number in range(6)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [404]
    assert "used_url" in answers[-1].body
    assert [message["text"] for message in slack.ephemeral(ANALYST)] == ["0", "1", "2", "3", "4"]
    slack.type_command(ANALYST, SOC, "/triage nothing")
    clock.now += 30 * 60 + 1
    assert "expired_url" in WebhookClient(bot.seen[-1]["response_url"]).send(text="late").body


def test_an_app_that_does_not_acknowledge_times_out(clock: Clock) -> None:
    with LocalSlack(ack_seconds=0.1) as slack, socket_mode(slack, bolt_app(slack).app):
        assert slack.type_command(ANALYST, SOC, "/triage silent").error == "operation_timeout"
        assert slack.notices(ANALYST) == ["/triage failed with the error “operation_timeout”"]


def test_a_ticket_connects_once_and_a_refresh_brings_the_client_back(slack: LocalSlack, bot: Bot) -> None:
    opened = len(slack.calls("apps.connections.open"))
    slack.disconnect()
    slack.wait_until(lambda: len(slack.calls("apps.connections.open")) > opened and slack.connections)
    assert slack.type_command(ANALYST, SOC, "/triage help").acked


def test_nobody_acts_where_they_are_not(slack: LocalSlack) -> None:
    with pytest.raises(NotPossible):
        slack.type_command(GUEST, OTHER_CHANNEL, "/triage help")
    with pytest.raises(NotPossible):
        slack.type_command(ANALYST, SOC, "hello")


# -------------------------------------------------------------------------------------- faults on demand


def test_faults_come_in_order_and_then_all_is_well(slack: LocalSlack, client: WebClient) -> None:
    slack.fail_next("chat.postMessage", RATE_LIMITED, SERVER_ERROR, LOST_ANSWER)
    with pytest.raises(SlackApiError) as limited:
        client.chat_postMessage(channel=SOC, text="one")
    assert limited.value.response.status_code == 429
    assert limited.value.response.headers["retry-after"] == "1"
    with pytest.raises(SlackApiError) as broken:
        client.chat_postMessage(channel=SOC, text="two")
    assert broken.value.response.status_code == 500
    with pytest.raises((RemoteDisconnected, ConnectionError)):
        post_once(client)
    assert [message["text"] for message in slack.messages(SOC)] == ["three"]
    client.chat_postMessage(channel=SOC, text="four")
    assert [call.error for call in slack.calls("chat.postMessage")] == ["fault 429", "fault 500", None, None]


def post_once(client: WebClient) -> None:
    """A post without the SDK's own single retry of a dropped connection."""
    once = WebClient(token=client.token, base_url=client.base_url, retry_handlers=[])
    once.chat_postMessage(channel=SOC, text="three")


# ------------------------------------------------------------------------------------------ over HTTP


@contextmanager
def http_mode(app: App) -> Iterator[str]:
    """The app behind a request URL; Bolt itself checks the signatures."""

    class Door(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            headers: Any = {name.lower(): value for name, value in self.headers.items()}
            answer = app.dispatch(BoltRequest(body=body, headers=headers))
            self.send_response(answer.status)
            for name, values in answer.headers.items():
                self.send_header(name, values[0])
            self.end_headers()
            self.wfile.write((answer.body or "").encode())

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name the base class gave it
            pass

    with HTTPServer(("127.0.0.1", 0), Door) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/slack/events"
        server.shutdown()
        thread.join()


def test_the_same_payloads_arrive_signed_over_http(slack: LocalSlack) -> None:
    bot = bolt_app(slack)
    with http_mode(bot.app) as url:
        slack.request_url = url
        assert slack.type_command(ANALYST, SOC, "/triage help").acked
        assert slack.ephemeral(ANALYST)[0]["text"].startswith("`/triage key")
        slack.type_command(ANALYST, SOC, "/triage card")
        posted = slack.wait_until(lambda: slack.messages(SOC))[0]
        assert slack.click(ANALYST, SOC, posted["ts"], "ask").acked
        slack.wait_until(lambda: slack.open_views(ANALYST))
        assert slack.mention(ANALYST, SOC, "hello").acked


def test_a_wrong_signature_is_a_service_error_to_the_person(slack: LocalSlack) -> None:
    bot = bolt_app(slack)
    slack.signing_secret = "another"
    with http_mode(bot.app) as url:
        slack.request_url = url
        assert slack.type_command(ANALYST, SOC, "/triage help").error == "http_service_error"


def test_a_body_that_is_no_object_is_no_call(slack: LocalSlack) -> None:
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {slack.bot_token}"}
    for body in ("[1]", "{", "[" * 100_000):
        answer = httpx.post(f"{slack.api_url}auth.test", content=body, headers=headers, trust_env=False)
        assert answer.json() == {"ok": False, "error": "invalid_json"}
