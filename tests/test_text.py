"""What a terminal shows: the same facts as the card, and nothing that drives the terminal."""

from __future__ import annotations

import unicodedata
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.history.load import HistoryReport, SetAside
from bot.model import Answer, Fact, Refusal
from bot.plain import clean, cut
from bot.text import (
    WIDTH,
    alert_text,
    case_text,
    change_text,
    history_text,
    notification,
    plan_text,
    refusal_text,
    triage_text,
)
from tests.slack.cases import ALERT, CASES, INCIDENT, KALI, KEY, change, clients, enrichment, plan, triage

DRIVING = "\x1b[2J\x07\u202egnp.exe\u2066\u200b\u2028forged: row\r\nverdict: low\ud800"


@pytest.mark.parametrize("name", CASES)
def test_a_case_as_text_begins_like_its_card(name: str) -> None:
    assert case_text(CASES[name]).startswith(notification(CASES[name]))
    assert notification(CASES[name]).startswith("Case #12: ")


def test_a_triage_as_text_has_verdict_answers_and_gaps() -> None:
    text = triage_text(triage())
    for expected in (
        f"{KEY}: incident, 80/100",
        "+35 ua.offensive",
        "tool: 50 of at most 45",
        "Not asked: Is the country usual for this organisation?",
        "not asked: needs IP data: run `triage ipdata update`",
        "disable_access_key",
    ):
        assert expected in text


def test_the_card_as_text_has_the_client_whole() -> None:
    assert KALI in " ".join(case_text(INCIDENT).split())


def test_a_plan_as_text_says_that_nothing_was_done_and_how_to_do_it() -> None:
    text = plan_text(plan())
    assert "Active → Inactive" in text
    assert "Sessions made from this key live on." in text
    assert text.endswith("Nothing has been changed. To do it: triage approve plan-1 --reason TEXT")


def test_a_refusal_as_text_has_its_commands_on_lines_of_their_own() -> None:
    assert refusal_text(Refusal("No.", ("aws iam list-users",))).splitlines() == ["No.", "    aws iam list-users"]


def test_a_change_as_text_names_its_execution() -> None:
    assert change_text(change()).endswith("Execution exec-1")


@given(st.text(alphabet=st.characters(), max_size=200) | st.just(DRIVING))
def test_nothing_of_strangers_drives_a_terminal(text: str) -> None:
    told = triage(clients(text), enrichment("custom", Answer(text, (Fact(text, text),))))
    alerts, changes = (replace(ALERT, title=text),), (change(sentence=text),)
    case = replace(INCIDENT, title=text, triage=told, alerts=alerts, changes=changes)
    shown = [case_text(case), triage_text(told), plan_text(plan(title=text, warnings=(text,))), alert_text(ALERT)]
    shown += [refusal_text(Refusal(text, (text,))), change_text(change(sentence=text)), notification(case)]
    for document in shown:
        bad = [c for c in document.replace("\n", "") if unicodedata.category(c) in {"Cc", "Cf", "Cs", "Zl", "Zp"}]
        assert bad == []
        assert "\n" not in notification(case)


def test_lines_fit_a_terminal_unless_one_word_is_longer() -> None:
    assert max(len(line) for line in case_text(INCIDENT).splitlines()) <= WIDTH


@pytest.mark.parametrize(
    ("text", "limit", "expected"),
    [
        ("plain", None, "plain"),
        ("a\tb\nc", None, "a b c"),
        ("\u202eabc\u200b\u2066", None, "abc"),
        ("\x1b[31mred", None, "[31mred"),
        ("\ud800x", None, "\N{REPLACEMENT CHARACTER}x"),
        ("x" * 300, 256, "x" * 255 + "…"),
        ("", 5, ""),
    ],
)
def test_clean(text: str, limit: int | None, expected: str) -> None:
    assert clean(text, limit) == expected


def test_cut_keeps_what_fits() -> None:
    assert [cut("abcdef", limit) for limit in (6, 5, 1)] == ["abcdef", "abcd…", "…"]


def test_files_set_aside_are_named_and_of_many_for_one_reason_the_first() -> None:
    odd = SetAside("odd.json", 7, "no eventTime", 2)
    denied = [SetAside(f"s3://trail/{number}", None, "denied", 1) for number in range(5000)]
    text = history_text(HistoryReport(0, 0, 0, (), 0, 0, None, (odd, *denied)))
    assert "2 x no eventTime (odd.json:7)" in text
    assert "5000 x denied (s3://trail/0 and 4999 more: --json names them)" in text
    assert len(text.splitlines()) < 30
