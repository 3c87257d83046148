"""What the documentation names exists, and what exists is documented."""

from __future__ import annotations

import importlib
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel
from typer.testing import CliRunner

from bot import config, plugins
from bot.config.settings import Settings

ROOT = Path(__file__).parent.parent
EXAMPLE = (ROOT / "config.example.toml").read_text(encoding="utf-8")
SAMPLE_NAMES = {"sources": "siem", "environments": "payments"}


def uncommented(example: str) -> str:
    """The example with everything in it switched on: settings that stand in comments, and the sample tables."""
    return "\n".join(_switched_on(line) for line in example.splitlines())


def _switched_on(line: str) -> str:
    bare = line.removeprefix("# ")
    try:
        tomllib.loads(bare)
    except tomllib.TOMLDecodeError:
        return line
    return bare


def keys_of_the_model(model: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, described in model.model_fields.items():
        inner = _table(described.annotation)
        here = (*path, name, SAMPLE_NAMES[name]) if name in SAMPLE_NAMES else (*path, name)
        yield from keys_of_the_model(inner, here) if inner else (here,)


def _table(annotation: Any) -> type[BaseModel] | None:
    for one in (annotation, *get_args(annotation)):
        if isinstance(one, type) and issubclass(one, BaseModel):
            return one
    return None


def keys_of_the_example(table: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    free = {("access", "people"), ("remediation", "approvers")}
    for name, value in table.items():
        here = (*path, name)
        yield from keys_of_the_example(value, here) if isinstance(value, dict) and here not in free else (here,)


def test_every_setting_stands_in_the_example_and_nothing_else_does() -> None:
    documented = set(keys_of_the_example(tomllib.loads(uncommented(EXAMPLE))))
    assert documented == set(keys_of_the_model(Settings))


def test_the_example_passes_as_it_stands_and_with_everything_switched_on(tmp_path: Path) -> None:
    for text in (EXAMPLE, uncommented(EXAMPLE)):
        file = tmp_path / "config.toml"
        file.write_text(text, encoding="utf-8")
        problems = config.check(file, {}, enrichers=plugins.shipped())
        assert [str(problem) for problem in problems if problem.severity == "error"] == []


@pytest.mark.parametrize("name", SAMPLE_NAMES)
def test_the_sample_tables_show_the_defaults(tmp_path: Path, name: str) -> None:
    file = tmp_path / "config.toml"
    file.write_text(uncommented(EXAMPLE), encoding="utf-8")
    (table,) = getattr(config.load(file, {}), name).values()
    required = {"secrets": table.secrets} if name == "sources" else {}
    assert table == type(table)(**required)


def test_every_shipped_enricher_is_asked_by_default() -> None:
    assert set(Settings().enrichers.enabled) == set(plugins.shipped())


def commands_in(text: str) -> set[str]:
    """The commands that code in ``text`` gives to ``triage``: at the start of a line, in backticks, after a prompt."""
    return set(re.findall(r"(?:^ *|`|\$ |bin/)triage ([a-z][a-z-]+)", text, re.MULTILINE))


def test_every_command_the_readme_shows_exists() -> None:
    shown = commands_in((ROOT / "README.md").read_text(encoding="utf-8"))
    unknown = {name for name in shown if CliRunner().invoke(_app(), [name, "--help"]).exit_code != 0}
    assert unknown == set()


def _app() -> Any:
    return importlib.import_module("bot.cli").app


def test_commands_are_read_from_code() -> None:
    code = "\n    triage key AKIA…\n$ triage serve\n.venv/bin/triage demo\n"
    text = f"Run `triage check` and\n{code}\nthe triage bot; /triage help"
    assert commands_in(text) == {"check", "key", "serve", "demo"}
