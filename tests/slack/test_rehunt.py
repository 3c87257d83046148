"""A contained theft is hunted again: told once what is new, in one message that nothing is, and until day 90."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot import audit, rehunt
from bot.app import Desk
from bot.config import load
from bot.demo.slack import SOC, SOC_GROUP, LocalSlack
from bot.history.load import load_paths
from bot.history.sqlite import SqliteHistory
from bot.hunts.again import DAYS
from bot.hunts.library import own_playbooks
from bot.model import Actor, Conclusion, Refusal
from bot.remediation.records import changes_of
from bot.store import jobs
from tests.history import made
from tests.slack.test_heard import CONFIG, alert, heard, send_all
from tests.test_pipeline import end, rows, work

BEGAN = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
ANALYST = Actor("local:ana", "ana")
NAME = "disable_access_key"
THIEF = "159.89.100.10"
RIGHTS = """
[access]
triage = ["slack:T0123ABCD:U0123ABCD"]
[access.people]
"local:ana" = "slack:T0123ABCD:U0123ABCD"
"""


@pytest.fixture
def clock() -> list[datetime]:
    return [BEGAN]


@pytest.fixture
def desk(tmp_path: Path, clock: list[datetime]) -> Iterator[Desk]:
    theft = made.record(1, sourceIPAddress=THIEF)
    made.loaded(tmp_path, *ordinary(), theft).path.rename(tmp_path / "history.db")
    config = tmp_path / "config.toml"
    config.write_text(CONFIG.format(folder=tmp_path, soc=SOC, group=SOC_GROUP) + RIGHTS)
    with Desk(load(config, {}), {}, lambda: clock[-1]) as opened:
        opened.pipeline.accept("siem", [alert(title="AttackSequence:IAM/CompromisedCredentials", access_key=made.KEY)])
        work(opened)
        yield opened


def ordinary() -> list[dict[str, Any]]:
    """Ten days of an organisation in which nobody lists users."""
    return [
        by(f"worker{number % 3}", 1000 + number, f"2026-11-{9 + number // 3:02d}T10:00:00Z", eventName="GetRole")
        for number in range(30)
    ]


def by(name: str, number: int, at: str, **more: Any) -> dict[str, Any]:
    identity = made.record()["userIdentity"] | {"userName": name, "accessKeyId": f"AKIARTX3GSDSQ{name.upper():A<7.7}"}
    identity["arn"] = f"arn:aws:iam::{made.ACCOUNT}:user/{name}"
    return made.record(number, userIdentity=identity, eventTime=at, **{"sourceIPAddress": "203.0.113.9", **more})


def add(desk: Desk, folder: Path, *records: dict[str, Any]) -> None:
    path = made.write(folder / f"{records[0]['eventID']}.json", records)
    load_paths(SqliteHistory(desk.settings.history.path), [path])


def look(desk: Desk, clock: list[datetime], day: int) -> None:
    """Have everything done that is due on ``day``."""
    clock.append(BEGAN + timedelta(days=day, seconds=1))
    while job := desk.state.write(lambda db: jobs.claim(db, rehunt.POOL, desk.clock())):
        commit = desk.rehunt.handlers()[job.kind](job)
        desk.state.write(lambda db, job=job, commit=commit: end(db, job, commit, desk.clock()))  # type: ignore[misc]


def told(desk: Desk, slack: LocalSlack, clock: list[datetime]) -> list[str]:
    """What stands in the thread of what was hunted again."""
    send_all(desk, slack, clock)
    return [said["text"] for said in slack.messages(SOC) if str(said["text"]).startswith("Hunted again")]


def begin(desk: Desk) -> None:
    closed = desk.operations.close(1, Conclusion.TRUE, ANALYST, "it was stolen")
    assert not isinstance(closed, Refusal)
    assert rows(desk, "SELECT count(*) FROM jobs WHERE kind = 'hunt_again'") == [(1,)]


def test_a_case_that_is_closed_as_true_is_hunted_a_day_later(
    desk: Desk, slack: LocalSlack, clock: list[datetime], tmp_path: Path
) -> None:
    begin(desk)
    add(desk, tmp_path, by("worker0", 40, "2026-11-21T10:00:00Z", eventName="GetRole"))
    look(desk, clock, 1)
    (said,) = told(desk, slack, clock)
    assert said.startswith("Hunted again, day 1 of 90, 2026-11-20 15:00 to 2026-11-21 10:00 UTC: nothing new.")
    assert said.endswith("Next: 2026-11-22.")


def test_somebody_else_who_does_the_same_is_told_aloud_and_only_once(
    desk: Desk, slack: LocalSlack, clock: list[datetime], tmp_path: Path
) -> None:
    begin(desk)
    add(desk, tmp_path, by("mallory", 41, "2026-11-21T12:00:00Z"))
    before = len(heard(slack))
    look(desk, clock, 1)
    (said,) = told(desk, slack, clock)
    assert "user/mallory made 1 calls of it" in said
    assert len([text for text in heard(slack)[before:] if "Hunting case #1 again" in text]) == 1
    add(desk, tmp_path, by("mallory", 42, "2026-11-22T12:00:00Z"))
    look(desk, clock, 2)
    (said,) = told(desk, slack, clock)
    assert "day 2 of 90" in said
    assert "nothing new" in said
    assert len([text for text in heard(slack) if "Hunting case #1 again" in text]) == 1


def test_the_cases_own_user_is_no_news(desk: Desk, slack: LocalSlack, clock: list[datetime], tmp_path: Path) -> None:
    begin(desk)
    add(desk, tmp_path, made.record(43, eventTime="2026-11-21T12:00:00Z", sourceIPAddress=THIEF))
    look(desk, clock, 1)
    (said,) = told(desk, slack, clock)
    assert "nothing new" in said


def test_a_disabled_key_that_aws_still_answers_is_told_aloud(
    desk: Desk, slack: LocalSlack, clock: list[datetime], tmp_path: Path
) -> None:
    disabled(desk)
    worked = {"errorCode": ..., "errorMessage": ...}
    add(desk, tmp_path, made.record(44, eventTime="2026-11-21T12:00:00Z", eventName="GetRole", **worked))
    look(desk, clock, 1)
    told(desk, slack, clock)
    assert [text for text in heard(slack) if f"{made.KEY} is disabled, and AWS still answered it 1 time." in text]


def disabled(desk: Desk) -> None:
    """The case's key was disabled at once: what a confirmed change leaves behind, and whom it tells."""
    target, at = made.KEY, "2026-11-20T15:00:00Z"
    plan = ["p", NAME, target, made.ACCOUNT, 1, "", "{}", "{}", "", "[]", ANALYST.id, ANALYST.name, at, at]
    execution = ["e", "p", 1, NAME, target, "confirmed", ANALYST.id, ANALYST.name, "", at, ""]
    desk.state.write(
        lambda db: (
            db.execute(
                "INSERT INTO plans (id, remediation, target, account, case_id, title, before, after, digest, warnings,"
                " actor, actor_name, created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                plan,
            ),
            db.execute(
                "INSERT INTO executions (id, plan, case_id, remediation, target, state, actor, actor_name, reason, at,"
                " sentence) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                execution,
            ),
        )
    )
    (change,) = changes_of(desk.state.read(), 1)
    desk.state.write(lambda db: desk.pipeline.changed(db, change))


def test_what_could_not_be_searched_is_said_and_searched_the_next_day(
    desk: Desk, slack: LocalSlack, clock: list[datetime], tmp_path: Path
) -> None:
    begin(desk)
    look(desk, clock, 1)
    (said,) = told(desk, slack, clock)
    assert "could not look: no CloudTrail record is newer than" in said
    add(desk, tmp_path, by("mallory", 45, "2026-11-20T18:00:00Z"), by("worker0", 46, "2026-11-22T10:00:00Z"))
    look(desk, clock, 2)
    (said,) = told(desk, slack, clock)
    assert "user/mallory" in said


def test_it_ends_on_day_ninety_and_says_how_it_went(desk: Desk, slack: LocalSlack, clock: list[datetime]) -> None:
    begin(desk)
    for day in DAYS:
        look(desk, clock, day)
    (said,) = told(desk, slack, clock)
    assert "day 90 of 90" in said
    assert said.endswith(f"That was the last time; 0 of {len(DAYS)} had news.")
    assert rows(desk, "SELECT count(*) FROM jobs WHERE kind = 'hunt_again' AND state <> 'done'") == [(0,)]


def test_after_day_ninety_it_goes_on_when_config_says(desk: Desk, slack: LocalSlack, clock: list[datetime]) -> None:
    investigate = desk.investigate
    desk.rehunt = rehunt.Rehunt(
        *(desk.state, desk.clock, lambda: investigate.kept, investigate.draft, investigate.playbooks),
        *(desk.pipeline.hunted_again, "0 6 1 * *"),
    )
    begin(desk)
    for day in DAYS:
        look(desk, clock, day)
    (said,) = told(desk, slack, clock)
    assert said.endswith("Next: 2027-03-01.")
    (first, second) = (datetime(2027, month, 1, 6, tzinfo=UTC) for month in (3, 4))
    for at in (first, second):
        look(desk, clock, (at - BEGAN).days + 1)
    (said,) = told(desk, slack, clock)
    assert "day 132, on your schedule" in said
    assert said.endswith("Next: 2027-05-01.")


def test_a_case_that_turns_out_harmless_is_hunted_no_longer(
    desk: Desk, slack: LocalSlack, clock: list[datetime]
) -> None:
    desk.state.write(lambda db: rehunt.begin(db, 1, BEGAN))
    desk.operations.close(1, Conclusion.BENIGN, ANALYST, "our own test")
    look(desk, clock, 1)
    assert told(desk, slack, clock) == []
    assert rows(desk, "SELECT count(*) FROM jobs WHERE kind = 'hunt_again' AND state <> 'done'") == [(0,)]


def test_an_analyst_keeps_the_playbook_and_it_is_on_record(desk: Desk, tmp_path: Path) -> None:
    folder = str(tmp_path / "playbooks")
    drafted = desk.operations.incident_playbook(1, ANALYST)
    assert isinstance(drafted, str)
    assert '"iam:ListUsers",  # 1 of 1 keys, rarity' in drafted
    stranger = Actor("local:eve", "eve")
    for actor, reason, where in ((ANALYST, " ", folder), (ANALYST, "ours", ""), (stranger, "ours", folder)):
        assert isinstance(desk.operations.save_playbook(1, actor, reason, where), Refusal)
    assert own_playbooks("") == ()
    path = desk.operations.save_playbook(1, ANALYST, "the same again?", folder)
    assert isinstance(path, Path)
    assert [playbook.core for playbook in own_playbooks(folder)] == [{"iam:ListUsers"}]
    newest = audit.entries(desk.state.read())[-1]
    assert (newest.actor, newest.operation, newest.reason) == (ANALYST.id, "save playbook", "the same again?")
