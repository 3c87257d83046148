"""Pictures in the thread: uploaded once, under the card, found again after a lost answer, and in nobody's way."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from slack_sdk import WebClient

from bot.charts import pictures_of
from bot.demo.slack import LOST_ANSWER, SERVER_ERROR, SOC, LocalSlack
from bot.model import Scope, Stroke
from bot.slack import pictures
from bot.slack.client import web_client
from bot.slack.pictures import files_of
from bot.slack.post import FILE_ATTEMPTS, Sender
from bot.slack.replies import say
from bot.store import outbox
from bot.store.state import State
from tests.slack.cases import ADDRESS, KEY, NOW, SCOPE
from tests.slack.conftest import Clock
from tests.slack.test_post import send_all

CARD = "case:12:card"
SLOT = "case:12:pictures"
OTHER = "AKIARTX3GSDSQBBBBBBB"
KALI = "aws-cli/1|linux|kali|-"


def drawn(minutes: float = 40) -> Scope:
    at = NOW - timedelta(minutes=minutes)
    strokes = [
        Stroke(key, at + timedelta(minutes=n), ADDRESS, KALI, n == 1, n == 2, 3)
        for key in (KEY, OTHER)
        for n in range(3)
    ]
    return replace(SCOPE, strokes=tuple(strokes))


@pytest.fixture
def client(slack: LocalSlack) -> WebClient:
    return web_client(slack.bot_token, slack.api_url)


@pytest.fixture
def sender(state: State, client: WebClient, clock: Clock) -> Sender:
    return Sender(state, client, clock)


def upload(state: State, clock: Clock, scope: Scope | None = None) -> None:
    files = files_of(scope or drawn())
    state.write(lambda db: outbox.upload(db, SLOT, SOC, files, clock(), under=CARD))


def show_card(state: State, clock: Clock) -> None:
    state.write(lambda db: outbox.show(db, CARD, SOC, say("the card").payload(), clock()))


def shared(slack: LocalSlack) -> list[dict[str, Any]]:
    return [file for message in slack.messages(SOC) for file in message.get("files", [])]


def test_both_pictures_stand_under_the_card_with_words_for_who_does_not_see_them(
    slack: LocalSlack, sender: Sender, state: State, clock: Clock
) -> None:
    show_card(state, clock)
    upload(state, clock)
    send_all(sender, state, clock)
    card, message = slack.messages(SOC)
    assert message["thread_ts"] == card["ts"]
    timeline, graph = message["files"]
    assert (timeline["mimetype"], graph["mimetype"]) == ("image/png", "image/png")
    assert f"{KEY} of alice: 9 calls from {ADDRESS}, 3 refused" in timeline["alt_txt"]
    assert f"{ADDRESS} (2 keys, 18 calls), with {KALI}" in graph["alt_txt"]


def test_the_same_pictures_are_not_sent_again_and_others_are(
    slack: LocalSlack, sender: Sender, state: State, clock: Clock
) -> None:
    show_card(state, clock)
    for scope in (drawn(), drawn(), drawn(90)):
        upload(state, clock, scope)
        send_all(sender, state, clock)
    assert len(shared(slack)) == 4


@pytest.mark.parametrize("method", ["files.getUploadURLExternal", "files.completeUploadExternal"])
@pytest.mark.parametrize("fault", [SERVER_ERROR, LOST_ANSWER])
def test_a_failed_upload_is_tried_again_and_a_lost_answer_repeats_nothing(
    slack: LocalSlack, sender: Sender, state: State, clock: Clock, method: str, fault: Any
) -> None:
    show_card(state, clock)
    upload(state, clock)
    slack.fail_next(method, fault)
    send_all(sender, state, clock)
    assert len(shared(slack)) == 2


def test_a_slack_that_takes_no_files_holds_up_no_message(
    slack: LocalSlack, sender: Sender, state: State, clock: Clock
) -> None:
    show_card(state, clock)
    upload(state, clock)
    for _ in range(2 * FILE_ATTEMPTS):
        slack.fail_next("files.getUploadURLExternal", SERVER_ERROR)
    send_all(sender, state, clock)
    state.write(lambda db: outbox.show(db, CARD, SOC, say("newer").payload(), clock()))
    send_all(sender, state, clock)
    assert [message["text"] for message in slack.messages(SOC)] == ["newer"]
    (row,) = state.read().execute("SELECT state, error FROM outbox WHERE kind = 'file'").fetchall()
    assert tuple(row) == ("refused", f"not taken in {FILE_ATTEMPTS} attempts")


def test_a_token_without_the_scope_is_no_reason_to_try_again(state: State, clock: Clock) -> None:
    scopes = ["chat:write", "channels:history"]
    with LocalSlack(scopes=scopes) as narrow:
        sender = Sender(state, web_client(narrow.bot_token, narrow.api_url), clock)
        show_card(state, clock)
        upload(state, clock)
        send_all(sender, state, clock)
        assert [message["text"] for message in narrow.messages(SOC)] == ["the card"]
    (row,) = state.read().execute("SELECT state, error FROM outbox WHERE kind = 'file'").fetchall()
    assert tuple(row) == ("refused", "missing_scope")


def test_a_lone_key_and_a_scope_without_traces_are_not_drawn() -> None:
    assert files_of(None) == []
    assert files_of(SCOPE) == []
    assert files_of(replace(drawn(), confirmed=SCOPE.confirmed[:1])) == []


def test_a_picture_that_cannot_be_drawn_is_no_ones_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(scope: Scope) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(pictures, "pictures_of", broken)
    assert files_of(drawn()) == []
    assert len(pictures_of(drawn())) == 2
