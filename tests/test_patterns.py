"""No text that a stranger writes keeps a regular expression of ours busy: each is pumped, and its CPU counted."""

from __future__ import annotations

import subprocess
import sys

from tests.documents import ROOT


def tried(*pattern: str) -> list[str]:
    command = [sys.executable, "-m", "tests.patterns_runner", *pattern]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()


def test_no_pattern_of_the_package_takes_long_over_a_hostile_text() -> None:
    *slow, count = tried()
    assert slow == []
    assert int(count.split()[0]) > 200


def test_a_pattern_that_would_is_found() -> None:
    first, _ = tried(r"(?:a+)+$")
    assert first.startswith("too long: given")
    second, _ = tried(r"\s*(\w+?)\s*=")
    assert second.startswith("too long: given")
