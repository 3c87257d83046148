from __future__ import annotations

from datetime import timedelta

import pytest

from bot.access import AccessRules
from bot.model import Actor, Operation, Plan
from tests.remediation.bench import ANA, BEN, MAL, NAME, Bench, change_of, plan_of, refused
from tests.remediation.cloud import ACCOUNT, BOT, FOREIGN, key_id
from tests.remediation.door import Fate

HOSTILE_REASON = "<!channel> \ud800 " + "x" * 5000


def test_a_plan_shows_before_after_and_what_it_breaks(bench: Bench) -> None:
    plan = bench.planned()
    assert plan.before == {"user": bench.seat.user, "status": "Active"}
    assert plan.after == {"user": bench.seat.user, "status": "Inactive"}
    assert plan.account == ACCOUNT
    assert plan.expires_at - plan.created_at == timedelta(minutes=30)
    warnings = " ".join(plan.warnings)
    assert "36 hours" in warnings
    assert f"{bench.seat.user}'s other key, {bench.seat.other.id}, is active" in warnings
    assert "SMTP" in warnings


def test_planning_changes_nothing(bench: Bench) -> None:
    bench.planned()
    assert bench.door.of("UpdateAccessKey") == []
    assert not [request for request in bench.door.of("AssumeRole") if "TriageAct" in request["RoleArn"]]


def test_ids_cannot_be_guessed_from_one_another(bench: Bench) -> None:
    ids = {bench.planned().id for _ in range(20)}
    assert len(ids) == 20
    assert all(len(each) >= 16 for each in ids)


def test_an_inactive_key_is_not_disabled_again(bench: Bench) -> None:
    bench.disabled()
    answer = bench.remediations.plan(NAME, bench.seat.stolen.id, ANA)
    assert refused(answer) == f"{bench.seat.stolen.id} of {bench.seat.user} is already inactive."


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("", "not an access key id"),
        ("AKIA", "not an access key id"),
        ("akiartx3gsdsqaaaaaaa", "not an access key id"),
        (f"{key_id(1)} --status Active", "not an access key id"),
        (f"{key_id(1)}\n", "not an access key id"),
        ("AKIA\ud800RTX3GSDSQAAAA", "not an access key id"),
        ("A" * 100_000, "not an access key id"),
        ("AKIAIOSFODNN7EXAMPLE", "an example from the AWS documentation"),
        (key_id(1, prefix="ASIA"), "a temporary key: it cannot be disabled"),
        (key_id(1, prefix="AROA"), "not a long-term access key"),
        (BOT.id, "the bot's own key"),
    ],
    ids=range(11),
)
def test_what_cannot_be_disabled_is_refused_before_any_call_to_iam(bench: Bench, target: str, words: str) -> None:
    assert words in refused(bench.remediations.plan(NAME, target, ANA))
    assert not [request for request in bench.door.requests if request["Action"] != "GetCallerIdentity"]


def test_a_key_of_a_foreign_account_is_refused(bench: Bench) -> None:
    assert "may not assume its role there" in refused(bench.remediations.plan(NAME, key_id(5, FOREIGN), ANA))


def test_a_key_nobody_has_comes_with_the_command_to_look_it_up(bench: Bench) -> None:
    missing = key_id(77_777)
    answer = bench.remediations.plan(NAME, missing, ANA)
    assert "NoSuchEntity" in refused(answer)
    assert getattr(answer, "commands", ()) == (f"aws iam get-access-key-last-used --access-key-id {missing}",)


def test_an_unreadable_aws_is_a_refusal_with_the_reason(bench: Bench) -> None:
    bench.door.fail("GetAccessKeyLastUsed", Fate.DENIED)
    assert "AccessDenied" in refused(bench.remediations.plan(NAME, bench.seat.stolen.id, ANA))


def test_an_unknown_remediation_names_those_there_are(bench: Bench) -> None:
    assert "there are: block_ip, block_ip_waf, deny_sso_user, disable_access_key" in refused(
        bench.remediations.plan("delete_user", "x", ANA)
    )


def test_a_plan_expires(bench: Bench) -> None:
    plan = bench.planned()
    bench.clock.forward(minutes=30, seconds=1)
    assert "This plan expired at" in refused(bench.remediations.approve(plan.id, ANA, "stolen key"))
    assert bench.told == []


def test_a_plan_can_be_approved_to_its_last_second(bench: Bench) -> None:
    plan = bench.planned()
    bench.clock.forward(minutes=30)
    assert change_of(bench.remediations.approve(plan.id, ANA, "stolen key"))


@pytest.mark.parametrize("plan", ["", "nope", "' OR 1=1 --", "\ud800"])
def test_an_unknown_plan_is_refused(bench: Bench, plan: str) -> None:
    assert "There is no such plan" in refused(bench.remediations.approve(plan, ANA, "stolen key"))


def test_an_unnamed_person_cannot_approve_and_that_is_on_record(bench: Bench) -> None:
    plan = bench.planned()
    sentence = refused(bench.remediations.approve(plan.id, MAL, "let me"))
    assert sentence.startswith("You may not approve changes: ask someone named under [access] approve in config.toml")
    assert bench.results()[-1].startswith("denied")
    assert bench.told == []


def test_the_right_to_approve_is_not_the_right_to_undo(bench: Bench) -> None:
    done = bench.disabled()
    only_approve = bench.with_rules(AccessRules({Operation.APPROVE: frozenset({ANA.id})}))
    assert "You may not undo changes" in refused(only_approve.plan_undo(done.execution, ANA))
    undo = plan_of(bench.remediations.plan_undo(done.execution, BEN))
    assert "You may not undo changes" in refused(only_approve.approve(undo.id, ANA, "stolen key"))


def test_who_may_only_triage_may_plan_but_not_approve(bench: Bench) -> None:
    analyst = Actor("local:analyst", "Analyst")
    rules = AccessRules({Operation.TRIAGE: frozenset({analyst.id})})
    limited = bench.with_rules(rules)
    plan = plan_of(limited.plan(NAME, bench.seat.stolen.id, analyst))
    assert "You may not approve changes" in refused(limited.approve(plan.id, analyst, ""))


def test_a_hostile_reason_is_kept_without_harm(bench: Bench) -> None:
    approved = change_of(bench.remediations.approve(bench.planned().id, ANA, HOSTILE_REASON))
    assert approved.reason.startswith("<!channel>")
    assert len(approved.reason) <= 1000


def test_only_a_confirmed_change_is_taken_back_and_only_once(bench: Bench) -> None:
    approved = bench.approved()
    assert "is approved, not confirmed" in refused(bench.remediations.plan_undo(approved.execution, BEN))
    done = bench.remediations.execute(approved.execution)
    undo = bench.undone(done.execution)
    assert "already been taken back" in refused(bench.remediations.plan_undo(done.execution, BEN))
    assert "itself an undo" in refused(bench.remediations.plan_undo(undo.execution, BEN))
    assert "There is no such change" in refused(bench.remediations.plan_undo("nope", BEN))


def test_an_undo_planned_twice_is_carried_out_once(bench: Bench) -> None:
    done = bench.disabled()
    first, second = (plan_of(bench.remediations.plan_undo(done.execution, BEN)) for _ in range(2))
    bench.remediations.execute(change_of(bench.remediations.approve(first.id, BEN, "false alarm")).execution)
    assert "already been taken back" in refused(bench.remediations.approve(second.id, BEN, "false alarm"))
    assert bench.asked_for() == ["Inactive", "Active"]


def test_a_drifted_key_is_not_undone(bench: Bench) -> None:
    done = bench.disabled()
    bench.cloud.set_status(bench.seat, "Active")
    assert "somebody changed it since" in refused(bench.remediations.plan_undo(done.execution, BEN))


def test_an_undo_warns_that_the_thief_gets_the_key_back(bench: Bench) -> None:
    plan: Plan = plan_of(bench.remediations.plan_undo(bench.disabled().execution, BEN))
    assert "whoever stole it" in " ".join(plan.warnings)
    assert (plan.before["status"], plan.after["status"]) == ("Inactive", "Active")
