"""What the program is made of is what the lock says, under licences that may stand beside its own."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from tests import supply
from tests.documents import ROOT

PYPI = "https://files.pythonhosted.org/"


def test_the_page_of_licences_is_that_of_the_lock() -> None:
    assert supply.PAGE.read_text(encoding="utf-8") == supply.page(), "run `make licences`"


def test_every_licence_of_the_bot_and_its_demo_is_one_we_may_ship() -> None:
    for part in supply.parts(extras=["demo"]):
        names = set(re.split(r" (?:AND|OR) ", part.licence))
        assert names <= supply.ALLOWED, f"{part.name}: {part.licence}"


def test_the_bill_of_materials_has_every_part_with_the_hash_of_every_file() -> None:
    bill = supply.bill()
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    names = [component["name"] for component in bill["components"]]
    assert len(names) == len(set(names)) > 40
    assert {"boto3", "botocore", "cryptography", "slack-bolt", "uvicorn"} <= set(names)
    assert not {"pytest", "mypy", "ministack"} & set(names)
    for component in bill["components"]:
        assert component["externalReferences"], component["name"]
        for file in component["externalReferences"]:
            (mark,) = file["hashes"]
            assert re.fullmatch(r"[0-9a-f]{64}", mark["content"]), component["name"]
    assert json.dumps(bill) == json.dumps(supply.bill())


def test_every_locked_file_has_a_hash_and_comes_from_one_place() -> None:
    for name, package in supply.lock().items():
        for file in (package.get("sdist"), *package.get("wheels", [])):
            assert file is None or (file["hash"].startswith("sha256:") and file["url"].startswith(PYPI)), name


@pytest.mark.parametrize(
    ("answer", "code", "said"),
    [
        ('{"dependencies": [{"name": "a", "version": "1", "vulns": []}], "fixes": []}', 0, "no known vulnerability"),
        ('{"dependencies": [{"name": "a", "version": "1", "vulns": [{"id": "PYSEC-1"}]}]}', 1, "a 1: PYSEC-1"),
        ("", 0, "NOT AUDITED: the advisory service"),
    ],
)
def test_an_audit_says_what_it_found_or_that_it_could_not_look(
    tmp_path: Path, answer: str, code: int, said: str
) -> None:
    (tmp_path / "answer").write_text(answer)
    auditor = tmp_path / "uv"
    # What uv would do: export the lock, and run pip-audit, whose answer goes to the file after --output.
    auditor.write_text(
        "#!/bin/sh\n"
        'while [ $# -gt 0 ]; do [ "$1" = --output ] && cp "$(dirname "$0")/answer" "$2"; shift; done\n'
        "exit 1\n"
    )
    auditor.chmod(0o755)
    environ = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    done = subprocess.run([ROOT / ".ci" / "audit"], env=environ, capture_output=True, text=True, check=False)
    assert (done.returncode, said in done.stdout) == (code, True), done.stdout + done.stderr
