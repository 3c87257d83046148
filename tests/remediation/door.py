"""A door on loopback before the local AWS: it counts what goes in, and can lose, refuse or spoil an answer."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit


class Fate(Enum):
    """What becomes of a request."""

    NOT_FORWARDED = "the connection ends before AWS has it"
    ANSWER_LOST = "AWS applies it, the answer never arrives"
    DENIED = "AccessDenied"
    THROTTLED = "Throttling"
    GONE = "NoSuchEntity"
    BROKEN = "ServiceFailure"


STATUS = {Fate.DENIED: 403, Fate.THROTTLED: 400, Fate.GONE: 404, Fate.BROKEN: 500}
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

    def of(self, action: str) -> list[dict[str, str]]:
        return [request for request in self.requests if request.get("Action") == action]

    def changes_of(self, key: str) -> list[str]:
        """The statuses asked for ``key``, in order."""
        return [request["Status"] for request in self.of("UpdateAccessKey") if request["AccessKeyId"] == key]


@contextmanager
def opened(upstream: str) -> Iterator[Door]:
    door = Door(upstream)

    class Passage(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            request = {name: values[0] for name, values in parse_qs(body.decode()).items()}
            fate = door.enter(request)
            if fate in STATUS:
                self._answer(STATUS[fate], _error(fate))
            elif fate is not Fate.NOT_FORWARDED:
                status, answer = _forward(door.upstream, self.path, dict(self.headers.items()), body)
                if fate is None:
                    self._answer(status, answer)

        def _answer(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "text/xml")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Passage)
    door.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield door
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _forward(upstream: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(urlsplit(upstream).netloc)
    connection.request("POST", path, body, headers)
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer.status, content


def _error(fate: Fate) -> bytes:
    return (
        f"<ErrorResponse><Error><Type>Sender</Type><Code>{fate.value}</Code><Message>made up</Message></Error>"
        "<RequestId>made-up</RequestId></ErrorResponse>"
    ).encode()
