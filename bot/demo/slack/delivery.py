"""How Slack hands an interaction to the app: over one of its Socket Mode connections, or signed to a request URL.

Either way the app has three seconds to acknowledge (https://docs.slack.dev/interactivity/handling-user-interaction).
"""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import httpx
from slack_sdk.signature import SignatureVerifier
from starlette.websockets import WebSocket, WebSocketDisconnect

from bot.demo.slack.workspace import APP_ID, Json

ACK_SECONDS = 3.0
CONNECTIONS = 10
"""So many Socket Mode connections may one app hold open (https://docs.slack.dev/apis/events-api/using-socket-mode)."""


@dataclass(frozen=True, slots=True)
class Delivered:
    """What became of one interaction.

    ``error`` is ``None`` if the app acknowledged in time, else Slack's word for it: ``operation_timeout`` (no answer),
    ``dispatch_failed`` (nobody connected), ``http_service_error`` (an answer other than 200).
    """

    milliseconds: int
    response: Json = field(default_factory=dict)
    error: str | None = None

    @property
    def acked(self) -> bool:
        return self.error is None


@dataclass(eq=False, slots=True)
class _Connection:
    socket: WebSocket
    pending: dict[str, asyncio.Future[Json]] = field(default_factory=dict)


class Sockets:
    """The app's Socket Mode connections. Lives on the server's event loop."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed = changed
        self._tickets: set[str] = set()
        self._open: list[_Connection] = []
        self._turn = 0

    def __len__(self) -> int:
        return len(self._open)

    def new_ticket(self) -> str:
        """What ``apps.connections.open`` puts in its address; good for one connection."""
        ticket = secrets.token_urlsafe(16)
        self._tickets.add(ticket)
        return ticket

    async def serve(self, socket: WebSocket) -> None:
        """One connection, from its ticket to its end."""
        ticket = socket.query_params.get("ticket", "")
        if ticket not in self._tickets or len(self._open) >= CONNECTIONS:
            await socket.close(4001)
            return
        self._tickets.remove(ticket)
        await socket.accept()
        connection = _Connection(socket)
        self._open.append(connection)
        try:
            await socket.send_text(json.dumps(self._hello()))
            self._changed()
            async for text in socket.iter_text():
                self._acknowledge(connection, text)
        except (WebSocketDisconnect, RuntimeError):
            pass  # a client that is killed says no goodbye
        finally:
            self._open.remove(connection)
            self._changed()

    def _hello(self) -> Json:
        return {
            "type": "hello",
            "num_connections": len(self._open),
            "debug_info": {"host": "applink-local", "build_number": 1, "approximate_connection_time": 18060},
            "connection_info": {"app_id": APP_ID},
        }

    @staticmethod
    def _acknowledge(connection: _Connection, text: str) -> None:
        try:
            answer = json.loads(text)
        except ValueError:
            return
        waiting = connection.pending.pop(str(answer.get("envelope_id")), None) if isinstance(answer, dict) else None
        if waiting is not None and not waiting.done():
            waiting.set_result(answer.get("payload") or {})

    async def send(self, envelope: Json, seconds: float) -> Delivered:
        """Give ``envelope`` to one of the open connections and wait for its acknowledgement."""
        if not self._open:
            return Delivered(0, error="dispatch_failed")
        self._turn += 1
        connection = self._open[self._turn % len(self._open)]
        waiting: asyncio.Future[Json] = asyncio.get_running_loop().create_future()
        connection.pending[envelope["envelope_id"]] = waiting
        began = time.monotonic()
        try:
            await connection.socket.send_text(json.dumps(envelope))
            response = await asyncio.wait_for(waiting, seconds)
        except (TimeoutError, RuntimeError, WebSocketDisconnect):
            return Delivered(_since(began), error="operation_timeout")
        finally:
            connection.pending.pop(envelope["envelope_id"], None)
        return Delivered(_since(began), response)

    @property
    def clients(self) -> list[tuple[str, int]]:
        """The addresses the connections come from."""
        found = (connection.socket.client for connection in self._open)
        return [(client.host, client.port) for client in found if client is not None]

    async def disconnect(self, reason: str) -> None:
        """Send every connection a ``disconnect`` frame and close it, as Slack does when it refreshes."""
        for connection in list(self._open):
            frame = {"type": "disconnect", "reason": reason, "debug_info": {"host": "applink-local"}}
            await connection.socket.send_text(json.dumps(frame))
            await connection.socket.close(1000)


def _since(began: float) -> int:
    return round((time.monotonic() - began) * 1000)


def envelope(kind: str, payload: Json, retry: int = 0) -> Json:
    """A Socket Mode envelope of ``kind``: ``slash_commands``, ``interactive`` or ``events_api``."""
    wrapped: Json = {
        "envelope_id": secrets.token_hex(16),
        "type": kind,
        "accepts_response_payload": kind != "events_api",
        "payload": payload,
    }
    if kind == "events_api":
        wrapped |= {"retry_attempt": retry, "retry_reason": "timeout" if retry else ""}
    return wrapped


async def post_signed(url: str, secret: str, kind: str, payload: Json, seconds: float, retry: int = 0) -> Delivered:
    """POST ``payload`` to the app's request URL with a ``v0`` signature, as Slack does without Socket Mode."""
    body, content_type = _http_body(kind, payload)
    timestamp = str(int(time.time()))
    headers = {
        "Content-Type": content_type,
        "User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
        "X-Slack-Request-Timestamp": timestamp,
        "X-Slack-Signature": SignatureVerifier(secret).generate_signature(timestamp=timestamp, body=body) or "",
    }
    if retry:
        headers |= {"X-Slack-Retry-Num": str(retry), "X-Slack-Retry-Reason": "http_timeout"}
    began = time.monotonic()
    try:
        async with asyncio.timeout(seconds), httpx.AsyncClient(trust_env=False, timeout=2 * seconds) as client:
            answer = await client.post(url, content=body.encode(), headers=headers)
    except TimeoutError:
        return Delivered(_since(began), error="operation_timeout")
    except httpx.HTTPError:
        return Delivered(_since(began), error="dispatch_failed")
    if answer.status_code != 200:
        return Delivered(_since(began), error="http_service_error")
    return Delivered(_since(began), _response(answer))


def _http_body(kind: str, payload: Json) -> tuple[str, str]:
    if kind == "events_api":
        return json.dumps(payload), "application/json"
    fields: dict[str, Any] = payload if kind == "slash_commands" else {"payload": json.dumps(payload)}
    return urlencode(fields), "application/x-www-form-urlencoded"


def _response(answer: httpx.Response) -> Json:
    if "json" in answer.headers.get("content-type", ""):
        try:
            read = answer.json()
        except ValueError:
            return {}
        return read if isinstance(read, dict) else {}
    return {"text": answer.text} if answer.text else {}
