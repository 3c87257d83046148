"""Signed requests through the real Bolt app: what is acknowledged is on disk, and nothing slow happens before."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar
from urllib.parse import urlencode

import pytest
from slack_bolt import App, BoltRequest, BoltResponse

from bot.database import Database
from bot.demo.slack import LocalSlack
from bot.slack.client import web_client
from bot.slack.listeners import NOTHING_DONE, actor_of, build_app
from bot.store.state import State, StateUnavailable
from tests.slack.conftest import Clock

KEY = "AKIARTX3GSDSQAAAAAAA"
# Made up; no such secret was ever issued.
SECRET = "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"
CANARY = "canary-in-the-body"
Json = dict[str, Any]
Result = TypeVar("Result")


def command(text: str, trigger: str = "t-1") -> str:
    return urlencode(
        {
            "command": "/triage",
            "text": text,
            "team_id": "T0AAAAAAA",
            "user_id": "U0AAAAAAA",
            "user_name": "alice",
            "channel_id": "C0SOC",
            "trigger_id": trigger,
            "response_url": "http://127.0.0.1:9/actions/x",
        }
    )


def interaction(kind: str, **more: Any) -> str:
    user = {"id": "U0AAAAAAA", "name": "alice", "team_id": "T0AAAAAAA"}
    body = {"type": kind, "team": {"id": "T0AAAAAAA"}, "enterprise": None, "user": user, "trigger_id": "t-1", **more}
    return urlencode({"payload": json.dumps(body)})


def click(action: str = "plan:disable_access_key", value: str = f"case:12:{KEY}", trigger: str = "t-1") -> str:
    pressed = {"type": "button", "action_id": action, "value": value, "block_id": "b", "note": CANARY}
    return interaction(
        "block_actions", actions=[pressed], trigger_id=trigger, response_url="http://127.0.0.1:9/actions/x"
    )


def submission(reason: str = "stolen") -> str:
    values = {"reason": {"reason": {"type": "plain_text_input", "value": reason}}}
    view = {
        "id": "V1",
        "type": "modal",
        "callback_id": "approve",
        "private_metadata": "plan-1",
        "external_id": "window-1",
        "state": {"values": values},
    }
    return interaction("view_submission", view=view)


REQUESTS = [command(f"key {KEY}"), click(), click("undo", "exec-1"), click("ask_again", "case:12"), submission()]


def send(app: App, body: str) -> BoltResponse:
    headers: dict[str, str | Sequence[str]] = {"content-type": "application/x-www-form-urlencoded"}
    return app.dispatch(BoltRequest(body=body, headers=headers))


def queued(state: State) -> list[Json]:
    rows = state.read().execute("SELECT kind, payload FROM jobs ORDER BY id").fetchall()
    return [{"kind": kind, **json.loads(payload)} for kind, payload in rows]


class Shaky(State):
    """A state file whose commits can be followed by a kill, or refused."""

    after: Callable[[], object] | None = None
    refused = False

    def write(self, change: Callable[[Database], Result]) -> Result:
        if self.refused:
            raise StateUnavailable("the disk is full")
        result = super().write(change)
        if self.after:
            self.after()
        return result


@pytest.fixture
def shaky(tmp_path: Any) -> Any:
    with Shaky(tmp_path / "shaky.db") as opened:
        yield opened


@pytest.fixture
def app(shaky: Shaky, clock: Clock) -> App:
    """The app while Slack cannot be reached, which no acknowledgement may depend on."""
    return build_app(web_client("xoxb-none", "http://127.0.0.1:9/api/"), shaky, clock)


@pytest.fixture
def app_on_slack(shaky: Shaky, clock: Clock, slack: LocalSlack) -> App:
    return build_app(web_client(slack.bot_token, slack.api_url), shaky, clock)


@pytest.mark.parametrize("body", REQUESTS)
def test_what_is_acknowledged_is_on_disk(body: str, app: App, shaky: Shaky) -> None:
    assert send(app, body).status == 200
    (job,) = queued(shaky)
    assert job["actor"] == {"id": "slack:T0AAAAAAA:U0AAAAAAA", "name": "alice"}


@pytest.mark.parametrize("body", REQUESTS)
def test_a_kill_after_the_commit_loses_nothing_and_was_not_acknowledged(body: str, app: App, shaky: Shaky) -> None:
    def kill() -> None:
        raise RuntimeError("killed")

    shaky.after = kill
    assert send(app, body).status != 200
    assert len(queued(shaky)) == 1


@pytest.mark.parametrize("body", REQUESTS)
def test_the_same_interaction_twice_is_one_job(body: str, app: App, shaky: Shaky) -> None:
    assert [send(app, body).status for _ in range(3)] == [200, 200, 200]
    assert len(queued(shaky)) == 1


def test_two_clicks_are_two(app: App, shaky: Shaky) -> None:
    send(app, click(trigger="t-1"))
    send(app, click(trigger="t-2"))
    assert len(queued(shaky)) == 2


def test_what_cannot_be_stored_is_said_to_be_undone(app_on_slack: App, shaky: Shaky, slack: LocalSlack) -> None:
    shaky.refused = True
    said = send(app_on_slack, command(f"key {KEY}"))
    assert (said.status, NOTHING_DONE in said.body) == (200, True)
    refused = json.loads(send(app_on_slack, submission()).body)
    assert refused == {"response_action": "errors", "errors": {"reason": NOTHING_DONE}}
    assert send(app_on_slack, click()).status == 200
    slack.wait_until(lambda: slack.calls("views.open"))
    assert "Nothing was done" in json.dumps(slack.calls("views.open")[0].args)
    assert queued(shaky) == []


@pytest.mark.parametrize(
    ("body", "calls"),
    [
        (REQUESTS[0], []),
        (REQUESTS[1], ["views.open"]),
        (REQUESTS[2], ["views.open"]),
        (REQUESTS[3], []),
        (REQUESTS[4], []),
    ],
)
def test_slack_is_asked_for_nothing_but_the_window(
    body: str, calls: list[str], app_on_slack: App, slack: LocalSlack
) -> None:
    send(app_on_slack, body)
    app_on_slack.listener_runner.listener_executor.shutdown()
    assert [call.method for call in slack.calls()] == calls


def test_a_click_that_opens_no_window_is_answered(app: App, shaky: Shaky) -> None:
    # The trigger is unknown to this Slack, as one is after three seconds.
    send(app, click())
    app.listener_runner.listener_executor.shutdown()
    (payload,) = shaky.read().execute("SELECT payload FROM outbox").fetchone()
    assert "Ask for it again" in payload


def test_many_people_at_once_are_all_heard(app: App, shaky: Shaky) -> None:
    together = threading.Barrier(12)
    shaky.after = lambda: together.wait(timeout=10)
    with ThreadPoolExecutor(12) as people:
        answers = list(people.map(lambda n: send(app, command(f"key {KEY}", f"t-{n}")), range(12)))
    assert [answer.status for answer in answers] == [200] * 12


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("help", "How to use /triage"),
        ("kye", "Did you mean"),
        ("scope", "Name what to start from"),
        ("", "How to use /triage"),
    ],
)
def test_what_needs_no_work_is_answered_at_once(text: str, said: str, app: App, shaky: Shaky) -> None:
    answer = send(app, command(text))
    assert said in json.loads(answer.body)["text"]
    assert queued(shaky) == []


def test_a_pasted_secret_is_neither_kept_nor_logged_nor_repeated(
    app: App, shaky: Shaky, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    answer = send(app, command(f"key {KEY} {SECRET}"))
    assert "secret access key" in answer.body
    assert SECRET not in answer.body + caplog.text
    shaky.close()
    assert not [file for file in shaky.path.parent.iterdir() if SECRET.encode() in file.read_bytes()]


def test_bodies_are_not_logged(app: App, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    send(app, click())
    send(app, interaction("block_actions", actions=[{"action_id": "unknown", "value": CANARY}]))
    app.listener_runner.listener_executor.shutdown()
    assert CANARY not in caplog.text


ENTERPRISE = {"id": "E0AAAAAAA", "name": "Example"}


@pytest.mark.parametrize(
    ("body", "actor"),
    [
        ({"team_id": "T1", "user_id": "U1"}, "slack:T1:U1"),
        ({"team_id": "T1", "enterprise_id": "E1", "user_id": "U1"}, "slack:E1:U1"),
        ({"team": {"id": "T1"}, "user": {"id": "U1", "team_id": "T1"}}, "slack:T1:U1"),
        ({"team": {"id": "T1"}, "user": {"id": "U1", "team_id": "T9"}}, "slack:T9:U1"),
        ({"team": {"id": "T1"}, "enterprise": ENTERPRISE, "user": {"id": "U1", "team_id": "T2"}}, "slack:E0AAAAAAA:U1"),
        ({"team": {"id": "T1", "enterprise_id": "E1"}, "user": {"id": "U1"}}, "slack:E1:U1"),
        ({"team": None, "user": {"id": "U1", "team_id": "T2"}}, "slack:T2:U1"),
    ],
)
def test_a_person_is_known_by_team_or_enterprise(body: Mapping[str, Any], actor: str) -> None:
    assert actor_of(body)["id"] == actor
