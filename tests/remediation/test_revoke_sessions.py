from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.model import ChangeState, rfc3339
from bot.remediation.offer import Offer
from bot.remediation.revoke_sessions import RevokeSessions, revoking
from tests.fakes import OFFICE, event
from tests.remediation.bench import BEN, SETTINGS, Bench, change_of, refused
from tests.remediation.cloud import ACCOUNT, by_tag

NAME = "revoke_sessions"
POLICY = "AWSRevokeOlderSessions"


def role_of(bench: Bench) -> str:
    return f"{ACCOUNT}:role/{bench.seat.role}"


def older(bench: Bench) -> Any:
    """A session of the role from before; the clock of the test moves on, past the second it was issued in."""
    session = bench.cloud.assumed(bench.seat.stolen, bench.seat.role)
    bench.clock.forward(seconds=2)
    return session


def policy_of(bench: Bench) -> Any:
    iam = bench.cloud.iam()
    try:
        answer = iam.get_role_policy(RoleName=bench.seat.role, PolicyName=POLICY)
    except iam.exceptions.NoSuchEntityException:
        return None
    return answer["PolicyDocument"]


def test_a_roles_sessions_end_and_come_back_with_the_undo(bench: Bench) -> None:
    thief = older(bench)
    assert bench.cloud.may_work(thief)
    done = bench.done(NAME, role_of(bench))
    assert done.state is ChangeState.CONFIRMED
    assert not bench.cloud.may_work(thief)
    assert bench.undone(done.execution).state is ChangeState.CONFIRMED
    assert bench.cloud.may_work(thief)
    assert policy_of(bench) is None


def test_a_session_issued_later_is_answered(bench: Bench) -> None:
    bench.clock.now -= timedelta(seconds=30)
    bench.done(NAME, role_of(bench))
    assert bench.cloud.may_work(bench.cloud.assumed(bench.seat.stolen, bench.seat.role))


def test_sessions_issued_between_plan_and_change_end_too(bench: Bench) -> None:
    plan = bench.plan(NAME, role_of(bench))
    thief = older(bench)
    bench.clock.forward(minutes=10)
    approved = change_of(bench.remediations.approve(plan.id, BEN, "stolen"))
    assert bench.remediations.execute(approved.execution).state is ChangeState.CONFIRMED
    assert not bench.cloud.may_work(thief)


def test_a_policy_that_was_there_is_put_back(bench: Bench) -> None:
    earlier = revoking("2026-01-31T12:00:00Z")
    bench.cloud.iam().put_role_policy(RoleName=bench.seat.role, PolicyName=POLICY, PolicyDocument=earlier)
    plan = bench.plan(NAME, role_of(bench))
    assert "It replaces an older policy" in " ".join(plan.warnings)
    done = bench.done(NAME, role_of(bench))
    assert policy_of(bench) != json.loads(earlier)
    bench.undone(done.execution)
    assert policy_of(bench) == json.loads(earlier)


def test_the_preview_says_who_is_hit_and_who_comes_back(bench: Bench) -> None:
    role = replace(event().principal, id=role_of(bench))
    days = [bench.clock.now - timedelta(days=day, hours=1) for day in range(1, 5)]
    bench.events = [replace(event(), at=day, principal=role) for day in days]
    warnings = " ".join(bench.plan(NAME, role_of(bench)).warnings)
    assert f"Breaks aws-cli/2 (linux, ubuntu) at {OFFICE}" in warnings
    assert "the workloads' own included" in warnings
    assert f"It trusts arn:aws:iam::{ACCOUNT}:user/{bench.seat.user}." in warnings


def test_new_sessions_of_the_role_are_no_sign_that_it_failed(bench: Bench) -> None:
    bench.done(NAME, role_of(bench))
    bench.clock.forward(minutes=20)
    role = replace(event().principal, id=role_of(bench))
    bench.events.append(replace(event(), at=bench.clock.now, principal=role))
    bench.carry_out_due_jobs()
    assert bench.told[-1].state is ChangeState.CONFIRMED


def test_without_the_third_role_it_is_refused_with_the_command(bench: Bench) -> None:
    bench.offering(Offer(), replace(SETTINGS, roles_role=None))
    refusal = bench.refusal(NAME, role_of(bench))
    assert "set [aws] roles_role in config.toml" in refusal.sentence
    at = rfc3339(bench.clock.now)
    assert refusal.commands == (
        (
            f"aws iam put-role-policy --role-name {bench.seat.role} --policy-name {POLICY} "
            f"--policy-document '{revoking(at)}'"
        ),
    )


def test_only_the_third_role_is_taken_and_only_for_this_role(bench: Bench) -> None:
    bench.done(NAME, role_of(bench))
    taken = [request for request in bench.door.of("AssumeRole") if "TriageRead" not in request["RoleArn"]]
    assert [request["RoleArn"].rpartition("/")[2] for request in taken] == ["TriageRoles"]
    (statement,) = json.loads(taken[0]["Policy"])["Statement"]
    roles = f"arn:aws:iam::{ACCOUNT}:role"
    assert statement["Resource"] == [f"{roles}/{bench.seat.role}", f"{roles}/*/{bench.seat.role}"]


def test_the_acting_role_cannot_write_a_roles_policy(bench: Bench) -> None:
    iam: Any = bench.acting("iam")
    with pytest.raises(iam.exceptions.ClientError, match="AccessDenied"):
        iam.put_role_policy(RoleName=bench.seat.role, PolicyName="x", PolicyDocument=revoking("2026-01-31T12:00:00Z"))


def test_a_policy_somebody_deleted_is_drift(bench: Bench) -> None:
    bench.done(NAME, role_of(bench))
    bench.cloud.iam().delete_role_policy(RoleName=bench.seat.role, PolicyName=POLICY)
    bench.clock.forward(seconds=11)
    bench.carry_out_due_jobs()
    assert bench.told[-1].state is ChangeState.FAILED
    assert "It no longer holds" in bench.told[-1].sentence


def test_of_a_user_everything_is_denied_and_the_preview_says_why(bench: Bench) -> None:
    cloud, seat = bench.cloud, bench.seat
    thief = [seat.stolen, cloud.session(seat.stolen), cloud.federated(seat.stolen)]
    plan = bench.plan(NAME, seat.principal)
    assert plan.title == f"End every session of user {seat.user}, by denying them everything"
    assert "because its requests carry no issue time" in plan.warnings[1]
    done = bench.done(NAME, seat.principal)
    assert not any(cloud.may_work(key) for key in thief)
    assert bench.undone(done.execution).state is ChangeState.CONFIRMED
    assert all(cloud.may_work(key) for key in thief)
    assert bench.remediations.plan_undo(done.execution, BEN)


def test_a_user_denied_already_has_no_session_left_to_end(bench: Bench) -> None:
    bench.done("quarantine_user", bench.seat.principal)
    assert bench.refusal(NAME, bench.seat.principal).settled


@pytest.mark.parametrize(
    ("target", "words"),
    [
        (f"{ACCOUNT}:role/AWSServiceRoleForSupport", "a service-linked role"),
        (f"{ACCOUNT}:role/AWSReservedSSO_Admin_0123456789abcdef", "IAM Identity Center"),
        (f"arn:aws:sts::{ACCOUNT}:assumed-role/AWSReservedSSO_Admin_0123456789abcdef/ana", "IAM Identity Center"),
        (f"{ACCOUNT}:role/TriageRead", "what the bot itself works as"),
        (f"{ACCOUNT}:role/TriageAct", "what the bot itself works as"),
        (f"{ACCOUNT}:role/TriageRoles", "what the bot itself works as"),
        (f"{ACCOUNT}:root", "only the root user can change that"),
        ("*", "This names no user or role"),
    ],
)
def test_who_is_not_touched_is_refused_before_any_call(bench: Bench, target: str, words: str) -> None:
    assert words in bench.refusal(NAME, target).sentence
    assert bench.door.calls() == set()


def test_a_role_of_a_service_is_known_by_its_path_too(bench: Bench) -> None:
    trust = json.dumps({"Version": "2012-10-17", "Statement": []})
    name = f"svc-{bench.seat.user}"
    bench.cloud.iam().create_role(RoleName=name, Path="/aws-service-role/made/", AssumeRolePolicyDocument=trust)
    assert "only that can change it" in bench.refusal(NAME, f"{ACCOUNT}:role/{name}").sentence


def test_a_session_names_its_role(bench: Bench) -> None:
    session = f"arn:aws:sts::{ACCOUNT}:assumed-role/{bench.seat.role}/anything"
    assert bench.plan(NAME, session).target == role_of(bench)
    assert bench.plan(NAME, bench.seat.role).target == role_of(bench)


def test_an_old_revocation_does_not_count_as_ours(bench: Bench) -> None:
    done = bench.done(NAME, role_of(bench))
    bench.cloud.iam().put_role_policy(
        RoleName=bench.seat.role, PolicyName=POLICY, PolicyDocument=revoking("2020-01-01T00:00:00Z")
    )
    assert "somebody changed it since" in refused(bench.remediations.plan_undo(done.execution, BEN))


def test_the_calls_made_are_exactly_the_declared_permissions(bench: Bench, scp: str) -> None:
    done = bench.done(NAME, role_of(bench))
    bench.clock.forward(minutes=16)
    bench.carry_out_due_jobs()
    bench.undone(done.execution)
    bench.offering(by_tag(scp))
    bench.undone(bench.done(NAME, bench.seat.principal).execution)
    bench.offering(Offer())
    bench.undone(bench.done(NAME, bench.seat.principal).execution)
    bench.fill()
    bench.undone(bench.done(NAME, bench.seat.principal).execution)
    declared = RevokeSessions(by_tag(scp)).permissions
    # A user is named by name here, never by a key; an old boundary is put back in a test of quarantine_user.
    assert bench.door.calls() == (declared.read - {"iam:GetAccessKeyLastUsed"}) | declared.act | declared.roles
