"""“Was this you?”: asked by direct message, answered by whoever was asked and nobody else, worth what it is worth."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.demo.slack import ANALYST, KEY_OWNER, SECOND_ANALYST, TEAM_ID
from bot.demo.slack.http import SCOPES
from bot.model import Actor, Refusal, Said
from bot.slack.owner import masked
from tests.slack.office import KEY, Office, office
from tests.slack.readable import readable

ON = """
[owners]
ask = true
hours = 4
[owners.people]
"alice" = "robin@parcelhub.example"
"""
OWNER = Actor(f"slack:{TEAM_ID}:{KEY_OWNER}", "Robin")


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Office]:
    with office(tmp_path, ON) as opened:
        opened.alert()
        yield opened


def direct(room: Office) -> dict[str, Any]:
    (channel,) = [each for each in room.slack.conversations(KEY_OWNER) if each["is_im"]]
    (asked,) = room.slack.messages(channel["id"])
    return {**asked, "channel": channel["id"]}


def ask(room: Office) -> dict[str, Any]:
    room.press("ask_owner case:1")
    told = room.submit("Ask the owner", {"reason": "a Kali on the first day of a holiday"})
    assert "The owner is being asked" in told
    room.settle()
    return direct(room)


def test_the_owner_is_asked_without_a_whole_key_id_and_a_no_counts_against_the_key(room: Office) -> None:
    room.card()
    before = room.case().triage
    asked = ask(room)
    assert KEY not in json.dumps(asked)
    assert f"{KEY[:4]}…{KEY[-4:]} was used in AWS" in readable(asked)
    assert "[Yes, that was me]  [No]  [Not sure]" in readable(asked)
    assert f"<{KEY_OWNER}>" in " ".join(room.thread())
    assert room.slack.click(KEY_OWNER, asked["channel"], asked["ts"], "owner_no").acked
    room.settle()
    after = room.case().triage
    assert before is not None
    assert after is not None
    assert "owner.denied" in [reason.signal for reason in after.assessment.reasons]
    assert after.assessment.score > before.assessment.score
    assert "You said: that was not me" in readable(direct(room))
    assert "Robin Okafor (works with the key), asked whether it was them, says: that was not me" in " ".join(
        room.thread()
    )
    assert "Owner asked: says it was not them" in readable(room.card())
    assert (OWNER.id, "answer as owner", "case 1", "says: that was not me") in room.audit()


def test_a_yes_takes_nothing_away(room: Office) -> None:
    room.card()
    before = room.case().triage
    asked = ask(room)
    room.slack.click(KEY_OWNER, asked["channel"], asked["ts"], "owner_yes")
    room.settle()
    after = room.case().triage
    assert before is not None
    assert after is not None
    assert (after.assessment.verdict, after.assessment.score) == (before.assessment.verdict, before.assessment.score)
    assert "evidence, not proof" in readable(room.card())


def test_nobody_else_answers_and_nobody_twice(room: Office) -> None:
    ask(room)
    operations = room.bot.desk.operations
    stranger = operations.answer_as_owner(1, Actor(f"slack:{TEAM_ID}:{ANALYST}", "Sam"), Said.YES)
    assert isinstance(stranger, Refusal)
    assert "only they can answer" in stranger.sentence
    assert not isinstance(operations.answer_as_owner(1, OWNER, Said.UNSURE), Refusal)
    again = operations.answer_as_owner(1, OWNER, Said.YES)
    assert isinstance(again, Refusal)
    assert "You have answered already: not sure" in again.sentence
    operations.recognise(Actor(f"slack:{TEAM_ID}:{SECOND_ANALYST}", "Noor"))
    twice = operations.ask_owner(1, Actor(f"slack:{TEAM_ID}:{SECOND_ANALYST}", "Noor"), "once more")
    assert twice == 1


def test_a_question_ends_and_silence_says_nothing(room: Office) -> None:
    ask(room)
    assert isinstance(room.bot.desk.operations.ask_owner(1, Actor(f"slack:{TEAM_ID}:{ANALYST}", "S"), "x"), Refusal)
    room.move(timedelta(hours=4, minutes=1))
    room.settle()
    assert "This question has ended without an answer" in readable(direct(room))
    assert "has not answered in time. That says nothing." in " ".join(room.thread())
    late = room.bot.desk.operations.answer_as_owner(1, OWNER, Said.NO)
    assert isinstance(late, Refusal)


def test_without_a_known_owner_or_the_scope_the_thread_says_why(tmp_path: Path) -> None:
    with office(tmp_path, ON, scopes=[scope for scope in SCOPES if scope != "im:write"]) as room:
        room.alert()
        room.press("ask_owner case:1")
        room.submit("Ask the owner", {"reason": "who is it"})
        assert "the app lacks im:write" in " ".join(room.thread())
        stranger = "arn:aws:iam::111122223333:user/nobody"
        room.alert("b", access_key="AKIARTX3GSDSQAAAAAAQ", principal=stranger)
        room.settle()
        granted = room.bot.desk.operations.ask_owner(2, Actor(f"slack:{TEAM_ID}:{ANALYST}", "S"), "who is it")
        assert granted == 2
        room.settle()
        told = [each["text"] for each in room.slack.messages() if "was not asked" in str(each["text"])]
        assert "nothing says whose key it is" in told[-1]


def test_it_is_off_unless_switched_on(tmp_path: Path) -> None:
    with office(tmp_path) as room:
        room.alert()
        room.card()
        assert not room.case().askable
        room.bot.desk.operations.recognise(Actor(f"slack:{TEAM_ID}:{ANALYST}", "S"))
        off = room.bot.desk.operations.ask_owner(1, Actor(f"slack:{TEAM_ID}:{ANALYST}", "S"), "x")
        assert isinstance(off, Refusal)
        assert "[owners] ask in config.toml switches it on" in off.sentence


def test_key_ids_are_masked_wherever_they_stand() -> None:
    assert masked(f"used by {KEY} and ASIAQWERTYUIOPASDFGH.") == f"used by AKIA…{KEY[-4:]} and ASIA…DFGH."
