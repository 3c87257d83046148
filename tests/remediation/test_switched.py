"""Doors with a switch that a thief made, or opened: shut, and opened again; what has none is a person's task."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from botocore.exceptions import ClientError

from bot import tasks
from bot.model import ChangeState, Plan, Refusal
from bot.remediation.created.switched import placed
from bot.remediation.offer import Offer
from tests.remediation.anywhere import Anywhere, standing_in
from tests.remediation.bench import ANA, BEN, SETTINGS, Bench, refused
from tests.remediation.cloud import ACCOUNT
from tests.remediation.thief import FUNCTIONS, open_function, told_of

NAME = "disable_created"
REGION = "eu-central-1"


@pytest.fixture
def anywhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[Anywhere]:
    with standing_in() as here:
        monkeypatch.setenv("AWS_ENDPOINT_URL_ROLESANYWHERE", here.url)
        yield here


def auth_of(bench: Bench, arn: str) -> str:
    aws = bench.cloud.as_root(ACCOUNT, "lambda", FUNCTIONS)
    return str(aws.get_function_url_config(FunctionName=arn.rpartition(":")[2])["AuthType"])


# ------------------------------------------------------------------------------------------- function URLs


def test_a_functions_url_takes_signed_calls_only_until_it_is_taken_back(bench: Bench) -> None:
    arn = open_function(bench)
    name = arn.rpartition(":")[2]
    by = told_of(bench, "lambda:CreateFunctionUrlConfig", functionName=name)
    plan = bench.plan(NAME, arn)
    assert plan.title == f"Let nobody call function {name} by its URL without signing"
    assert any(f"Made by {by}" in warning for warning in plan.warnings)
    done = bench.done(NAME, arn)
    assert (done.state, auth_of(bench, arn)) == (ChangeState.CONFIRMED, "AWS_IAM")
    assert bench.refusal(NAME, arn).settled
    assert bench.undone(done.execution).state is ChangeState.CONFIRMED
    assert auth_of(bench, arn) == "NONE"


def test_the_acting_role_can_open_no_url_and_its_session_reaches_this_function_only(bench: Bench) -> None:
    arn = open_function(bench)
    bench.done(NAME, arn)
    (assumed,) = [each for each in bench.door.of("AssumeRole") if "TriageAct" in each["RoleArn"]]
    (statement,) = json.loads(assumed["Policy"])["Statement"]
    assert statement["Resource"] == [arn]
    assert statement["Condition"] == {"StringEquals": {"lambda:FunctionUrlAuthType": "AWS_IAM"}}
    client = bench.acting("lambda")  # in another region: what it may do, it does not find
    with pytest.raises(ClientError, match="ResourceNotFound"):
        client.update_function_url_config(FunctionName="job", AuthType="AWS_IAM")
    with pytest.raises(ClientError, match="AccessDenied"):
        client.update_function_url_config(FunctionName="job", AuthType="NONE")


def test_without_the_third_role_opening_it_again_is_by_hand_and_the_preview_says_so(bench: Bench) -> None:
    arn = open_function(bench)
    bench.offering(Offer(), replace(SETTINGS, roles_role=None))
    assert any("Opening it again takes a role of its own" in each for each in bench.plan(NAME, arn).warnings)
    done = bench.done(NAME, arn)
    refusal = bench.remediations.plan_undo(done.execution, BEN)
    assert "set [aws] roles_role" in refused(refusal)
    assert isinstance(refusal, Refusal)
    assert [each.split()[:3] for each in refusal.commands] == [["aws", "lambda", "update-function-url-config"]]
    assert "--auth-type NONE" in refusal.commands[0]


def test_a_url_from_before_is_left_alone(bench: Bench) -> None:
    arn = open_function(bench)
    bench.clock.forward(days=15)
    assert "it is not what a thief has made here" in bench.refusal(NAME, arn).sentence


def test_a_url_somebody_opened_again_is_drift(bench: Bench) -> None:
    arn = open_function(bench)
    bench.done(NAME, arn)
    aws = bench.cloud.as_root(ACCOUNT, "lambda", FUNCTIONS)
    aws.update_function_url_config(FunctionName=arn.rpartition(":")[2], AuthType="NONE")
    bench.clock.forward(seconds=11)
    bench.carry_out_due_jobs()
    assert bench.loose[-1].sentence.endswith(f"--auth-type AWS_IAM --region {FUNCTIONS}")
    aws.delete_function_url_config(FunctionName=arn.rpartition(":")[2])
    bench.clock.forward(minutes=16)
    bench.carry_out_due_jobs()
    assert "AWS shows gone" in bench.told[-1].sentence


def test_a_function_without_a_url_is_a_sentence(bench: Bench) -> None:
    arn = f"arn:aws:lambda:{FUNCTIONS}:{ACCOUNT}:function:nobody"
    refusal = bench.refusal(NAME, arn)
    assert "ResourceNotFoundException" in refusal.sentence
    assert refusal.commands == (f"aws lambda get-function-url-config --function-name nobody --region {FUNCTIONS}",)


# ------------------------------------------------------------------------------------------ Roles Anywhere


@pytest.mark.parametrize(("kind", "what"), [("trust-anchor", "TrustAnchor"), ("profile", "Profile")])
def test_a_trust_anchor_and_a_profile_are_disabled_and_enabled_again(
    bench: Bench, anywhere: Anywhere, kind: str, what: str
) -> None:
    arn = anywhere.make(kind, REGION, ACCOUNT, bench.clock())
    by = told_of(bench, f"rolesanywhere:Create{what}", name=f"{kind}-of-thief")
    plan = bench.plan(NAME, arn)
    assert plan.title == f"Disable {kind.replace('-', ' ')} {kind}-of-thief of IAM Roles Anywhere"
    assert any(f"Made by {by}" in warning for warning in plan.warnings)
    done = bench.done(NAME, arn)
    assert (done.state, anywhere.is_on(arn)) == (ChangeState.CONFIRMED, False)
    assert bench.undone(done.execution).state is ChangeState.CONFIRMED
    assert anywhere.is_on(arn)
    assert {region for _, region in anywhere.calls} == {REGION}
    assert [call for call, _ in anywhere.calls if not call.startswith("Get")] == [f"Disable{what}", f"Enable{what}"]
    assumed = [each for each in bench.door.of("AssumeRole") if "TriageRead" not in each["RoleArn"]]
    acted = [(each["RoleArn"].rpartition("/")[2], json.loads(each["Policy"])["Statement"]) for each in assumed]
    assert acted == [
        (role, [{"Effect": "Allow", "Action": [f"rolesanywhere:{verb}{what}"], "Resource": [arn]}])
        for role, verb in (("TriageAct", "Disable"), ("TriageRoles", "Enable"))
    ]


def test_an_anchor_from_before_is_left_alone(bench: Bench, anywhere: Anywhere) -> None:
    arn = anywhere.make("trust-anchor", REGION, ACCOUNT, bench.clock() - timedelta(days=15))
    assert "it is not what a thief has made here" in bench.refusal(NAME, arn).sentence
    assert anywhere.is_on(arn)


def test_an_anchor_that_is_gone_is_gone(bench: Bench, anywhere: Anywhere) -> None:
    arn = anywhere.make("profile", REGION, ACCOUNT, bench.clock())
    done = bench.done(NAME, arn)
    anywhere.held.clear()
    assert "no longer exists" in refused(bench.remediations.plan_undo(done.execution, BEN))


@pytest.mark.parametrize(
    "target",
    [
        "arn:aws:lambda:eu-west-1:111122223333:function:job:live",
        "arn:aws-cn:lambda:cn-north-1:111122223333:function:job",
        "arn:aws:rolesanywhere:eu-west-1:111122223333:profile/00000000-0000-4000-8000-000000000000",
    ],
)
def test_a_switch_is_known_by_its_arn(target: str) -> None:
    place = placed(target)
    assert place is not None
    assert (place.arn, place.account) == (target, "111122223333")
    assert place.alias == ("live" if target.endswith(":live") else "")


@pytest.mark.parametrize("target", ["", "arn:aws:lambda:eu-west-1:1:function:job", "arn:aws:s3:::bucket", "job\n"])
def test_and_by_nothing_else(target: str) -> None:
    assert placed(target) is None


# --------------------------------------------------------------------------------- what has no switch


def left(bench: Bench, target: str) -> Refusal:
    """What is said of ``target``, which is on record as the one task of its case."""
    refusal = bench.refusal(NAME, target)
    (task,) = tasks.of_case(bench.state.read(), 7)
    assert (task.title, task.commands) == (refusal.task, refusal.commands)
    assert bench.given == [7]
    assert not bench.door.changing()
    return refusal


def test_the_thiefs_mfa_device_is_a_persons_task(bench: Bench) -> None:
    serial = f"arn:aws:iam::{ACCOUNT}:mfa/second-phone"
    by = told_of(bench, "iam:EnableMFADevice", serialNumber=serial, userName=bench.seat.user)
    refusal = left(bench, serial)
    assert refusal.sentence.startswith(f"Made by {by}")
    assert "leave the user's own devices where they are" in refusal.sentence
    assert refusal.commands == (
        f"aws iam deactivate-mfa-device --serial-number {serial} --user-name {bench.seat.user}",
    )


def test_whose_mfa_device_it_is_aws_is_asked_where_no_record_says(bench: Bench) -> None:
    (command,) = left(bench, f"arn:aws:iam::{ACCOUNT}:mfa/second-phone").commands
    assert '--user-name "$(aws iam list-virtual-mfa-devices --assignment-status Assigned --query ' in command
    assert command.endswith(".User.UserName' --output text)\"")


@pytest.mark.parametrize(
    ("provider", "call", "asked", "verb"),
    [
        ("saml-provider/evil", "iam:CreateSAMLProvider", {"name": "evil"}, "saml-provider"),
        (
            "oidc-provider/evil.example/x",
            "iam:CreateOpenIDConnectProvider",
            {"url": "https://evil.example/x"},
            "open-id-connect-provider",
        ),
    ],
)
def test_an_identity_provider_is_a_persons_task(
    bench: Bench, provider: str, call: str, asked: dict[str, str], verb: str
) -> None:
    arn = f"arn:aws:iam::{ACCOUNT}:{provider}"
    by = told_of(bench, call, **asked)
    refusal = left(bench, arn)
    assert refusal.sentence.startswith(f"Made by {by}")
    look, keep, delete = refusal.commands
    assert "list-roles" in look
    assert keep == f"aws iam get-{verb} --{verb}-arn {arn} > identity-provider.json"
    assert delete == f"aws iam delete-{verb} --{verb}-arn {arn}"


def test_without_a_case_there_is_no_task(bench: Bench) -> None:
    answer = bench.remediations.plan(NAME, f"arn:aws:iam::{ACCOUNT}:mfa/second-phone", ANA)
    assert not isinstance(answer, Plan)
    assert answer.task
    assert bench.state.read().execute("SELECT count(*) FROM tasks").fetchone() == (0,)
