"""A web server on loopback that answers as it is told, and keeps what it was asked."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True)
class Asked:
    """One request as it came; header names in lower case."""

    path: str
    headers: Mapping[str, str]
    body: bytes = b""


@dataclass(frozen=True)
class Told:
    """One answer. ``promised`` is the length in its header where that is not the body's; ``hold`` lets it hang."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    promised: int | None = None
    hold: threading.Event | None = None


Answering = Callable[[Asked], Told]


class Publisher:
    """Answers each path with what stands under it in ``pages`` (a ``Told`` or a function), else with 404."""

    def __init__(self) -> None:
        self.pages: dict[str, Told | Answering] = {}
        self.asked: list[Asked] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _serving(self))
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, asked: Asked) -> Told:
        self.asked.append(asked)
        page = self.pages.get(asked.path.partition("?")[0], Told(status=404))
        return page if isinstance(page, Told) else page(asked)


@contextmanager
def publishing() -> Iterator[Publisher]:
    publisher = Publisher()
    try:
        yield publisher
    finally:
        publisher.close()


def _serving(publisher: Publisher) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            body = self.rfile.read(int(headers.get("content-length", 0)))
            told = publisher.answer(Asked(self.path, headers, body))
            self.send_response(told.status)
            for name, value in told.headers.items():
                self.send_header(name, value)
            if told.status != 304:
                self.send_header("content-length", str(len(told.body) if told.promised is None else told.promised))
            self.end_headers()
            self.wfile.write(told.body)
            if told.hold is not None:
                self.wfile.flush()
                told.hold.wait(60)

        do_POST = do_GET  # noqa: N815 - the name http.server looks for

        def log_message(self, *_: object) -> None:
            """Nothing: what was asked is kept."""

    return Handler
