"""`triage plan contain` as people type it on the night Slack is down."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.remediation.cloud import Cloud, Seat
from tests.remediation.door import Door, Fate
from tests.test_cli import DONE, REFUSED, USAGE, Triage, desk, triage

__all__ = ("desk", "triage")


def working(cloud: Cloud, seats: list[Seat]) -> list[bool]:
    return [cloud.may_work(key) for seat in seats for key in (seat.stolen, seat.other)]


def planned(desk: Triage, seats: list[Seat]) -> Any:
    made = desk("plan", "contain", *(seat.stolen.id for seat in seats), "--json")
    assert (made.code, made.err) == (DONE, "")
    return made.document


def test_a_thief_is_contained_and_let_go_with_four_commands(desk: Triage, cloud: Cloud, three: list[Seat]) -> None:
    document = planned(desk, three)
    assert [row["step"] for row in document["rows"]] == ["keys"] * 3 + ["users"] * 3 + ["passwords"] * 3
    assert all(row["plan"]["requested_by"] == "local:alice" for row in document["rows"])
    assert all(working(cloud, three))
    done = desk("approve", document["containment"], "--reason", "one thief", "--json")
    assert (done.code, done.err) == (DONE, "")
    assert {row["change"]["state"] for row in done.document["rows"]} == {"confirmed"}
    assert not any(working(cloud, three))
    undone = desk("undo", document["containment"], "--reason", "rotated")
    assert undone.code == REFUSED  # a password has no way back
    assert "A password that is gone cannot be taken back" in " ".join(undone.out.split())
    assert all(working(cloud, three))


def test_what_failed_hides_nothing_and_is_gone_on_with(
    desk: Triage, door: Door, cloud: Cloud, three: list[Seat]
) -> None:
    document = planned(desk, three)
    door.fail("UpdateAccessKey", Fate.DENIED, times=1)
    ended = desk("approve", document["containment"], "--reason", "one thief")
    assert ended.code == REFUSED
    assert ended.out.count("(confirmed;") == 8
    command = f"    aws iam update-access-key --user-name {three[0].user} --access-key-id {three[0].stolen.id}"
    assert f"{command} --status Inactive" in ended.out.splitlines()  # whole, to be copied
    assert not any(working(cloud, three))


def test_typed_again_it_changes_nothing_twice(desk: Triage, door: Door, three: list[Seat]) -> None:
    document = planned(desk, three)
    first = desk("approve", document["containment"], "--reason", "one thief", "--json")
    second = desk("approve", document["containment"], "--reason", "one thief", "--json")
    assert (first.code, second.code) == (DONE, DONE)
    assert first.document == second.document
    assert len(door.of("UpdateAccessKey")) == 3


def test_the_preview_reads_as_a_list(desk: Triage, three: list[Seat]) -> None:
    shown = desk("plan", "contain", *(seat.stolen.id for seat in three))
    assert shown.out.startswith("Contain: 9 changes, contain-")
    assert f"- keys: disable access key {three[0].stolen.id}: Disable access key" in shown.out
    assert "every session minted from one" in " ".join(shown.out.split())
    assert "Nothing has been changed. To do all of it: triage approve contain-" in shown.out


def test_a_scope_that_was_printed_is_contained(desk: Triage, tmp_path: Path, three: list[Seat]) -> None:
    confirmed = [{"key": seat.stolen.id} for seat in three]
    scope = {"confirmed": confirmed, "attacker": {"ips": ["203.0.113.5"], "families": [], "events": []}}
    (tmp_path / "scope.json").write_text(json.dumps(scope))
    made = desk("plan", "contain", "--scope", "scope.json", "--address", "203.0.113.6", "--json").document
    assert [row["target"] for row in made["rows"] if row["step"] == "keys"] == [seat.stolen.id for seat in three]
    refused = [(row["target"], row["refusal"]) for row in made["rows"] if row["step"] == "addresses"]
    assert [target for target, _ in refused] == ["203.0.113.6", "203.0.113.5"]
    assert "addresses_policy" in refused[0][1]


def test_where_everything_is_so_already_there_is_nothing_to_do(desk: Triage, three: list[Seat]) -> None:
    document = planned(desk, three)
    desk("approve", document["containment"], "--reason", "one thief")
    again = desk("plan", "contain", *(seat.stolen.id for seat in three), "--json")
    assert again.code == DONE
    assert all(row["nothing_to_do"] for row in again.document["rows"])


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (("plan", "contain"), REFUSED, "There is nothing to contain"),
        (("plan", "contain", "--case", "99"), REFUSED, "There is no case 99"),
        (("plan", "contain", "--scope", "no.json"), USAGE, "no.json cannot be read"),
        (("plan", "contain", "--scope", "config.toml"), USAGE, "is not what `triage scope --json` prints"),
        (("plan", "disable_access_key"), USAGE, "A change has one target"),
        (("plan", "disable_access_key", "A", "B"), USAGE, "A change has one target"),
        (("plan", "block_ip", "--address", "203.0.113.5"), USAGE, "A change has one target"),
        (("approve", "contain-nope", "--reason", "x"), REFUSED, "There is no such containment"),
        (("undo", "contain-nope", "--reason", "x"), REFUSED, "There is no such containment"),
    ],
)
def test_what_cannot_be_meant_is_a_sentence(desk: Triage, arguments: tuple[str, ...], code: int, sentence: str) -> None:
    ended = desk(*arguments)
    assert (ended.code, ended.out) == (code, "")
    assert sentence in " ".join(ended.err.split())
