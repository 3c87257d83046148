"""Evidence first, against a local AWS: what a case keeps before its first change, and that nothing waits for it."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from typing import Any

import pytest

from bot import audit, cases
from bot.aws import Aws
from bot.evidence import collecting, shelf
from bot.evidence.collecting import Collector
from bot.evidence.iam import OF_USER, PERMISSIONS, Sayings, ask_all
from bot.evidence.shelf import Piece
from bot.model import Alert, ChangeState, Containment, Environment, Event, Kind, Observable, Span, Window
from bot.remediation.contain import Wanted
from tests.fakes import FakeHistory, event
from tests.remediation.bench import ANA, RULES, SETTINGS, Bench
from tests.remediation.cloud import ACCOUNT, Seat
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


def contained(bench: Bench, case: int, seats: Sequence[Seat]) -> Containment:
    """All of it approved, and nothing carried out yet."""
    contain = bench.remediations.contain
    planned = contain.plan(Wanted(tuple(seat.stolen.id for seat in seats)), ANA, case)
    assert isinstance(planned, Containment), planned
    approved = contain.approve(planned.id, ANA, "one thief")
    assert isinstance(approved, Containment), approved
    return approved


@pytest.mark.parametrize("seconds", [60.0, 0.0])
def test_of_everything_that_is_contained_together_it_is_collected_once_before_the_first_change(
    bench: Bench, case: int, three: list[Seat], seconds: float
) -> None:
    bench.evidence_seconds = seconds
    bench.remediations = bench.with_rules(RULES)
    approved = contained(bench, case, three)
    bench.carry_out_due_jobs()
    entries = audit.entries(bench.state.read())
    collected = [number for number, entry in enumerate(entries) if entry.operation == "keep evidence"]
    begun = [number for number, entry in enumerate(entries) if entry.result == "started"]
    assert [entries[number].target for number in collected] == [f"{each.stolen.id} {each.principal}" for each in three]
    assert (len(begun), max(collected) < min(begun)) == (len(approved.rows), True)


def test_what_iam_says_of_a_user_is_asked_once_for_all_the_changes_to_them(bench: Bench, case: int) -> None:
    approved = contained(bench, case, [bench.seat])
    execution = approved.rows[0].change.execution  # type: ignore[union-attr]
    bench.carry_out_due_jobs()
    said = json.loads(content(bench, case, f"before/{execution}/iam.json"))
    assert [each["call"] for each in said][:2] == ["iam:GetAccessKeyLastUsed", "iam:GetUser"]
    assert [each["call"] for each in said].count("iam:ListMFADevices") == 1
    assert len({name.split("/")[1] for name in kept(bench, case) if name.startswith("before/")}) == 1


def test_changes_that_are_made_at_once_wait_for_one_collection(bench: Bench, case: int, three: list[Seat]) -> None:
    asked, gate = list[str](), threading.Event()

    class Slow(FakeHistory):
        def events(self, observable: Observable, span: Span, *, limit: int = 1000) -> Sequence[Event]:
            asked.append(observable.value)
            gate.wait(30)
            return super().events(observable, span, limit=limit)

    collector = Collector(bench.state, bench.aws, bench.clock, bench.shelf, lambda: Slow([]))
    rows = [row for row in contained(bench, case, three).rows if row.change and row.plan]
    workers = [threading.Thread(target=collector.before, args=(row.change, row.plan)) for row in rows]
    for worker in workers:
        worker.start()
    gate.set()
    for worker in workers:
        worker.join()
    assert sorted(asked) == sorted({*asked})
    assert {*(each.stolen.id for each in three)} <= {*asked}
    assert [entry.operation for entry in audit.entries(bench.state.read())].count("keep evidence") == len(three)


def test_a_collection_that_failed_is_not_made_again_for_the_next_change(
    bench: Bench, case: int, three: list[Seat], monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[int] = []

    def fails(*args: object, **kwargs: object) -> None:
        tried.append(1)
        raise RuntimeError("no")

    monkeypatch.setattr(collecting, "gather", fails)
    contained(bench, case, three)
    bench.carry_out_due_jobs()
    assert len(tried) == 1
    assert not any(bench.cloud.works(each.stolen) for each in three)


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
    ask_all(aws, ACCOUNT, [bench.seat.stolen.id], bench.seat.principal, sayings)
    ask_all(aws, ACCOUNT, [], f"{ACCOUNT}:role/{bench.seat.role}", sayings)
    called = {each["call"] for each in sayings.said}
    assert called <= PERMISSIONS
    assert PERMISSIONS - called <= {"iam:ListAttachedGroupPolicies", "iam:ListGroupPolicies", "iam:GetGroupPolicy"}
    assert {f"iam:{request['Action']}" for request in bench.door.requests if request["Service"] == "iam"} <= PERMISSIONS
    assert len(OF_USER) == 10
