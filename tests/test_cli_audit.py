"""`triage audit` as people type it."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import pytest

from bot import audit
from bot.database import open_writer
from bot.store.state import State
from tests.test_audit import fill, without_guards
from tests.test_cli import DONE, REFUSED, USAGE, Triage, triage

__all__ = ("triage",)


@pytest.fixture
def auditor(triage: Triage, tmp_path: Path) -> Triage:
    """The command beside a state file with five entries."""
    state = State(tmp_path / "state.db")
    state.write(fill)
    state.close()
    return triage


def test_a_whole_record_verifies_and_says_its_head(auditor: Triage) -> None:
    verified = auditor("audit", "verify", "--json")
    assert (verified.code, verified.err) == (DONE, "")
    document = verified.document
    assert (document["entries"], document["anchors"], document["problems"]) == (5, 0, [])
    again = auditor("audit", "verify", "--head", f"5:{document['head']}", "--head", f"5:{document['head'][:12]}")
    assert (again.code, again.out) == (DONE, "5 entries, compared with 2 heads in threads: whole.\n")


def test_an_edit_a_gap_and_a_cut_are_found(auditor: Triage, tmp_path: Path) -> None:
    head = auditor("audit", "verify", "--json").document["head"]
    db = without_guards(open_writer(tmp_path / "state.db"))
    db.execute("UPDATE audit SET result = 'denied' WHERE seq = 2")
    db.execute("DELETE FROM audit WHERE seq = 5")
    db.conn.commit()
    db.close()
    found = auditor("audit", "verify", "--head", f"5:{head}", "--json")
    assert found.code == REFUSED
    assert found.document["problems"] == [
        "Entry 2 was changed: its hash does not fit it.",
        "The record ends at entry 4, but 5 were written.",
        "The head you gave shows entry 5, but the record ends at 4: it was cut off.",
    ]
    told = auditor("audit", "verify")
    assert (told.code, told.out) == (REFUSED, "4 entries, compared with 0 heads in threads: 2 problems.\n")
    assert told.err.splitlines()[0] == "Entry 2 was changed: its hash does not fit it."


def test_the_record_is_exported_as_lines_that_verify_by_themselves(auditor: Triage, tmp_path: Path) -> None:
    exported = auditor("audit", "export")
    assert (exported.code, exported.err) == (DONE, "")
    lines = [json.loads(line) for line in exported.out.splitlines()]
    assert [line["seq"] for line in lines] == [1, 2, 3, 4, 5]
    assert all(one["hash"] == other["previous"] for one, other in pairwise(lines))
    for line in lines:
        fields = [line[name] for name in ("seq", "at", "actor", "actor_name", "operation", "target", "reason")]
        states = [json.dumps(line[name], sort_keys=True) for name in ("before", "after")]
        assert audit.link(line["previous"], [*fields, *states, line["result"]]) == line["hash"]
    assert auditor("audit", "export", "--out", "record.jsonl").out == ""
    assert (tmp_path / "record.jsonl").read_text() == exported.out


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (("verify", "--head", "latest"), USAGE, "'latest' is no head: write it as 12:ab12…"),
        (("export", "--out", "no/such/folder/x"), REFUSED, "cannot be written: No such file or directory."),
    ],
)
def test_mistakes_are_sentences(auditor: Triage, words: tuple[str, ...], code: int, sentence: str) -> None:
    ended = auditor("audit", *words)
    assert (ended.code, sentence in ended.err) == (code, True)


def test_without_a_record_it_says_where_it_looked(triage: Triage) -> None:
    ended = triage("audit", "verify")
    assert (ended.code, ended.err) == (
        REFUSED,
        "state.db holds no record of this version: [store] path in config.toml says where it is.\n",
    )
