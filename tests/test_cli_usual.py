"""`triage usual` as people type it: shown, corrected, and heeded by the next triage."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bot import audit
from bot.database import open_reader
from tests.test_cli import DONE, INCOMPLETE, REFUSED, USAGE, Triage, triage
from tests.usual.made import OFFICE, THIEF
from tests.usual.made import history as made_history

__all__ = ("triage",)

AT = "2026-11-20T15:00:00Z"
NAMED = '[access]\ntriage = ["local:alice"]\n'
TWO = f'{NAMED}[environments.a]\naccounts = ["111122223333"]\n[environments.b]\naccounts = ["444455556666"]\n'


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made_history(tmp_path_factory.mktemp("history")).path


@pytest.fixture
def analyst(triage: Triage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Triage:
    monkeypatch.setenv("LOGNAME", "alice")
    (tmp_path / "config.toml").write_text(NAMED)
    return triage


def test_what_is_usual_is_shown_without_any_state(triage: Triage, history: Path) -> None:
    shown = triage("usual", "--history", history, "--at", AT, "--json")
    # Twelve days of thirty: the history does not cover the span, and says so.
    assert (shown.code, shown.err) == (INCOMPLETE, "")
    (document,) = shown.document["environments"]
    assert [each["place"] for each in document["exits"]] == [OFFICE]
    assert "Nothing before 2026-11-08" in json.dumps(document["gaps"])
    assert f"- {OFFICE} (history: 3 principals" in triage("usual", "--history", history, "--at", AT).out


def test_a_correction_is_kept_shown_and_heeded(analyst: Triage, history: Path, tmp_path: Path) -> None:
    asked = ("user", "alice", "--history", history, "--at", AT, "--json")
    network = {"ip.new", "ip.hosting", "geo.atypical"}
    before = analyst(*asked).document["assessment"]["reasons"]
    assert network & {reason["signal"] for reason in before if reason["points"]}
    told = ("usual", "correct", "network", f"{THIEF}/32", "--reason", "the new VPN exit")
    said = analyst(*told, "--usual", "--json")
    assert (said.code, said.err) == (DONE, "")
    assert said.document["by"] == "local:alice"
    after = analyst(*asked).document["assessment"]["reasons"]
    assert not network & {reason["signal"] for reason in after if reason["points"]}
    (document,) = analyst("usual", "--history", history, "--at", AT, "--json").document["environments"]
    assert (document["exits"][0]["place"], document["exits"][0]["from"]) == (f"{THIEF}/32", "analyst")
    assert document["corrections"][0]["reason"] == "the new VPN exit"
    assert analyst(*told, "--forget").code == DONE
    assert analyst(*asked).document["assessment"]["reasons"] == before
    entries = audit.entries(open_reader(tmp_path / "state.db"))
    assert [(each.operation, each.target, each.result) for each in entries] == [
        ("correct", f"default: network {THIEF}/32", "usual"),
        ("correct", f"default: network {THIEF}/32", "taken back"),
    ]


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (("country", "Germany", "--usual", "--reason", "x"), REFUSED, "is no country code"),
        (("country", "DE", "--reason", "x"), USAGE, "Say one of --usual, --not-usual and --forget."),
        (("country", "DE", "--usual", "--forget", "--reason", "x"), USAGE, "Say one of"),
        (("country", "DE", "--usual", "--reason", " "), REFUSED, "Say why"),
        (("planet", "DE", "--usual", "--reason", "x"), USAGE, "planet"),
        (("country", "DE", "--forget", "--reason", "x"), REFUSED, "Nobody has said anything of country DE in default."),
        (("country", "DE", "--usual", "--reason", "x", "--environment", "shop"), USAGE, "no environment 'shop'"),
    ],
)
def test_what_cannot_be_meant_is_a_sentence(analyst: Triage, words: tuple[str, ...], code: int, sentence: str) -> None:
    ended = analyst("usual", "correct", *words)
    assert (ended.code, ended.out) == (code, "")
    assert sentence in " ".join(ended.err.split())


def test_with_several_environments_one_is_named(analyst: Triage, history: Path, tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(TWO)
    shown = analyst("usual", "--history", history, "--at", AT, "--json").document["environments"]
    assert [each["environment"] for each in shown] == ["a", "b"]
    unclear = analyst("usual", "correct", "country", "DE", "--usual", "--reason", "x")
    assert (unclear.code, unclear.out) == (USAGE, "")
    assert "Say which --environment: a, b." in unclear.err
    said = analyst("usual", "correct", "country", "DE", "--usual", "--reason", "x", "--environment", "b", "--json")
    assert said.document["environment"] == "b"


def test_nobody_corrects_who_is_not_named(analyst: Triage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "mallory")
    refused = analyst("usual", "correct", "network", f"{THIEF}/32", "--usual", "--reason", "mine now")
    assert (refused.code, refused.out) == (REFUSED, "")
    assert "local:mallory" in refused.err
