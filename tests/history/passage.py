"""A way on loopback to the local AWS, for any service: it notes what goes in, and may answer in AWS's place."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

Answer = tuple[int, bytes]


@dataclass(frozen=True)
class Asked:
    method: str
    path: str
    """Without its percent signs; the query stands after ``?``."""
    target: str
    body: bytes


@dataclass
class Passage:
    """``answer`` may take a request's place; without one it goes on to AWS."""

    upstream: str
    url: str = ""
    answer: Callable[[Asked], Answer | None] = lambda _: None
    asked: list[Asked] = field(default_factory=list)
    cut: int = 0
    """How many of the next answers break off half-way."""

    def reset(self) -> None:
        self.answer = lambda _: None
        self.asked.clear()
        self.cut = 0

    def gets(self, part: str = "") -> list[str]:
        """The paths of the objects that were fetched."""
        return [each.path for each in self.asked if each.method == "GET" and "?" not in each.path and part in each.path]

    def listings(self) -> list[str]:
        return [each.path for each in self.asked if each.method == "GET" and "list-type=2" in each.path]


def s3_error(code: str, status: int, message: str = "made up") -> Answer:
    return status, f"<Error><Code>{code}</Code><Message>{message}</Message></Error>".encode()


@contextmanager
def opened(upstream: str) -> Iterator[Passage]:
    passage = Passage(upstream)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _pass(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            asked = Asked(self.command, unquote(self.path), self.headers.get("X-Amz-Target", ""), body)
            passage.asked.append(asked)
            instead = passage.answer(asked)
            if instead is not None:
                self._answer(instead[0], [("Content-Type", "application/xml")], instead[1])
            else:
                self._answer(*_forwarded(passage.upstream, self.command, self.path, dict(self.headers.items()), body))

        do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = _pass  # noqa: N815 - the names http.server looks for

        def _answer(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
            self.send_response(status)
            for name, value in headers:
                self.send_header(name, value)
            if self.command != "HEAD":
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if passage.cut:
                passage.cut -= 1
                body, self.close_connection = body[: len(body) // 2], True
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    passage.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield passage
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _forwarded(
    upstream: str, method: str, path: str, headers: dict[str, str], body: bytes
) -> tuple[int, list[tuple[str, str]], bytes]:
    connection = http.client.HTTPConnection(urlsplit(upstream).netloc)
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    content = answer.read()
    dropped = {"transfer-encoding", "connection", *(("content-length",) if method != "HEAD" else ())}
    kept = [(name, value) for name, value in answer.getheaders() if name.lower() not in dropped]
    connection.close()
    return answer.status, kept, content
