"""What people type after ``/triage``, and what it is taken for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.commands import Ask, Command, parse
from bot.model import Refusal

KEY = "AKIARTX3GSDSQAAAAAAA"
OTHER = "ASIARTX3GSDSQBBBBBBB"
# Made up; no such secret was ever issued.
SECRET = "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"


@pytest.mark.parametrize("text", ["", "  ", "help", "HELP", "?", "/triage help", "triage", "`help`"])
def test_help(text: str) -> None:
    assert parse(text) == Ask(Command.HELP)


def test_whoami() -> None:
    assert parse("whoami") == Ask(Command.WHOAMI)


@pytest.mark.parametrize(
    "text",
    [
        f"key {KEY}",
        KEY,
        f"KEY {KEY.lower()}",
        f"`{KEY}`",
        f"key “{KEY}”",
        f"key: {KEY}.",
        f"<https://console.example/{KEY}|{KEY}>",
        f"<mailto:{KEY}|{KEY}>",
        f"kye {KEY}",
        f"please look at {KEY}, it was on GitHub",
        f"arn:aws:iam::111122223333:user/alice {KEY}",
        f"key \u200b{KEY}\u202e",
        f"{KEY} {KEY}",
        f"/triage key {KEY}",
        f'key "accessKeyId":"{KEY}"',
    ],
)
def test_a_key_is_read_however_it_was_pasted(text: str) -> None:
    assert parse(text) == Ask(Command.KEY, (KEY,))


def test_several_keys_keep_their_order() -> None:
    assert parse(f"key {OTHER}, {KEY} {OTHER}") == Ask(Command.KEY, (OTHER, KEY))


@pytest.mark.parametrize("key", ["AKIA0189" + "X" * 12, "AKIA" + "A" * 60, "ABIA" + "Z" * 16])
def test_no_key_id_is_refused_for_its_alphabet_or_length(key: str) -> None:
    assert parse(f"key {key}") == Ask(Command.KEY, (key,))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("kye", "Did you mean `key`?"),
        ("hepl", "Did you mean `help`?"),
        (f"scoope {KEY}", "Did you mean `scope`?"),
        ("key", "An access key id is missing"),
        ("key AKIA123", "An access key id is missing"),
        ("arn:aws:iam::111122223333:user/alice", "an ARN without an access key id"),
        ("key AIDARTX3GSDSQAAAAAAAA", "not of an access key"),
        ("AKIAIOSFODNN7EXAMPLE", "an example from AWS's documentation"),
        ("what is going on", "not understood"),
        (" ".join(f"AKIARTX3GSDSQAAAAA{n:02d}" for n in range(11)), "11 keys at once"),
        ("scope key " + KEY, "`/triage scope` is not available in this version"),
        ("undo exec-1", "not available"),
    ],
)
def test_what_cannot_be_done_is_answered_with_a_way_on(text: str, said: str) -> None:
    answer = parse(text)
    assert isinstance(answer, Refusal)
    assert said in answer.sentence


@pytest.mark.parametrize("text", [f"key {KEY} {SECRET}", f"{KEY}:{SECRET}", f"{KEY.lower()} `{SECRET}`"])
def test_a_pasted_secret_is_refused_and_never_repeated(text: str) -> None:
    answer = parse(text)
    assert isinstance(answer, Refusal)
    assert "secret access key" in answer.sentence
    assert "canary" not in repr(answer).lower()


@given(st.text())
def test_anything_typed_has_an_answer(text: str) -> None:
    assert isinstance(parse(text), Ask | Refusal)
