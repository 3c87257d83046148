"""Evidence first, against a local AWS: what a case keeps before its first change, and that nothing waits for it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bot import audit, cases
from bot.aws import Aws
from bot.evidence import shelf
from bot.evidence.iam import OF_USER, PERMISSIONS, Sayings, ask_all
from bot.evidence.shelf import Piece
from bot.model import Alert, ChangeState, Environment, Kind, Observable, Window
from tests.fakes import event
from tests.remediation.bench import RULES, SETTINGS, Bench
from tests.remediation.cloud import ACCOUNT
from tests.remediation.door import Fate


@pytest.fixture
def case(bench: Bench) -> int:
    """A case about the stolen key."""
    now, key = bench.clock(), Observable(Kind.ACCESS_KEY, bench.seat.stolen.id)
    alert = Alert("a-1", "siem", "Kali", None, now, (key,))
    opened = bench.state.write(lambda db: cases.open_or_join(db, alert, key, Environment(), Window.ending(now)))
    return opened[0]


def disable(bench: Bench, case: int) -> str:
    plan = bench.planned(case)
    approved = bench.remediations.approve(plan.id, plan.requested_by, "stolen key")
    done = bench.remediations.execute(approved.execution)  # type: ignore[union-attr]
    assert done.state is ChangeState.CONFIRMED, done.sentence
    return done.execution


def kept(bench: Bench, case: int) -> dict[str, Piece]:
    return {piece.name: piece for piece in shelf.pieces(bench.state.read(), case)}


def content(bench: Bench, case: int, name: str) -> bytes:
    return bench.shelf.read(case, kept(bench, case)[name])


def test_what_iam_says_is_kept_before_the_first_change_the_last_use_first(bench: Bench, case: int) -> None:
    execution = disable(bench, case)
    said: list[dict[str, Any]] = json.loads(content(bench, case, f"before/{execution}/iam.json"))
    assert said[0]["call"] == "iam:GetAccessKeyLastUsed"
    by_call = {each["call"]: each for each in said}
    (key,) = [
        each
        for each in by_call["iam:ListAccessKeys"]["answer"]["AccessKeyMetadata"]
        if each["AccessKeyId"] == bench.seat.stolen.id
    ]
    assert key["Status"] == "Active"
    assert by_call["iam:GetUser"]["answer"]["User"]["UserName"] == bench.seat.user
    assert "sqs:*" in json.dumps(by_call["iam:GetUserPolicy"]["answer"])
    asked = [request["Action"] for request in bench.door.requests]
    assert asked.index("GetUser") < asked.index("UpdateAccessKey")


def test_the_events_of_the_key_are_kept_with_a_manifest_in_the_audit_record(bench: Bench, case: int) -> None:
    mine = event(key=bench.seat.stolen.id, at=bench.clock())
    bench.events += [mine, event(at=bench.clock())]
    execution = disable(bench, case)
    lines = content(bench, case, f"before/{execution}/events.jsonl").splitlines()
    assert [json.loads(line)["id"] for line in lines] == [mine.id]
    entries = [entry.operation for entry in audit.entries(bench.state.read())]
    assert entries.index("keep evidence") < entries.index("execute disable_access_key")
    (entry,) = [entry for entry in audit.entries(bench.state.read()) if entry.operation == "keep evidence"]
    assert entry.target == bench.seat.stolen.id
    assert "manifest " in entry.result
    assert audit.verify(bench.state.read()) == []


def test_it_is_collected_once_for_a_target(bench: Bench, case: int) -> None:
    bench.undone(disable(bench, case))
    first = kept(bench, case)
    disable(bench, case)
    assert kept(bench, case) == first


@pytest.mark.parametrize("fate", [Fate.DENIED, Fate.BROKEN])
def test_what_could_not_be_had_is_a_gap_and_no_obstacle(bench: Bench, case: int, fate: Fate) -> None:
    bench.door.fail("GetUser", fate)
    disable(bench, case)
    gaps = [piece.gap for piece in kept(bench, case).values() if piece.gap]
    assert any(gap.startswith("iam:GetUser: ") for gap in gaps)
    assert not bench.cloud.works(bench.seat.stolen)


def test_it_is_capped_in_time(bench: Bench, case: int) -> None:
    bench.evidence_seconds = 0.0
    bench.remediations = bench.with_rules(RULES)
    disable(bench, case)
    gaps = [piece.gap for piece in kept(bench, case).values() if piece.gap]
    assert "IAM had not answered everything after 0 seconds" in gaps
    assert not bench.cloud.works(bench.seat.stolen)


def test_a_disk_that_is_full_is_no_obstacle(bench: Bench, case: int) -> None:
    (bench.folder / "evidence").write_text("a file where the folder should be")
    disable(bench, case)
    assert any("could not be written" in piece.gap for piece in kept(bench, case).values())


def test_a_piece_that_was_changed_is_found(bench: Bench, case: int) -> None:
    execution = disable(bench, case)
    (file,) = [
        file for file in bench.folder.glob(f"evidence/case-{case}/before/*/*") if b"GetUser" in file.read_bytes()
    ]
    assert file.stat().st_mode & 0o077 == 0
    file.write_bytes(file.read_bytes() + b" ")
    with pytest.raises(shelf.EvidenceSpoilt, match="was changed: it is not what was kept"):
        content(bench, case, f"before/{execution}/iam.json")
    file.unlink()
    with pytest.raises(shelf.EvidenceSpoilt, match="cannot be read: No such file"):
        content(bench, case, f"before/{execution}/iam.json")


def test_the_calls_made_are_those_declared(bench: Bench) -> None:
    sayings, aws = Sayings(bench.clock), Aws(SETTINGS, bench.clock, bench.session)
    ask_all(aws, ACCOUNT, bench.seat.stolen.id, bench.seat.principal, sayings)
    ask_all(aws, ACCOUNT, "", f"{ACCOUNT}:role/{bench.seat.role}", sayings)
    called = {each["call"] for each in sayings.said}
    assert called <= PERMISSIONS
    assert PERMISSIONS - called <= {"iam:ListAttachedGroupPolicies", "iam:ListGroupPolicies", "iam:GetGroupPolicy"}
    assert {f"iam:{request['Action']}" for request in bench.door.requests if request["Service"] == "iam"} <= PERMISSIONS
    assert len(OF_USER) == 10
