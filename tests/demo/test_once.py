"""`triage demo --once --json`: the whole story in one process, twice, to the same bytes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from bot.slack.lint import lint

COMMAND = ["demo", "--once", "--json", "--seed", "11", "--at", "2026-11-23T10:00:00Z"]


def start(folder: Path) -> subprocess.Popen[str]:
    """Started where nothing of the user's configuration or credentials is at hand."""
    folder.mkdir()
    triage = Path(sys.executable).with_name("triage")
    environ = {"PATH": os.environ["PATH"], "HOME": str(folder)}
    kept = ["--keep", "kept"]
    return subprocess.Popen(
        [str(triage), *COMMAND, *kept],
        cwd=folder,
        env=environ,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def test_the_story_is_told_to_its_end_and_the_same_again(tmp_path: Path) -> None:
    with start(tmp_path / "one") as one, start(tmp_path / "two") as two:
        (said, logged), (said_again, _) = one.communicate(), two.communicate()
    assert (one.returncode, two.returncode) == (0, 0), logged
    assert said == said_again
    document = json.loads(said)
    assert document["replay"] == {"disabled": True, "refused_after": True, "undone": True, "works_after_undo": True}
    assert document["at"] == "2026-11-23T10:00:00Z"
    assert document["assessment"]["verdict"] == "incident"
    (spread,) = [each for each in document["assessment"]["reasons"] if each["signal"] == "scope.confirmed"]
    assert spread["sentence"].startswith("6 more keys show the same traces")
    assert "7 keys: this one, and those of " in json.dumps(document["card"], ensure_ascii=False)
    assert document["card"]["text"].startswith("Case #1: ")
    assert lint(document["card"]) == []
    assert (tmp_path / "one" / "kept" / "alert.json").is_file()
    assert (tmp_path / "one" / "kept" / "history.db").is_file()
