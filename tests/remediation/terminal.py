"""A shell in which ``aws`` is a stand-in for the AWS CLI: it reads a command by botocore's models and makes the call.

It is the CLI's own reading, as far as printed commands need it: options by their parameters' names, lists of words,
``key=value`` pairs, JSON, ``--cli-input-json``, ``--query`` and ``--output text`` (AWS CLI user guide).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import jmespath
from botocore import xform_name

from tests.remediation.cloud import ACCOUNT, MANAGEMENT, Cloud

ASKING = """#!{python} -SE
import json, sys
from http.client import HTTPConnection
line = HTTPConnection("127.0.0.1", {port})
line.request("POST", "/", json.dumps(sys.argv[1:]))
answer = line.getresponse()
print(answer.read().decode(), end="", file=sys.stdout if answer.status == 200 else sys.stderr)
sys.exit(answer.status != 200)
"""
OWN = {"region", "query", "output", "cli-input-json"}
"""Options of the CLI itself."""


@dataclass(frozen=True)
class Terminal:
    folder: Path

    def run(self, command: str) -> subprocess.CompletedProcess[str]:
        """What a shell makes of ``command``, typed as it was printed."""
        path = f"{self.folder}{os.pathsep}{os.environ['PATH']}"
        words = ["sh", "-c", command]
        return subprocess.run(
            words, env=os.environ | {"PATH": path}, cwd=self.folder, capture_output=True, text=True, check=False
        )


@contextmanager
def terminal(folder: Path, cloud: Cloud) -> Iterator[Terminal]:
    """With the rights of the root user of each account."""

    class Answering(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            words = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            try:
                status, said = 200, answer(cloud, words)
            except Exception as error:
                status, said = 500, f"{type(error).__name__}: {error}"
            body = said.encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    program = folder / "aws"
    program.write_text(ASKING.format(python=sys.executable, port=server.server_port))
    program.chmod(0o700)
    try:
        yield Terminal(folder)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def answer(cloud: Cloud, words: Sequence[str]) -> str:
    service, operation, *rest = words
    options = _options(rest)
    account = MANAGEMENT if service == "organizations" else ACCOUNT
    client = cloud.as_root(account, service, str(options.get("region", ["us-east-1"])[0]))
    method = operation.replace("-", "_")
    shape = client.meta.service_model.operation_model(client.meta.method_to_api_mapping[method]).input_shape
    given = json.loads(options["cli-input-json"][0]) if "cli-input-json" in options else {}
    made = getattr(client, method)(**given, **_parameters(shape, options))
    made.pop("ResponseMetadata")
    found = jmespath.search(options["query"][0], made) if "query" in options else made
    if options.get("output") == ["text"]:
        return " ".join(map(str, found)) if isinstance(found, list) else str(found)
    return json.dumps(found, default=str)


def _options(words: Sequence[str]) -> dict[str, list[str]]:
    options: dict[str, list[str]] = {}
    for word in words:
        if word.startswith("--"):
            options[word[2:]] = values = []
        else:
            values.append(word)
    return options


def _parameters(shape: Any, options: dict[str, list[str]]) -> dict[str, Any]:
    members = {xform_name(name, "-"): name for name in shape.members} if shape is not None else {}
    found: dict[str, Any] = {}
    for option, values in options.items():
        if option in OWN:
            continue
        name = members.get(option) or members[option.removeprefix("no-")]
        found[name] = _value(shape.members[name], values, negated=option not in members)
    return found


def _value(shape: Any, values: list[str], *, negated: bool) -> Any:
    if shape.type_name == "boolean":
        assert not values
        return not negated
    if shape.type_name == "list" and not values[0].startswith("["):
        return [_value(shape.member, [value], negated=False) for value in values]
    (value,) = values
    if shape.type_name == "structure" and not value.startswith("{"):
        return dict(pair.split("=", 1) for pair in value.split(","))
    return json.loads(value) if shape.type_name in {"structure", "list"} else value
