"""A day on which everything fails, with a canary in the place of every secret: nothing that comes out holds one, and
nobody is asked but whom the configuration names. Secrets in AWS Secrets Manager are read from there."""

from __future__ import annotations

import getpass
import gzip
import http.server
import io
import json
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from bot.config.secret_ref import MissingSecret, SecretRef
from bot.demo.slack import ANALYST, SOC, LocalSlack
from bot.demo.slack.faults import SERVER_ERROR, Fault
from tests import watched_runner
from tests.documents import ROOT
from tests.forks import processes
from tests.remediation.cloud import ACCOUNT, BOT, Cloud, running, seat
from tests.remediation.door import Door, Fate, opened
from tests.site import SECRET, WAIT_SECONDS, Site, history_of

PLACE = seat(300)
KEYS = {
    "GITHUB_TOKEN": "canary-github-token",
    "ABUSEIPDB_KEY": "canary-abuseipdb-key",
    "GREYNOISE_KEY": "canary-greynoise-key",
    "OTX_KEY": "canary-otx-key",
    "ON_CALL_KEY": "canary-on-call-key",
    "EDR_TOKEN": "canary-edr-token",
    "EDR_OLD_TOKEN": "canary-edr-old-token",
}
ABROAD = {"api.github.com", "api.greynoise.io", "otx.alienvault.com", "events.pagerduty.com"}
"""Whom this configuration names beside Slack, AWS and the list on this machine."""


@dataclass
class Watched(Site):
    """A site with every secret there can be, whose bot reaches nothing but this machine."""

    list_url: str = ""
    asked: Path = field(init=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.asked = self.folder / "asked"
        text = self.config.read_text().replace('secrets = ["env:SIEM_SECRET"]', 'secrets = ["env:SIEM_SECRET"]' + EDR)
        text = text.replace("triage = [", f'triage = ["local:{getpass.getuser()}", ')
        self.config.write_text(text + MORE.format(url=self.list_url))

    @property
    def environ(self) -> Mapping[str, str]:
        return {**super().environ, **KEYS}

    @property
    def canaries(self) -> list[str]:
        named = ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "SLACK_SIGNING_SECRET", "EXTERNAL_ID", "AWS_SECRET_ACCESS_KEY")
        return [*(self.environ[name] for name in named), SECRET, *KEYS.values()]

    def start(self, point: str | None = None) -> None:
        assert point is None
        args = (str(self.config), self.environ, str(self.folder / "log"), str(self.asked))
        self.process = processes.Process(target=watched_runner.serve, args=args, daemon=True)
        self.process.start()
        self.slack.wait_until(lambda: self.slack.connections, WAIT_SECONDS)

    def unfinished(self) -> list[tuple[Any, ...]]:
        """The paging service stays away all day."""
        return [row for row in super().unfinished() if row[1] != "page"]

    def triage(self, *commands: str) -> bytes:
        """What commands print, on either side, one after the other."""
        each = [[*command.split(), "--config", str(self.config)] for command in commands]
        done = subprocess.run(
            [sys.executable, "-m", "tests.watched_runner", str(self.asked), json.dumps(each)],
            env={**self.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            cwd=self.folder,
            check=True,
        )
        assert b"Traceback" not in done.stderr, done.stderr
        return done.stdout + done.stderr


EDR = """
[sources.edr]
auth = "bearer"
secrets = ["env:EDR_TOKEN", "env:EDR_OLD_TOKEN"]"""
MORE = """
[exposure]
github_token = "env:GITHUB_TOKEN"
words = ["parcelhub.example"]
[threat_lists]
abuseipdb = "env:ABUSEIPDB_KEY"
greynoise = "env:GREYNOISE_KEY"
otx = "env:OTX_KEY"
abuseipdb_url = "{url}"
[on_call]
service = "pagerduty"
key = "env:ON_CALL_KEY"
"""


@contextmanager
def parrot() -> Iterator[tuple[str, list[str]]]:
    """A server that fails and says aloud, in status line, headers and body, everything it was told."""
    heard: list[str] = []

    class Parrot(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            heard.append(self.path)
            told = json.dumps({"path": self.path, **dict(self.headers.items())})
            self.send_response(500, told[:500])
            self.send_header("X-Told", told)
            self.send_header("Content-Length", str(len(told)))
            self.end_headers()
            self.wfile.write(told.encode())

        do_POST = do_GET  # noqa: N815 - the base class calls it so

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Parrot) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}", heard
        server.shutdown()


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with running(tmp_path_factory.mktemp("aws")) as local:
        yield local


@pytest.fixture
def door(cloud: Cloud) -> Iterator[Door]:
    with opened(cloud.endpoint) as through:
        yield through


def test_on_a_day_of_failures_no_secret_comes_out_and_nobody_else_is_asked(tmp_path: Path, door: Door) -> None:
    with parrot() as (list_url, asked_of_list), parrot() as (trap, trapped), LocalSlack() as slack:
        site = Watched(tmp_path, slack, PLACE, door.url, list_url=list_url)
        history_of(PLACE, tmp_path / "history.db").close()
        try:
            site.start()
            seen = [*strangers(site), *a_case(site, door, trap), *looked(site)]
            assert site.stop() == 0
        finally:
            site.close()
        site.slack.fail_next("auth.test", Fault(200, {"ok": False, "error": "invalid_auth"}), SERVER_ERROR)
        seen += [site.triage(*COMMANDS)]
        seen += [json.dumps(slack.asked_to_show()).encode(), json.dumps(slack.thread(SOC, ts_of(site))).encode()]
        files = [file for file in tmp_path.rglob("*") if file.is_file()]
        made = {"log", "state.db", "history.db", "case.zip", "case.html", "manifest.json"}
        assert made <= {file.name for file in files}
        seen += [file.read_bytes() for file in files if file != site.asked]
        everything = b"\n".join(member for content in seen for member in unpacked(content))
        assert everything.count(PLACE.stolen.id.encode()) > 100, "what was looked through is not what came out"
        assert [secret for secret in site.canaries if secret.encode() in everything] == []
        assert trapped == []
        assert asked_of_list, "the list must have heard a key, or it had nothing to repeat"
        assert hosts(site) == {"127.0.0.1", *ABROAD}


def strangers(site: Site) -> Iterator[bytes]:
    """Requests that are refused, with secrets where they do not belong; what they are told."""
    headers: list[Mapping[str, str]] = [
        {},
        {"Authorization": f"Basic {KEYS['EDR_TOKEN']}"},
        {"Authorization": f"Bearer {KEYS['EDR_TOKEN']}x", "X-Triage-Signature": SECRET, "X-Triage-Timestamp": "1"},
        {"Authorization": f"Bearer {KEYS['EDR_OLD_TOKEN']}", "Content-Type": "text/plain"},
        {"Authorization": f"Bearer {KEYS['EDR_TOKEN']}", "Content-Type": "application/json"},
    ]
    for source in ("siem", "edr", "nobody"):
        for sent in headers:
            for body in (b"{", b"[" * 5_000, b" " * 300_000):
                url = f"http://127.0.0.1:{site.port}/alerts/{source}"
                answer = httpx.post(url, content=body, headers=sent, trust_env=False, timeout=WAIT_SECONDS)
                assert answer.status_code in {400, 401, 413, 415}
                yield answer.content


def a_case(site: Site, door: Door, trap: str) -> Iterator[bytes]:
    """An alert full of addresses to fetch, while AWS refuses, the web is away, Slack fails; then a refused change."""
    door.decide = lambda action, number: [Fate.DENIED, Fate.BROKEN, Fate.THROTTLED, None][number % 4]
    site.slack.fail_next("chat.postMessage", Fault(200, "<html>no Slack here</html>", {"Content-Type": "text/html"}))
    names = ("url", "link", "callback", "SubscribeURL", "SigningCertURL", "html_url", "title")
    bait = {name: f"{trap}/{name}" for name in names}
    answer = site.send({**site.alert(), **bait, "user_agent": f"aws-cli/1.22.34 (+{trap}/agent)"})
    assert answer is not None
    assert answer.status_code == 202
    yield answer.content
    site.until(lambda: site.card() and site.idle())
    door.reset()
    site.slack.click(ANALYST, SOC, ts_of(site), "plan:disable_access_key")
    view = site.until(lambda: window(site))
    door.fail("UpdateAccessKey", Fate.DENIED)
    site.slack.submit_view(ANALYST, str(view["id"]), {"reason": "stolen key"})
    site.until(lambda: site.rows("SELECT 1 FROM executions WHERE state = 'failed'"))
    site.until(site.idle)
    door.reset()


def window(site: Site) -> dict[str, Any] | None:
    """The topmost modal, if it can be approved."""
    return next((view for view in reversed(site.slack.open_views(ANALYST)) if view.get("submit")), None)


def looked(site: Site) -> Iterator[bytes]:
    for path in ("/metrics", "/readyz", "/healthz"):
        yield httpx.get(f"http://127.0.0.1:{site.health_port}{path}", trust_env=False, timeout=WAIT_SECONDS).content


COMMANDS = (
    "check",
    "doctor --slack",
    "case show 1 --json",
    "case report 1 --html --out case.html",
    "case report 1 --csv",
    "case export 1 --out case.zip",
    "audit export",
    "jobs list --json",
    f"key {PLACE.stolen.id} --json",
    "backup saved",
    "permissions",
)


def ts_of(site: Site) -> str:
    card = site.card()
    assert card is not None
    return str(card["ts"])


def unpacked(content: bytes) -> Iterator[bytes]:
    """``content``, and what is packed in it."""
    yield content
    if content.startswith(b"\x1f\x8b"):
        yield gzip.decompress(content)
    if zipfile.is_zipfile(io.BytesIO(content)):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for name in archive.namelist():
                yield from unpacked(archive.read(name))


def hosts(site: Watched) -> set[str]:
    return {line.split()[0] for line in site.asked.read_text().splitlines()}


# ------------------------------------------------------------------------------------------ AWS Secrets Manager


@pytest.fixture(scope="module")
def stored(cloud: Cloud) -> Mapping[str, str]:
    """Secrets kept in the local AWS, and the environment in which they can be read."""
    client: Any = cloud.as_root(ACCOUNT, "secretsmanager")
    kept = client.create_secret(Name="triage/slack", SecretString=json.dumps({"bot_token": "canary-stored", "n": 1}))
    client.create_secret(Name="triage/plain", SecretString=" canary-plain\n")
    client.create_secret(Name="triage/bytes", SecretBinary=b"canary-bytes")
    return {"arn": kept["ARN"]}


@pytest.fixture
def as_reader(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", cloud.endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCOUNT)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "made-up")


@pytest.mark.usefixtures("as_reader")
def test_a_secret_is_read_from_secrets_manager(stored: Mapping[str, str]) -> None:
    assert SecretRef.parse("aws:triage/slack#bot_token").read({}) == "canary-stored"
    assert SecretRef.parse(f"aws:{stored['arn']}#bot_token").read({"AWS_REGION": "eu-west-1"}) == "canary-stored"
    assert SecretRef.parse("aws:triage/plain").read({"AWS_REGION": "us-east-1"}) == "canary-plain"


@pytest.mark.parametrize(
    ("place", "sentence"),
    [
        ("triage/none", "Secrets Manager did not give triage/none in us-east-1 (ResourceNotFoundException)"),
        ("triage/slack#n", 'triage/slack in Secrets Manager has no text under "n"; put the secret there'),
        ("triage/plain#n", 'triage/plain in Secrets Manager has no text under "n"; put the secret there'),
        ("triage/bytes", "triage/bytes in Secrets Manager is empty; put the secret there"),
    ],
)
@pytest.mark.usefixtures("as_reader", "stored")
def test_what_is_not_there_is_a_sentence_without_the_secret(place: str, sentence: str) -> None:
    with pytest.raises(MissingSecret) as missing:
        SecretRef.parse(f"aws:{place}").read({})
    assert str(missing.value) == sentence


@pytest.mark.usefixtures("stored")
def test_who_may_not_read_it_is_told_so(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", cloud.endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", BOT.id)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", BOT.secret)
    with pytest.raises(MissingSecret, match=r"did not give triage/plain in us-east-1 \(AccessDenied"):
        SecretRef.parse("aws:triage/plain").read({})
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(MissingSecret, match=r"\(EndpointConnectionError\)"):
        SecretRef.parse("aws:triage/plain").read({})
