"""Judge every mutant of the modules that decide who may change what, and write docs/mutation.md's tables anew."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import pytest

from tests.documents import ROOT
from tests.mutants.equivalent import EQUIVALENT
from tests.mutants.judge import UNCHANGED, Judge
from tests.mutants.mutator import Mutant, mutants

MODULES = ("bot.access", "bot.remediation.approvals", "bot.remediation.run")
TESTS = (
    "tests/test_access.py",
    "tests/remediation/test_approvals.py",
    "tests/remediation/test_approvals_kept.py",
    "tests/remediation/test_arming.py",
    "tests/remediation/test_answers_of_aws.py",
    "tests/remediation/test_carrying_out.py",
    "tests/remediation/test_last_look.py",
    "tests/remediation/test_taking_up_again.py",
)
BY_CHANCE = "tests/remediation/test_approvals.py::TestApprovals::runTest"
"""Draws its examples anew each time, so that a ratio that counts on it could not be repeated."""
PAGE = ROOT / "docs" / "mutation.md"
BEGIN, END = "<!-- mutants -->\n", "<!-- /mutants -->"


def source_of(module: str) -> tuple[str, str]:
    """The file of a module, and what is in it."""
    file = str(import_module(module).__file__)
    return file, Path(file).read_text(encoding="utf-8")


def all_of(module: str) -> list[Mutant]:
    file, source = source_of(module)
    return mutants(module, source, file)


def control(module: str) -> Mutant:
    """The module as it is, with its first function put in place as a mutant's would be."""
    file, source = source_of(module)
    return replace(all_of(module)[0], name=UNCHANGED, code=compile(source, file, "exec"))


def named(mutant: Mutant) -> tuple[str, str, str]:
    return mutant.module, mutant.function, mutant.name


def tables(of: dict[str, list[Mutant]], survived: Sequence[Mutant]) -> str:
    head = ("module", "mutants", "killed", "survived", "equivalent", "killed of those that differ")
    lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for module, made in of.items():
        left = [each for each in survived if each.module == module]
        same = [each for each in left if named(each) in EQUIVALENT]
        killed, differ = len(made) - len(left), len(made) - len(same)
        counts = (len(made), killed, len(left) - len(same), len(same), f"{killed / differ:.1%}")
        lines.append(f"| `{module}` | {' | '.join(map(str, counts))} |")
    unlike = [f"- {told(each)}" for each in survived if named(each) not in EQUIVALENT]
    alike = [f"- {told(each)}: {EQUIVALENT[named(each)]}" for each in survived if named(each) in EQUIVALENT]
    for title, listed in (("Survived", unlike), ("Equivalent", alike)):
        lines += ["", f"**{title}**", "", *(listed or ["None."])]
    return "\n".join(lines) + "\n"


def told(mutant: Mutant) -> str:
    return f"`{mutant.module.rsplit('.', 1)[-1]}.{mutant.function}`: {mutant.name}"


def main(asked: Sequence[str]) -> int:
    modules = asked or MODULES
    of = {module: all_of(module) for module in modules}
    judge = Judge(
        [*map(control, modules), *(each for made in of.values() for each in made)],
        {source_of(module)[0]: module for module in modules},
        min(2, os.cpu_count() or 1),
    )
    with tempfile.TemporaryDirectory() as folder:
        settled = ("-o", "tmp_path_retention_policy=none", "--basetemp", str(Path(folder) / "tests"))
        quiet = ("-qq", "-p", "no:cacheprovider", "--deselect", BY_CHANCE)
        pytest.main([*quiet, *settled, *(str(ROOT / test) for test in TESTS)], plugins=[judge])
    if judge.broken:
        sys.stderr.write(f"Not judged. What fails without a mutant, or cannot run: {', '.join(judge.broken)}.\n")
        return 1
    found = tables(of, judge.survived)
    sys.stdout.write(found)
    noticed = set(EQUIVALENT) & {named(each) for made in of.values() for each in made} - set(map(named, judge.survived))
    for each in sorted(noticed):
        sys.stderr.write(f"Called equivalent, but a test noticed it: {each}.\n")
    if not asked:
        page = PAGE.read_text(encoding="utf-8")
        before, rest = page.split(BEGIN)
        PAGE.write_text(f"{before}{BEGIN}{found}{END}{rest.split(END)[1]}", encoding="utf-8")
    return 1 if noticed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
