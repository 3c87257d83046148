"""Slack's requests in HTTP mode: only authentic ones reach Bolt, and each of them once."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from urllib.parse import urlencode, urlsplit

import httpx
import pytest
from slack_bolt import Ack, App
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.signature import SignatureVerifier
from structlog.testing import capture_logs

from bot import web
from bot.slack import http
from bot.slack.guard import Replays
from tests.serving import serving

SECRET, OTHER_SECRET = "canary-signing-secret", "canary-other-secret"
NOW = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
COMMAND = {
    "command": "/triage",
    "text": "help",
    "team_id": "T1",
    "user_id": "U1",
    "channel_id": "C1",
    "trigger_id": "1",
}


@pytest.fixture(scope="module")
def asked() -> list[str]:
    return []


@pytest.fixture(autouse=True)
def _nothing_asked(asked: list[str]) -> None:
    asked.clear()


@pytest.fixture(scope="module")
def address(asked: list[str]) -> Iterator[str]:
    app = App(
        request_verification_enabled=False,
        authorize=lambda: AuthorizeResult(enterprise_id=None, team_id="T1", bot_token="xoxb-made-up"),
        token_verification_enabled=False,
    )

    @app.command("/triage")
    def triage(ack: Ack, command: dict[str, str]) -> None:
        asked.append(command["text"])
        ack("yes")

    slack = http.endpoint(app, (SECRET, OTHER_SECRET), clock=lambda: datetime.now(UTC))
    with serving(web.build({}, lambda _source, _payloads: [], slack=slack)) as address:
        yield address


def signed(body: str, *, at: int | None = None, secret: str = SECRET) -> dict[str, str]:
    # Bolt reads the machine's clock, so a stamp is made when it is sent, not when the tests are collected.
    stamp = str(at if at is not None else int(time.time()))
    signature = SignatureVerifier(secret).generate_signature(timestamp=stamp, body=body)
    form = "application/x-www-form-urlencoded"
    return {"Content-Type": form, "X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": signature or ""}


def post(address: str, body: str | bytes, headers: Mapping[str, str | bytes]) -> httpx.Response:
    sent = [(name.encode(), value.encode() if isinstance(value, str) else value) for name, value in headers.items()]
    return httpx.post(f"{address}/slack/events", content=body, headers=sent, trust_env=False)


def test_an_authentic_command_reaches_bolt_and_a_replay_does_not(address: str, asked: list[str]) -> None:
    body = urlencode(COMMAND)
    headers = signed(body)
    first, again = post(address, body, headers), post(address, body, headers)
    assert (first.status_code, first.text) == (200, "yes")
    assert (again.status_code, again.text) == (200, "")
    assert asked == ["help"]


def test_two_secrets_are_valid_while_one_is_changed_for_the_other(address: str, asked: list[str]) -> None:
    body = urlencode({**COMMAND, "trigger_id": "2"})
    with_each = [signed(body, secret=secret) for secret in (SECRET, OTHER_SECRET, "guess")]
    assert [post(address, body, headers).status_code for headers in with_each] == [200, 200, 401]
    assert asked == ["help", "help"]


def test_who_signs_nothing_is_answered_before_their_body_is_read(address: str) -> None:
    at = urlsplit(address)
    with socket.create_connection((at.hostname or "", at.port or 0), timeout=10) as connection:
        connection.sendall(b"POST /slack/events HTTP/1.1\r\nHost: x\r\nContent-Length: 900000\r\n\r\n{")
        assert b" 401 " in connection.recv(1000)


@pytest.mark.parametrize("length", [10, http.MAX_BYTES + 1])
def test_a_refused_request_leaves_one_line_and_nothing_of_its_body(address: str, length: int) -> None:
    body = "canary-body".ljust(length)
    with capture_logs() as logs:
        post(address, body, signed(body, secret="guess"))
    assert [line["event"] for line in logs] == ["request refused"]
    assert "canary" not in str(logs)


@pytest.mark.parametrize(
    "headers",
    [
        lambda: signed("{}", secret="guess"),
        lambda: signed("other"),
        lambda: signed("[1]", at=int(time.time()) - 301),
        dict,
        lambda: {"X-Slack-Request-Timestamp": "soon", "X-Slack-Signature": "v0=x"},
        lambda: {"X-Slack-Request-Timestamp": str(int(time.time())).encode(), "X-Slack-Signature": b"v0=\xff"},
    ],
)
@pytest.mark.parametrize("body", ["{}", "[1]", "[" * 100_000, "\ud83d\ude00".encode("utf-16", "surrogatepass")])
def test_a_stranger_never_reaches_bolt(
    address: str, asked: list[str], headers: Callable[[], Mapping[str, str | bytes]], body: str | bytes
) -> None:
    answer = post(address, body, headers())
    assert (answer.status_code, answer.content) == (401, b"")
    assert asked == []


@pytest.mark.parametrize("body", ["[1]", "\x00", "payload=" + "[" * 5000])
def test_odd_but_authentic_requests_are_answered(address: str, asked: list[str], body: str) -> None:
    headers = {**signed(body), "Content-Type": "application/json"}
    assert post(address, body, headers).status_code in {404, 500}
    assert asked == []


def test_what_is_too_large_is_refused(address: str) -> None:
    body = "x" * (http.MAX_BYTES + 1)
    assert post(address, body, signed(body)).status_code == 413


def test_a_signature_is_remembered_for_as_long_as_it_is_valid() -> None:
    replays, later = Replays(), datetime.fromtimestamp(NOW.timestamp() + 601, UTC)
    assert replays.first("a", NOW)
    assert not replays.first("a", NOW)
    assert replays.first("a", later)
    replays.forget("a")
    assert replays.first("a", later)
