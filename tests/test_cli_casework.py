"""`triage case` as people type it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bot import tasks
from bot.app import Desk
from bot.config import load
from tests.test_cli import DONE, REFUSED, USAGE, Triage, triage
from tests.test_pipeline import ONE, TWO, alert, deliver

__all__ = ("triage",)

CONFIG = """\
[slack]
channel = "C0SOC"
[sources.siem]
secrets = ["env:UNUSED"]
[access]
triage = ["local:alice"]
"""


@pytest.fixture
def analyst(triage: Triage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Triage:
    """The command of a named analyst, beside a bot with two cases."""
    monkeypatch.setenv("LOGNAME", "alice")
    (tmp_path / "config.toml").write_text(CONFIG)
    with Desk(load(tmp_path / "config.toml", {}), {}) as desk:
        desk.investigate.prepare()
        deliver(desk, alert("a-1", ONE), alert("a-2", TWO))
    return triage


def test_cases_are_listed_shown_and_closed(analyst: Triage) -> None:
    listed = analyst("case", "list", "--json")
    assert (listed.code, listed.err) == (DONE, "")
    assert [each["subject"]["value"] for each in listed.document["cases"]] == [ONE, TWO]
    closed = analyst("case", "close", "1", "--verdict", "benign", "--reason", "our scanner", "--json")
    assert (closed.code, closed.err) == (DONE, "")
    document = closed.document
    assert (document["state"], document["concluded"]) == ("closed", "benign")
    (closing,) = document["closings"]
    assert (closing["verdict"], closing["by"], closing["reason"]) == ("benign", "local:alice", "our scanner")
    assert closing["bot"]["verdict"] == document["verdict"]
    assert [each["case"] for each in analyst("case", "list", "--json").document["cases"]] == [2]
    assert [each["case"] for each in analyst("case", "list", "--all", "--json").document["cases"]] == [2, 1]
    assert "Closed as benign" in analyst("case", "show", "1").out
    shown = analyst("case", "show", "2", "--json").document
    assert shown["triage"]["observable"] == {"kind": "access_key", "value": TWO}
    assert [each["title"] for each in shown["alerts"]] == ["alert a-2"]


def test_a_case_is_handed_over_and_declared(analyst: Triage) -> None:
    given = analyst(
        "case", "hand-over", "1", "--to", "local:alice", "--check-in", "60", "--note", "mind the mail", "--json"
    )
    assert (given.code, given.err) == (DONE, "")
    assert (given.document["to"], given.document["note"]) == ("local:alice", "mind the mail")
    refused = analyst("case", "hand-over", "1", "--to", "local:mallory")
    assert (refused.code, refused.out) == (REFUSED, "")
    assert "mallory cannot have case #1" in refused.err
    declared = analyst("case", "declare", "1", "--reason", "mail goes out")
    assert "Declared incident" in declared.out
    assert (
        "alice declared case #1 an incident already: mail goes out"
        in analyst("case", "declare", "1", "--reason", "x").err
    )
    shown = analyst("case", "show", "1", "--json").document
    assert (shown["declared"]["reason"], shown["owner"], len(shown["handovers"])) == ("mail goes out", "local:alice", 1)


def test_something_is_snoozed_listed_and_lifted(analyst: Triage) -> None:
    previewed = analyst("snooze", "add", "key", ONE, "--hours", "24")
    assert f"would have hidden {ONE}: 1 alert in 1 case" in " ".join(previewed.out.split())
    assert analyst("snooze", "list").out == "Nothing is snoozed.\n"
    made = analyst("snooze", "add", "key", ONE, "--hours", "24", "--reason", "our test", "--json").document
    assert (made["observable"]["value"], made["reason"], made["by"]) == (ONE, "our test", "local:alice")
    assert [each["snooze"] for each in analyst("snooze", "list", "--json").document["snoozes"]] == [made["snooze"]]
    assert "There is no snooze 9" in analyst("snooze", "lift", "9", "--reason", "x").err
    assert analyst("snooze", "lift", "1", "--reason", "over").out == f"The snooze of {ONE} is lifted.\n"
    assert "does not hold any more" in analyst("snooze", "lift", "1", "--reason", "over").err
    assert analyst("snooze", "add", "car", ONE, "--hours", "1").code == USAGE


def test_a_digest_is_printed(analyst: Triage) -> None:
    told = analyst("digest", "--json")
    assert (told.code, told.err) == (DONE, "")
    assert told.document["cases"] == 2
    assert {each["source"]: each["alerts"] for each in told.document["sources"]} == {"siem": 2}
    assert "From siem" in analyst("digest", "--days", "1").out


def test_a_leak_is_noted(analyst: Triage) -> None:
    noted = analyst("case", "leak", "1", "--where", "a paste site", "--reason", "seen")
    assert (noted.code, noted.err) == (DONE, "")
    alerts = analyst("case", "show", "1", "--json").document["alerts"]
    assert [each["title"] for each in alerts][-1] == f"alice saw {ONE} in public: a paste site"


def test_the_weights_are_compared(analyst: Triage) -> None:
    analyst("case", "close", "1", "--verdict", "true", "--reason", "so")
    counted = analyst("case", "calibrate", "--json")
    assert (counted.code, counted.document["cases"], counted.document["true"]) == (DONE, 1, 1)
    assert "No points are suggested before there are 30" in analyst("case", "calibrate").out


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (("show", "77"), REFUSED, "There is no case #77: `triage case list --all` has them."),
        (("close", "77", "--verdict", "true", "--reason", "x"), REFUSED, "There is no case #77"),
        (("close", "1", "--verdict", "true", "--reason", " "), REFUSED, "Say why"),
        (("close", "1", "--verdict", "maybe", "--reason", "x"), USAGE, "--verdict"),
        (("close", "1", "--verdict", "duplicate", "--reason", "x"), USAGE, "goes with --of ID, the case that is kept"),
        (("leak", "1", "--where", " ", "--reason", "x"), REFUSED, "Say where"),
        (("leak", "77", "--where", "x", "--reason", "x"), REFUSED, "There is no case #77"),
    ],
)
def test_what_cannot_be_done_is_a_sentence(analyst: Triage, words: tuple[str, ...], code: int, sentence: str) -> None:
    ended = analyst("case", *words)
    assert (ended.code, ended.out) == (code, "")
    assert sentence in " ".join(ended.err.split())


def test_somebody_who_is_not_named_sees_nothing(analyst: Triage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "mallory")
    for words in (("list",), ("show", "1"), ("calibrate",), ("close", "1", "--verdict", "true", "--reason", "x")):
        ended = analyst("case", *words)
        assert (ended.code, ended.out) == (REFUSED, "")
        assert "local:mallory" in ended.err


def test_a_task_is_listed_taken_and_done(analyst: Triage, tmp_path: Path) -> None:
    with Desk(load(tmp_path / "config.toml", {}), {}) as desk:
        now = desk.clock()
        commands = ("aws iam update-access-key",)
        desk.state.write(
            lambda db: tasks.add(db, 1, "disable_access_key", ONE, f"Disable {ONE}", "AccessDenied", commands, now)
        )
    assert analyst("case", "task", "list", "2").out == "No tasks.\n"
    assert "☐ Task 1 (nobody has taken it)" in analyst("case", "show", "1").out
    (listed,) = analyst("case", "task", "list", "1", "--json").document["tasks"]
    assert (listed["state"], listed["taken_by"], listed["commands"]) == ("open", None, list(commands))
    taken = analyst("case", "task", "take", "1", "--json")
    assert (taken.code, taken.document["taken_by"]) == (DONE, "local:alice")
    assert analyst("case", "task", "done", "1", "--reason", " ").code == REFUSED
    done = analyst("case", "task", "done", "1", "--reason", "by hand")
    assert (done.code, "Task 1 done by alice" in done.out) == (DONE, True)
    again = analyst("case", "task", "take", "1")
    assert (again.code, "done already, by alice: by hand" in again.err) == (REFUSED, True)
    assert analyst("case", "task", "take", "77").err.startswith("There is no task 77")
    assert analyst("case", "show", "1", "--json").document["tasks"][0]["state"] == "done"
    lines = [json.loads(line) for line in analyst("audit", "export").out.splitlines()]
    assert [(line["operation"], line["target"]) for line in lines] == [
        ("take task", "case 1: task 1"),
        ("finish task", "case 1: task 1"),
    ]


def test_a_case_is_reported_as_markdown_html_and_csv(analyst: Triage, tmp_path: Path) -> None:
    told = analyst("case", "report", "1")
    assert (told.code, told.err) == (DONE, "")
    assert told.out.startswith("# Case \\#1: ")
    page = tmp_path / "case.html"
    assert analyst("case", "report", "1", "--html", "--out", str(page)).code == DONE
    assert page.read_text().startswith("<!DOCTYPE html>")
    drawn = analyst("case", "report", "1", "--pictures", str(tmp_path / "pictures"))
    assert (drawn.code, "nothing to draw" in drawn.err) == (DONE, True)
    listed = analyst("case", "report", "1", "--csv")
    assert (listed.code, listed.out.splitlines()[0].split(",")[0]) == (DONE, "time")
    assert analyst("case", "report", "1", "--csv", "--html").code == USAGE
    assert "There is no case #9" in analyst("case", "report", "9").err


def test_a_case_without_a_scope_drafts_no_playbook(analyst: Triage) -> None:
    refused = analyst("case", "playbook", "1")
    assert (refused.code, refused.out) == (REFUSED, "")
    assert "nothing to draft a playbook from" in refused.err


def test_a_case_needs_no_secret_of_aws(analyst: Triage, tmp_path: Path) -> None:
    """As on an analyst's laptop, where the bot's secrets are not."""
    file = tmp_path / "config.toml"
    file.write_text(
        CONFIG
        + '[aws]\nread_role = "arn:aws:iam::{account}:role/read"\nexternal_id = "env:NO_SUCH_SECRET"\n'
        + '[exposure]\ngithub_token = "env:NO_SUCH_SECRET"\n'
    )
    for words in (
        *(["list"], ["show", "1"], ["report", "1"], ["report", "1", "--csv"], ["task", "list", "1"], ["calibrate"]),
        *(["export", "1"], ["declare", "1", "--reason", "x"], ["close", "1", "--verdict", "benign", "--reason", "x"]),
    ):
        ended = analyst("case", *words)
        assert (ended.code, words) == (DONE, words), ended.err
    assert analyst("arm").code == DONE
    refused = analyst("plan", "disable_access_key", ONE)
    assert (refused.code, "NO_SUCH_SECRET is not set" in refused.err) == (USAGE, True)
