"""A triage made again from what it was told: the same to the byte, with nobody left to ask."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from datetime import UTC, date, datetime

import msgspec
import pytest

from bot.document import triage_document
from bot.evidence.recording import read_recording
from bot.evidence.replaying import NotRecorded, replay
from bot.evidence.written import read, read_error, write, write_error
from bot.model import (
    AddressClass,
    AnswerCut,
    CannotSearch,
    Environment,
    HistoryUnavailableError,
    KeyRecord,
    Kind,
    MailQuarter,
    MailSent,
    NotAnswered,
    Observable,
    Outcome,
    Triage,
    Unread,
    Use,
)
from bot.scope.telling import scope_document
from tests.evidence.conftest import AT, Theft
from tests.fakes import event

USE = Use(
    date(2026, 11, 20),
    "AKIA",
    "111122223333:user/alice",
    "198.51.100.7",
    AddressClass.PUBLIC,
    "Kali/\ud7ff",
    "kali",
    "iam:ListUsers",
    Outcome.DENIED,
    "AccessDenied",
    "us-east-1",
    "111122223333",
    False,
    2,
    AT,
    AT,
    ("e-1",),
)


def documents(made: Triage) -> str:
    scope = scope_document(replace(made.scope, sweep=None)) if made.scope is not None else None
    return json.dumps({"triage": triage_document(made), "scope": scope})


@pytest.mark.parametrize("kind", [Kind.ACCESS_KEY, Kind.PRINCIPAL, Kind.IP, Kind.EVENT])
def test_a_triage_made_again_is_the_same_to_the_byte(theft: Theft, kind: Kind) -> None:
    made, _ = theft.recorded(theft.lead)
    asked = {
        Kind.ACCESS_KEY: theft.lead,
        Kind.PRINCIPAL: Observable(Kind.PRINCIPAL, made.principal.id if made.principal else ""),
        Kind.IP: Observable(Kind.IP, theft.world.story.thief_addresses[0]),
        Kind.EVENT: Observable(Kind.EVENT, "ses:GetSendQuota"),
    }[kind]
    made, recorded = theft.recorded(asked)
    assert made.activity.events
    assert documents(replay(read_recording(recorded))) == documents(made)


def test_the_theft_and_its_seven_keys_are_reckoned_again(theft: Theft) -> None:
    again = replay(read_recording(theft.recorded(theft.lead)[1]))
    assert again.assessment.verdict == "incident"
    assert again.scope is not None
    assert {each.key for each in again.scope.confirmed} == {key.id for key in theft.world.story.stolen}


def test_the_same_triage_is_recorded_in_the_same_bytes(theft: Theft) -> None:
    assert theft.record(theft.lead)[1] == theft.recorded(theft.lead)[1]


def test_answers_that_were_tampered_with_change_what_comes_out(theft: Theft) -> None:
    made, recorded = theft.recorded(theft.lead)
    kept = read_recording(recorded)
    forged = tuple(replace(each, gave=write(None)) if each.ask == "principal" else each for each in kept.answers)
    assert documents(replay(replace(kept, answers=forged))) != documents(made)


def test_a_question_that_was_not_asked_then_is_not_answered_now(theft: Theft) -> None:
    kept = read_recording(theft.recorded(theft.lead)[1])
    without = tuple(each for each in kept.answers if each.ask != "uses")
    with pytest.raises(NotRecorded, match=r"history\.uses was not asked then"):
        replay(replace(kept, answers=without))


@pytest.mark.parametrize(
    "answer",
    [
        None, 7, "words", AT, {}, (), {"parameters": {"deep": [1, None]}}, USE, (USE, USE), event(),
        KeyRecord("AKIA", "alice", "Active", AT, others=(("AKIB", "Inactive"),)), Unread("AccessDenied"),
        {"us-east-1": MailSent(AT, (MailQuarter(AT, 5),)), "eu-west-1": Unread("no")},
        Environment(accounts=frozenset({"111122223333"}), account_names={"111122223333": "payments"}),
    ],
)  # fmt: skip
def test_what_is_written_is_read_again(answer: object) -> None:
    assert read(msgspec.json.decode(msgspec.json.encode(write(answer)))) == answer or answer == ()


def test_refusals_are_raised_again() -> None:
    for error in (HistoryUnavailableError("gone"), CannotSearch("not here"), NotAnswered("no")):
        again = read_error(msgspec.json.decode(msgspec.json.encode(write_error(error))))
        assert (type(again), str(again)) == (type(error), str(error))
    cut = read_error(msgspec.json.decode(msgspec.json.encode(write_error(AnswerCut("too many", AT, [USE])))))
    assert isinstance(cut, AnswerCut)
    assert (str(cut), cut.since, cut.uses) == ("too many", datetime(2026, 11, 23, 10, 0, tzinfo=UTC), (USE,))


@pytest.mark.parametrize("spoilt", [b"", b"no gzip", gzip.compress(b"{}"), gzip.compress(b"[1")])
def test_a_recording_that_cannot_be_read_is_a_sentence(spoilt: bytes) -> None:
    with pytest.raises(ValueError, match="cannot be read"):
        read_recording(spoilt)


@pytest.mark.parametrize(
    "spoilt", [{}, {"one": "Popen", "is": 1}, {"many": "Use", "is": [{}]}, {"one": "Use", "is": 3}]
)
def test_an_answer_that_nothing_writes_is_refused(spoilt: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="cannot be read"):
        read(spoilt)
    with pytest.raises(ValueError, match="cannot be read"):
        read_error({"raised": "Exit", "says": ""})
