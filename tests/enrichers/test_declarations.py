"""What every enricher that ships promises."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path
from types import ModuleType
from typing import cast

import pytest

from bot.plugins import Plugin, load_enrichers, shipped
from bot.weights import shipped as weights

PLUGINS = load_enrichers(shipped())
ids = pytest.mark.parametrize("plugin", PLUGINS, ids=lambda plugin: plugin.name)


def module(plugin: Plugin) -> ModuleType:
    return cast(ModuleType, plugin.enricher)


@ids
def test_raises_what_its_code_names(plugin: Plugin) -> None:
    """The kinds in its functions are the declared ones: what is not declared would never be missed."""
    tree = ast.parse(inspect.getsource(module(plugin)))
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    named = {
        node.value
        for function in functions
        for node in ast.walk(function)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in weights().signals
    }
    assert named == plugin.declaration.raises


@ids
def test_its_signals_have_weights(plugin: Plugin) -> None:
    assert plugin.declaration.raises <= weights().signals.keys()


@ids
def test_begins_with_its_question(plugin: Plugin) -> None:
    lines = (module(plugin).__doc__ or "").splitlines()
    assert lines[0].endswith("?")
    assert len(lines) > 2, "the docstring says what the answer is worth to a responder"
    assert plugin.declaration.question.endswith("?")


@ids
def test_reads_on_one_line(plugin: Plugin) -> None:
    """No try, no logging: an enricher states, the runner and the assessment do the rest."""
    tree = ast.parse(inspect.getsource(module(plugin)))
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.Try)]
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module]
    assert {str(node.module) for node in imports if str(node.module).startswith("bot")} <= {"bot.model"}


def test_every_file_is_an_enricher() -> None:
    files = {path.stem for path in (Path(__file__).parents[2] / "enrichers").glob("*.py")} - {"__init__"}
    assert files == set(shipped())
