"""What must be heard: said in the thread and in the channel, once, and again where nobody takes it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.app import Desk
from bot.config import load
from bot.demo.slack import SOC, SOC_GROUP, LocalSlack
from bot.model import Actor, Verdict
from bot.slack.client import web_client
from bot.slack.heard import has_risen, risen, untaken
from bot.slack.post import Sender
from bot.store import jobs
from tests.checkers import problems
from tests.fakes import KALI_AGENT
from tests.history import made
from tests.remediation.cloud import key_id
from tests.slack.cases import INCIDENT
from tests.test_pipeline import work

NOW = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
KEY = key_id(1)
CONFIG = """\
[slack]
channel = "{soc}"
on_call = "{group}"
[store]
path = "{folder}/state.db"
[history]
path = "{folder}/history.db"
[sources.siem]
secrets = ["env:UNUSED"]
"""


@pytest.mark.parametrize(
    ("before", "after", "heard"),
    [
        (None, Verdict.INCIDENT, True),
        (None, Verdict.PROBABLE, True),
        (None, Verdict.SUSPICIOUS, False),
        (None, Verdict.LOW, False),
        (Verdict.LOW, Verdict.SUSPICIOUS, False),
        (Verdict.SUSPICIOUS, Verdict.PROBABLE, True),
        (Verdict.PROBABLE, Verdict.INCIDENT, True),
        (Verdict.PROBABLE, Verdict.PROBABLE, False),
        (Verdict.INCIDENT, Verdict.PROBABLE, False),
        (Verdict.INCIDENT, Verdict.LOW, False),
        (Verdict.INCONCLUSIVE, Verdict.INCIDENT, True),
    ],
)
def test_only_what_becomes_grave_is_heard(before: Verdict | None, after: Verdict, heard: bool) -> None:
    assert has_risen(before, after) is heard


@pytest.mark.parametrize("group", ["", "S0SOC"])
def test_it_calls_a_user_group_where_one_is_named(group: str) -> None:
    for message in (risen(INCIDENT, group), untaken(INCIDENT, group, 5)):
        assert problems(message.payload()) == []
        assert ("usergroup" in json.dumps(message.payload())) is bool(group)


# ------------------------------------------------------------------------------------- the whole way


@pytest.fixture
def clock() -> list[datetime]:
    return [NOW]


@pytest.fixture
def desk(tmp_path: Path, clock: list[datetime]) -> Iterator[Desk]:
    made.loaded(tmp_path, made.record(1)).path.rename(tmp_path / "history.db")
    config = tmp_path / "config.toml"
    config.write_text(CONFIG.format(folder=tmp_path, soc=SOC, group=SOC_GROUP))
    with Desk(load(config, {}), {}, lambda: clock[-1]) as opened:
        yield opened


def alert(**more: Any) -> dict[str, Any]:
    told = {"id": "a", "title": "an alert", "time": "2026-11-20T14:58:00Z", "access_key": KEY}
    return {**told, "principal": "alice", "user_agent": KALI_AGENT, "source_ip": "159.89.100.10", **more}


def send_all(desk: Desk, slack: LocalSlack, clock: list[datetime]) -> None:
    sender = Sender(desk.state, web_client(slack.bot_token, slack.api_url), lambda: clock[-1], timedelta())
    while sender.send_next():
        pass


def heard(slack: LocalSlack) -> list[str]:
    return [said["text"] for said in slack.messages(SOC) if said.get("subtype") == "thread_broadcast"]


def incident(desk: Desk) -> None:
    """An alert whose key AWS itself has quarantined: the gravest there is, and certain."""
    desk.pipeline.accept("siem", [alert(title="AttackSequence:IAM/CompromisedCredentials")])
    work(desk)


def test_an_incident_is_said_in_the_channel_calls_and_calls_again_until_somebody_takes_it(
    desk: Desk, slack: LocalSlack, clock: list[datetime]
) -> None:
    incident(desk)
    send_all(desk, slack, clock)
    (said,) = heard(slack)
    assert "Incident" in said
    assert SOC_GROUP in json.dumps(slack.messages(SOC))
    clock.append(NOW + timedelta(minutes=5, seconds=1))
    work(desk)
    send_all(desk, slack, clock)
    assert [text for text in heard(slack) if "Nobody has taken case #1 for 5 minutes" in text]
    assert len(heard(slack)) == 2


def test_a_case_that_was_taken_calls_nobody_again(desk: Desk, slack: LocalSlack, clock: list[datetime]) -> None:
    incident(desk)
    desk.state.write(lambda db: db.execute("UPDATE cases SET owner = 'slack:T:U', owner_name = 'Ana'"))
    clock.append(NOW + timedelta(minutes=5, seconds=1))
    work(desk)
    send_all(desk, slack, clock)
    assert len(heard(slack)) == 1


def test_asked_again_it_is_not_said_again(desk: Desk, slack: LocalSlack, clock: list[datetime]) -> None:
    incident(desk)
    desk.state.write(lambda db: desk.pipeline.ask_again(db, 1))
    work(desk)
    send_all(desk, slack, clock)
    assert len(heard(slack)) == 1
    assert desk.state.write(lambda db: jobs.claim(db, "triage", clock[-1])) is None


def test_who_took_it_stands_on_the_card() -> None:
    from bot.summary import owned

    assert owned(replace(INCIDENT, owner=Actor("slack:T:U", "Ana"))) == "taken by Ana"
