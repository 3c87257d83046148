"""Two people, after a check that passed, make changes real; until then every change is a rehearsal."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import ANY, Stubber

from bot import audit
from bot.access import AccessRules
from bot.armoury import Armoury
from bot.aws import Aws, AwsSettings
from bot.model import Actor, Change, ChangeState, Refusal
from bot.remediation import arming, readiness
from bot.remediation.arming import Armed
from bot.remediation.base import Remediation
from bot.remediation.block_ip import BlockIp
from bot.remediation.block_ip_waf import BlockIpWaf
from bot.remediation.disable_access_key import DisableAccessKey
from bot.remediation.offer import Offer, Organisation
from bot.remediation.organisation_deny import OrganisationDeny
from bot.remediation.planning import REHEARSED, RemediationSettings
from bot.remediation.quarantine_user import QuarantineUser
from bot.remediation.readiness import Checked
from bot.remediation.usage import Usage
from bot.store.state import State
from tests.remediation.test_approvals import ANA, BEN, NOW, SHELL, World

ROLE = "arn:aws:iam::111122223333:role/TriageAct"


@pytest.fixture
def state(tmp_path: Path) -> State:
    return State(tmp_path / "state.db")


def checked(state: State, *problems: str, at: datetime = NOW) -> None:
    state.write(lambda db: arming.keep_check(db, "default", problems, at))


def arm(state: State, actor: Actor, at: datetime = NOW, reason: str = "drilled") -> Armed | Refusal:
    return state.write(lambda db: arming.arm(db, "default", actor, actor.id, reason, at))


def armed(state: State) -> bool:
    return arming.is_armed(state.read(), "default")


def test_two_people_arm_after_a_check_and_one_disarms(state: State) -> None:
    checked(state)
    assert arm(state, ANA) == Armed("default", ("Ana",))
    assert not armed(state)
    assert arm(state, BEN) == Armed("default", ("Ana", "Ben"))
    assert armed(state)
    state.write(lambda db: arming.disarm(db, "default", ANA, "moving house", NOW))
    assert not armed(state)
    assert [entry.result for entry in audit.entries(state.read())] == ["armed by one of two", "armed", "disarmed"]


@pytest.mark.parametrize(
    ("actor", "reason", "problems", "age", "sentence"),
    [
        (ANA, "", (), 0, "Say why"),
        (SHELL, "drilled", (), 0, "nothing says which person local:shell is"),
        (ANA, "drilled", ("the acting role may not call iam:UpdateAccessKey",), 0, "triage doctor --act"),
        (ANA, "drilled", (), 25, "within the 24 hours before"),
    ],
)
def test_what_keeps_it_from_being_armed(
    state: State, actor: Actor, reason: str, problems: tuple[str, ...], age: int, sentence: str
) -> None:
    checked(state, *problems, at=NOW - timedelta(hours=age))
    answer = arm(state, actor, reason=reason)
    assert isinstance(answer, Refusal)
    assert sentence in answer.sentence


def test_nobody_arms_what_was_never_checked_and_nobody_twice(state: State) -> None:
    assert "triage doctor --act" in str(arm(state, ANA))
    checked(state)
    arm(state, ANA)
    assert "already armed" in str(arm(state, ANA))
    assert not armed(state)


class Rehearsing(World):
    """A world whose environment is armed or not, as ``safe`` says."""

    safe = True

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, 1)
        self.settings = RemediationSettings(rehearses=lambda db, account: self.safe)
        self.remediations = self.with_rules(self.remediations._access)


@pytest.fixture
def rehearsing(tmp_path: Path) -> Rehearsing:
    return Rehearsing(tmp_path)


def test_a_rehearsal_goes_all_the_way_but_the_last_step(rehearsing: Rehearsing) -> None:
    plan = rehearsing.plan()
    assert (plan.rehearsal, plan.title, plan.warnings[0]) == (True, "Rehearse: Turn off lamp", REHEARSED)
    approved = rehearsing.approve(plan, ANA)
    assert isinstance(approved, Change)
    done = rehearsing.remediations.execute(approved.execution)
    assert (done.state, rehearsing.switch.calls) == (ChangeState.REHEARSED, 0)
    assert rehearsing.remediations.execute(approved.execution) == done
    assert audit.entries(rehearsing.state.read())[-1].result.startswith("rehearsed: Rehearse: Turn off lamp")
    assert isinstance(rehearsing.remediations.plan_undo(approved.execution, ANA), Refusal)


def test_what_was_planned_as_a_rehearsal_stays_one(rehearsing: Rehearsing) -> None:
    plan = rehearsing.plan()
    rehearsing.safe = False
    approved = rehearsing.approve(plan, ANA)
    assert isinstance(approved, Change)
    assert rehearsing.remediations.execute(approved.execution).state is ChangeState.REHEARSED
    assert rehearsing.switch.calls == 0


def test_what_was_planned_for_real_is_not_made_in_an_environment_disarmed_since(rehearsing: Rehearsing) -> None:
    rehearsing.safe = False
    approved = rehearsing.approve(rehearsing.plan(), ANA)
    assert isinstance(approved, Change)
    rehearsing.safe = True
    done = rehearsing.remediations.execute(approved.execution)
    assert (done.state, rehearsing.switch.calls) == (ChangeState.FAILED, 0)
    assert "disarmed since" in done.sentence


# ---------------------------------------------------------------------------------- is the role able?


class Judged(Aws):
    """IAM judges as the stub says: neither local AWS simulates policies."""

    def __init__(self, *answers: dict[str, Any] | ClientError) -> None:
        super().__init__(AwsSettings(act_role=ROLE), lambda: datetime.now(UTC))
        self.iam = boto3.client("iam", "us-east-1", aws_access_key_id="AKIAMADEUP", aws_secret_access_key="made-up")
        self.stub = Stubber(self.iam)
        self.stub.activate()

    def reader(self, service: str, account: str, region: str | None = None) -> Any:
        assert (service, account) == ("iam", "111122223333")
        return self.iam

    def judge(
        self, *decisions: tuple[str, str, bool | None], context: Any = ANY, role: str = ROLE, arns: Any = ("*",)
    ) -> None:
        results = [
            {
                "EvalActionName": action,
                "EvalDecision": decision,
                **({} if org is None else {"OrganizationsDecisionDetail": {"AllowedByOrganizations": org}}),
            }
            for action, decision, org in decisions
        ]
        asked = {
            "PolicySourceArn": role,
            "ActionNames": [action for action, _, _ in decisions],
            "ContextEntries": context,
            "ResourceArns": list(arns),
        }
        self.stub.add_response("simulate_principal_policy", {"EvaluationResults": results, "IsTruncated": False}, asked)


def test_a_role_that_may_do_all_it_will_be_asked_has_no_problem() -> None:
    aws = Judged()
    aws.judge(("iam:UpdateAccessKey", "allowed", True))
    found = readiness.check("111122223333", ROLE, [DisableAccessKey()], aws)
    assert (found.allowed, found.problems) == (("iam:UpdateAccessKey",), ())
    aws.stub.assert_no_pending_responses()


@pytest.mark.parametrize(
    ("decision", "organisation", "told"),
    [
        ("implicitDeny", None, "may not call iam:UpdateAccessKey: no policy allows it"),
        ("explicitDeny", True, "may not call iam:UpdateAccessKey: a policy denies it"),
        ("explicitDeny", False, "iam:UpdateAccessKey is refused by a policy of the organisation"),
    ],
)
def test_what_is_refused_is_told_with_who_refuses(decision: str, organisation: bool | None, told: str) -> None:
    aws = Judged()
    aws.judge(("iam:UpdateAccessKey", decision, organisation))
    found = readiness.check("111122223333", ROLE, [DisableAccessKey()], aws)
    assert found.allowed == ()
    assert told in found.problems[0]


def test_a_right_narrowed_to_one_policy_is_asked_for_with_that_policy() -> None:
    aws = Judged()
    arn = "arn:aws:iam::aws:policy/AWSDenyAll"
    for action, key in (
        ("iam:AttachUserPolicy", "iam:PolicyARN"),
        ("iam:DeleteUserPermissionsBoundary", "iam:PermissionsBoundary"),
        ("iam:DetachUserPolicy", "iam:PolicyARN"),
        ("iam:PutUserPermissionsBoundary", "iam:PermissionsBoundary"),
    ):
        context = [{"ContextKeyName": key, "ContextKeyValues": [arn], "ContextKeyType": "string"}]
        aws.judge((action, "allowed", None), context=context)
    found = readiness.check("111122223333", ROLE, [QuarantineUser()], aws)
    assert found.problems == ()
    aws.stub.assert_no_pending_responses()


def test_a_right_narrowed_to_named_things_is_asked_for_with_each_of_them() -> None:
    aws, role = Judged(), ROLE.replace("arn:aws:", "arn:aws-us-gov:")
    ip_sets = tuple(f"arn:aws-us-gov:wafv2:us-gov-west-1:111122223333:regional/ipset/{name}/1" for name in "ab")
    offer = Offer(
        Organisation(account="444455556666", principals_policy="p-made1", addresses_policy="p-made2"),
        waf_ip_sets=ip_sets,
    )
    policies = tuple(
        f"arn:aws-us-gov:organizations::111122223333:policy/o-made0up000/service_control_policy/{name}"
        for name in ("p-made1", "p-made2")
    )
    for action, arns in (
        ("organizations:DescribePolicy", policies),
        ("organizations:UpdatePolicy", policies),
        ("wafv2:GetIPSet", ip_sets),
        ("wafv2:UpdateIPSet", ip_sets),
    ):
        for arn in arns:
            refused = (action, arn) == ("wafv2:UpdateIPSet", ip_sets[1])
            aws.judge((action, "implicitDeny" if refused else "allowed", None), context=[], role=role, arns=[arn])
    usage = Usage(lambda: NOW)
    changes: list[Remediation] = [OrganisationDeny(offer), BlockIp(offer, usage), BlockIpWaf(offer, usage)]
    (problem,) = readiness.check("111122223333", role, changes, aws).problems
    assert f"may not call wafv2:UpdateIPSet on {ip_sets[1]}: no policy allows it" in problem
    aws.stub.assert_no_pending_responses()


def test_the_third_role_is_asked_about_its_own_calls() -> None:
    aws, third = Judged(), ROLE.replace("TriageAct", "TriageRoles")
    aws.judge(("iam:AttachUserPolicy", "allowed", None))
    for action in ("iam:DeleteUserPermissionsBoundary", "iam:DetachUserPolicy", "iam:PutUserPermissionsBoundary"):
        aws.judge((action, "allowed", None))
    aws.judge(("iam:PutUserPermissionsBoundary", "implicitDeny", None), role=third, context=[])
    found = readiness.check("111122223333", ROLE, [QuarantineUser()], aws, third=third)
    (problem,) = found.problems
    assert problem == (
        "111122223333: the third role may not call iam:PutUserPermissionsBoundary: no policy allows it. "
        "`triage permissions --act --roles` prints what it needs."
    )
    aws.stub.assert_no_pending_responses()


@pytest.mark.parametrize(
    ("accounts", "organisation", "wanted"),
    [
        (["111122223333"], "", ["111122223333"]),
        (["111122223333"], "444455556666", ["111122223333", "444455556666"]),
        (["444455556666"], "444455556666", ["444455556666"]),
    ],
)
def test_of_every_environment_the_account_with_the_organisations_policies_is_checked_too(
    state: State, accounts: list[str], organisation: str, wanted: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def check(account: str, role: str, *_: object, third: str | None) -> Checked:
        assert (role, third) == (f"arn:aws:iam::{account}:role/TriageAct", f"arn:aws:iam::{account}:role/TriageRoles")
        return Checked(account, (), ())

    monkeypatch.setattr(readiness, "check", check)
    roles = (f"arn:aws:iam::{{account}}:role/{name}" for name in ("TriageAct", "TriageRoles"))
    aws = Aws(AwsSettings(act_role=next(roles), roles_role=next(roles)), lambda: NOW)
    armoury = Armoury(state, lambda: NOW, AccessRules(), aws, [], {"all": accounts}, organisation)
    assert [each.account for each in armoury.check()["all"]] == wanted


def test_a_check_that_could_not_be_made_is_a_problem() -> None:
    aws = Judged()
    aws.stub.add_client_error("simulate_principal_policy", "AccessDenied", http_status_code=403)
    (problem,) = readiness.check("111122223333", ROLE, [DisableAccessKey()], aws).problems
    assert "could not be checked" in problem
    assert "AccessDenied" in problem
