from __future__ import annotations

import threading

import pytest

from bot import audit
from bot.access import AccessRules
from bot.model import ChangeState, Operation
from bot.remediation.base import policy
from bot.remediation.disable_access_key import DisableAccessKey
from bot.remediation.run import change, changes_of
from bot.store.state import StateUnavailable
from tests.remediation.bench import ANA, BEN, MAL, NAME, Bench, change_of, plan_of, refused
from tests.remediation.door import Fate


def test_a_stolen_key_is_refused_by_aws_after_the_change_and_works_again_after_the_undo(bench: Bench) -> None:
    assert bench.cloud.works(bench.seat.stolen)
    done = bench.disabled()
    assert done.state is ChangeState.CONFIRMED
    assert not bench.cloud.works(bench.seat.stolen)
    undone = bench.undone(done.execution)
    assert undone.state is ChangeState.CONFIRMED
    assert undone.undo_of == done.execution
    assert bench.cloud.works(bench.seat.stolen)


def test_the_owners_other_key_works_throughout(bench: Bench) -> None:
    works = [bench.cloud.works(bench.seat.other)]
    done = bench.disabled()
    works.append(bench.cloud.works(bench.seat.other))
    bench.undone(done.execution)
    assert [*works, bench.cloud.works(bench.seat.other)] == [True, True, True]


def test_every_update_names_the_user(bench: Bench) -> None:
    bench.undone(bench.disabled().execution)
    updates = bench.door.of("UpdateAccessKey")
    assert [(update["UserName"], update["Status"]) for update in updates] == [
        (bench.seat.user, "Inactive"),
        (bench.seat.user, "Active"),
    ]


def test_the_calls_made_are_exactly_the_declared_permissions(bench: Bench) -> None:
    # The roles of the local AWS hold nothing but the declared permissions, each its own: this proves "no more".
    bench.undone(bench.disabled().execution)
    of_iam = {f"iam:{request['Action']}" for request in bench.door.requests if request["Version"] == "2010-05-08"}
    declared = DisableAccessKey.permissions
    assert of_iam == declared.read | declared.act
    assert policy([DisableAccessKey()], act=True)["Statement"][0]["Action"] == ["iam:UpdateAccessKey"]


def test_the_act_role_is_assumed_in_the_approvers_name_for_this_user_only(bench: Bench) -> None:
    bench.disabled()
    (assumed,) = [request for request in bench.door.of("AssumeRole") if "TriageAct" in request["RoleArn"]]
    assert assumed["SourceIdentity"] == "slack-T0MADE-U0ANA"
    assert assumed["RoleSessionName"] == "case-7"
    assert assumed["ExternalId"] == "made-up-external-id"
    assert f"user/{bench.seat.user}" in assumed["Policy"]
    assert "iam:UpdateAccessKey" in assumed["Policy"]


def test_every_change_of_state_is_told_in_order(bench: Bench) -> None:
    done = bench.disabled()
    assert [told.state for told in bench.told] == [ChangeState.APPROVED, ChangeState.STARTED, ChangeState.CONFIRMED]
    bench.undone(done.execution)
    assert bench.told[-1].execution == done.execution
    assert bench.told[-1].undone


def test_the_changes_of_a_case_are_kept_oldest_first(bench: Bench) -> None:
    done = bench.disabled()
    undo = bench.undone(done.execution)
    kept = changes_of(bench.state.read(), 7)
    assert [each.execution for each in kept] == [done.execution, undo.execution]
    assert [each.undone for each in kept] == [True, False]
    assert changes_of(bench.state.read(), 8) == ()
    with pytest.raises(LookupError):
        change(bench.state.read(), "no-such-execution")


def test_the_record_says_who_what_why_before_and_after(bench: Bench) -> None:
    bench.disabled()
    record = audit.entries(bench.state.read())
    assert [(entry.actor_name, entry.operation, entry.result.split(":")[0]) for entry in record] == [
        ("Ana", "plan disable_access_key", "planned"),
        ("Ana", "approve disable_access_key", "approved"),
        ("Ana", "execute disable_access_key", "started"),
        ("Ana", "execute disable_access_key", "confirmed"),
    ]
    assert {entry.target for entry in record} == {bench.seat.stolen.id}
    assert record[-1].reason == "stolen key"
    assert '"status": "Active"' in record[-1].before
    assert '"status": "Inactive"' in record[-1].after
    assert audit.verify(bench.state.read()) == []


def test_a_stale_plan_is_refused_and_changes_nothing(bench: Bench) -> None:
    approved = bench.approved()
    bench.cloud.set_status(bench.seat, "Inactive")
    stale = bench.remediations.execute(approved.execution)
    assert stale.state is ChangeState.FAILED
    assert "AWS has changed since the plan was made" in stale.sentence
    assert bench.asked_for() == []


def test_a_person_who_lost_the_right_meanwhile_is_refused_at_the_last_step(bench: Bench) -> None:
    approved = bench.approved()
    stripped = bench.with_rules(AccessRules({Operation.APPROVE: frozenset({BEN.id})}))
    ended = stripped.execute(approved.execution)
    assert ended.state is ChangeState.FAILED
    assert "Ana may no longer do this" in ended.sentence
    assert bench.asked_for() == []


def test_executing_again_makes_no_second_call(bench: Bench) -> None:
    done = bench.disabled()
    assert bench.remediations.execute(done.execution) == done
    assert bench.asked_for() == ["Inactive"]


def test_many_clicks_at_once_make_one_execution_and_one_call(bench: Bench) -> None:
    plan, gate, answers = bench.planned(), threading.Barrier(8), []

    def click() -> None:
        gate.wait()
        answer = bench.remediations.approve(plan.id, ANA, "click")
        answers.append(answer)
        for approved in changes_of(bench.state.read(), 7):
            bench.remediations.execute(approved.execution)

    threads = [threading.Thread(target=click) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len([answer for answer in answers if not hasattr(answer, "commands")]) == 1
    assert bench.asked_for() == ["Inactive"]
    assert [each.state for each in changes_of(bench.state.read(), 7)] == [ChangeState.CONFIRMED]


def test_the_second_person_is_told_who_was_first(bench: Bench) -> None:
    plan = bench.planned()
    change_of(bench.remediations.approve(plan.id, ANA, "stolen key"))
    assert "already approved by Ana" in refused(bench.remediations.approve(plan.id, BEN, "false alarm"))


def test_two_plans_for_one_key_are_not_carried_out_at_once(bench: Bench) -> None:
    first, second = bench.planned(), bench.planned()
    change_of(bench.remediations.approve(first.id, ANA, "stolen key"))
    assert "Another change of" in refused(bench.remediations.approve(second.id, BEN, "false alarm"))


def test_a_lost_answer_is_settled_by_reading_back(bench: Bench) -> None:
    bench.door.fail("UpdateAccessKey", Fate.ANSWER_LOST)
    done = bench.disabled()
    assert done.state is ChangeState.CONFIRMED
    assert "the answer was lost" in done.sentence
    assert bench.asked_for() == ["Inactive"]
    assert not bench.cloud.works(bench.seat.stolen)


def test_a_request_that_may_have_arrived_is_unknown_until_aws_is_asked_again(bench: Bench) -> None:
    bench.door.fail("UpdateAccessKey", Fate.NOT_FORWARDED)
    done = bench.disabled()
    assert done.state is ChangeState.UNKNOWN
    assert "applied or not is not known" in done.sentence
    assert f"aws iam update-access-key --user-name {bench.seat.user}" in done.sentence
    assert bench.remediations.execute(done.execution) == done
    bench.clock.forward(minutes=16)
    bench.carry_out_due_jobs()
    later = change(bench.state.read(), done.execution)
    assert later.state is ChangeState.FAILED
    assert "It was not applied" in later.sentence
    assert bench.asked_for() == ["Inactive"]


def test_an_unknown_change_that_turns_out_applied_is_confirmed_later(bench: Bench) -> None:
    bench.door.decide = lambda action, number: {
        "UpdateAccessKey": Fate.ANSWER_LOST,
        "ListAccessKeys": Fate.BROKEN if number >= 2 else None,  # the plan and the look before may read
    }.get(action)
    done = bench.disabled()
    assert done.state is ChangeState.UNKNOWN
    bench.door.decide = lambda action, number: None
    bench.clock.forward(seconds=11)
    bench.carry_out_due_jobs()
    assert change(bench.state.read(), done.execution).state is ChangeState.CONFIRMED
    assert bench.asked_for() == ["Inactive"]


@pytest.mark.parametrize(("fate", "words"), [(Fate.DENIED, "AccessDenied"), (Fate.GONE, "NoSuchEntity")], ids=str)
def test_a_refusal_by_aws_is_a_sentence_with_the_command_for_a_person(bench: Bench, fate: Fate, words: str) -> None:
    bench.door.fail("UpdateAccessKey", fate)
    ended = bench.disabled()
    assert ended.state is ChangeState.FAILED
    assert words in ended.sentence
    assert "Nothing was changed." in ended.sentence
    assert (
        f"aws iam update-access-key --user-name {bench.seat.user} --access-key-id {bench.seat.stolen.id} "
        "--status Inactive"
    ) in ended.sentence
    assert bench.cloud.works(bench.seat.stolen)


def test_an_act_role_that_may_not_be_assumed_is_named(bench: Bench) -> None:
    approved = bench.approved()
    bench.door.fail("AssumeRole", Fate.DENIED)
    fresh = bench.with_rules(AccessRules({operation: frozenset({ANA.id}) for operation in Operation}))
    ended = fresh.execute(approved.execution)
    assert ended.state is ChangeState.FAILED
    assert "may not assume its role" in ended.sentence
    assert bench.asked_for() == []


def test_a_throttled_change_is_tried_again_by_itself(bench: Bench) -> None:
    bench.door.fail("UpdateAccessKey", Fate.THROTTLED, times=2)
    waiting = bench.disabled()
    assert waiting.state is ChangeState.STARTED
    for _ in range(3):
        bench.clock.forward(seconds=60)
        bench.carry_out_due_jobs()
    assert change(bench.state.read(), waiting.execution).state is ChangeState.CONFIRMED
    assert bench.asked_for() == ["Inactive"] * 3


def test_endless_throttling_ends_in_a_failure(bench: Bench) -> None:
    bench.door.fail("UpdateAccessKey", Fate.THROTTLED)
    waiting = bench.disabled()
    for _ in range(6):
        bench.clock.forward(minutes=5)
        bench.carry_out_due_jobs()
    ended = change(bench.state.read(), waiting.execution)
    assert ended.state is ChangeState.FAILED
    assert "Nothing was changed." in ended.sentence
    assert bench.cloud.works(bench.seat.stolen)


def test_aws_that_cannot_be_read_changes_nothing(bench: Bench) -> None:
    approved = bench.approved()
    bench.door.fail("ListAccessKeys", Fate.BROKEN)
    ended = bench.remediations.execute(approved.execution)
    assert ended.state is ChangeState.FAILED
    assert "Nothing was changed." in ended.sentence
    assert bench.asked_for() == []


def test_a_change_that_holds_says_so_after_the_last_look(bench: Bench) -> None:
    done = bench.disabled()
    bench.clock.forward(minutes=16)
    bench.carry_out_due_jobs()
    later = change(bench.state.read(), done.execution)
    assert later.state is ChangeState.CONFIRMED
    assert "it holds" in later.sentence
    assert bench.results()[-1] == "holds"


@pytest.mark.parametrize("seconds", [11, 61, 901])
def test_a_key_somebody_enabled_again_is_noticed(bench: Bench, seconds: float) -> None:
    done = bench.disabled()
    bench.clock.forward(seconds=seconds - 10)
    bench.carry_out_due_jobs()
    bench.cloud.set_status(bench.seat, "Active")
    bench.clock.forward(seconds=10)
    bench.carry_out_due_jobs()
    later = change(bench.state.read(), done.execution)
    assert later.state is ChangeState.FAILED
    assert "It no longer holds" in later.sentence
    assert bench.results()[-1].startswith("drift")
    assert plan_of(bench.remediations.plan(NAME, bench.seat.stolen.id, ANA))


def test_an_undone_change_is_not_called_drift(bench: Bench) -> None:
    done = bench.disabled()
    bench.undone(done.execution)
    before = bench.results()
    bench.clock.forward(minutes=16)
    bench.carry_out_due_jobs()
    assert change(bench.state.read(), done.execution).state is ChangeState.CONFIRMED
    assert bench.results()[len(before) :] == ["holds"]  # of the undo


def test_a_look_that_fails_changes_no_state(bench: Bench) -> None:
    done = bench.disabled()
    bench.door.fail("ListAccessKeys", Fate.BROKEN)
    bench.clock.forward(minutes=16)
    bench.carry_out_due_jobs()
    assert change(bench.state.read(), done.execution) == done
    assert bench.results()[-1].startswith("could not be looked at")


def test_nobody_unnamed_can_plan_approve_or_undo(bench: Bench) -> None:
    done = bench.disabled()
    answers = [
        bench.remediations.plan(NAME, bench.seat.other.id, MAL),
        bench.remediations.plan_undo(done.execution, MAL),
    ]
    assert all("You may not" in refused(answer) for answer in answers)
    assert [result.split(":")[0] for result in bench.results()[-2:]] == ["denied", "denied"]
    assert bench.asked_for() == ["Inactive"]


def test_a_change_that_was_never_made_is_not_confirmed_by_what_others_did(bench: Bench) -> None:
    approved = bench.approved()
    bench.cloud.set_status(bench.seat, "Inactive")
    stale = bench.remediations.execute(approved.execution)
    assert bench.remediations.verify(approved.execution, 2) == stale


def test_an_undo_begun_while_aws_is_looked_at_is_not_called_drift(bench: Bench) -> None:
    done = bench.disabled()
    begun: list[str] = []

    def undo_meanwhile(action: str, number: int) -> None:
        if action == "ListAccessKeys" and not begun:
            begun.append(action)
            bench.undone(done.execution)

    bench.door.decide = undo_meanwhile
    assert bench.remediations.verify(done.execution, 0).state is ChangeState.CONFIRMED
    assert bench.status() == "Active"


def test_without_an_audit_entry_nothing_is_changed(bench: Bench) -> None:
    approved = bench.approved()
    bench.state.write(
        lambda db: db.execute(
            "CREATE TRIGGER the_disk_is_full BEFORE INSERT ON audit WHEN NEW.result = 'started'"
            " BEGIN SELECT RAISE(ABORT, 'no room for another entry'); END"
        )
    )
    with pytest.raises(StateUnavailable, match="no room for another entry"):
        bench.remediations.execute(approved.execution)
    assert bench.asked_for() == []
    assert change(bench.state.read(), approved.execution).state is ChangeState.APPROVED
    assert bench.cloud.works(bench.seat.stolen)
    bench.state.write(lambda db: db.execute("DROP TRIGGER the_disk_is_full"))
    bench.clock.forward(minutes=5)
    assert bench.remediations.execute(approved.execution).state is ChangeState.CONFIRMED


def test_without_an_audit_entry_nothing_is_approved(bench: Bench) -> None:
    plan = bench.planned()
    bench.state.write(
        lambda db: db.execute(
            "CREATE TRIGGER the_disk_is_full BEFORE INSERT ON audit"
            " BEGIN SELECT RAISE(ABORT, 'no room for another entry'); END"
        )
    )
    with pytest.raises(StateUnavailable, match="no room"):
        bench.remediations.approve(plan.id, ANA, "stolen key")
    assert changes_of(bench.state.read(), 7) == ()
