from __future__ import annotations

from typing import Any

import pytest

from bot.model import ChangeState
from bot.remediation.offer import Offer, Organisation
from bot.remediation.organisation_deny import OrganisationDeny
from tests.remediation.bench import Bench
from tests.remediation.cloud import ACCOUNT, MANAGEMENT, Cloud, shipped

NAME = "organisation_deny"


@pytest.fixture(scope="session")
def policy(cloud: Cloud) -> str:
    return cloud.deploy("denied-principals", shipped("denied-principals"))


def denying(policy: str) -> Offer:
    return Offer(Organisation(MANAGEMENT, principals_policy=policy))


@pytest.fixture
def denier(bench: Bench, policy: str) -> Bench:
    bench.offering(denying(policy))
    return bench


def test_a_user_is_refused_with_all_sessions_and_answered_again_after_the_undo(denier: Bench) -> None:
    cloud, seat = denier.cloud, denier.seat
    thief = [seat.stolen, seat.other, cloud.session(seat.stolen)]
    assert all(cloud.may_work(key) for key in thief)
    done = denier.done(NAME, seat.principal)
    assert done.state is ChangeState.CONFIRMED
    assert not any(cloud.may_work(key) for key in thief)
    assert denier.undone(done.execution).state is ChangeState.CONFIRMED
    assert all(cloud.may_work(key) for key in thief)


def test_a_role_is_refused_in_old_and_new_sessions(denier: Bench) -> None:
    cloud, seat = denier.cloud, denier.seat
    old = cloud.assumed(seat.stolen, seat.role)
    done = denier.done(NAME, f"{ACCOUNT}:role/{seat.role}")
    assert [cloud.may_work(old), cloud.may_work(cloud.assumed(seat.stolen, seat.role))] == [False, False]
    assert cloud.may_work(seat.stolen)
    denier.undone(done.execution)
    assert cloud.may_work(old)


def test_nobody_in_the_account_can_take_it_back(denier: Bench) -> None:
    denier.done(NAME, denier.seat.principal)
    client: Any = denier.cloud.client("organizations", denier.seat.other)
    with pytest.raises(client.exceptions.ClientError):
        client.update_policy(PolicyId="p-any", Content="{}")
    assert not denier.cloud.may_work(denier.seat.stolen)


def test_a_path_is_part_of_the_arn(denier: Bench, policy: str) -> None:
    name = f"deep-{denier.seat.user}"
    denier.cloud.iam().create_user(UserName=name, Path="/some/where/")
    plan = denier.plan(NAME, f"{ACCOUNT}:user/{name}")
    assert plan.after["entry"] == f"arn:aws:iam::{ACCOUNT}:user/some/where/{name}"


def test_the_management_account_is_not_bound(denier: Bench) -> None:
    sentence = denier.refusal(NAME, f"{MANAGEMENT}:user/alice").sentence
    assert "is the organisation's management account, which no service control policy binds" in sentence
    assert "deny alice in it (quarantine_user)" in sentence


@pytest.mark.parametrize(
    ("target", "words"),
    [
        (f"{ACCOUNT}:root", "no policy of the account binds it"),
        (f"{ACCOUNT}:role/AWSServiceRoleForSupport", "a service-linked role"),
        (f"{ACCOUNT}:role/AWSReservedSSO_Admin_0123456789abcdef", "deny_sso_user"),
        (f"{ACCOUNT}:role/TriageAct", "what the bot itself works as"),
        ("triage-bot", "what the bot itself works as"),
    ],
)
def test_who_is_not_touched_is_refused_before_any_call(denier: Bench, target: str, words: str) -> None:
    assert words in denier.refusal(NAME, target).sentence
    assert denier.door.calls() == set()


def test_without_a_policy_it_says_what_it_takes(bench: Bench) -> None:
    assert "set [organisation] principals_policy" in bench.refusal(NAME, bench.seat.principal).sentence


def test_the_calls_made_are_exactly_the_declared_permissions(denier: Bench, policy: str) -> None:
    done = denier.done(NAME, denier.seat.stolen.id)
    denier.clock.forward(minutes=16)
    denier.carry_out_due_jobs()
    denier.undone(done.execution)
    denier.undone(denier.done(NAME, f"{ACCOUNT}:role/{denier.seat.role}").execution)
    declared = OrganisationDeny(denying(policy)).permissions
    assert denier.door.calls() == declared.read | declared.act
