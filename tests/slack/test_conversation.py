"""People at a local Slack over Socket Mode, the real Bolt, jobs and sender in between, made-up operations behind."""

from __future__ import annotations

import base64
import hashlib
import json
import socket
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.demo.slack import (
    ANALYST,
    RATE_LIMITED,
    SECOND_ANALYST,
    SERVER_ERROR,
    SOC,
    TEAM_ID,
    Fault,
    LocalSlack,
)
from bot.hunts.result import Hunted
from bot.model import (
    Actor,
    Alert,
    Case,
    Change,
    ChangeState,
    Conclusion,
    Containment,
    Handover,
    Hidden,
    Kind,
    Observable,
    Operation,
    Overview,
    OwnerAsked,
    Place,
    Plan,
    Refusal,
    RoomAsked,
    Said,
    Scope,
    Snooze,
    Task,
    Triage,
    Waiting,
)
from bot.slack.answers import SAID_IN_SLACK, Answers
from bot.slack.card import card
from bot.slack.client import web_client
from bot.slack.details import details
from bot.slack.listeners import POOL, build_app
from bot.slack.post import Sender
from bot.slack.socket import SocketRunner
from bot.slack.todo import tasks_message
from bot.store import outbox
from bot.store.state import State
from bot.workers import Workers
from tests.slack.cases import CASES, KEY, NOW, SCOPED, SUSPECT, change, containment, plan

PING_SECONDS = 0.2


@dataclass(frozen=True)
class Opened:
    case: int
    new: bool


@dataclass
class MadeUp:
    """Operations that remember what they were asked."""

    asked: list[tuple[Any, ...]] = field(default_factory=list)
    refusal: Refusal | None = None
    missing: bool = False
    waits: bool = False
    recognised: list[str] = field(default_factory=list)

    def recognise(self, actor: Actor) -> None:
        self.recognised.append(actor.id)

    def triage_alert(self, alert: Alert, actor: Actor, under: Place) -> Sequence[int] | Refusal:
        raise NotImplementedError

    def overview(self, actor: Actor) -> Overview | Refusal:
        raise NotImplementedError

    def triage(
        self, observables: Sequence[Observable], actor: Actor, ask: str, *, under: Place | None = None
    ) -> Sequence[Opened] | Refusal:
        self.asked.append(("triage", [observable.value for observable in observables], actor.id))
        return self.refusal or [Opened(number, number == 1) for number, _ in enumerate(observables, 1)]

    def meant(self, kind: Kind, values: Sequence[str], word: str) -> tuple[Observable, ...] | Refusal:
        return tuple(Observable(kind, value) for value in values)

    def look(self, observable: Observable, actor: Actor) -> Triage | Refusal:
        raise NotImplementedError

    def scope(self, leads: Sequence[Observable], actor: Actor) -> Scope | Refusal:
        raise NotImplementedError

    def hunt(self, asked: Sequence[str], actor: Actor) -> Hunted | Refusal:
        raise NotImplementedError

    def open_cases(self, actor: Actor) -> Sequence[Case] | Refusal:
        raise NotImplementedError

    def case(self, number: int, actor: Actor) -> Case | Refusal:
        return self.refusal or CASES["incident"]

    def undoable(self, actor: Actor) -> Sequence[Change] | Refusal:
        return self.refusal or [change()]

    def ask_again(self, case: int, actor: Actor) -> int | Refusal:
        self.asked.append(("ask_again", case, actor.id))
        if self.missing:
            raise LookupError(case)
        return self.refusal or case

    def plan_offered(self, remediation: str, target: str, case: int, actor: Actor) -> Plan | Refusal:
        self.asked.append(("plan", remediation, target, case, actor.id))
        return self.refusal or plan()

    def plan_undo(self, execution: str, actor: Actor) -> Plan | Refusal:
        self.asked.append(("plan_undo", execution, actor.id))
        return self.refusal or plan(undo_of=execution)

    def planned(self, plan_id: str, actor: Actor) -> Plan | Refusal:
        self.asked.append(("planned", plan_id, actor.id))
        return self.refusal or plan(id=plan_id, approvers=2)

    def approve(
        self, plan_id: str, actor: Actor, reason: str, *, again: bool = False, break_glass: bool = False
    ) -> Change | Waiting | Refusal:
        self.asked.append(("approve", plan_id, reason, actor.id, *(["alone"] if break_glass else [])))
        if self.waits:
            return Waiting(plan(approvers=2), (actor,), 1)
        return self.refusal or change(ChangeState.APPROVED, sentence="Approved; about to be carried out.")

    def plan_containment(
        self, keys: Sequence[str], actor: Actor, *, addresses: Sequence[str] = (), case: int | None = None
    ) -> Containment | Refusal:
        self.asked.append(("contain", tuple(keys), case, actor.id))
        return self.refusal or containment()

    def plan_containment_undo(self, containment_id: str, actor: Actor) -> Containment | Refusal:
        self.asked.append(("uncontain", containment_id, actor.id))
        return self.refusal or containment(undo_of=containment_id)

    def containment(self, containment_id: str) -> Containment | Refusal:
        return self.refusal or containment(id=containment_id)

    def approve_containment(
        self, containment_id: str, actor: Actor, reason: str, *, again: bool = False, break_glass: bool = False
    ) -> Containment | Refusal:
        self.asked.append(("approve all", containment_id, reason, actor.id))
        done = containment()
        return self.refusal or replace(done, rows=(replace(done.rows[0], change=change()), *done.rows[1:]))

    def take(self, case: int, actor: Actor) -> Case | Refusal:
        self.asked.append(("take", case, actor.id))
        return self.refusal or CASES["taken"]

    def take_task(self, number: int, actor: Actor) -> Task | Refusal:
        self.asked.append(("take_task", number, actor.id))
        if self.missing:
            raise LookupError(number)
        return self.refusal or TASK

    def finish_task(self, number: int, actor: Actor, outcome: str) -> Task | Refusal:
        self.asked.append(("finish_task", number, outcome, actor.id))
        return self.refusal or TASK

    def close(
        self, case: int, conclusion: Conclusion, actor: Actor, reason: str, *, duplicate_of: int | None = None
    ) -> Case | Refusal:
        self.asked.append(("close", case, conclusion, reason, duplicate_of, actor.id))
        return self.refusal or CASES["closed"]

    def leak(self, case: int, place: str, actor: Actor, reason: str) -> Case | Refusal:
        self.asked.append(("leak", case, place, reason, actor.id))
        return self.refusal or CASES["incident"]

    def hand_over(
        self, case: int, to: Actor, actor: Actor, note: str, *, check_in: timedelta | None = None
    ) -> Handover | Refusal:
        self.asked.append(("hand_over", case, to.id, note, check_in, actor.id))
        return self.refusal or Handover(actor, Actor(to.id, "Noor Haddad"), note, None, NOW)

    def declare(self, case: int, actor: Actor, reason: str, *, room: RoomAsked | None = None) -> Case | Refusal:
        self.asked.append(("declare", case, reason, room, actor.id))
        return self.refusal or CASES["incident"]

    def preview_snooze(
        self, observables: Sequence[Observable], actor: Actor, *, environment: str = ""
    ) -> Sequence[Hidden] | Refusal:
        raise NotImplementedError

    def preview_snooze_of(self, case: int, actor: Actor) -> tuple[str, Sequence[Hidden]] | Refusal:
        raise NotImplementedError

    def snooze(
        self, observable: Observable, lasting: timedelta, actor: Actor, reason: str, *, environment: str = ""
    ) -> Snooze | Refusal:
        raise NotImplementedError

    def snoozes(self, actor: Actor) -> Sequence[Snooze] | Refusal:
        raise NotImplementedError

    def lift_snooze(self, number: int, actor: Actor, reason: str) -> Snooze | Refusal:
        raise NotImplementedError

    def ask_owner(self, case: int, actor: Actor, reason: str) -> int | Refusal:
        raise NotImplementedError

    def answer_as_owner(self, number: int, actor: Actor, said: Said) -> OwnerAsked | Refusal:
        raise NotImplementedError

    def ask_for_report(self, case: int, actor: Actor) -> int | Refusal:
        raise NotImplementedError

    def rule(self, case: int, key: str, actor: Actor, reason: str, *, belongs: bool) -> int | Refusal:
        self.asked.append(("rule", case, key, belongs, reason, actor.id))
        if self.missing:
            raise LookupError(case)
        return self.refusal or case

    def may(self, actor: Actor) -> Mapping[Operation, str]:
        return {Operation.TRIAGE: "You are named in [access] triage."}


TASK = Task(
    3,
    12,
    "Disable access key AKIARTX3GSDSQAAAAAAA",
    "AWS answered UpdateAccessKey with AccessDenied: the bot's role lacks that permission there.",
    ("aws iam update-access-key --user-name alice --access-key-id AKIARTX3GSDSQAAAAAAA --status Inactive",),
    datetime(2026, 11, 23, 10, 0, tzinfo=UTC),
)


@pytest.fixture
def operations() -> MadeUp:
    return MadeUp()


def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def runner(state: State, slack: LocalSlack) -> Iterator[SocketRunner]:
    client = web_client(slack.bot_token, slack.api_url)
    running = SocketRunner(build_app(client, state, now), client, slack.app_token, ping_seconds=PING_SECONDS)
    running.start()
    slack.wait_until(lambda: slack.connections)
    yield running
    running.close()


@pytest.fixture(autouse=True)
def bot(state: State, slack: LocalSlack, operations: MadeUp, runner: SocketRunner) -> Iterator[Workers]:
    workers = Workers(state, now, Answers(operations, now).handlers())
    workers.start(POOL, 2)
    workers.loop("send", Sender(state, web_client(slack.bot_token, slack.api_url), now).send_next)
    yield workers
    workers.stop(5)


def show(state: State, slack: LocalSlack, name: str) -> str:
    """Have the card ``name`` in the channel; its ts."""
    state.write(lambda db: outbox.show(db, "card", SOC, card(CASES[name], now=NOW).payload(), now()))
    return str(slack.wait_until(lambda: slack.messages(SOC))[0]["ts"])


def told(slack: LocalSlack, user: str = ANALYST) -> str:
    return str(slack.wait_until(lambda: slack.ephemeral(user))[-1]["text"])


def window(slack: LocalSlack, title: str, user: str = ANALYST) -> dict[str, Any]:
    """The open modal of ``user`` once its title is ``title``."""

    def titled() -> list[dict[str, Any]]:
        return [view for view in slack.open_views(user) if view["title"]["text"] == title]

    return slack.wait_until(titled)[0]


def preview(slack: LocalSlack, user: str = ANALYST) -> dict[str, Any]:
    """The open preview of ``user`` once AWS was read for it."""

    def filled() -> list[dict[str, Any]]:
        return [view for view in slack.open_views(user) if view["title"]["text"] == "Preview" and view["submit"]]

    return slack.wait_until(filled)[0]


ME = f"slack:{TEAM_ID}:{ANALYST}"


def test_a_key_is_asked_for(slack: LocalSlack, operations: MadeUp) -> None:
    assert slack.type_command(ANALYST, SOC, f"/triage key {KEY}").acked
    assert told(slack) == "Case #1 opened. Its card is being updated."
    assert operations.asked == [("triage", [KEY], ME)]


def test_whoami(slack: LocalSlack) -> None:
    assert slack.type_command(ANALYST, SOC, "/triage whoami").acked
    assert ME in told(slack)
    assert "[access] triage" in json.dumps(slack.ephemeral(ANALYST))


def test_a_refused_question_says_why(slack: LocalSlack, operations: MadeUp) -> None:
    operations.refusal = Refusal("You may not do this.")
    slack.type_command(ANALYST, SOC, f"/triage key {KEY}")
    assert told(slack) == "You may not do this."


def test_a_key_is_disabled_from_its_card(slack: LocalSlack, state: State, operations: MadeUp) -> None:
    ts = show(state, slack, "incident")
    assert slack.click(ANALYST, SOC, ts, "plan:disable_access_key").acked
    view = window(slack, "Preview")
    slack.wait_until(lambda: "Active → Inactive" in json.dumps(slack.open_views(ANALYST), ensure_ascii=False))
    submitted = slack.submit_view(ANALYST, view["id"], {"reason": "stolen, see ticket"})
    assert submitted.response["response_action"] == "update"
    assert "about to be carried out" in json.dumps(window(slack, "Approved"))
    assert operations.asked == [
        ("plan", "disable_access_key", KEY, 12, ME),
        ("approve", "plan-1", "stolen, see ticket", ME),
    ]


def test_a_second_person_approves_from_the_card(slack: LocalSlack, state: State, operations: MadeUp) -> None:
    slack.click(SECOND_ANALYST, SOC, show(state, slack, "waiting"), "second:0")
    view = preview(slack, SECOND_ANALYST)
    slack.submit_view(SECOND_ANALYST, view["id"], {"reason": "seen it, too"})
    window(slack, "Approved", SECOND_ANALYST)
    other = f"slack:{TEAM_ID}:{SECOND_ANALYST}"
    assert operations.asked == [("planned", "plan-1", other), ("approve", "plan-1", "seen it, too", other)]


def test_whoever_is_first_is_told_who_else_must(slack: LocalSlack, state: State, operations: MadeUp) -> None:
    operations.waits = True
    slack.click(ANALYST, SOC, show(state, slack, "incident"), "plan:disable_access_key")
    slack.submit_view(ANALYST, preview(slack)["id"], {"reason": "stolen"})
    assert "1 more person must approve before" in json.dumps(window(slack, "Waiting"))


def test_the_glass_is_broken_with_a_tick(slack: LocalSlack, state: State, operations: MadeUp) -> None:
    slack.click(ANALYST, SOC, show(state, slack, "waiting"), "second:0")
    view = preview(slack)
    slack.submit_view(ANALYST, view["id"], {"reason": "nobody else is awake", "glass": ["break"]})
    window(slack, "Approved")
    assert operations.asked[-1] == ("approve", "plan-1", "nobody else is awake", ME, "alone")


def test_a_change_is_taken_back_from_its_card(slack: LocalSlack, state: State, operations: MadeUp) -> None:
    ts = show(state, slack, "disabled")
    slack.click(SECOND_ANALYST, SOC, ts, "undo")
    view = window(slack, "Undo", SECOND_ANALYST)
    assert view["submit"]["text"] == "Undo"
    assert operations.asked == [("plan_undo", "exec-1", f"slack:{TEAM_ID}:{SECOND_ANALYST}")]


def test_a_change_is_taken_back_from_the_list_of_those_that_can_be(slack: LocalSlack, operations: MadeUp) -> None:
    slack.type_command(ANALYST, SOC, "/triage undo")
    listed = slack.wait_until(lambda: slack.ephemeral(ANALYST))[-1]
    assert listed["text"] == "1 change can be taken back"
    slack.click(ANALYST, SOC, listed["ts"], "undo:0")
    assert window(slack, "Undo")["submit"]["text"] == "Undo"
    assert operations.asked == [("plan_undo", "exec-1", ME)]


def test_a_refused_change_shows_the_commands_instead(slack: LocalSlack, state: State, operations: MadeUp) -> None:
    operations.refusal = Refusal("No acting role is set up.", ("aws iam update-access-key --status Inactive",))
    slack.click(ANALYST, SOC, show(state, slack, "incident"), "plan:disable_access_key")
    view = window(slack, "Nothing was changed")
    assert "aws iam update-access-key" in json.dumps(view)
    assert not view["submit"]


def test_asking_again(slack: LocalSlack, state: State, operations: MadeUp) -> None:
    slack.click(ANALYST, SOC, show(state, slack, "incident"), "more", value="ask_again case:12")
    assert told(slack) == "Case #12: asking every question again."
    assert operations.asked == [("ask_again", 12, ME)]
    assert slack.open_views(ANALYST) == []


def test_a_card_of_a_forgotten_case_says_so(slack: LocalSlack, state: State, operations: MadeUp) -> None:
    operations.missing = True
    slack.click(ANALYST, SOC, show(state, slack, "incident"), "more", value="ask_again case:12")
    assert "not known here any more" in told(slack)


def test_a_window_slack_does_not_open_is_answered(slack: LocalSlack, state: State) -> None:
    slack.fail_next("views.open", Fault(200, {"ok": False, "error": "expired_trigger_id"}))
    assert slack.click(ANALYST, SOC, show(state, slack, "incident"), "plan:disable_access_key").acked
    assert "Ask for it again" in told(slack)


def test_a_double_click_makes_two_windows_and_no_change(slack: LocalSlack, state: State, operations: MadeUp) -> None:
    ts = show(state, slack, "incident")
    for _ in range(2):
        assert slack.click(ANALYST, SOC, ts, "plan:disable_access_key").acked
    slack.wait_until(lambda: len(slack.calls("views.update")) >= 2)
    assert {asked[0] for asked in operations.asked} == {"plan"}


def test_all_keys_in_the_same_hands_are_contained_from_the_card(
    slack: LocalSlack, state: State, operations: MadeUp
) -> None:
    slack.click(ANALYST, SOC, show(state, slack, "scoped"), "contain")
    view = slack.wait_until(lambda: [one for one in slack.open_views(ANALYST) if one["submit"]])[0]
    shown = json.dumps(view)
    assert (view["title"]["text"], view["submit"]["text"]) == ("Contain all", "Contain all")
    for part in (
        "1. All keys",
        "2. Their users",
        "nothing to do",
        "For a person to run",
        "aws iam delete-login-profile",
    ):
        assert part in shown
    slack.submit_view(ANALYST, view["id"], {"reason": "seven stolen keys"})
    assert "1 of 3 changes are approved" in json.dumps(window(slack, "Approved"))
    assert operations.asked == [("contain", (), 12, ME), ("approve all", "contain-1", "seven stolen keys", ME)]


@pytest.mark.parametrize(
    ("chosen", "asked"),
    [
        ("plan:quarantine_user:1 case:12:111122223333:user/alice", ("quarantine_user", "111122223333:user/alice")),
        ("plan:block_ip:3 case:12:203.0.113.66", ("block_ip", "203.0.113.66")),
    ],
)
def test_what_is_suggested_of_others_is_previewed_from_the_list(
    slack: LocalSlack, state: State, operations: MadeUp, chosen: str, asked: tuple[str, str]
) -> None:
    slack.click(ANALYST, SOC, show(state, slack, "more_suggested"), "more", value=chosen)
    assert slack.wait_until(lambda: [one for one in slack.open_views(ANALYST) if one["submit"]])
    assert operations.asked == [("plan", *asked, 12, ME)]


def test_all_of_a_containment_is_taken_back_from_the_card(slack: LocalSlack, state: State, operations: MadeUp) -> None:
    slack.click(ANALYST, SOC, show(state, slack, "contained"), "more", value="uncontain contain-1")
    assert (
        slack.wait_until(lambda: [one for one in slack.open_views(ANALYST) if one["submit"]])[0]["title"]["text"]
        == "Undo all"
    )
    assert operations.asked == [("uncontain", "contain-1", ME)]


def test_a_second_person_approves_a_whole_containment(slack: LocalSlack, state: State, operations: MadeUp) -> None:
    slack.click(SECOND_ANALYST, SOC, show(state, slack, "containment_waiting"), "second:0")
    view = slack.wait_until(lambda: [one for one in slack.open_views(SECOND_ANALYST) if one["submit"]])[0]
    slack.submit_view(SECOND_ANALYST, view["id"], {"reason": "seen it, too"})
    window(slack, "Approved", SECOND_ANALYST)
    assert operations.asked[-1][:2] == ("approve all", "contain-1")


def test_a_case_is_taken_from_its_card(slack: LocalSlack, state: State, operations: MadeUp) -> None:
    slack.click(ANALYST, SOC, show(state, slack, "incident"), "take")
    assert told(slack) == "Case #12 is yours."
    assert operations.asked == [("take", 12, ME)]


def test_a_case_is_closed_with_a_verdict_and_a_reason(slack: LocalSlack, state: State, operations: MadeUp) -> None:
    slack.click(ANALYST, SOC, show(state, slack, "incident"), "more", value="close case:12")
    filled = {"conclusion": "duplicate", "duplicate_of": "#7", "reason": "same theft"}
    slack.submit_view(ANALYST, window(slack, "Close case")["id"], filled)
    assert "Case #12 is closed as duplicate." in json.dumps(window(slack, "Kept"))
    assert operations.asked == [("close", 12, Conclusion.DUPLICATE, "same theft", 7, ME)]


def test_what_is_expected_is_closed_so_unless_the_analyst_says_otherwise(
    slack: LocalSlack, state: State, operations: MadeUp
) -> None:
    slack.click(ANALYST, SOC, show(state, slack, "nothing_found"), "expected")
    slack.submit_view(ANALYST, window(slack, "Close case")["id"], {"reason": "the scanner, every Friday"})
    window(slack, "Kept")
    assert operations.asked == [("close", 12, Conclusion.EXPECTED, "the scanner, every Friday", None, ME)]


def test_a_key_that_stands_in_public_is_told_of(slack: LocalSlack, state: State, operations: MadeUp) -> None:
    slack.click(ANALYST, SOC, show(state, slack, "incident"), "more", value="actions case:12")
    slack.click_view(ANALYST, window(slack, "Case #12")["id"], "leak")
    filled = {"place": "a public Postman workspace", "reason": "saw the id there"}
    slack.submit_view(ANALYST, window(slack, "Seen in public")["id"], filled)
    assert "is judged again with it" in json.dumps(window(slack, "Kept"))
    assert operations.asked == [("leak", 12, "a public Postman workspace", "saw the id there", ME)]


def test_what_is_no_case_number_is_refused(slack: LocalSlack, state: State, operations: MadeUp) -> None:
    slack.click(ANALYST, SOC, show(state, slack, "incident"), "more", value="close case:12")
    filled = {"conclusion": "duplicate", "duplicate_of": "the other one", "reason": "same theft"}
    slack.submit_view(ANALYST, window(slack, "Close case")["id"], filled)
    assert "the other one is no case number" in json.dumps(window(slack, "Nothing was changed"))
    assert operations.asked == []


def show_scope(state: State, slack: LocalSlack) -> str:
    (message,) = [message for slot, message in details(SCOPED) if slot == "scope"]
    state.write(lambda db: outbox.show(db, "scope", SOC, message.payload(), now()))
    return str(slack.wait_until(lambda: slack.messages(SOC))[0]["ts"])


@pytest.mark.parametrize(
    ("button", "title", "belongs", "told"),
    [
        ("rule_in", "It belongs", True, "counts as in the attacker's hands"),
        ("rule_out", "Set aside", False, "set aside"),
    ],
)
def test_a_suspect_is_decided_on_from_the_thread(
    slack: LocalSlack, state: State, operations: MadeUp, button: str, title: str, belongs: bool, told: str
) -> None:
    assert slack.click(ANALYST, SOC, show_scope(state, slack), button).acked
    view = window(slack, title)
    assert slack.submit_view(ANALYST, view["id"], {"reason": "it is ours"}).response["response_action"] == "update"
    assert told in json.dumps(window(slack, "Kept"))
    assert operations.asked == [("rule", 12, SUSPECT, belongs, "it is ours", ME)]


def test_a_ruling_in_a_closed_case_is_refused_with_a_sentence(
    slack: LocalSlack, state: State, operations: MadeUp
) -> None:
    operations.missing = True
    slack.click(ANALYST, SOC, show_scope(state, slack), "rule_in")
    slack.submit_view(ANALYST, window(slack, "It belongs")["id"], {"reason": "it is ours"})
    assert "not known here any more" in json.dumps(window(slack, "Nothing was changed"))


# ------------------------------------------------------------------------------------------- the socket


def test_the_socket_is_alive_and_says_goodbye(slack: LocalSlack, runner: SocketRunner) -> None:
    eventually_alive(slack, runner)
    runner.close()
    assert not runner.alive()
    slack.wait_until(lambda: not slack.connections)


@pytest.mark.parametrize("reason", ["refresh_requested", "warning", "too_many_websockets"])
def test_a_refreshed_socket_goes_on(reason: str, slack: LocalSlack, runner: SocketRunner) -> None:
    eventually_alive(slack, runner)
    before = len(slack.calls("apps.connections.open"))
    slack.disconnect(reason)
    slack.wait_until(lambda: len(slack.calls("apps.connections.open")) > before and slack.connections)
    eventually_alive(slack, runner)
    assert slack.type_command(ANALYST, SOC, "/triage help").acked


def upgrade_and_fall_silent(listener: socket.socket) -> None:
    """Take one websocket connection and never say a word on it."""
    connection, _ = listener.accept()
    request = connection.recv(4096).decode()
    key = request.split("Sec-WebSocket-Key: ")[1].split("\r\n")[0]
    accepted = base64.b64encode(hashlib.sha1(f"{key}{WEBSOCKET}".encode()).digest()).decode()  # noqa: S324 - RFC 6455
    head = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    connection.sendall(f"{head}Sec-WebSocket-Accept: {accepted}\r\n\r\n".encode())
    while connection.recv(4096):
        pass
    connection.close()


WEBSOCKET = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


@pytest.fixture
def another(slack: LocalSlack, state: State, runner: SocketRunner) -> Iterator[SocketRunner]:
    """A runner not started yet, in place of the one that runs."""
    runner.close()
    client = web_client(slack.bot_token, slack.api_url)
    second = SocketRunner(build_app(client, state, now), client, slack.app_token, ping_seconds=PING_SECONDS)
    yield second
    second.close()


def test_a_deaf_socket_is_replaced(slack: LocalSlack, another: SocketRunner) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        deaf = threading.Thread(target=upgrade_and_fall_silent, args=(listener,))
        deaf.start()
        url = f"ws://127.0.0.1:{listener.getsockname()[1]}/link/?ticket=x"
        slack.fail_next("apps.connections.open", Fault(200, {"ok": True, "url": url}))
        another.start()
        deaf.join()
    eventually_alive(slack, another)
    assert slack.type_command(ANALYST, SOC, "/triage help").acked


@pytest.mark.parametrize(
    "fault",
    [
        SERVER_ERROR,
        RATE_LIMITED,
        Fault(429, {"ok": False, "error": "ratelimited"}, {"Retry-After": "soon"}),
        Fault(200, "<html>maintenance</html>"),
        Fault(200, {"ok": False, "error": "invalid_auth"}),
        Fault(200, {"ok": True, "url": "ws://127.0.0.1:9/"}),
        Fault(200, {"ok": True}),
        Fault(hang_up=True),
    ],
)
def test_slack_down_at_the_start_is_waited_out(fault: Fault, slack: LocalSlack, another: SocketRunner) -> None:
    slack.fail_next("apps.connections.open", fault, fault)
    another.start()
    eventually_alive(slack, another)
    assert slack.type_command(ANALYST, SOC, "/triage help").acked


def eventually_alive(slack: LocalSlack, runner: SocketRunner) -> None:
    """Ask the runner again and again, as a readiness probe does."""
    slack.wait_until(lambda: slack.connections, seconds=20)
    asking, until = threading.Event(), time.monotonic() + 20
    while not runner.alive():
        assert time.monotonic() < until
        asking.wait(0.02)


def show_tasks(state: State, slack: LocalSlack, *tasks: Task) -> str:
    """What the thread holds of ``tasks``; where it stands."""
    state.write(lambda db: outbox.show(db, "tasks", SOC, tasks_message(tasks).payload(), now()))
    return str(slack.wait_until(lambda: slack.messages(SOC))[0]["ts"])


@pytest.mark.parametrize(
    ("action", "asked", "answer"),
    [
        ("task_take:3", ("take_task", 3), "Task 3 is yours."),
        ("task_done:3", ("finish_task", 3, SAID_IN_SLACK), "Task 3 is done."),
    ],
)
def test_a_task_is_taken_and_done_with_its_buttons(
    state: State, slack: LocalSlack, operations: MadeUp, action: str, asked: tuple[object, ...], answer: str
) -> None:
    ts = show_tasks(state, slack, TASK)
    shown = json.dumps(slack.messages(SOC)[0])
    assert "nobody has taken it" in shown
    assert TASK.commands[0] in shown
    assert slack.click(ANALYST, SOC, ts, action).acked
    assert told(slack) == answer
    assert operations.asked[-1] == (*asked, ME)
    assert slack.open_views(ANALYST) == []
