"""Contain all: one preview and one approval for everything a thief holds, each row with its own end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from bot import audit
from bot.access import AccessRules
from bot.model import Actor, ChangeState, Containment, ContainmentRow, Operation, Refusal
from bot.remediation.contain import Wanted
from bot.remediation.offer import Offer, Organisation
from bot.remediation.planning import RemediationSettings
from bot.store import jobs
from tests.fakes import event
from tests.remediation.bench import ANA, BEN, CAT, MAL, RULES, Bench
from tests.remediation.cloud import ACCOUNT, BOT, FOREIGN, MANAGEMENT, Cloud, Seat, key_id, shipped
from tests.remediation.door import Fate

Rows = Sequence[ContainmentRow]


def shown(answer: Containment | Refusal) -> Containment:
    assert isinstance(answer, Containment), answer
    return answer


def planned(bench: Bench, seats: Sequence[Seat], *, addresses: tuple[str, ...] = ()) -> Containment:
    wanted = Wanted(tuple(seat.stolen.id for seat in seats), addresses)
    return shown(bench.remediations.contain.plan(wanted, ANA, 7))


def approved(bench: Bench, containment: Containment) -> Containment:
    return shown(bench.remediations.contain.approve(containment.id, ANA, "seven keys, one thief"))


def contained(bench: Bench, seats: Sequence[Seat]) -> Containment:
    made = approved(bench, planned(bench, seats))
    bench.carry_out_due_jobs()
    return now(bench, made)


def now(bench: Bench, containment: Containment) -> Containment:
    return shown(bench.remediations.contain.show(containment.id))


def kinds(rows: Rows) -> list[tuple[str, str]]:
    return [(row.step.value, row.remediation) for row in rows]


def states(containment: Containment) -> list[ChangeState | None]:
    return [row.change.state if row.change else None for row in containment.rows]


def test_every_step_takes_all_targets_before_the_next_one(bench: Bench, three: list[Seat]) -> None:
    rows = planned(bench, three).rows
    assert kinds(rows) == [
        *[("keys", "disable_access_key")] * 3,
        *[("users", "quarantine_user")] * 3,
        *[("passwords", "reset_console_password")] * 3,
    ]
    assert [row.target for row in rows[:3]] == [seat.stolen.id for seat in three]
    assert [row.target for row in rows[3:6]] == [seat.principal for seat in three]


def test_one_approval_stops_everything_and_one_undo_brings_it_back(bench: Bench, three: list[Seat]) -> None:
    cloud = bench.cloud
    thief = [key for seat in three for key in (seat.stolen, cloud.session(seat.stolen), cloud.federated(seat.stolen))]
    assert all(cloud.may_work(key) for key in thief)
    done = contained(bench, three)
    assert states(done) == [ChangeState.CONFIRMED] * 9
    assert not any(cloud.may_work(key) for key in thief)
    undo = shown(bench.remediations.contain.plan_undo(done.id, BEN))
    assert kinds(undo.rows) == [
        *[("undo", "reset_console_password")] * 3,
        *[("undo", "quarantine_user")] * 3,
        *[("undo", "disable_access_key")] * 3,
    ]
    assert [bool(row.refusal) for row in undo.rows] == [True] * 3 + [False] * 6
    shown(bench.remediations.contain.approve(undo.id, BEN, "rotated"))
    bench.carry_out_due_jobs()
    assert states(now(bench, undo)) == [None] * 3 + [ChangeState.CONFIRMED] * 6
    assert all(cloud.may_work(key) for key in thief)


def test_nothing_is_changed_before_the_approval(bench: Bench, three: list[Seat]) -> None:
    planned(bench, three)
    assert {request["Action"] for request in bench.door.requests} & {
        "UpdateAccessKey",
        "AttachUserPolicy",
        "DeleteLoginProfile",
    } == set()
    assert jobs.waiting(bench.state.read(), "act", bench.clock.now) is False


def test_all_keys_are_off_before_any_user_is_denied(bench: Bench, three: list[Seat]) -> None:
    contained(bench, three)
    acted = ("UpdateAccessKey", "AttachUserPolicy", "DeleteLoginProfile")
    order = [request["Action"] for request in bench.door.requests if request["Action"] in acted]
    assert order == [name for name in acted for _ in range(3)]


def test_one_that_fails_hides_no_other(bench: Bench, three: list[Seat]) -> None:
    made = approved(bench, planned(bench, three))
    bench.door.decide = lambda action, number: (
        Fate.DENIED if action == "UpdateAccessKey" and number == 1 else None  # the second key
    )
    bench.carry_out_due_jobs()
    ended = states(now(bench, made))
    assert ended == [ChangeState.CONFIRMED, ChangeState.FAILED, *[ChangeState.CONFIRMED] * 7]
    (failed,) = [row.change for row in now(bench, made).rows if row.change and row.change.state is ChangeState.FAILED]
    assert f"aws iam update-access-key --user-name {three[1].user}" in failed.sentence
    assert not bench.cloud.may_work(three[1].stolen)  # its user is denied all the same


def test_one_that_cannot_be_planned_hides_no_other(bench: Bench, three: list[Seat]) -> None:
    bench.cloud.iam().delete_login_profile(UserName=three[0].user)
    wanted = Wanted((three[0].stolen.id, key_id(5, FOREIGN), BOT.id, key_id(77_777)))
    rows = shown(bench.remediations.contain.plan(wanted, ANA, 7)).rows
    refused = {(row.remediation, row.target): row.refusal for row in rows if row.refusal}
    assert "may not assume its role there" in refused["disable_access_key", key_id(5, FOREIGN)].sentence
    assert "the bot's own key" in refused["disable_access_key", BOT.id].sentence
    assert "NoSuchEntity" in refused["disable_access_key", key_id(77_777)].sentence
    assert refused["reset_console_password", three[0].principal].settled
    assert [row.remediation for row in rows if row.plan] == ["disable_access_key", "quarantine_user"]


def test_of_a_key_in_an_account_of_others_nothing_is_asked(bench: Bench) -> None:
    bench.asking(RemediationSettings(is_ours=lambda account: account == ACCOUNT))
    (row,) = shown(bench.remediations.contain.plan(Wanted((key_id(5, FOREIGN),)), ANA, 7)).rows
    assert row.refusal
    assert "is none of those in [environments]" in row.refusal.sentence
    assert bench.door.requests == []


def test_two_keys_of_one_user_make_one_row_for_the_user(bench: Bench) -> None:
    wanted = Wanted((bench.seat.stolen.id, bench.seat.other.id))
    rows = shown(bench.remediations.contain.plan(wanted, ANA, 7)).rows
    assert [row.target for row in rows if row.remediation == "quarantine_user"] == [bench.seat.principal]


def test_roles_that_were_assumed_with_the_keys_lose_their_sessions(bench: Bench) -> None:
    cloud, seat = bench.cloud, bench.seat
    thief = cloud.assumed(seat.stolen, seat.role)
    role = replace(event().principal, id=f"{ACCOUNT}:role/{seat.role}")
    at = bench.clock.now - timedelta(minutes=5)
    bench.events = [
        replace(event(name="sts:AssumeRole"), key=seat.stolen.id, at=at, minted=thief.id),
        replace(event(), key=thief.id, at=at, principal=role),
    ]
    bench.clock.forward(seconds=2)
    made = planned(bench, [seat])
    assert kinds(made.rows)[-1] == ("sessions", "revoke_sessions")
    assert made.rows[-1].target == f"{ACCOUNT}:role/{seat.role}"
    approved(bench, made)
    bench.carry_out_due_jobs()
    assert states(now(bench, made)) == [ChangeState.CONFIRMED] * 4
    assert not cloud.may_work(thief)


def test_of_a_session_key_its_holder_is_contained(bench: Bench) -> None:
    seat = bench.seat
    session = bench.cloud.session(seat.stolen)
    user = replace(event().principal, id=seat.principal)
    bench.events = [replace(event(), key=session.id, at=bench.clock.now - timedelta(minutes=5), principal=user)]
    rows = shown(bench.remediations.contain.plan(Wanted((session.id,)), ANA, 7)).rows
    assert kinds(rows) == [("users", "quarantine_user"), ("passwords", "reset_console_password")]
    assert rows[0].target == seat.principal


def test_of_a_session_nobody_is_known_to_hold_it_is_said(bench: Bench) -> None:
    session = bench.cloud.session(bench.seat.stolen)
    (row,) = shown(bench.remediations.contain.plan(Wanted((session.id,)), ANA, 7)).rows
    assert row.refusal
    assert row.target == session.id


def test_addresses_come_last_and_say_what_they_lack(bench: Bench) -> None:
    rows = planned(bench, [bench.seat], addresses=("203.0.113.5",)).rows
    assert kinds(rows)[-1] == ("addresses", "block_ip")
    assert rows[-1].refusal
    assert "set [organisation] addresses_policy" in rows[-1].refusal.sentence


def test_two_addresses_of_one_site_are_blocked_once(bench: Bench, cloud: Cloud) -> None:
    policy = cloud.deploy(f"site-{bench.seat.user}", shipped("blocked-addresses"))
    bench.offering(Offer(Organisation(MANAGEMENT, addresses_policy=policy)))
    made = planned(bench, [], addresses=("2001:db8:99::5", "2001:db8:99::6", "203.0.113.5"))
    assert [row.plan and row.plan.after["entry"] for row in made.rows] == ["2001:db8:99::/64", "203.0.113.5/32"]
    approved(bench, made)
    bench.carry_out_due_jobs()
    assert states(now(bench, made)) == [ChangeState.CONFIRMED] * 2


def test_what_is_not_offered_here_is_a_row_that_says_so(bench: Bench) -> None:
    bench.offering(Offer(enabled=frozenset({"disable_access_key"})))
    rows = planned(bench, [bench.seat]).rows
    assert [bool(row.plan) for row in rows] == [True, False, False]
    assert rows[1].refusal
    assert "is not among the changes this installation offers" in rows[1].refusal.sentence


def test_it_goes_on_where_a_crash_left_it(bench: Bench, three: list[Seat]) -> None:
    made = approved(bench, planned(bench, three))
    for row in made.rows[:4]:
        assert row.change
        bench.remediations.execute(row.change.execution)
    bench.clock.forward(minutes=1)
    bench.state.write(jobs.release_all)
    bench.remediations.recover()
    bench.carry_out_due_jobs()
    assert states(now(bench, made)) == [ChangeState.CONFIRMED] * 9
    acted = [request for request in bench.door.requests if request["Action"] == "UpdateAccessKey"]
    assert len(acted) == 3
    assert audit.verify(bench.state.read()) == []


def test_approved_twice_it_is_carried_out_once(bench: Bench, three: list[Seat]) -> None:
    made = planned(bench, three)
    first = approved(bench, made)
    second = shown(bench.remediations.contain.approve(made.id, ANA, "again", again=True))
    third = bench.remediations.contain.approve(made.id, BEN, "me too")
    bench.carry_out_due_jobs()
    assert [row.change and row.change.execution for row in second.rows] == [
        row.change and row.change.execution for row in first.rows
    ]
    assert isinstance(third, Containment)
    assert len(bench.door.of("UpdateAccessKey")) == 3


def test_nobody_unnamed_may_plan_or_approve_it(bench: Bench, three: list[Seat]) -> None:
    contain = bench.remediations.contain
    assert "You may not" in refusal(contain.plan(Wanted((three[0].stolen.id,)), MAL, 7))
    made = planned(bench, three)
    assert "You may not approve changes" in refusal(contain.approve(made.id, MAL, "let me"))
    assert all(row.change is None for row in now(bench, made).rows)


def test_after_its_time_nothing_is_approved(bench: Bench, three: list[Seat]) -> None:
    made = planned(bench, three)
    bench.clock.forward(minutes=31)
    assert "expired" in refusal(bench.remediations.contain.approve(made.id, ANA, "late"))


def test_protected_rows_wait_for_two_others_and_the_rest_does_not(bench: Bench, three: list[Seat]) -> None:
    guarded = three[1].principal
    settings = RemediationSettings(is_protected=lambda account, principal: principal == guarded)
    bench.asking(settings)
    made = approved(bench, planned(bench, three))
    bench.carry_out_due_jobs()
    waiting = [row for row in now(bench, made).rows if row.change is None]
    assert {row.plan.principal for row in waiting if row.plan} == {guarded}
    assert [row.missing for row in waiting] == [2, 2, 2]
    told = [each.result for each in audit.entries(bench.state.read()) if each.operation == "approve contain"]
    assert told == ["6 of 9 changes approved, others asked for 3"]
    again = approved(bench, made)
    assert [row.missing for row in again.rows if row.change is None] == [2, 2, 2]
    assert not any(row.refusal for row in again.rows)
    first = shown(bench.remediations.contain.approve(made.id, BEN, "I have looked, too"))
    assert [row.missing for row in first.rows if row.change is None] == [1, 1, 1]
    shown(bench.remediations.contain.approve(made.id, CAT, "so have I"))
    bench.carry_out_due_jobs()
    assert states(now(bench, made)) == [ChangeState.CONFIRMED] * 9


def test_what_is_taken_back_already_is_not_taken_back_again(bench: Bench) -> None:
    done = contained(bench, [bench.seat])
    assert done.rows[0].change
    bench.undone(done.rows[0].change.execution)
    undo = shown(bench.remediations.contain.plan_undo(done.id, BEN))
    assert "disable_access_key" not in [row.remediation for row in undo.rows]
    shown(bench.remediations.contain.approve(undo.id, BEN, "rotated"))
    bench.carry_out_due_jobs()
    again = bench.remediations.contain.plan_undo(done.id, BEN)
    assert "A password that is gone" in refusal(again)
    assert "itself an undo" in refusal(bench.remediations.contain.plan_undo(undo.id, BEN))


@pytest.mark.parametrize("containment", ["", "contain-nope", "' OR 1=1 --"])
def test_an_unknown_containment_is_a_refusal(bench: Bench, containment: str) -> None:
    contain = bench.remediations.contain
    for answer in (
        contain.show(containment),
        contain.approve(containment, ANA, "x"),
        contain.plan_undo(containment, ANA),
    ):
        assert "There is no such containment" in refusal(answer)


def test_nothing_and_too_much_are_refused(bench: Bench) -> None:
    contain = bench.remediations.contain
    assert "There is nothing to contain" in refusal(contain.plan(Wanted(()), ANA, 7))
    many = tuple(key_id(number) for number in range(101))
    assert "contain them in parts" in refusal(contain.plan(Wanted(many), ANA, 7))


def test_who_may_only_triage_may_plan_it(bench: Bench) -> None:
    analyst = Actor("local:analyst", "Analyst")
    rights = {**RULES.allowed, Operation.TRIAGE: frozenset({analyst.id})}
    limited = bench.with_rules(AccessRules(rights))
    assert isinstance(limited.contain.plan(Wanted((bench.seat.stolen.id,)), analyst, 7), Containment)


def refusal(answer: object) -> str:
    assert isinstance(answer, Refusal), answer
    return answer.sentence
