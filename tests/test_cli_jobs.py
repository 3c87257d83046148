"""`triage jobs` as people type it: what failed for good is listed, shown, and done again."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot import audit
from bot.app import Desk
from bot.config import load
from bot.store import jobs
from tests.test_cli import DONE, REFUSED, USAGE, Triage, triage
from tests.test_pipeline import ONE, work

__all__ = ("triage",)

CONFIG = """\
[slack]
channel = "C0SOC"
[sources.aws]
auth = "sqs"
queue_url = "https://sqs.us-east-1.amazonaws.com/111122223333/alerts"
[access]
triage = ["local:alice"]
"""
SECRET = "cAn4ry/Zq81LrT0bW+vYxK3dPfGhJmN5sUeR7oQ2"
LETTER = f'{{"id": "a", "keys": ["{ONE}"], "secret": "{SECRET}"'
"""An alert that was cut off."""


@pytest.fixture
def place(triage: Triage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A bot with one dead letter, and a dead change."""
    monkeypatch.setenv("LOGNAME", "alice")
    (tmp_path / "config.toml").write_text(CONFIG)
    with opened(tmp_path) as desk:
        desk.investigate.prepare()
        desk.pipeline.bury("aws", LETTER, "The body is not JSON.")
        now = desk.clock()
        desk.state.write(lambda db: jobs.bury(db, "execute", {"token": "canary-token"}, "lost", now, pool="act"))
    return tmp_path


def opened(place: Path) -> Desk:
    return Desk(load(place / "config.toml", {}), {})


def test_dead_letters_are_listed_and_shown_without_their_secrets(triage: Triage, place: Path) -> None:
    listed = triage("jobs", "list", "--json")
    assert (listed.code, listed.err) == (DONE, "")
    assert [(each["job"], each["kind"], each["error"]) for each in listed.document["jobs"]] == [
        (2, "execute", "lost"),
        (1, "read", "The body is not JSON."),
    ]
    assert listed.document["counts"] == {"dead": 2, "ready": 0, "leased": 0, "done": 0}
    assert "Job 1: read, dead since" in triage("jobs", "list").out
    shown = triage("jobs", "show", "1", "--json").document
    assert shown["payload"]["source"] == "aws"
    assert ONE in shown["payload"]["body"]
    for line in ("1", "2"):
        assert SECRET not in triage("jobs", "show", line).out
        assert "canary-token" not in triage("jobs", "show", line).out
    assert place


def test_a_dead_letter_is_replayed_and_dies_again_if_it_is_still_none(triage: Triage, place: Path) -> None:
    replayed = triage("jobs", "replay", "1", "--reason", "the mapping is mended")
    assert (replayed.code, replayed.out, replayed.err) == (DONE, "Job 1 is ready.\n", "")
    with opened(place) as desk:
        (job,) = desk.state.read().execute("SELECT state, attempts FROM jobs WHERE id = 1").fetchall()
        assert tuple(job) == ("ready", 0)
        (entry,) = audit.entries(desk.state.read())
        assert (entry.operation, entry.target, entry.reason) == ("replay job", "job 1", "the mapping is mended")
    again = triage("jobs", "replay", "1", "--reason", "again")
    assert (again.code, again.err) == (REFUSED, "Job 1 is ready, not dead: there is nothing to replay.\n")


def test_a_letter_that_can_be_read_now_opens_its_case(triage: Triage, place: Path) -> None:
    with opened(place) as desk:
        whole = LETTER.replace(SECRET, "x") + "}"
        desk.state.write(
            lambda db: db.execute("UPDATE jobs SET payload = json_set(payload, '$.body', ?) WHERE id = 1", [whole])
        )
    triage("jobs", "replay", "1", "--reason", "it was cut off")
    with opened(place) as desk:
        work(desk)
        subjects = desk.state.read().execute("SELECT subject_value FROM cases").fetchall()
        assert [row[0] for row in subjects] == [ONE]


def test_a_change_is_never_replayed(triage: Triage, place: Path) -> None:
    refused = triage("jobs", "replay", "2", "--reason", "try again")
    assert refused.code == REFUSED
    assert "Plan the change anew" in refused.err
    assert place


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (("show", "99"), REFUSED, "there is no job 99"),
        (("replay", "99", "--reason", "x"), REFUSED, "there is no job 99"),
        (("replay", "1", "--reason", " "), REFUSED, "Say why"),
        (("replay", "1"), USAGE, "--reason"),
        (("list", "--state", "odd"), USAGE, "odd"),
    ],
)
def test_what_cannot_be_done_is_said(
    triage: Triage, place: Path, words: tuple[str, ...], code: int, sentence: str
) -> None:
    refused = triage("jobs", *words)
    assert refused.code == code
    assert sentence in refused.err
    assert place


def test_who_may_not_triage_sees_none(triage: Triage, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "mallory")
    for words in (("list",), ("show", "1"), ("replay", "1", "--reason", "x")):
        assert triage("jobs", *words).code == REFUSED
    assert place
