"""A case's report as files in its thread: asked for with a button, shared once, safe to open."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.demo.slack import LOST_ANSWER, SOC
from bot.demo.slack.http import SCOPES
from tests.slack.office import Office, office
from tests.slack.readable import readable


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Office]:
    with office(tmp_path) as opened:
        opened.alert(user_agent="=HYPERLINK(1) aws-cli/1.22.34 Linux/5.15.0-kali3-amd64")
        yield opened


def shared(room: Office) -> list[dict[str, Any]]:
    room.settle()
    return [file for message in room.slack.thread(SOC, room.card()["ts"]) for file in message.get("files", [])]


def content(room: Office, extension: str) -> str:
    found = next(file for file in shared(room) if file["name"].endswith(f".{extension}"))
    return room.slack.file(found["id"]).decode()


def test_the_report_comes_into_the_thread_with_times_and_decisions(room: Office) -> None:
    room.press("take")
    room.settle()
    room.move(timedelta(minutes=3))
    room.press("declare case:1")
    room.submit("Declare incident", {"reason": "The thief sends mail."})
    room.press("report case:1")
    room.settle()
    assert {file["name"].rpartition(".")[2] for file in shared(room)} == {"html", "md", "csv"}
    told = content(room, "md")
    assert "## How long it took" in told
    assert "| Taken | 2026\\-11\\-20" in told or "| Taken | 2026-11-20 15:00:00 UTC" in told
    assert "The thief sends mail" in told
    assert "Declared an incident by sam" in told
    assert "<h1>Case #1: " in content(room, "html")
    assert "<script" not in content(room, "html")
    rows = list(csv.reader(io.StringIO(content(room, "csv"))))
    assert rows[0][0] == "time"
    assert not [cell for row in rows for cell in row if cell.startswith(("=", "+", "-", "@"))]


def test_a_report_whose_answer_was_lost_is_not_shared_twice(room: Office) -> None:
    room.card()
    room.slack.fail_next("files.completeUploadExternal", LOST_ANSWER)
    room.press("report case:1")
    room.settle()
    room.move(timedelta(seconds=10))
    assert len(shared(room)) == len({file["name"] for file in shared(room)}) > 0


def test_without_the_scope_the_thread_says_how_to_get_it_all_the_same(tmp_path: Path) -> None:
    with office(tmp_path, scopes=[scope for scope in SCOPES if scope != "files:write"]) as room:
        room.alert()
        room.press("report case:1")
        told = " ".join(room.thread())
        assert "the app lacks files:write" in told
        assert "`triage case report 1` prints it." in told
        assert "The report of case #1 is being made" in readable(room.window("Kept"))
