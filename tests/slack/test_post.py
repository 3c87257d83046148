"""The sender against a strict Slack that fails on demand: whatever happens, one message, in its newest form."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from slack_sdk import WebClient
from slack_sdk.web import SlackResponse

from bot.demo.slack import LOST_ANSWER, OTHER_CHANNEL, RATE_LIMITED, SERVER_ERROR, SOC, Fault, LocalSlack
from bot.slack import modals
from bot.slack.card import card
from bot.slack.client import web_client
from bot.slack.details import details
from bot.slack.post import EVENT, VIEW_ATTEMPTS, Sender
from bot.slack.replies import say
from bot.store import outbox
from bot.store.state import State
from tests.slack.cases import CASES, INCIDENT, NOW
from tests.slack.conftest import Clock

CARD = "case:12:card"
FIRST, SECOND = say("first").payload(), say("second").payload()
Json = dict[str, Any]


@pytest.fixture
def client(slack: LocalSlack) -> WebClient:
    return web_client(slack.bot_token, slack.api_url)


@pytest.fixture
def sender(state: State, client: WebClient, clock: Clock) -> Sender:
    return Sender(state, client, clock)


@pytest.fixture
def show(state: State, clock: Clock) -> Callable[..., None]:
    def show(message: Json, slot: str = CARD, channel: str = SOC, under: str | None = None) -> None:
        state.write(lambda db: outbox.show(db, slot, channel, message, clock(), under=under))

    return show


def unsent(state: State) -> list[tuple[Any, ...]]:
    rows = state.read().execute("SELECT kind, state, error FROM outbox WHERE state IN ('ready', 'sending')")
    return list(rows.fetchall())


def send_all(sender: Sender, state: State, clock: Clock, most: int = 60) -> int:
    """Send until nothing waits, moving the clock over every pause; how many steps it took."""
    for step in range(most):
        if not unsent(state):
            return step
        if not sender.send_next():
            clock.move(60)
    raise AssertionError(f"still waiting: {unsent(state)}")


def texts(slack: LocalSlack, channel: str = SOC) -> list[str]:
    return [message["text"] for message in slack.messages(channel)]


def test_a_slot_is_posted_once_and_updated_in_place(
    slack: LocalSlack, sender: Sender, state: State, clock: Clock, show: Callable[..., None]
) -> None:
    show(FIRST)
    send_all(sender, state, clock)
    show(SECOND)
    send_all(sender, state, clock)
    (message,) = slack.messages(SOC)
    assert message["text"] == "second"
    assert message["metadata"] == {"event_type": EVENT, "event_payload": {"slot": CARD}}
    (posted,) = slack.calls("chat.postMessage")
    assert [posted.args[name] for name in ("parse", "unfurl_links", "unfurl_media")] == ["none", False, False]


def test_every_card_is_taken_by_slack(
    slack: LocalSlack, sender: Sender, state: State, clock: Clock, show: Callable[..., None]
) -> None:
    for name, case in CASES.items():
        show(card(case, now=NOW).payload(), slot=name)
        for slot, message in details(case):
            show(message.payload(), slot=f"{name}:{slot}", under=name)
    send_all(sender, state, clock, most=500)
    assert all("blocks" in message for message in slack.messages(SOC))
    assert {call.error for call in slack.calls()} == {None}


def test_a_thread_stands_under_its_card(
    slack: LocalSlack, sender: Sender, state: State, clock: Clock, show: Callable[..., None]
) -> None:
    show(FIRST)
    show(SECOND, slot="case:12:score", under=CARD)
    send_all(sender, state, clock)
    first, second = slack.messages(SOC)
    assert second["thread_ts"] == first["ts"]


def test_of_several_waiting_only_the_newest_is_sent(
    slack: LocalSlack, sender: Sender, state: State, clock: Clock, show: Callable[..., None]
) -> None:
    for number in range(5):
        show(say(str(number)).payload())
    send_all(sender, state, clock)
    assert texts(slack) == ["4"]
    assert len(slack.calls()) == 1


HTML = Fault(200, "<html>maintenance</html>", {"Content-Type": "text/html"})
LOST_HTML = Fault(502, "<html>bad gateway</html>", {"Content-Type": "text/html"}, processed=True)
CUT = Fault(hang_up=True)
INTERNAL = Fault(200, {"ok": False, "error": "internal_error"}, processed=True)
SHUT = Fault(200, {"ok": False, "error": "invalid_auth"})


@pytest.mark.parametrize(
    "faults",
    [
        [RATE_LIMITED],
        [SERVER_ERROR],
        [HTML],
        [CUT],
        [LOST_ANSWER],
        [LOST_HTML],
        [INTERNAL],
        [SHUT],
        [RATE_LIMITED, LOST_ANSWER, SERVER_ERROR, HTML],
        [SERVER_ERROR, RATE_LIMITED, CUT, LOST_HTML],
    ],
)
def test_whatever_fails_there_is_one_message(
    faults: list[Fault], slack: LocalSlack, sender: Sender, state: State, clock: Clock, show: Callable[..., None]
) -> None:
    slack.fail_next("chat.postMessage", *faults)
    slack.fail_next("chat.update", *faults)
    slack.fail_next("conversations.history", SERVER_ERROR, RATE_LIMITED)
    show(FIRST)
    sender.send_next()
    show(SECOND)
    send_all(sender, state, clock)
    assert texts(slack) == ["second"]


class Killed(BaseException):
    """The process dies: nothing after this line is recorded."""


class Dying(WebClient):
    """Slack has the message, but nobody lives to see its answer."""

    def chat_postMessage(self, **arguments: Any) -> SlackResponse:  # noqa: N802
        super().chat_postMessage(**arguments)
        raise Killed


def test_a_killed_sender_repeats_nothing(
    slack: LocalSlack, sender: Sender, state: State, clock: Clock, show: Callable[..., None]
) -> None:
    show(FIRST)
    show(SECOND, slot="case:12:score", under=CARD)
    for _ in range(2):
        doomed = Sender(state, Dying(slack.bot_token, slack.api_url, retry_handlers=[]), clock)
        with pytest.raises(Killed):
            doomed.send_next()
        state.write(outbox.release_all)
        sender.send_next()
        clock.move(2)
    assert texts(slack) == ["first", "second"]
    assert unsent(state) == []


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ({"Retry-After": "7"}, 7),
        ({"Retry-After": "0.5"}, 0.5),
        ({}, 30),
        ({"Retry-After": "soon"}, 30),
        ({"Retry-After": "nan"}, 30),
        ({"Retry-After": "-4"}, 0),
        ({"Retry-After": "1e99"}, 3600),
    ],
)
def test_slack_is_waited_for_as_long_as_it_says(
    header: dict[str, str],
    seconds: float,
    slack: LocalSlack,
    sender: Sender,
    state: State,
    clock: Clock,
    show: Callable[..., None],
) -> None:
    slack.fail_next("chat.postMessage", Fault(429, {"ok": False, "error": "ratelimited"}, header))
    show(FIRST)
    sender.send_next()
    due = state.read().execute("SELECT due_at FROM outbox").fetchone()[0]
    assert due - clock().timestamp() == seconds


def test_a_deleted_message_is_posted_anew(
    slack: LocalSlack, sender: Sender, state: State, client: WebClient, clock: Clock, show: Callable[..., None]
) -> None:
    show(FIRST)
    send_all(sender, state, clock)
    client.chat_delete(channel=SOC, ts=slack.messages(SOC)[0]["ts"])
    show(SECOND)
    send_all(sender, state, clock)
    show(SECOND, slot="case:12:score", under=CARD)
    send_all(sender, state, clock)
    assert texts(slack) == ["second", "second"]


def test_a_channel_without_the_bot_keeps_its_message_and_holds_up_no_other(
    slack: LocalSlack, sender: Sender, state: State, show: Callable[..., None]
) -> None:
    show(FIRST, slot="elsewhere", channel=OTHER_CHANNEL)
    show(SECOND)
    while sender.send_next():
        pass
    assert texts(slack) == ["second"]
    ((kind, status, error),) = unsent(state)
    assert (kind, status, error) == ("message", "ready", "not_in_channel")


@pytest.mark.refusable
def test_a_refused_layout_is_sent_as_words(
    slack: LocalSlack, sender: Sender, state: State, clock: Clock, show: Callable[..., None]
) -> None:
    show({"text": "short", "blocks": [{"type": "nonsense"}, *card(INCIDENT, now=NOW).blocks]})
    send_all(sender, state, clock)
    (message,) = slack.messages(SOC)
    assert "blocks" not in message
    assert "DigitalOcean" in message["text"]


def test_a_channel_gets_one_message_a_second(
    slack: LocalSlack, sender: Sender, clock: Clock, show: Callable[..., None]
) -> None:
    for slot in "abc":
        show(say(slot).payload(), slot=slot)
    seen = []
    for _ in range(4):
        while sender.send_next():
            pass
        seen.append(len(texts(slack)))
        clock.move(1)
    assert seen == [1, 2, 3, 3]


def test_pauses_count_as_no_attempts(state: State, sender: Sender, show: Callable[..., None]) -> None:
    show(FIRST, slot="a")
    show(FIRST, slot="b")
    while sender.send_next():
        pass
    assert state.read().execute("SELECT attempts FROM outbox WHERE slot = 'b'").fetchone() == (0,)


# ------------------------------------------------------------------------------------- answers and modals


def test_an_unreachable_answer_address_is_given_up(
    slack: LocalSlack, sender: Sender, state: State, clock: Clock
) -> None:
    state.write(lambda db: outbox.respond(db, f"{slack.url}actions/never-given", FIRST, clock()))
    send_all(sender, state, clock)
    assert state.read().execute("SELECT state, error FROM outbox").fetchone() == ("refused", "HTTP 404")


def test_a_closed_window_is_given_up_after_it_had_time_to_open(
    slack: LocalSlack, sender: Sender, state: State, clock: Clock
) -> None:
    state.write(lambda db: outbox.change_view(db, "never-opened", modals.preparing(), clock()))
    send_all(sender, state, clock)
    assert state.read().execute("SELECT state, error FROM outbox").fetchone() == ("refused", "not_found")
    assert len(slack.calls("views.update")) == VIEW_ATTEMPTS


def test_a_window_is_changed_when_slack_is_back(slack: LocalSlack, sender: Sender, state: State, clock: Clock) -> None:
    slack.fail_next("views.update", SERVER_ERROR, HTML, RATE_LIMITED, CUT)
    state.write(lambda db: outbox.change_view(db, "never-opened", modals.preparing(), clock()))
    send_all(sender, state, clock)
    assert [call.error for call in slack.calls("views.update")][-1] == "not_found"


def test_slack_down_is_waited_out(
    sender: Sender, state: State, clock: Clock, slack: LocalSlack, show: Callable[..., None]
) -> None:
    away = Sender(state, web_client("xoxb-none", "http://127.0.0.1:9/api/"), clock)
    show(FIRST)
    for _ in range(3):
        away.send_next()
        clock.move(10)
    send_all(sender, state, clock)
    assert texts(slack) == ["first"]
