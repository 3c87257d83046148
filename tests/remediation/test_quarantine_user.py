"""Deny everything to a user, by tag, policy or boundary, against an AWS that enforces all three."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from bot import tasks
from bot.model import ChangeState, Kind, Observable
from bot.remediation.offer import Offer
from bot.remediation.quarantine_user import QuarantineUser
from tests.fakes import event
from tests.remediation.bench import BEN, SETTINGS, Bench, refused
from tests.remediation.cloud import ACCOUNT, BOT, EVERYTHING, FOREIGN, MANAGEMENT, Cloud, by_tag, key_id, shipped
from tests.remediation.door import Fate

NAME = "quarantine_user"
DENY_ALL = "arn:aws:iam::aws:policy/AWSDenyAll"


def attached(bench: Bench) -> list[str]:
    answer = bench.cloud.iam().list_attached_user_policies(UserName=bench.seat.user)
    return [policy["PolicyArn"] for policy in answer["AttachedPolicies"]]


def boundary_of(bench: Bench) -> str | None:
    user: Any = bench.cloud.iam().get_user(UserName=bench.seat.user)["User"]
    found: str | None = user.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn")
    return found


def prepare(bench: Bench, way: str, scp: str) -> None:
    if way == "tag":
        bench.offering(by_tag(scp))
    if way == "boundary":
        bench.fill()


@pytest.mark.parametrize("way", ["tag", "policy", "boundary"])
def test_everything_of_the_user_is_refused_and_comes_back_with_the_undo(bench: Bench, way: str, scp: str) -> None:
    prepare(bench, way, scp)
    cloud, seat = bench.cloud, bench.seat
    thief = [seat.stolen, seat.other, cloud.session(seat.stolen)]
    if way != "tag":  # AWS does not say what a federated session makes of it, and neither does the preview
        thief.append(cloud.federated(seat.stolen))
    assert all(cloud.may_work(key) for key in thief)
    plan = bench.plan(NAME, seat.principal)
    assert plan.before["way"].split()[0] == way
    done = bench.done(NAME, seat.principal)
    assert done.state is ChangeState.CONFIRMED
    assert not any(cloud.may_work(key) for key in thief)
    assert bench.undone(done.execution).state is ChangeState.CONFIRMED
    assert all(cloud.may_work(key) for key in thief)
    assert (attached(bench) == [], boundary_of(bench)) == (way != "boundary", None)


def test_another_user_works_on(bench: Bench) -> None:
    other = replace(bench.seat, stolen=bench.seat.other)
    bystander = BOT
    bench.done(NAME, bench.seat.principal)
    assert not bench.cloud.may_work(other.stolen)
    assert bench.cloud.works(bystander)


def test_the_preview_says_what_it_covers_and_what_not(bench: Bench) -> None:
    plan = bench.plan(NAME, bench.seat.principal)
    assert plan.title == f"Deny everything to user {bench.seat.user}, by attaching AWSDenyAll"
    warnings = " ".join(plan.warnings)
    assert "every session minted from one (GetSessionToken, GetFederationToken)" in warnings
    assert f"which stop: {', '.join(sorted([bench.seat.stolen.id, bench.seat.other.id]))}" in warnings
    assert "does not end sessions of roles" in warnings
    assert "can take it off again" in warnings
    assert plan.stops == Observable(Kind.PRINCIPAL, bench.seat.principal)


@pytest.mark.parametrize(
    "named",
    [
        lambda bench: f"arn:aws:iam::{ACCOUNT}:user/{bench.seat.user}",
        lambda bench: f"arn:aws:iam::{ACCOUNT}:user/some/path/{bench.seat.user}",
        lambda bench: bench.seat.user,
        lambda bench: bench.seat.stolen.id,
    ],
    ids=["arn", "path", "name", "key"],
)
def test_a_user_may_be_named_in_every_usual_way(bench: Bench, named: Callable[[Bench], str]) -> None:
    assert bench.plan(NAME, named(bench)).target == bench.seat.principal


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("", "This names no user or role"),
        ("a b", "This names no user or role"),
        (f"{ACCOUNT}:user/*", "This names no user or role"),
        (f"{ACCOUNT}:user/x\n", "This names no user or role"),
        (f"{ACCOUNT}:role/deploy", "is a role, not a user"),
        (f"arn:aws:sts::{ACCOUNT}:assumed-role/deploy/me", "is a role, not a user"),
        (f"{ACCOUNT}:sso/ana@example.com", "IAM Identity Center"),
        (f"arn:aws:iam::{ACCOUNT}:root", "only the root user can change that"),
        ("triage-bot", "what the bot itself works as"),
    ],
)
def test_who_is_not_touched_is_refused_before_any_call(bench: Bench, target: str, words: str) -> None:
    assert words in bench.refusal(NAME, target).sentence
    assert bench.door.calls() == set()


def test_the_root_user_of_a_member_account_has_its_own_task(bench: Bench) -> None:
    bench.offering(EVERYTHING)
    refusal = bench.refusal(NAME, f"{ACCOUNT}:root")
    assert f"From account {MANAGEMENT}, with central root access enabled" in refusal.sentence
    assert shlex.split(refusal.commands[0]) == [
        *["aws", "sts", "assume-root", "--region", "us-east-1", "--target-principal", ACCOUNT],
        *["--task-policy-arn", "arn=arn:aws:iam::aws:policy/root-task/IAMDeleteRootUserCredentials"],
    ]
    (task,) = tasks.of_case(bench.state.read(), 7)
    assert task.title == f"Take the root user's credentials of account {ACCOUNT} away"
    assert (task.why, task.commands) == (refusal.sentence, refusal.commands)


def test_a_user_of_a_foreign_account_is_refused(bench: Bench) -> None:
    assert "may not assume its role there" in bench.refusal(NAME, f"{FOREIGN}:user/alice").sentence
    assert "may not assume its role there" in bench.refusal(NAME, key_id(5, FOREIGN)).sentence


@pytest.mark.parametrize("way", ["tag", "policy", "boundary"])
def test_who_is_denied_already_is_not_denied_again(bench: Bench, way: str, scp: str) -> None:
    prepare(bench, way, scp)
    bench.done(NAME, bench.seat.principal)
    assert "is already denied everything, by" in bench.refusal(NAME, bench.seat.principal).sentence


def test_a_quota_that_filled_up_meanwhile_is_a_sentence_with_the_command(bench: Bench) -> None:
    bench.door.fail("AttachUserPolicy", Fate.FULL)
    ended = bench.done(NAME, bench.seat.principal)
    assert ended.state is ChangeState.FAILED
    assert (
        "AWS answered AttachUserPolicy with LimitExceeded: a quota of AWS is full. Nothing was changed."
        in ended.sentence
    )
    assert f"aws iam attach-user-policy --user-name {bench.seat.user}" in ended.sentence


def test_an_old_boundary_is_recorded_and_put_back_by_the_third_role(bench: Bench) -> None:
    bench.fill()
    iam = bench.cloud.iam()
    old = "arn:aws:iam::aws:policy/ReadOnlyAccess"
    iam.put_user_permissions_boundary(UserName=bench.seat.user, PermissionsBoundary=old)
    plan = bench.plan(NAME, bench.seat.principal)
    assert f"The present one, {old}, is recorded and is put back by the undo." in " ".join(plan.warnings)
    done = bench.done(NAME, bench.seat.principal)
    assert boundary_of(bench) == DENY_ALL
    bench.offering(Offer(), replace(SETTINGS, roles_role=None))
    without = bench.remediations.plan_undo(done.execution, BEN)
    assert "set [aws] roles_role" in refused(without)
    assert getattr(without, "commands", ()) == (
        f"aws iam put-user-permissions-boundary --user-name {bench.seat.user} --permissions-boundary {old}",
    )
    bench.offering(Offer())
    assert bench.undone(done.execution).state is ChangeState.CONFIRMED
    assert boundary_of(bench) == old
    assert [request["RoleArn"].rpartition("/")[2] for request in bench.door.of("AssumeRole")][-1] == "TriageRoles"


def test_the_tag_is_not_used_where_the_policy_does_not_bind(bench: Bench, cloud: Cloud) -> None:
    loose = cloud.deploy(f"loose-{bench.seat.user}", shipped("quarantine"), attach=False)
    bench.offering(by_tag(loose))
    plan = bench.plan(NAME, bench.seat.principal)
    assert plan.before["way"].startswith("policy")
    assert f"account {ACCOUNT} is not under anything the policy is attached to" in " ".join(plan.warnings)


def test_the_tag_is_not_used_where_the_policy_does_not_deny_it(bench: Bench, cloud: Cloud) -> None:
    harmless = cloud.deploy(f"harmless-{bench.seat.user}", {"Version": "2012-10-17", "Statement": []})
    bench.offering(by_tag(harmless))
    plan = bench.plan(NAME, bench.seat.principal)
    assert plan.before["way"].startswith("policy")
    assert "does not deny the tag triage-quarantine" in " ".join(plan.warnings)


def test_a_policy_that_cannot_be_checked_is_trusted_and_that_is_said(bench: Bench, scp: str) -> None:
    bench.offering(by_tag(scp))
    bench.door.fail("DescribeOrganization", Fate.DENIED)
    plan = bench.plan(NAME, bench.seat.principal)
    assert plan.before["way"] == "tag triage-quarantine"
    assert "could not be checked: AWS answered DescribeOrganization with AccessDenied" in " ".join(plan.warnings)


def test_the_acting_session_may_deny_this_user_and_nothing_else(bench: Bench) -> None:
    bench.done(NAME, bench.seat.principal)
    (assumed,) = [request for request in bench.door.of("AssumeRole") if "TriageAct" in request["RoleArn"]]
    (statement,) = json.loads(assumed["Policy"])["Statement"]
    users = f"arn:aws:iam::{ACCOUNT}:user"
    assert statement == {
        "Effect": "Allow",
        "Action": ["iam:AttachUserPolicy", "iam:DetachUserPolicy"],
        "Resource": [f"{users}/{bench.seat.user}", f"{users}/*/{bench.seat.user}"],
        "Condition": {"ArnEquals": {"iam:PolicyARN": DENY_ALL}},
    }


def test_the_acting_role_can_attach_no_other_policy(bench: Bench) -> None:
    iam: Any = bench.acting("iam")
    with pytest.raises(iam.exceptions.ClientError, match="AccessDenied"):
        iam.attach_user_policy(UserName=bench.seat.user, PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    with pytest.raises(iam.exceptions.ClientError, match="AccessDenied"):
        iam.put_user_permissions_boundary(
            UserName=bench.seat.user, PermissionsBoundary="arn:aws:iam::aws:policy/AdministratorAccess"
        )
    with pytest.raises(iam.exceptions.ClientError, match="AccessDenied"):
        iam.tag_user(UserName=bench.seat.user, Tags=[{"Key": "owner", "Value": "mallory"}])


def test_the_calls_made_are_exactly_the_declared_permissions(bench: Bench, scp: str) -> None:
    bench.undone(bench.done(NAME, bench.seat.stolen.id).execution)
    bench.offering(by_tag(scp))
    bench.undone(bench.done(NAME, bench.seat.principal).execution)
    bench.offering(Offer())
    bench.fill()
    done = bench.done(NAME, bench.seat.principal)
    bench.clock.forward(minutes=16)
    bench.carry_out_due_jobs()
    bench.undone(done.execution)
    declared = QuarantineUser(by_tag(scp)).permissions
    assert bench.door.calls() == declared.read | declared.act


def test_a_denial_that_was_taken_off_is_noticed(bench: Bench) -> None:
    done = bench.done(NAME, bench.seat.principal)
    bench.cloud.iam().detach_user_policy(UserName=bench.seat.user, PolicyArn=DENY_ALL)
    bench.clock.forward(seconds=11)
    bench.carry_out_due_jobs()
    told = bench.told[-1]
    assert (told.execution, told.state) == (done.execution, ChangeState.FAILED)
    assert "It no longer holds: AWS shows" in told.sentence
    assert f"aws iam attach-user-policy --user-name {bench.seat.user} --policy-arn {DENY_ALL}" in told.sentence


def test_a_new_key_of_the_user_is_reported_though_the_denial_holds(bench: Bench) -> None:
    bench.cloud.iam().delete_access_key(UserName=bench.seat.user, AccessKeyId=bench.seat.other.id)
    bench.done(NAME, bench.seat.principal)
    made = bench.cloud.iam().create_access_key(UserName=bench.seat.user)["AccessKey"]["AccessKeyId"]
    bench.clock.forward(seconds=11)
    bench.carry_out_due_jobs()
    assert bench.told[-1].state is ChangeState.CONFIRMED
    assert f"{bench.seat.user} has a new access key, {made} (active)" in bench.told[-1].sentence


def test_a_call_that_aws_still_answers_ends_the_confidence(bench: Bench) -> None:
    bench.done(NAME, bench.seat.principal)
    bench.clock.forward(minutes=20)
    principal = replace(event().principal, id=bench.seat.principal)
    bench.events.append(replace(event(name="s3:GetObject"), at=bench.clock.now, principal=principal))
    bench.carry_out_due_jobs()
    assert bench.told[-1].state is ChangeState.FAILED
    assert "AWS shows it done, and yet: AWS answered s3:GetObject" in bench.told[-1].sentence


@pytest.mark.parametrize(
    ("state", "command"),
    [
        ({"way": "tag t", "deny": "yes"}, "tag-user --user-name u --tags Key=t,Value=yes"),
        ({"way": "tag t", "deny": "absent"}, "untag-user --user-name u --tag-keys t"),
        ({"way": "policy p", "deny": "attached"}, "attach-user-policy --user-name u --policy-arn p"),
        ({"way": "policy p", "deny": "not attached"}, "detach-user-policy --user-name u --policy-arn p"),
        ({"way": "boundary", "deny": "b"}, "put-user-permissions-boundary --user-name u --permissions-boundary b"),
        ({"way": "boundary", "deny": "none"}, "delete-user-permissions-boundary --user-name u"),
    ],
)
def test_every_way_has_its_command(state: dict[str, str], command: str) -> None:
    assert QuarantineUser().commands("", {"user": "u", **state}) == (f"aws iam {command}",)
