"""A door on loopback before the local AWS: it counts what goes in, and can lose, refuse or spoil an answer."""

from __future__ import annotations

import http.client
import json
import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from enum import Enum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


class Fate(Enum):
    """What becomes of a request."""

    NOT_FORWARDED = "the connection ends before AWS has it"
    ANSWER_LOST = "AWS applies it, the answer never arrives"
    DENIED = "AccessDenied"
    BUSY = "EntityTemporarilyUnmodifiable"
    FULL = "LimitExceeded"
    LOCKED = "WAFOptimisticLockException"
    THROTTLED = "Throttling"
    GONE = "NoSuchEntity"
    BROKEN = "ServiceFailure"
    UNAVAILABLE = "ServiceUnavailable"
    HANGING = "AWS has it, and says nothing until the caller gives up"


STATUS = {
    Fate.BUSY: 409,
    Fate.FULL: 409,
    Fate.LOCKED: 400,
    Fate.DENIED: 403,
    Fate.THROTTLED: 400,
    Fate.GONE: 404,
    Fate.BROKEN: 500,
    Fate.UNAVAILABLE: 503,
}
READING = ("Get", "List", "Describe")
"""How the actions that change nothing begin."""
Decide = Callable[[str, int], Fate | None]


def _through(action: str, number: int) -> Fate | None:
    return None


@dataclass
class Door:
    """``decide`` is asked for every request with its action and how many of that action came before."""

    upstream: str
    url: str = ""
    decide: Decide = _through
    requests: list[dict[str, str]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    _idle: threading.Condition = field(default_factory=threading.Condition)
    _under_way: int = 0

    def reset(self) -> None:
        self.decide = _through
        self.requests.clear()

    def fail(self, action: str, fate: Fate, *, times: int = 1000) -> None:
        self.decide = lambda asked, number: fate if asked == action and number < times else None

    def enter(self, request: dict[str, str]) -> Fate | None:
        with self.lock:
            number = len(self.of(request.get("Action", "")))
            self.requests.append(request)
        return self.decide(request.get("Action", ""), number)

    def count(self, difference: int) -> None:
        with self._idle:
            self._under_way += difference
            self._idle.notify_all()

    def settle(self) -> None:
        """Wait until everything that callers, dead by now, have sent is through."""
        host, port = urlsplit(self.url).netloc.split(":")
        with socket.create_connection((host, int(port))) as last:  # connections are taken up in their order
            last.shutdown(socket.SHUT_WR)
            last.recv(1)
        with self._idle:
            self._idle.wait_for(lambda: not self._under_way)

    def changing(self) -> list[str]:
        """The actions asked for that change something, in order."""
        actions = (request.get("Action", "") for request in self.requests if request["Service"] != "sts")
        return [action for action in actions if action and not action.startswith(READING)]

    def of(self, action: str) -> list[dict[str, str]]:
        return [request for request in self.requests if request.get("Action") == action]

    def calls(self) -> set[str]:
        """Every action asked for but STS's, in IAM's words."""
        return {f"{request['Service']}:{request['Action']}" for request in self.requests if request["Service"] != "sts"}

    def changes_of(self, key: str) -> list[str]:
        """The statuses asked for ``key``, in order."""
        return [request["Status"] for request in self.of("UpdateAccessKey") if request["AccessKeyId"] == key]


@contextmanager
def opened(upstream: str) -> Iterator[Door]:
    door = Door(upstream)

    class Passage(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"] or 0))
            request = _read(self.command, self.path, self.headers, body)
            fate = door.enter(request)
            if fate in STATUS:
                self._answer(STATUS[fate], _error(fate, request), self.headers["Content-Type"] or "")
            elif fate is Fate.HANGING:
                self.connection.recv(1)
            elif fate is not Fate.NOT_FORWARDED:
                headers = dict(self.headers.items())
                status, answer, form = _forward(door.upstream, self.command, self.path, headers, body)
                if fate is None:
                    self._answer(status, answer, form)

        do_GET = do_PUT = do_POST  # noqa: N815 - the base class calls them so

        def _answer(self, status: int, body: bytes, form: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", form)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    class Entrance(ThreadingHTTPServer):
        request_queue_size = 128

        def process_request(self, request: Any, client_address: Any) -> None:
            door.count(1)
            super().process_request(request, client_address)

        def process_request_thread(self, request: Any, client_address: Any) -> None:
            try:
                super().process_request_thread(request, client_address)
            finally:
                door.count(-1)

    server = Entrance(("127.0.0.1", 0), Passage)
    door.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield door
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


REST = {
    ("GET", "/v2/email/account"): "GetAccount",
    ("PUT", "/v2/email/account/sending"): "PutAccountSendingAttributes",
}
"""The calls of SES v2, which does not name them, nor does Lambda."""
FUNCTION_URL = re.compile(r"/2021-10-31/functions/([^/]+)/url")
SIGNED_FOR = re.compile(r"Credential=[^/]+/\d+/([^/]+)/([^/]+)/")


def _read(method: str, path: str, headers: Message, body: bytes) -> dict[str, str]:
    """The call that a request makes, in one form for all protocols of AWS."""
    signed = SIGNED_FOR.search(headers["Authorization"] or "")
    about = {"Region": signed[1], "Service": signed[2]} if signed else {"Region": "", "Service": ""}
    if target := headers["X-Amz-Target"]:
        return {**_json(body), **about, "Action": target.rpartition(".")[2]}
    if function := FUNCTION_URL.fullmatch(urlsplit(path).path):
        verb = {"GET": "Get", "PUT": "Update"}[method]
        return {**_json(body), **about, "Action": f"{verb}FunctionUrlConfig", "FunctionName": function[1]}
    if (method, path) in REST:
        return {**_json(body), **about, "Action": REST[method, path]}
    return {**{name: values[0] for name, values in parse_qs(body.decode()).items()}, **about}


def _json(body: bytes) -> dict[str, str]:
    return {
        name: value if isinstance(value, str) else json.dumps(value)
        for name, value in json.loads(body or b"{}").items()
    }


def _forward(upstream: str, method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes, str]:
    connection = http.client.HTTPConnection(urlsplit(upstream).netloc)
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer.status, content, answer.getheader("Content-Type") or ""


def _error(fate: Fate, request: dict[str, str]) -> bytes:
    if request["Service"] not in {"iam", "sts"}:
        return json.dumps({"__type": fate.value, "message": "made up"}).encode()
    return (
        f"<ErrorResponse><Error><Type>Sender</Type><Code>{fate.value}</Code><Message>made up</Message></Error>"
        "<RequestId>made-up</RequestId></ErrorResponse>"
    ).encode()
