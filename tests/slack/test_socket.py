"""The socket: refreshed, deaf, and while Slack is down."""

from __future__ import annotations

import base64
import hashlib
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing

import pytest

from bot.demo.slack import (
    ANALYST,
    RATE_LIMITED,
    SERVER_ERROR,
    SOC,
    Fault,
    LocalSlack,
)
from bot.slack.client import web_client
from bot.slack.listeners import build_app
from bot.slack.socket import SocketRunner
from bot.store.state import State
from tests.slack.made_up import PING_SECONDS, now

pytestmark = pytest.mark.usefixtures("bot")


def test_the_socket_is_alive_and_says_goodbye(slack: LocalSlack, runner: SocketRunner) -> None:
    eventually_alive(slack, runner)
    runner.close()
    assert not runner.alive()
    slack.wait_until(lambda: not slack.connections)


@pytest.mark.parametrize("reason", ["refresh_requested", "warning", "too_many_websockets"])
def test_a_refreshed_socket_goes_on(reason: str, slack: LocalSlack, runner: SocketRunner) -> None:
    eventually_alive(slack, runner)
    before = len(slack.calls("apps.connections.open"))
    slack.disconnect(reason)
    slack.wait_until(lambda: len(slack.calls("apps.connections.open")) > before and slack.connections)
    eventually_alive(slack, runner)
    assert slack.type_command(ANALYST, SOC, "/triage help").acked


def upgrade_and_fall_silent(listener: socket.socket) -> None:
    """Take one websocket connection and never say a word on it."""
    connection, _ = listener.accept()
    request = connection.recv(4096).decode()
    key = request.split("Sec-WebSocket-Key: ")[1].split("\r\n")[0]
    accepted = base64.b64encode(hashlib.sha1(f"{key}{WEBSOCKET}".encode()).digest()).decode()  # noqa: S324 - RFC 6455
    head = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    connection.sendall(f"{head}Sec-WebSocket-Accept: {accepted}\r\n\r\n".encode())
    while connection.recv(4096):
        pass
    connection.close()


WEBSOCKET = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


@pytest.fixture
def another(slack: LocalSlack, state: State, runner: SocketRunner) -> Iterator[SocketRunner]:
    """A runner not started yet, in place of the one that runs."""
    runner.close()
    client = web_client(slack.bot_token, slack.api_url)
    second = SocketRunner(build_app(client, state, now), client, slack.app_token, ping_seconds=PING_SECONDS)
    yield second
    second.close()


def test_a_deaf_socket_is_replaced(slack: LocalSlack, another: SocketRunner) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        deaf = threading.Thread(target=upgrade_and_fall_silent, args=(listener,))
        deaf.start()
        url = f"ws://127.0.0.1:{listener.getsockname()[1]}/link/?ticket=x"
        slack.fail_next("apps.connections.open", Fault(200, {"ok": True, "url": url}))
        another.start()
        deaf.join()
    eventually_alive(slack, another)
    assert slack.type_command(ANALYST, SOC, "/triage help").acked


@pytest.mark.parametrize(
    "fault",
    [
        SERVER_ERROR,
        RATE_LIMITED,
        Fault(429, {"ok": False, "error": "ratelimited"}, {"Retry-After": "soon"}),
        Fault(200, "<html>maintenance</html>"),
        Fault(200, {"ok": False, "error": "invalid_auth"}),
        Fault(200, {"ok": True, "url": "ws://127.0.0.1:9/"}),
        Fault(200, {"ok": True}),
        Fault(hang_up=True),
    ],
)
def test_slack_down_at_the_start_is_waited_out(fault: Fault, slack: LocalSlack, another: SocketRunner) -> None:
    slack.fail_next("apps.connections.open", fault, fault)
    another.start()
    eventually_alive(slack, another)
    assert slack.type_command(ANALYST, SOC, "/triage help").acked


def eventually_alive(slack: LocalSlack, runner: SocketRunner) -> None:
    """Ask the runner again and again, as a readiness probe does."""
    slack.wait_until(lambda: slack.connections, seconds=20)
    asking, until = threading.Event(), time.monotonic() + 20
    while not runner.alive():
        assert time.monotonic() < until
        asking.wait(0.02)
