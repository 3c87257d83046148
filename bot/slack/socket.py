"""Socket Mode: the bot calls Slack, so no port has to be open.

slack_sdk's client counts a socket as connected that has never answered a ping, gives up when Slack is down at the
start, and reconnects without pause when it is down later. So its own reconnecting is off, and the runner here
watches the socket, replaces a deaf one, and waits longer after each failure.
https://docs.slack.dev/apis/events-api/using-socket-mode/
"""

from __future__ import annotations

import contextlib
import threading
import time
import urllib.request
from collections.abc import Mapping
from socket import SHUT_RDWR
from typing import Any
from urllib.parse import urlsplit

import structlog
from slack_bolt import App
from slack_bolt.adapter.socket_mode.internals import run_bolt_app, send_response
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.socket_mode.builtin import SocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest

from bot.slack.client import logger

PING_SECONDS = 10.0
PINGS_MISSED = 3
"""A socket that has not answered for so many pings is deaf."""

CONCURRENCY = 50
LONGEST_PAUSE = 60.0
MOST_CONNECTIONS = 10
"""Slack's cap for one app; at it, connections nobody reads swallow clicks."""

log = structlog.get_logger()


class SocketRunner:
    """Keeps one healthy socket to Slack, on a thread of its own, until :meth:`close`."""

    def __init__(self, app: App, client: WebClient, app_token: str, *, ping_seconds: float = PING_SECONDS) -> None:
        self._app = app
        self._client = client
        self._app_token = app_token
        self._ping = ping_seconds
        self._stopping = threading.Event()
        self._socket: _Socket | None = None
        self._why = ""
        self._thread = threading.Thread(target=self._run, name="slack-socket", daemon=True)

    def start(self) -> None:
        """Connect and stay connected; returns at once, also while Slack is down."""
        self._thread.start()

    def alive(self) -> bool:
        """Whether Slack has greeted us on the present socket and answers its pings."""
        socket = self._socket
        return socket is not None and socket.healthy()

    def why(self) -> str:
        """What is known of why it is not alive, as the end of a sentence; empty if nothing is."""
        return f": {self._why}" if self._why else ""

    def close(self, seconds: float | None = None) -> None:
        """Say goodbye, so that Slack sends nothing more here; wait at most so many ``seconds`` for it."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(seconds)

    def _run(self) -> None:
        failures = 0
        while not self._stopping.is_set():
            failures = 0 if self._serve_one() else failures + 1
            self._stopping.wait(self._pause(failures))

    def _pause(self, failures: int) -> float:
        """Seconds before the next socket: none after one that worked, else a tenth of a ping, doubled each time."""
        return min(self._ping / 10 * 2.0 ** (failures - 1), LONGEST_PAUSE) if failures else 0.0

    def _serve_one(self) -> bool:
        """One socket from connecting to its end; whether it was ever healthy."""
        socket = _Socket(self._app, self._client, self._app_token, self._ping)
        self._socket, was_healthy = socket, False
        try:
            socket.connect()
            while not self._stopping.wait(self._ping / 4) and not socket.deaf():
                was_healthy = was_healthy or socket.healthy()
            self._why = "it fell silent and is being replaced"
        except Exception as error:  # nothing may end this thread: without it the bot is deaf
            self._why = _told(error)
            log.warning("Slack could not be reached for Socket Mode; trying again", why=type(error).__name__)
        finally:
            self._socket = None
            socket.close()
        if not self._stopping.is_set() and was_healthy:
            log.warning("the socket to Slack fell silent; it is replaced")
        return was_healthy


class _Socket(SocketModeClient):
    """slack_sdk's client with its reconnecting off and its health in the open."""

    def __init__(self, app: App, web_client: WebClient, app_token: str, ping_seconds: float) -> None:
        super().__init__(
            app_token,
            logger=logger,
            web_client=web_client,
            auto_reconnect_enabled=False,
            ping_interval=ping_seconds,
            concurrency=CONCURRENCY,
        )
        self._app = app
        self._greeted: str | None = None
        self._since = time.time()
        self.message_listeners.append(self._on_hello)
        self.socket_mode_request_listeners.append(self._dispatch)

    def issue_new_wss_url(self) -> str:
        """Where to connect. Raises at once where slack_sdk would sleep on this thread."""
        url = str(self.web_client.apps_connections_open(app_token=self.app_token)["url"])
        if urllib.request.proxy_bypass(urlsplit(url).hostname or ""):
            self.proxy = None
        return url

    def connect(self) -> None:
        super().connect()
        self._since = time.time()

    def close(self) -> None:
        """End at once; slack_sdk's own waits for what nobody will send."""
        self.closed = True
        self.message_queue.put(None)
        session = self.current_session
        if session is not None and session.sock is not None:
            with contextlib.suppress(OSError):
                session.sock.shutdown(SHUT_RDWR)
        super().close()

    def healthy(self) -> bool:
        """Greeted on the present connection, and not deaf."""
        return self._greeted is not None and self._greeted == self.session_id() and not self.deaf()

    def deaf(self) -> bool:
        """Not connected, not greeted, or silent, for :data:`PINGS_MISSED` pings."""
        session = self.current_session
        if session is None or not session.is_active():
            return True
        greeted = self._greeted == self.session_id()
        heard = max(session.last_ping_pong_time or 0.0, self._since) if greeted else self._since
        silent = time.time() - heard
        # Heard in the future: the clock was put back, and nobody can say how long ago it was.
        return silent > PINGS_MISSED * self.ping_interval or silent < -PINGS_MISSED * self.ping_interval

    def _on_hello(self, _client: Any, message: Mapping[str, Any], _raw: str | None) -> None:
        if message.get("type") == "hello":
            self._greeted = self.session_id()
            open_now = message.get("num_connections") or 1
            if open_now >= MOST_CONNECTIONS:
                log.warning("Slack holds as many connections as it allows; clicks may get lost", connections=open_now)

    def _dispatch(self, client: Any, request: SocketModeRequest) -> None:
        send_response(client, request, run_bolt_app(self._app, request), time.time())


def _told(error: Exception) -> str:
    if isinstance(error, SlackApiError) and isinstance(said := error.response.get("error"), str):
        return f"Slack says {said}"
    return f"Slack could not be reached ({type(error).__name__})"
