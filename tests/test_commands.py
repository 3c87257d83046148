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
        ("key arn:aws:iam::111122223333:user/alice", "`/triage user arn:aws:iam::111122223333:user/alice`"),
        ("arn:aws:s3:::bucket", "an ARN without an access key id"),
        ("key AIDARTX3GSDSQAAAAAAAA", "not of an access key"),
        ("AKIAIOSFODNN7EXAMPLE", "an example from AWS's documentation"),
        ("what is going on", "not understood"),
        (" ".join(f"AKIARTX3GSDSQAAAAA{n:02d}" for n in range(11)), "11 keys at once"),
        ("user", "Name the user"),
        ("role", "Name the role"),
        ("ip", "Name the address"),
        ("ip somewhere", "somewhere is not an IP address"),
        ("ip 203.0.113.7, 999.1.1.1", "999.1.1.1 is not an IP address"),
        ("agent", "Name the client"),
        ("event", "Name the call"),
        ("event ../../etc", "../../etc is not a call"),
        ("scope", "Name what to start from"),
        ("scope alice", "alice is neither"),
        ("scope AKIAIOSFODNN7EXAMPLE", "is neither"),
        ("case twelve", "twelve is no case number"),
        ("snooze user", "Name what to snooze"),
        ("snooze nonsense", "Name what to snooze"),
        ("case hand-over", "Name the case: `/triage case hand-over 12`."),
        ("rolle deploy", "Did you mean `role`?"),
        (" ".join(["ip", *(f"203.0.113.{n}" for n in range(11))]), "11 addresses at once"),
    ],
)
def test_what_cannot_be_done_is_answered_with_a_way_on(text: str, said: str) -> None:
    answer = parse(text)
    assert isinstance(answer, Refusal)
    assert said in answer.sentence


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("user alice, bob", Ask(Command.USER, ("alice", "bob"))),
        ("users `alice`", Ask(Command.USER, ("alice",))),
        ("arn:aws:iam::111122223333:user/ops/alice.", Ask(Command.USER, ("arn:aws:iam::111122223333:user/ops/alice",))),
        ("role deploy", Ask(Command.ROLE, ("deploy",))),
        (
            "see arn:aws:sts::111122223333:assumed-role/deploy/i-1",
            Ask(Command.ROLE, ("arn:aws:sts::111122223333:assumed-role/deploy/i-1",)),
        ),
        ("ip 203[.]0[.]113[.]7", Ask(Command.IP, ("203.0.113.7",))),
        ("ip [2001:db8::1]:443 and 203.0.113.7:8080", Ask(Command.IP, ("2001:db8::1", "203.0.113.7"))),
        ("<http://203.0.113.7|203.0.113.7>", Ask(Command.IP, ("203.0.113.7",))),
        ("who is 203.0.113.7?", Ask(Command.IP, ("203.0.113.7",))),
        ("agent “aws-cli/1.22.34 Python/3.9.11”", Ask(Command.AGENT, ("aws-cli/1.22.34 Python/3.9.11",))),
        ("event ses:GetSendQuota, ListUsers", Ask(Command.EVENT, ("ses:GetSendQuota", "ListUsers"))),
        ("`ses:GetSendQuota`", Ask(Command.EVENT, ("ses:GetSendQuota",))),
        (f"scope key {KEY}", Ask(Command.SCOPE, (KEY,))),
        (f"scope {KEY.lower()} ip 203.0.113.7", Ask(Command.SCOPE, (KEY, "203.0.113.7"))),
        ("hunt", Ask(Command.HUNT, ("all",))),
        ("hunt enumeration", Ask(Command.HUNT, ("enumeration",))),
        ("hunt playbook email-abuse", Ask(Command.HUNT, ("playbook", "email-abuse"))),
        ("hunt email-abuse", Ask(Command.HUNT, ("playbook", "email-abuse"))),
        ("case", Ask(Command.CASE)),
        ("cases", Ask(Command.CASE)),
        ("case list", Ask(Command.CASE)),
        ("case show #12", Ask(Command.CASE, ("12",))),
        ("case hand-over #12", Ask(Command.CASE, ("12", "hand-over"))),
        ("case 12 handover", Ask(Command.CASE, ("12", "hand-over"))),
        ("case declare 12", Ask(Command.CASE, ("12", "declare"))),
        ("case close 12", Ask(Command.CASE, ("12", "close"))),
        ("snooze", Ask(Command.SNOOZE)),
        ("snooze list", Ask(Command.SNOOZE)),
        ("snooze ip 203[.]0.113.7", Ask(Command.SNOOZE, ("ip", "203.0.113.7"))),
        ("snooze 203.0.113.7", Ask(Command.SNOOZE, ("ip", "203.0.113.7"))),
        ("snooze ip 203[.]0.113.7/24", Ask(Command.SNOOZE, ("ip", "203.0.113.0/24"))),
        ("snooze 2001:DB8::/48", Ask(Command.SNOOZE, ("ip", "2001:db8::/48"))),
        ("snooze 203.0.113.7/32", Ask(Command.SNOOZE, ("ip", "203.0.113.7"))),
        ("snooze user alice", Ask(Command.SNOOZE, ("principal", "alice"))),
        ("snooze agent aws-cli/2.1 Kali", Ask(Command.SNOOZE, ("user_agent", "aws-cli/2.1 Kali"))),
        ("undo", Ask(Command.UNDO)),
        (f"key {KEY} share", Ask(Command.KEY, (KEY,), share=True)),
        ("event ses:GetSendQuota --share", Ask(Command.EVENT, ("ses:GetSendQuota",), share=True)),
    ],
)
def test_everything_there_is_to_ask(text: str, asked: Ask) -> None:
    assert parse(text) == asked


@pytest.mark.parametrize("text", [f"key {KEY} {SECRET}", f"{KEY}:{SECRET}", f"{KEY.lower()} `{SECRET}`"])
def test_a_pasted_secret_is_refused_and_never_repeated(text: str) -> None:
    answer = parse(text)
    assert isinstance(answer, Refusal)
    assert "secret access key" in answer.sentence
    assert "canary" not in repr(answer).lower()


@given(st.text())
def test_anything_typed_has_an_answer(text: str) -> None:
    assert isinstance(parse(text), Ask | Refusal)
