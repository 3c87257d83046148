"""A local AWS with the story's users in it, which checks signatures and policies and refuses a disabled key."""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from bot.demo.iam_state import BotAccess, write_iam_state
from bot.demo.world import Story
from bot.demo.world.cast import HOME_REGION
from bot.demo.world.stage import KeyPair

HOST = "127.0.0.1"
START_SECONDS = 30.0
_STARTS = 3
"""Another process may take the free port before MiniStack has it."""
_INHERITED = ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH")
_CLIENT = Config(connect_timeout=3, read_timeout=10, retries={"mode": "standard", "total_max_attempts": 1})


class LocalAwsError(Exception):
    """The local AWS did not start; the text is a sentence for people."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """What came of a call made with a key."""

    call: str
    allowed: bool
    error_code: str | None = None
    """AWS's code where it was refused, e.g. ``InvalidClientTokenId`` for a disabled key."""


class LocalAws:
    """MiniStack on a free port of 127.0.0.1, from ``__enter__`` to ``__exit__``; it ends with this process too."""

    def __init__(self, story: Story) -> None:
        self._story = story
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self.endpoint = ""
        self.access: BotAccess
        """The bot's own key, its two roles and the ``ExternalId`` their trust policies ask for."""

    def __enter__(self) -> Self:
        """Raises :class:`LocalAwsError` if it does not come up."""
        self._folder = tempfile.TemporaryDirectory(prefix="triage-demo-aws-")
        folder = Path(self._folder.name)
        self.access = write_iam_state(folder, self._story)
        try:
            self._start(folder)
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def environment(self) -> dict[str, str]:
        """What points boto3 at this AWS as the bot, and away from anything real of the user's."""
        key = self.access.key
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": key.id,
            "AWS_SECRET_ACCESS_KEY": key.secret,
            "AWS_DEFAULT_REGION": HOME_REGION,
            "AWS_REGION": HOME_REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        }

    def client(self, service: str, key: KeyPair, region: str = HOME_REGION) -> Any:
        """A boto3 client of this AWS with ``key``, whatever the environment says."""
        session: Any = boto3.session.Session(key.id, key.secret, region_name=region)
        return session.client(service, endpoint_url=self.endpoint, config=_CLIENT)

    def attempt(self, key: KeyPair, service: str = "ses", operation: str = "list_identities") -> Attempt:
        """Make one call with ``key``, as its thief would. Raises ``BotoCoreError`` if this AWS cannot be reached."""
        client = self.client(service, key)
        call = f"{service}:{client.meta.method_to_api_mapping[operation]}"
        try:
            getattr(client, operation)()
        except ClientError as error:
            return Attempt(call, allowed=False, error_code=error.response["Error"]["Code"])
        return Attempt(call, allowed=True)

    def close(self) -> None:
        if self._process is not None:
            _end(self._process)
            self._process = None
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    def _start(self, folder: Path) -> None:
        log = folder / "ministack.log"
        for _ in range(_STARTS):
            port = _free_port()
            with log.open("wb") as output:
                self._process = _spawn(folder, port, output)
            if _answers(self._process, port):
                self.endpoint = f"http://{HOST}:{port}"
                return
            _end(self._process)
        last = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-1:]
        raise LocalAwsError(
            f"The local AWS did not start within {START_SECONDS:.0f} s; its last line: {last or 'none'}."
        )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _spawn(folder: Path, port: int, output: IO[bytes]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "bot.demo.ministack"],
        stdin=subprocess.PIPE,
        stdout=output,
        stderr=subprocess.STDOUT,
        env=_settings(folder, port),
    )


def _settings(folder: Path, port: int) -> dict[str, str]:
    """MiniStack's settings; nothing of the user's AWS, Docker or home reaches it."""
    here = str(folder)
    return {
        **{name: os.environ[name] for name in _INHERITED if name in os.environ},
        "HOME": here,
        "TMPDIR": here,
        "AUTH": "true",
        "BIND_HOST": HOST,
        "GATEWAY_PORT": str(port),
        "PERSIST_STATE": "1",
        "STATE_DIR": here,
        "S3_DATA_DIR": str(folder / "s3"),
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "LOG_LEVEL": "WARNING",
        "DOCKER_HOST": f"unix://{folder / 'no-docker'}",
        "AWS_ACCESS_KEY_ID": "no-root",
        "AWS_SECRET_ACCESS_KEY": os.urandom(16).hex(),
    }


def _answers(process: subprocess.Popen[bytes], port: int) -> bool:
    """Whether the process comes up: asked again and again until it does, ends, or the time is over."""
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        if _healthy(port):
            return True
        try:
            process.wait(timeout=0.02)
        except subprocess.TimeoutExpired:
            continue
        return False
    return False


def _healthy(port: int) -> bool:
    connection = http.client.HTTPConnection(HOST, port, timeout=2)
    try:
        connection.request("GET", "/_ministack/health")
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _end(process: subprocess.Popen[bytes]) -> None:
    """By closing the pipe it lives by; by force if it does not take the hint."""
    if process.stdin:
        process.stdin.close()
    try:
        process.wait(timeout=3)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
