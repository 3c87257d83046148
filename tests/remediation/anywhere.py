"""A stand-in for IAM Roles Anywhere, which the local AWS does not know: trust anchors and profiles, on and off."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from bot.model import rfc3339

REQUEST = re.compile(r"(GET|POST) /(trustanchor|profile)/([0-9a-f-]{36})(?:/(enable|disable))?")
SIGNED_FOR = re.compile(r"Credential=[^/]+/\d+/([^/]+)/rolesanywhere/")
NAMED = {"trustanchor": "trustAnchor", "profile": "profile"}


@dataclass
class Anywhere:
    url: str = ""
    held: dict[str, dict[str, Any]] = field(default_factory=dict)
    calls: list[tuple[str, str]] = field(default_factory=list)
    """Action and region of each call, in order."""

    def make(self, kind: str, region: str, account: str, made_at: datetime) -> str:
        """One that is enabled; its ARN."""
        id_ = f"00000000-0000-4000-8000-{len(self.held):012x}"
        arn = f"arn:aws:rolesanywhere:{region}:{account}:{kind}/{id_}"
        what = NAMED[kind.replace("-", "")]
        self.held[id_] = {
            f"{what}Id": id_,
            f"{what}Arn": arn,
            "name": f"{kind}-of-thief",
            "enabled": True,
            "createdAt": rfc3339(made_at),
        }
        return arn

    def is_on(self, arn: str) -> bool:
        return bool(self.held[arn.rpartition("/")[2]]["enabled"])

    def answer(self, request: str, region: str) -> tuple[int, dict[str, Any]]:
        found = REQUEST.fullmatch(request)
        if found is None:
            return 400, {"message": "made up"}
        method, path, id_, verb = found.groups()
        what = NAMED[path]
        self.calls.append((f"{(verb or 'get').capitalize()}{what[:1].upper()}{what[1:]}", region))
        if id_ not in self.held or bool(verb) is not (method == "POST"):
            return 404, {"message": "made up"}
        if verb:
            self.held[id_]["enabled"] = verb == "enable"
        return 200, {what: self.held[id_]}


@contextmanager
def standing_in() -> Iterator[Anywhere]:
    here = Anywhere()

    class Answering(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            signed = SIGNED_FOR.search(self.headers["Authorization"] or "")
            assert signed, "signed for another service"
            status, said = here.answer(f"{self.command} {self.path}", signed[1])
            body = json.dumps(said).encode()
            self.send_response(status)
            if status != 200:
                self.send_header("X-Amzn-ErrorType", "ResourceNotFoundException")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET  # noqa: N815 - the base class calls them so

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    here.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield here
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
