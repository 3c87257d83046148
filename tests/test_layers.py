"""Who may import whom, as docs/architecture.md says it."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
CORE = (
    *("access", "assessment", "audit", "backtest", "cases", "commands", "enrichment", "evidence", "history", "hunts"),
    *("intake", "ipdata", "made", "remediation", "scope", "store", "triage", "usual"),
)
VOCABULARY = (
    *("bot.model", "bot.families", "bot.networks", "bot.places", "bot.policies", "bot.name_patterns"),
    "bot.history.access_key",
)
FRONT = ("bot.slack", "bot.web", "bot.demo", "bot.app")


@dataclass(frozen=True)
class Import:
    """``module`` imports ``name``; ``lazy`` inside a function, so that it costs nothing until that is called."""

    module: str
    name: str
    lazy: bool = False

    def of(self, *packages: str) -> bool:
        return _within(self.name, *packages)

    def by(self, *packages: str) -> bool:
        return _within(self.module, *packages)


def _within(name: str, *packages: str) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def imports_of(module: str, source: str) -> Iterator[Import]:
    tree = ast.parse(source)
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    lazy = {id(inner) for function in functions for inner in ast.walk(function)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (Import(module, alias.name, id(node) in lazy) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            # `from bot import web` imports bot.web.
            yield from (Import(module, f"{node.module}.{alias.name}", id(node) in lazy) for alias in node.names)


def broken_rule(found: Import) -> str | None:
    """The rule that ``found`` breaks, in the words of the table; ``None`` if it breaks none."""
    outside = found.name.split(".")[0] not in sys.stdlib_module_names
    in_core = found.by(*(f"bot.{room}" for room in CORE))
    rules = {
        "bot.model imports the standard library only": found.by(*VOCABULARY) and outside and not found.of(*VOCABULARY),
        "enrichers import bot.model only": found.by("enrichers") and outside and not found.of("bot.model"),
        "bot never imports enrichers by name": found.by("bot") and found.of("enrichers"),
        "the core never imports its front ends": in_core and found.of(*FRONT),
        "operations never imports its front ends": found.by("bot.operations") and found.of(*FRONT),
        "only slack, app and demo import Slack's libraries": found.of("slack_bolt", "slack_sdk")
        and not found.by("bot.slack", "bot.app", "bot.demo"),
        "one module imports SQLite": found.of("sqlite3", "pysqlite3") and not found.by("bot.database"),
        "boto3 clients are built in one place": found.of("boto3") and not found.by("bot.aws", "bot.demo"),
        "httpx clients are built in one place": found.of("httpx") and not found.by("bot.http", "bot.demo"),
        "only the demo command imports demo, and only when it runs": found.of("bot.demo")
        and not found.by("bot.demo")
        and not (found.by("bot.cli") and found.lazy),
        "only the command line imports app": found.of("bot.app") and not found.by("bot.cli", "bot.demo"),
    }
    return next((rule for rule, broken in rules.items() if broken), None)


def all_imports() -> list[Import]:
    files = sorted([*ROOT.glob("bot/**/*.py"), *ROOT.glob("enrichers/**/*.py")])
    return [found for file in files for found in imports_of(_module(file), file.read_text(encoding="utf-8"))]


def _module(file: Path) -> str:
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def test_nothing_is_imported_against_the_table() -> None:
    found = all_imports()
    assert len(found) > 100
    assert [f"{one.module} imports {one.name}: {rule}" for one in found if (rule := broken_rule(one))] == []


@pytest.mark.parametrize(
    ("module", "source", "rule"),
    [
        ("bot.model", "import attrs", "bot.model imports"),
        ("enrichers.x", "from bot import web", "enrichers import"),
        ("enrichers.x", "import httpx", "enrichers import"),
        ("bot.plugins", "from enrichers import denied_calls", "bot never imports"),
        ("bot.intake.x", "from bot import slack", "the core never"),
        ("bot.cases", "def f():\n    import bot.app", "the core never"),
        ("bot.operations", "from bot.slack.post import send", "operations never"),
        ("bot.web", "from slack_sdk import WebClient", "only slack, app"),
        ("bot.store.x", "import sqlite3", "one module imports"),
        ("bot.history.x", "import boto3.session", "boto3 clients"),
        ("bot.ipdata.x", "import httpx", "httpx clients"),
        ("bot.cli", "from bot import demo", "only the demo command"),
        ("bot.workers", "from bot.app import serve", "only the command line"),
        ("bot.cli", "def f():\n    from bot.demo import replay", None),
        ("enrichers.x", "from datetime import UTC\nfrom bot.model import Answer", None),
        ("bot.slack.x", "from slack_bolt import App", None),
    ],
)
def test_every_rule_catches_its_breach(module: str, source: str, rule: str | None) -> None:
    broken = [one for found in imports_of(module, source) if (one := broken_rule(found))]
    assert [one.startswith(rule or "") for one in broken] == ([True] if rule else [])
