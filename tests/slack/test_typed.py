"""Commands typed in the local Slack and answered by the real operations over a real, small history."""

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
from bot.database import Database
from bot.demo.slack import ANALYST, SECOND_ANALYST, SOC, TEAM_ID, LocalSlack
from bot.history.load import load_paths
from bot.history.sqlite import SqliteHistory
from bot.model import Actor, rfc3339
from bot.remediation import approvals
from bot.remediation.records import keep_plan
from bot.slack.answers import Answers
from bot.slack.client import web_client
from bot.slack.listeners import POOL, TRIAGE_MESSAGE, build_app
from bot.slack.post import Sender
from bot.slack.socket import SocketRunner
from bot.workers import Workers
from tests.checkers import problems
from tests.fakes import KALI_AGENT
from tests.history import made
from tests.remediation.cloud import key_id
from tests.slack.cases import plan
from tests.slack.readable import readable

NOW = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
ONE, TWO = key_id(1), key_id(2)
RENTED = "159.89.100.10"
CONFIG = """\
[slack]
channel = "{channel}"
[store]
path = "{folder}/state.db"
[history]
path = "{folder}/history.db"
[access]
triage = ["slack:{team}:{analyst}"]
"""


def user(name: str, key: str) -> dict[str, Any]:
    return {"type": "IAMUser", "userName": name, "accountId": made.ACCOUNT, "accessKeyId": key}


def records() -> list[dict[str, Any]]:
    """Two users at their office for ten days, and a thief with both keys an hour ago."""
    usual = [
        made.record(
            100 * number + 10 * day + hour,
            eventTime=rfc3339(NOW - timedelta(days=day + 2, hours=hour)),
            userIdentity=user(name, key),
            userAgent="aws-cli/2.31.0 md/distrib#ubuntu",
            errorCode=None,
        )
        for number, (name, key) in enumerate((("alice", ONE), ("bob", TWO)))
        for day in range(14)
        for hour in range(4)
    ]
    stolen = [
        made.record(
            900 + number,
            eventTime=rfc3339(NOW - timedelta(hours=1, minutes=number)),
            userIdentity=user(name, key),
            eventSource="ses.amazonaws.com",
            eventName="GetSendQuota",
            sourceIPAddress=RENTED,
            userAgent=KALI_AGENT,
            errorCode="AccessDenied",
        )
        for number, (name, key) in enumerate((("alice", ONE), ("bob", TWO)))
    ]
    return [*usual, *stolen]


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("history")
    kept = SqliteHistory(folder / "history.db")
    load_paths(kept, [made.write(folder / "log.json", records())])
    kept.close()
    return kept.path


@pytest.fixture
def desk(tmp_path: Path, history: Path) -> Iterator[Desk]:
    (tmp_path / "history.db").write_bytes(history.read_bytes())
    config = tmp_path / "config.toml"
    config.write_text(CONFIG.format(folder=tmp_path, channel=SOC, team=TEAM_ID, analyst=ANALYST))
    with Desk(load(config, {}), {}, lambda: NOW) as opened:
        yield opened


@pytest.fixture
def slack(desk: Desk) -> Iterator[LocalSlack]:
    with LocalSlack(shortcuts={TRIAGE_MESSAGE: "Triage this message"}) as local:
        client = web_client(local.bot_token, local.api_url)
        runner = SocketRunner(build_app(client, desk.state, desk.clock), client, local.app_token)
        runner.start()
        answers = Answers(desk.operations, desk.clock, lambda: ["Slack's socket is deaf"])
        workers = Workers(desk.state, desk.clock, answers.handlers())
        workers.start(POOL, 2)
        workers.loop("send", Sender(desk.state, client, desk.clock, timedelta()).send_next)
        local.wait_until(lambda: local.connections)
        yield local
        runner.close()
        workers.stop(5)


def told(slack: LocalSlack, text: str, user: str = ANALYST) -> str:
    """What ``user`` alone is told after typing ``text``; every answer must be one that Slack takes."""
    before = len(slack.ephemeral(user))
    assert slack.type_command(user, SOC, text).acked
    said = slack.wait_until(lambda: slack.ephemeral(user)[before:])[0]
    assert problems({"text": said["text"], "blocks": said.get("blocks", [])}) == []
    return json.dumps(said, ensure_ascii=False) + readable({"blocks": [], **said})


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (f"/triage scope key {ONE}", ["2 keys in the same hands", TWO, "GetSendQuota (0 principals before, 2 ever)"]),
        (f"/triage scope ip {RENTED}", ["keys in the same hands", ONE, TWO]),
        ("/triage hunt all", ["Hunted <2026-11-19 15:00 UTC> to <2026-11-20 15:00 UTC>"]),
        ("/triage hunt playbook nonsense", ["Name one of the playbooks: "]),
        ("/triage event ses:GetSendQuota", ["111122223333:user/alice (1 calls), 111122223333:user/bob (1 calls)"]),
        ("/triage event ses:GetSendQuota sts:GetCallerIdentity", ["2 looked up"]),
        (f"/triage agent {KALI_AGENT}", ["aws-cli/1.22.34", "2 calls, 2 refused"]),
        ("/triage event nobody:CallsThis", ["no calls found"]),
        ("/triage case", ["No case is open."]),
        ("/triage case 7", ["There is no case 7"]),
        ("/triage undo", ["You may not"]),
        ("/triage whoami", [f"slack:{TEAM_ID}:{ANALYST}"]),
        ("/triage help", ["/triage scope key AKIA…", "share"]),
        ("/triage user nobody-here", ["Case #1 opened"]),
        ("/triage role alice", ["alice is 111122223333:user/alice: ask `triage user alice`."]),
        ("/triage user alice bob", ["Case #1 opened; case #2 opened"]),
        (f"/triage ip {RENTED}", ["Case #1 opened"]),
    ],
)
def test_what_is_typed_is_answered(slack: LocalSlack, text: str, parts: list[str]) -> None:
    said = told(slack, text)
    assert [part for part in parts if part not in said] == []


def test_open_cases_are_listed_and_shown(slack: LocalSlack) -> None:
    told(slack, f"/triage key {ONE}")
    assert f"#1 ⏳ Checking {ONE}" in told(slack, "/triage cases")
    assert f"Checking {ONE}" in told(slack, "/triage case #1")


def test_a_shared_answer_is_there_for_everybody(slack: LocalSlack) -> None:
    slack.type_command(ANALYST, SOC, "/triage event ses:GetSendQuota share")
    said = slack.wait_until(lambda: slack.messages(SOC))[-1]
    assert said["text"] == "ses:GetSendQuota"
    assert slack.ephemeral(ANALYST) == []


@pytest.mark.parametrize("text", [f"scope key {ONE}", "hunt all", "event ses:GetSendQuota share", "case", "ip 1.1.1.1"])
def test_who_is_not_named_learns_nothing(slack: LocalSlack, text: str) -> None:
    said = told(slack, f"/triage {text}", SECOND_ANALYST)
    assert "You may not" in said
    assert "bob" not in said
    assert slack.messages(SOC) == []


# ------------------------------------------------------------------------ a message, a mention, the Home tab

# Made up; no such secret was ever issued.
SECRET = "wJalr0tnFEMIK7MDENGbPxRfiCYcanaryCANARY1"


def pointed_at(slack: LocalSlack, text: str, user: str = ANALYST) -> tuple[str, str]:
    """The ts of a message of somebody's that ``user`` wants triaged, and what they are told."""
    slack.say(SECOND_ANALYST, SOC, text)
    ts = str(slack.messages(SOC)[-1]["ts"])
    before = len(slack.ephemeral(user))
    assert slack.message_shortcut(user, SOC, ts, TRIAGE_MESSAGE).acked
    return ts, str(slack.wait_until(lambda: slack.ephemeral(user)[before:])[0]["text"])


def loose(slack: LocalSlack, ts: str) -> list[str]:
    """What the bot said in the channel outside the thread of ``ts``."""
    return [said["text"] for said in slack.messages(SOC) if said["ts"] != ts and said.get("thread_ts") != ts]


def test_another_tools_message_is_triaged_in_its_own_thread(slack: LocalSlack) -> None:
    ts, said = pointed_at(slack, f"High: unusual call by {ONE} from {RENTED}")
    assert said == "Case #1: the card stands in this message's thread, or where the case already was."
    card = slack.wait_until(lambda: slack.thread(SOC, ts)[1:])[0]
    assert f"Checking {ONE}" in card["text"]
    assert loose(slack, ts) == []


def test_a_secret_in_a_message_is_told_of_and_neither_kept_nor_repeated(slack: LocalSlack, desk: Desk) -> None:
    ts, said = pointed_at(slack, f"here: {ONE} {SECRET}")
    assert "treat it as public" in said
    slack.wait_until(lambda: slack.thread(SOC, ts)[1:])
    kept = [file.read_bytes().lower() for file in desk.settings.store.path.parent.glob("state.db*")]
    assert [file for file in kept if b"canary" in file] == []
    assert "canary" not in json.dumps(slack.thread(SOC, ts)[1:]).lower()


def test_a_message_that_names_nothing_says_so(slack: LocalSlack) -> None:
    _, said = pointed_at(slack, "is anybody awake?")
    assert said.startswith("No access key, user, role or public address was found")


def test_who_may_not_triage_points_in_vain(slack: LocalSlack, desk: Desk) -> None:
    _, said = pointed_at(slack, f"unusual call by {ONE}", SECOND_ANALYST)
    assert "You may not" in said
    assert list(desk.state.read().execute("SELECT 1 FROM cases")) == []


def test_in_a_thread_a_mention_does_what_a_command_cannot(slack: LocalSlack) -> None:
    slack.say(ANALYST, SOC, "anything known of this?")
    ts = str(slack.messages(SOC)[-1]["ts"])
    slack.mention(ANALYST, SOC, "event ses:GetSendQuota", ts)
    answer = slack.wait_until(lambda: slack.thread(SOC, ts)[2:])[0]
    assert answer["text"] == "ses:GetSendQuota"
    slack.mention(ANALYST, SOC, f"key {ONE}", ts)
    slack.wait_until(lambda: any("Checking" in said["text"] for said in slack.thread(SOC, ts)))
    assert loose(slack, ts) == []


def test_a_mention_that_is_not_understood_or_holds_a_secret_is_answered(slack: LocalSlack, desk: Desk) -> None:
    slack.mention(ANALYST, SOC, "kye")
    ts = str(slack.messages(SOC)[-1]["ts"])
    assert "Did you mean `key`?" in slack.wait_until(lambda: slack.thread(SOC, ts)[1:])[0]["text"]
    slack.mention(ANALYST, SOC, f"key {ONE} {SECRET}")
    other = str(slack.messages(SOC)[-1]["ts"])
    assert "secret access key" in slack.wait_until(lambda: slack.thread(SOC, other)[1:])[0]["text"]
    kept = str([tuple(row) for row in desk.state.read().execute("SELECT payload FROM jobs")])
    assert "canary" not in kept.lower()


def test_the_home_tab_shows_what_waits_what_is_open_and_how_the_bot_is(slack: LocalSlack) -> None:
    told(slack, f"/triage key {ONE}")
    slack.open_home(ANALYST)
    view = slack.wait_until(lambda: slack.home(ANALYST))
    shown = json.dumps(view, ensure_ascii=False)
    for part in (
        "Waiting for approval",
        "My cases",
        "You have none.",
        f"#1 ⏳ Checking {ONE}",
        "Newest CloudTrail record",
    ):
        assert part in shown
    assert "⚠️ Slack's socket is deaf" in shown
    assert problems({"type": "home", "blocks": view["blocks"]}) == []


def test_the_home_tab_never_offers_an_approval_to_who_asked_for_it_or_gave_it(slack: LocalSlack, desk: Desk) -> None:
    told(slack, f"/triage key {ONE}")
    me, she = (Actor(f"slack:{TEAM_ID}:{who}", who) for who in (ANALYST, SECOND_ANALYST))

    def wait_for_others(db: Database) -> None:
        for name, requester, approver in (("mine", me, None), ("hers", she, None), ("seen", she, me)):
            expires = NOW + timedelta(minutes=30)
            made = plan(id=name, case=1, title=f"Disable {name}", approvers=2, requested_by=requester)
            keep_plan(db, replace(made, created_at=NOW, expires_at=expires))
            for actor in (requester, *([approver] if approver else [])):
                approvals.keep(db, name, approvals.Approval(actor, actor.id, "stolen", NOW))

    desk.state.write(wait_for_others)
    slack.open_home(ANALYST)
    shown = json.dumps(slack.wait_until(lambda: slack.home(ANALYST)), ensure_ascii=False)
    offered, _, rest = shown.partition("Waiting for others")
    assert [name for name in ("mine", "hers", "seen") if f"Disable {name}" in offered] == ["hers"]
    assert f"Disable mine: asked for by {ANALYST}; waiting for 2 others" in rest
    assert f"Disable seen: asked for by {SECOND_ANALYST}, approved by {ANALYST}; waiting for 1 other" in rest


def test_the_home_tab_of_who_may_not_triage_shows_nothing(slack: LocalSlack) -> None:
    told(slack, f"/triage key {ONE}")
    slack.open_home(SECOND_ANALYST)
    shown = json.dumps(slack.wait_until(lambda: slack.home(SECOND_ANALYST)))
    assert "You may not" in shown
    assert ONE not in shown
