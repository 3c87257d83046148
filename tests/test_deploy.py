"""What is deployed is what the code needs: the app's scopes, the container, and the README followed to the letter."""

from __future__ import annotations

import ast
import getpass
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from slack_sdk import WebClient

from bot import app as composition
from bot.demo.slack import ANALYST, SOC, LocalSlack
from bot.slack import checkup
from bot.slack.listeners import EVENTS, TRIAGE_MESSAGE
from tests.documents import ROOT, blocks
from tests.remediation.cloud import ACCOUNT, EXTERNAL_ID, MAY_ASSUME, TRUST

SCOPES = {
    "chat.getPermalink": set(),
    "chat.postMessage": {"chat:write"},
    "chat.update": {"chat:write"},
    "conversations.create": {"groups:write"},
    "conversations.history": {"channels:history", "groups:history", "im:history"},
    "conversations.invite": {"groups:write"},
    "conversations.open": {"im:write"},
    "conversations.list": {"channels:read", "groups:read"},
    "conversations.replies": {"channels:history", "groups:history", "im:history"},
    "files.upload.v2": {"files:write"},
    "usergroups.users.list": {"usergroups:read"},
    "users.info": {"users:read"},
    "users.lookupByEmail": {"users:read.email"},
    "views.open": set(),
    "auth.test": set(),
    "conversations.info": {"channels:read", "groups:read"},
    "views.publish": set(),
    "views.push": set(),
    "views.update": set(),
    "apps.connections.open": set(),
}
"""What Slack asks of a bot's token, by method (https://docs.slack.dev/reference/methods): the cards' channel may be
public or private. The last one takes the app's token."""

MANIFEST = yaml.safe_load((ROOT / "deploy" / "slack-manifest.yaml").read_text(encoding="utf-8"))
README = (ROOT / "README.md").read_text(encoding="utf-8")


# -------------------------------------------------------------------------------------- Slack's side


def called_methods() -> set[str]:
    """The Web API methods that ``bot/slack`` calls, by Slack's names."""
    names = {
        node.func.attr
        for file in (ROOT / "bot" / "slack").glob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    }
    known = {name for name in vars(WebClient) if not name.startswith("_")} - {"api_call", "fetch_token"}
    return {slack_name(name) for name in names & known}


def slack_name(python: str) -> str:
    """``apps_connections_open`` is ``apps.connections.open``, ``chat_postMessage`` is ``chat.postMessage``."""
    return python.replace("_", ".")


def test_the_app_asks_for_the_scopes_its_calls_need_and_no_more() -> None:
    needed = {scope for method in called_methods() for scope in SCOPES[method]}
    assert set(MANIFEST["oauth_config"]["scopes"]["bot"]) == needed | {"commands", "app_mentions:read"}


def test_the_manifest_that_is_shipped_is_the_one_to_read() -> None:
    """`triage init` writes the one in the package: copy deploy/slack-manifest.yaml to bot/slack/manifest.yaml."""
    assert checkup.manifest() == (ROOT / "deploy" / "slack-manifest.yaml").read_text(encoding="utf-8")
    assert set(MANIFEST["oauth_config"]["scopes"]["bot"]) == checkup.wanted()


def test_the_calls_are_found_in_the_code() -> None:
    assert called_methods() == set(SCOPES)


def test_the_manifest_switches_on_what_the_listeners_wait_for_and_no_more() -> None:
    assert [each["command"] for each in MANIFEST["features"]["slash_commands"]] == ["/triage"]
    settings = MANIFEST["settings"]
    assert settings["interactivity"]["is_enabled"]
    assert settings["socket_mode_enabled"]
    assert settings["event_subscriptions"]["bot_events"] == sorted(EVENTS)
    assert [each["callback_id"] for each in MANIFEST["features"]["shortcuts"]] == [TRIAGE_MESSAGE]
    assert MANIFEST["features"]["app_home"]["home_tab_enabled"]


# ------------------------------------------------------------------------------------- the container


def test_the_container_keeps_what_the_image_keeps() -> None:
    service = yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text(encoding="utf-8"))["services"]["triage"]
    image = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    (volume,) = re.findall(r"^VOLUME (\S+)$", image, re.MULTILINE)
    assert (ROOT / "deploy" / service["build"] / "Dockerfile").is_file()
    assert [mount.split(":")[1] for mount in service["volumes"]] == [volume, f"{volume}/config.toml"]
    assert [port.split(":")[0] for port in service["ports"]] == ["127.0.0.1"]


def stages() -> list[str]:
    """The build's stages, each step on one line."""
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", "")
    return re.split(r"^FROM ", text, flags=re.MULTILINE)[1:]


def test_the_image_runs_as_nobody_and_keeps_no_tool_that_builds() -> None:
    build, last = stages()
    assert "uv sync --frozen --no-dev --no-editable" in build
    assert "COPY --from=build /opt/triage /opt/triage" in last
    assert re.search(r"^USER 10001$", last, re.MULTILINE)
    assert re.search(r"pip uninstall --yes .*setuptools wheel pip", last)
    assert "STOPSIGNAL SIGTERM" in last
    assert "/healthz" in last
    assert not re.search(r"\b(apt-get|gcc|uv|curl)\b", last)


def test_the_container_may_write_its_volume_and_nothing_else() -> None:
    service = yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text(encoding="utf-8"))["services"]["triage"]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert int(service["stop_grace_period"].removesuffix("s")) > composition.END_SECONDS


@pytest.mark.full
def test_what_the_build_leaves_runs_and_holds_no_tool_that_builds(tmp_path: Path) -> None:
    """The steps of the image's first stage, run into a folder."""
    source, made = tmp_path / "src", tmp_path / "opt"
    source.mkdir()
    build = next(part for part in stages() if "AS build" in part)
    copied = [word for line in re.findall(r"^COPY (.+)$", build, re.MULTILINE) for word in line.split()[:-1]]
    assert set(copied) == {"pyproject.toml", "uv.lock", "README.md", "LICENSE", "bot", "enrichers"}
    for name in copied:
        whole = ROOT / name
        (shutil.copytree if whole.is_dir() else shutil.copy)(whole, source / name)
    environ = {**os.environ, "UV_PROJECT_ENVIRONMENT": str(made), "UV_LINK_MODE": "copy", "UV_COMPILE_BYTECODE": "1"}
    environ["PATH"] = f"{environ['PATH']}:{Path(sys.executable).parent}"
    for step in re.findall(r"^RUN (.+)$", build, re.MULTILINE):
        if not step.startswith("pip install"):
            here = step.replace("/opt/triage", str(made))
            subprocess.run(["bash", "-euc", here], cwd=source, env=environ, check=True, capture_output=True)
    assert {each.name for each in (made / "bin").iterdir()} == {"triage", "python", "python3", "python3.11"}
    packages = {each.name for each in (made / "lib" / "python3.11" / "site-packages").iterdir()}
    assert packages & {"pip", "setuptools", "wheel", "pytest", "ministack", "tests", "mypy", "uv"} == set()
    size = sum(each.stat().st_size for each in made.rglob("*") if each.is_file() and not each.is_symlink())
    assert size < 200e6
    words = [str(made / "bin" / "triage"), "init", "--json"]
    checked = subprocess.run(words, cwd=tmp_path, env={"HOME": "/"}, capture_output=True, check=True)
    assert json.loads(checked.stdout)["written"]


@pytest.mark.full
def test_what_hangs_keeps_it_no_longer_than_an_orchestrator_waits(tmp_path: Path, slack: LocalSlack) -> None:
    walk = Walk(tmp_path, slack)
    config = (tmp_path / "config.toml").read_text()
    (tmp_path / "hanging").mkdir()
    (tmp_path / "hanging" / "question.py").write_text(HANGING)
    (tmp_path / "config.toml").write_text(f'{config}\n[enrichers]\nenabled = ["hanging.question"]\n')
    walk.environ["PYTHONPATH"] = str(tmp_path)
    process = walk.serve()
    walk.wait(slack)
    assert walk.run(block_with("openssl dgst")).returncode == 0
    until = time.monotonic() + 30
    while not (tmp_path / "asked").exists():
        assert time.monotonic() < until
        assert process.poll() is None
    process.terminate()
    assert process.wait(25) == 0


HANGING = """
from pathlib import Path
from threading import Event
from bot.model import Answer, Context, Declaration, Kind, Observable

DECLARATION = Declaration(question="Does it hang?", takes=frozenset(Kind), needs=frozenset(), seconds=300.0)


def enrich(observable: Observable, context: Context) -> Answer:
    Path("asked").touch()
    Event().wait(300)
    return Answer("It does not")
"""


# ---------------------------------------------------------------------------------------- AWS's side


def test_the_policies_to_copy_are_those_that_are_proved_against_a_local_aws() -> None:
    page = (ROOT / "docs" / "connecting-aws.md").read_text(encoding="utf-8").replace("YOUR-EXTERNAL-ID", EXTERNAL_ID)
    trust, process, _ = (json.loads(block.text) for block in blocks(page) if block.language == "json")
    statements: Any = MAY_ASSUME["Statement"]
    assuming = statements[0]
    assert trust == TRUST
    assert process["Statement"][0].keys() == assuming.keys()
    assert process["Statement"][0]["Action"] == assuming["Action"]
    assert process["Statement"][0]["Resource"] == [
        f"arn:aws:iam::{ACCOUNT}:role/triage-{role}" for role in ("read", "act")
    ]


# ------------------------------------------------------------------------- the README, step by step


def block_with(mark: str) -> str:
    (found,) = [block.text for block in blocks(README) if mark in block.text]
    return found


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


class Walk:
    """Somebody who follows the README in ``folder``, with a local Slack for Slack."""

    def __init__(self, folder: Path, slack: LocalSlack) -> None:
        self.folder, self.port = folder, free_port()
        self.environ = {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(folder),
            "USER": getpass.getuser(),
            "SLACK_API_URL": slack.api_url,
            "SLACK_BOT_TOKEN": slack.bot_token,
            "SLACK_APP_TOKEN": slack.app_token,
            "TRIAGE_SIEM_SECRET": "made-up-secret",
        }
        config = block_with("[sources.siem]").replace("C0123ABCD", SOC)
        server = f"\n[server]\nport = {self.port}\nhealth_port = {free_port()}\n"
        (folder / "config.toml").write_text(config + server, encoding="utf-8")

    def run(self, script: str) -> subprocess.CompletedProcess[str]:
        words = ["bash", "-euo", "pipefail", "-c", script.replace("127.0.0.1:8080", f"127.0.0.1:{self.port}")]
        return subprocess.run(words, cwd=self.folder, env=self.environ, text=True, capture_output=True, check=False)

    def serve(self) -> subprocess.Popen[bytes]:
        words = ["bash", "-c", f"exec {block_with('triage serve').strip()}"]
        return subprocess.Popen(words, cwd=self.folder, env=self.environ, stderr=(self.folder / "log").open("wb"))

    def wait(self, slack: LocalSlack) -> None:
        """Until the bot is connected and takes alerts."""
        slack.wait_until(lambda: slack.connections, seconds=30)
        with httpx.Client(transport=httpx.HTTPTransport(retries=8)) as patient:
            patient.get(f"http://127.0.0.1:{self.port}/")


@pytest.fixture
def slack() -> Iterator[LocalSlack]:
    with LocalSlack(scopes=[*MANIFEST["oauth_config"]["scopes"]["bot"]]) as local:
        yield local


def cards(slack: LocalSlack) -> list[dict[str, Any]]:
    return [message for message in slack.messages(SOC) if "AKIARTX3GSDSTK5FYIO5" in json.dumps(message)]


def test_whoever_follows_the_readme_gets_a_card(tmp_path: Path, slack: LocalSlack) -> None:
    walk = Walk(tmp_path, slack)
    (tmp_path / "cloudtrail").symlink_to(ROOT / "tests" / "data" / "cloudtrail" / "stratus_detonation")
    assert "no mistakes" in walk.run("triage check").stdout
    loaded = walk.run(block_with("triage ingest ./cloudtrail\n"))
    assert (loaded.returncode, loaded.stderr) == (0, "")
    process = walk.serve()
    try:
        walk.wait(slack)
        answer = walk.run(block_with("openssl dgst"))
        assert (answer.returncode, answer.stderr) == (0, "")
        assert json.loads(answer.stdout)["deliveries"][0]["duplicate_of"] is None
        slack.wait_until(lambda: cards(slack), seconds=30)
        slack.type_command(ANALYST, SOC, "/triage whoami")
        told = slack.wait_until(lambda: slack.ephemeral(ANALYST), seconds=30)
        assert ANALYST in json.dumps(told)
    finally:
        process.terminate()
        assert process.wait(30) == 0
    assert [call.error for call in slack.calls() if call.error] == []


def test_an_alert_signed_with_another_secret_is_refused(tmp_path: Path, slack: LocalSlack) -> None:
    walk = Walk(tmp_path, slack)
    process = walk.serve()
    try:
        walk.wait(slack)
        walk.environ["TRIAGE_SIEM_SECRET"] = "another"
        refused = walk.run(block_with("openssl dgst"))
    finally:
        process.terminate()
        process.wait(30)
    assert refused.returncode != 0
    assert "401" in refused.stderr
