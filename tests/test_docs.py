"""What the documentation names exists, and what exists is documented."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

import pytest
import typer
from pydantic import BaseModel
from typer.testing import CliRunner

from bot import cli, commands, config, plugins
from bot.config.settings import Settings
from bot.history import athena, lookup
from bot.permissions import LOGS, QUEUE, READING, acting_policy, reading_policy
from bot.remediation import NAMES, remediations
from bot.remediation.base import Remediation
from tests import configuration_page
from tests.documents import PAGES, ROOT, command_lines, links, rows
from tests.remediation.cloud import EVERYTHING

EXAMPLE = (ROOT / "config.example.toml").read_text(encoding="utf-8")
SAMPLE_NAMES = {"sources": "siem", "environments": "payments", "tests": "spring"}


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
    free = {
        *(("access", "people"), ("remediation", "approvers"), ("remediation", "drill", "canaries")),
        ("environments", "payments", "account_names"),
        ("owners", "people"),
    }
    for name, value in table.items():
        here = (*path, name)
        yield from keys_of_the_example(value, here) if isinstance(value, dict) and here not in free else (here,)


def test_every_setting_stands_in_the_example_and_nothing_else_does() -> None:
    documented = set(keys_of_the_example(tomllib.loads(uncommented(EXAMPLE))))
    assert documented == set(keys_of_the_model(Settings))


def test_the_page_of_every_key_is_the_settings_own() -> None:
    """After a change of the settings or the example: `python -m tests.configuration_page`."""
    assert configuration_page.PAGE.read_text(encoding="utf-8") == configuration_page.page()


def test_every_setting_stands_on_the_page() -> None:
    told = re.findall(r"^\| `([a-z_0-9]+)` \|", configuration_page.page(), re.MULTILINE)
    assert len(told) == len(list(keys_of_the_model(Settings)))


def test_the_example_passes_as_it_stands_and_with_everything_switched_on(tmp_path: Path) -> None:
    for text in (EXAMPLE, uncommented(EXAMPLE)):
        file = tmp_path / "config.toml"
        file.write_text(text, encoding="utf-8")
        problems = config.check(file, {}, enrichers=plugins.shipped())
        assert [str(problem) for problem in problems if problem.severity == "error"] == []


@pytest.mark.parametrize("name", ["sources", "environments"])
def test_the_sample_tables_show_the_defaults(tmp_path: Path, name: str) -> None:
    file = tmp_path / "config.toml"
    file.write_text(uncommented(EXAMPLE), encoding="utf-8")
    (table,) = getattr(config.load(file, {}), name).values()
    shown = {"sources": ("secrets",), "environments": ("account_names", "tests")}[name]
    assert table == type(table)(**{key: getattr(table, key) for key in shown})


def test_every_shipped_enricher_is_asked_by_default() -> None:
    assert set(Settings().enrichers.enabled) == set(plugins.shipped())


# --------------------------------------------------------------------------------- commands and links


def page(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


UsageError: Any = typer.BadParameter.__base__
"""typer carries a click of its own, whose exceptions it does not name."""


def problem_of(words: Sequence[str]) -> str | None:
    """What the command line says to ``words`` before it would do anything; ``None`` if it takes them."""
    group: Any = typer.main.get_command(cli.app)
    top = typer.Context(group)
    try:
        name, command, rest = group.resolve_command(top, list(words))
        while rest and hasattr(command, "resolve_command"):
            name, command, rest = command.resolve_command(top, rest)
        if rest:  # a sentence may name a command without its arguments
            command.make_context(name, rest, parent=top)
    except UsageError as error:
        return f"triage {' '.join(words)}: {error.format_message()}"
    return None


def test_every_command_line_in_the_documentation_is_one_that_the_program_takes() -> None:
    lines = [words for file in PAGES for words in command_lines(file.read_text(encoding="utf-8"), "triage")]
    assert len(lines) > 20
    assert [problem for words in lines if (problem := problem_of(words))] == []


def test_a_wrong_command_line_would_be_found() -> None:
    assert problem_of(["chekc"]) is not None
    assert problem_of(["key", "AKIA…", "--hisory", "x"]) is not None
    assert problem_of(["approve", "PLAN", "--reason"]) is not None
    assert problem_of(["key", "AKIA…", "--at", "latest"]) is None


def test_every_command_stands_in_the_readme() -> None:
    shown = {words[0] for words in command_lines(page("README.md"), "triage")}
    group: Any = typer.main.get_command(cli.app)
    assert set(group.commands) - shown == set()


def test_the_help_keeps_the_brackets_of_settings() -> None:
    told = {
        ("key",): ("[history] path", "[triage] days, 14"),
        ("ingest",): ("[history] path", "[aws] log_account"),
        ("case", "playbook"): ("[hunts] playbooks",),
    }
    for words, settings in told.items():
        shown = CliRunner(env={"COLUMNS": "200"}).invoke(cli.app, [*words, "--help"]).stdout
        assert [setting for setting in settings if setting not in shown] == []


def test_every_slash_command_in_the_documentation_is_available() -> None:
    told = {words[0] for file in PAGES for words in command_lines(file.read_text(encoding="utf-8"), "/triage")}
    assert told == {command.value for command in commands.Command}


def test_command_lines_are_read_from_code() -> None:
    code = "```bash\n$ triage serve\n.venv/bin/triage key A > x.json  # why\n```\n"
    text = f"Run `triage check` and\n{code}\nthe triage bot; `/triage help`"
    assert list(command_lines(text, "triage")) == [["serve"], ["key", "A"], ["check"]]


def test_every_link_to_a_file_leads_to_one() -> None:
    for file in PAGES:
        targets = [link for link in links(file.read_text(encoding="utf-8")) if "://" not in link]
        assert [link for link in targets if not (file.parent / link.partition("#")[0]).exists()] == []


# ----------------------------------------------------------------------------------- what there is


def test_every_enricher_has_its_row() -> None:
    table = rows(page("README.md"), "The questions")
    declared = {plugin.name: plugin.declaration for plugin in plugins.load_enrichers(plugins.shipped())}
    assert table == {
        f"`{name}`": [
            declaration.question,
            ", ".join(sorted(declaration.needs)),
            ", ".join(f"`{kind}`" for kind in sorted(declaration.raises)),
        ]
        for name, declaration in declared.items()
    }


def test_what_leaves_the_house_is_said() -> None:
    table = rows(page("README.md"), "What leaves the house")
    declared = {plugin.name: plugin.declaration.sends for plugin in plugins.load_enrichers(plugins.shipped())}
    assert table == {f"`{name}`": [sends] for name, sends in declared.items() if sends}


def test_the_readme_names_every_call_that_reads() -> None:
    text = page("README.md")
    remote = athena.PERMISSIONS | athena.CATALOGUE | athena.RESULTS | lookup.PERMISSIONS
    assert [action for action in READING | LOGS | QUEUE | remote if f"`{action}`" not in text] == []


@pytest.mark.parametrize("remediation", remediations(EVERYTHING), ids=lambda each: each.name)
def test_every_remediation_has_its_section_that_names_its_calls(remediation: Remediation) -> None:
    _, found, after = page("docs/remediations.md").partition(f"\n## {remediation.name}\n")
    section, permissions = after.partition("\n## ")[0], remediation.permissions
    called = permissions.read | permissions.act | permissions.roles
    assert found
    assert [action for action in sorted(called) if f"`{action}`" not in section] == []


def test_every_remediation_is_offered_by_default_and_has_its_row() -> None:
    assert set(Settings().remediation.enabled) == set(NAMES)
    assert set(rows(page("docs/remediations.md"), "What there is")) == {f"`{name}`" for name in NAMES}


def test_the_exit_codes_are_those_of_the_program() -> None:
    codes = {0, cli.REFUSED, cli.USAGE, cli.INCOMPLETE}
    for name, heading in (("README.md", "Commands"), ("docs/operations.md", "Exit codes")):
        assert codes <= {int(row) for row in rows(page(name), heading) if row.isdecimal()}


def test_permissions_are_printed_as_one_policy_document() -> None:
    for flags, act, roles in (([], False, False), (["--act"], True, False), (["--act", "--roles"], True, True)):
        printed = CliRunner().invoke(cli.app, ["permissions", *flags])
        wanted = acting_policy(Settings(), roles=roles) if act else reading_policy(Settings())
        assert (printed.exit_code, json.loads(printed.stdout)) == (0, wanted)
