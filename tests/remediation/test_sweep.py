"""What stolen keys made, of every kind: whether it still stands, asked of a real AWS, and what answers it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from bot.made.calls import kind_of
from bot.made.containing import to_contain
from bot.made.looking import NOT_ASKED, AwsLooking, NobodyAsked
from bot.made.sweeping import NO_RECORD, NO_WAY, sweep
from bot.model import ChangeState, Containment, Deed, Detail, Event, Made, Outcome, Scope, Standing, Step, Sweep
from bot.remediation.contain import Wanted
from tests.fakes import FakeRecords, event
from tests.remediation.bench import ANA, Bench
from tests.remediation.cloud import ACCOUNT, FOREIGN, key_id
from tests.remediation.door import Fate
from tests.remediation.thief import ADMIN, new_policy, new_role, new_user, trusting
from tests.scope.made import scoped

REGION = "eu-west-1"
OUTSIDE = "999900001111"


@dataclass
class Told:
    """What CloudTrail tells of the thief, call by call."""

    bench: Bench
    deeds: list[Deed] = field(default_factory=list)
    parameters: dict[str, Mapping[str, Any]] = field(default_factory=dict)

    def of(self, name: str, *, thiefs: bool = True, minted: str | None = None, **asked: Any) -> Event:
        region = "us-east-1" if name.startswith(("iam:", "sts:")) else REGION
        detail = Detail(enabled=asked.pop("enabled")) if "enabled" in asked else None
        made = replace(
            event(name=name),
            at=self.bench.clock.now,
            key=self.bench.seat.stolen.id,
            minted=minted,
            region=region,
            detail=detail,
        )
        self.deeds.append(Deed(made, thiefs))
        self.parameters[made.id] = asked
        return made

    def sweep(self, *, records: bool = True) -> Sweep:
        looking = AwsLooking(self.bench.aws, self.bench.clock)
        return sweep(scope_with(self.deeds), FakeRecords(self.parameters if records else {}), looking)

    def only(self) -> Made:
        (thing,) = self.sweep().things
        return thing


def scope_with(deeds: list[Deed]) -> Scope:
    return replace(scoped([], 1), deeds=tuple(deeds))


@pytest.fixture
def told(bench: Bench) -> Told:
    return Told(bench)


def stands(thing: Made) -> tuple[str, str]:
    return thing.kind, thing.standing.value


# ------------------------------------------------------------------------------------------- identities


def test_a_key_is_active_then_disabled_then_gone(bench: Bench, told: Told) -> None:
    name, (key, _) = new_user(bench)
    told.of("iam:CreateAccessKey", minted=key.id, userName=name)
    thing = told.only()
    assert (*stands(thing), thing.told) == ("access key", "exists", f"active, of {name}")
    assert (thing.remediation, thing.target) == ("disable_created", key.id)
    bench.done("disable_created", key.id)
    assert stands(told.only()) == ("access key", "disabled")
    bench.cloud.iam().delete_access_key(UserName=name, AccessKeyId=key.id)
    assert stands(told.only()) == ("access key", "gone")


def test_a_user_is_there_then_denied_everything_then_gone(bench: Bench, told: Told) -> None:
    iam, name = bench.cloud.iam(), new_user(bench)[0]
    told.of("iam:CreateUser", userName=name)
    thing = told.only()
    assert stands(thing) == ("user", "exists")
    assert (thing.remediation, thing.target) == ("disable_created", f"{ACCOUNT}:user/{name}")
    bench.done("disable_created", f"{ACCOUNT}:user/{name}")
    assert told.only().told == "denied everything (AWSDenyAll)"
    assert stands(told.only()) == ("user", "disabled")
    remove_user(iam, name)
    assert stands(told.only()) == ("user", "gone")


def remove_user(iam: Any, name: str) -> None:
    for key in iam.list_access_keys(UserName=name)["AccessKeyMetadata"]:
        iam.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])
    for policy in iam.list_attached_user_policies(UserName=name)["AttachedPolicies"]:
        iam.detach_user_policy(UserName=name, PolicyArn=policy["PolicyArn"])
    iam.delete_user_policy(UserName=name, PolicyName="work")
    iam.delete_user(UserName=name)


def test_a_password_is_there_until_it_is_reset(bench: Bench, told: Told) -> None:
    told.of("iam:UpdateLoginProfile", userName=bench.seat.user)
    thing = told.only()
    assert stands(thing) == ("console password", "exists")
    assert (thing.remediation, thing.target) == ("reset_console_password", bench.seat.principal)
    bench.done("reset_console_password", bench.seat.principal)
    assert stands(told.only()) == ("console password", "gone")


def test_an_mfa_device_is_one_thing_from_its_making_to_its_removal(bench: Bench, told: Told) -> None:
    iam, user = bench.cloud.iam(), bench.seat.user
    serial = iam.create_virtual_mfa_device(VirtualMFADeviceName=f"mfa-{user}")["VirtualMFADevice"]["SerialNumber"]
    told.of("iam:CreateVirtualMFADevice", virtualMFADeviceName=f"mfa-{user}")
    assert told.only().told == "signs in nobody yet"
    told.of("iam:EnableMFADevice", userName=user, serialNumber=serial)
    iam.enable_mfa_device(
        UserName=user, SerialNumber=serial, AuthenticationCode1="123456", AuthenticationCode2="654321"
    )
    thing = told.only()
    assert (*stands(thing), thing.name, thing.calls) == (
        *("MFA device", "exists", serial),
        ("iam:CreateVirtualMFADevice", "iam:EnableMFADevice"),
    )
    assert thing.commands == (f"aws iam deactivate-mfa-device --user-name {user} --serial-number {serial}",)
    iam.deactivate_mfa_device(UserName=user, SerialNumber=serial)
    assert stands(told.only()) == ("MFA device", "gone")


def test_a_user_in_a_new_group_is_a_member_until_taken_out(bench: Bench, told: Told) -> None:
    iam, user, group = bench.cloud.iam(), bench.seat.user, f"admins-{bench.seat.user}"
    iam.create_group(GroupName=group)
    iam.add_user_to_group(GroupName=group, UserName=user)
    told.of("iam:AddUserToGroup", userName=user, groupName=group)
    thing = told.only()
    assert (*stands(thing), thing.name) == ("group membership", "exists", f"{user} in {group}")
    assert thing.commands == (f"aws iam remove-user-from-group --user-name {user} --group-name {group}",)
    iam.remove_user_from_group(GroupName=group, UserName=user)
    assert stands(told.only()) == ("group membership", "gone")


# --------------------------------------------------------------------------------------------------- rights


def test_a_policy_grants_something_while_it_is_attached(bench: Bench, told: Told) -> None:
    iam, arn = bench.cloud.iam(), new_policy(bench)
    iam.attach_user_policy(UserName=bench.seat.user, PolicyArn=arn)
    told.of("iam:CreatePolicy", policyName=arn.rpartition("/")[2])
    thing = told.only()
    assert (*stands(thing), thing.remediation, thing.target) == ("policy", "exists", "disable_created", arn)
    bench.done("disable_created", arn)
    assert stands(told.only()) == ("policy", "disabled")
    iam.delete_policy(PolicyArn=arn)
    assert stands(told.only()) == ("policy", "gone")


def test_a_policy_version_stands_while_it_is_the_default(bench: Bench, told: Told) -> None:
    iam, arn = bench.cloud.iam(), bench.seat.policy
    iam.attach_user_policy(UserName=bench.seat.user, PolicyArn=arn)
    iam.create_policy_version(PolicyArn=arn, PolicyDocument=json.dumps(ADMIN), SetAsDefault=True)
    told.of("iam:CreatePolicyVersion", policyArn=arn, setAsDefault=True)
    assert (*stands(told.only()), told.only().target) == ("policy version", "exists", arn)
    bench.done("disable_created", arn)
    assert stands(told.only()) == ("policy version", "disabled")


@pytest.mark.parametrize("holder", ["user", "role"])
def test_a_policy_that_is_attached_or_written_in_is_seen_until_it_is_taken_off(
    bench: Bench, told: Told, holder: str
) -> None:
    iam: Any = bench.cloud.iam()
    who, kind = getattr(bench.seat, holder), holder.capitalize()
    whom, arn = {f"{kind}Name": who}, bench.seat.policy
    getattr(iam, f"attach_{holder}_policy")(**whom, PolicyArn=arn)
    getattr(iam, f"put_{holder}_policy")(**whom, PolicyName="more", PolicyDocument=json.dumps(ADMIN))
    told.of(f"iam:Attach{kind}Policy", policyArn=arn, **{f"{holder}Name": who})
    told.of(f"iam:Put{kind}Policy", policyName="more", **{f"{holder}Name": who})
    attached, inline = told.sweep().things
    assert [stands(attached), stands(inline)] == [("attached policy", "exists"), ("inline policy", "exists")]
    assert attached.name == f"{arn} of {holder} {who}"
    assert attached.commands == (f"aws iam detach-{holder}-policy --{holder}-name {who} --policy-arn {arn}",)
    assert inline.commands == (f"aws iam delete-{holder}-policy --{holder}-name {who} --policy-name more",)
    getattr(iam, f"detach_{holder}_policy")(**whom, PolicyArn=arn)
    getattr(iam, f"delete_{holder}_policy")(**whom, PolicyName="more")
    assert {stands(each) for each in told.sweep().things} == {("attached policy", "gone"), ("inline policy", "gone")}


def test_a_policy_that_stops_a_thief_is_no_thiefs_making(told: Told) -> None:
    told.of("iam:AttachUserPolicy", userName="alice", policyArn="arn:aws:iam::aws:policy/AWSDenyAll")
    told.of("iam:AttachUserPolicy", userName="alice", policyArn="arn:aws:iam::aws:policy/AWSCompromisedKeyQuarantineV3")
    assert told.sweep().things == ()


# ---------------------------------------------------------------------------------------------------- trust


def test_a_role_trusts_nobody_once_it_is_disabled(bench: Bench, told: Told) -> None:
    role = new_role(bench)
    told.of("iam:CreateRole", roleName=role)
    thing = told.only()
    assert (*stands(thing), thing.target) == ("role", "exists", f"{ACCOUNT}:role/{role}")
    bench.clock.forward(seconds=2)
    bench.done("disable_created", f"{ACCOUNT}:role/{role}")
    assert (*stands(told.only()), told.only().told) == ("role", "disabled", "trusts nobody")


def test_a_changed_trust_is_seen_until_somebody_changes_it_again(bench: Bench, told: Told) -> None:
    role, wider = bench.seat.role, trusting(bench.seat.user, "triage-bot")
    bench.cloud.iam().update_assume_role_policy(RoleName=role, PolicyDocument=wider)
    told.of("iam:UpdateAssumeRolePolicy", roleName=role, policyDocument=wider)
    assert (*stands(told.only()), told.only().told) == ("trust policy", "exists", "as the call wrote it")
    bench.cloud.iam().update_assume_role_policy(RoleName=role, PolicyDocument=trusting(bench.seat.user))
    assert stands(told.only()) == ("trust policy", "disabled")


def test_identity_providers_are_seen_until_they_are_deleted(bench: Bench, told: Told) -> None:
    iam, host = bench.cloud.iam(), f"{bench.seat.user}.example.com"
    iam.create_open_id_connect_provider(Url=f"https://{host}/a", ThumbprintList=["0" * 40])
    told.of("iam:CreateOpenIDConnectProvider", url=f"https://{host}/a")
    thing = told.only()
    arn = f"arn:aws:iam::{ACCOUNT}:oidc-provider/{host}/a"
    assert (*stands(thing), thing.name) == ("OpenID Connect provider", "exists", arn)
    assert thing.commands == (f"aws iam delete-open-id-connect-provider --open-id-connect-provider-arn {arn}",)
    iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=arn)
    assert stands(told.only()) == ("OpenID Connect provider", "gone")


# ---------------------------------------------------------------------------------------------------- doors


def test_a_function_url_is_open_to_everybody_until_it_is_deleted(bench: Bench, told: Told) -> None:
    aws, name = bench.cloud.as_root(ACCOUNT, "lambda", REGION), f"job-{bench.seat.user}"
    aws.create_function(
        FunctionName=name,
        Runtime="python3.12",
        Role=f"arn:aws:iam::{ACCOUNT}:role/{bench.seat.role}",
        Handler="index.handler",
        Code={"ZipFile": EMPTY_ZIP},
    )
    aws.create_function_url_config(FunctionName=name, AuthType="NONE")
    aws.add_permission(FunctionName=name, StatementId="open", Action="lambda:InvokeFunctionUrl", Principal="*")
    told.of("lambda:CreateFunction", functionName=name)
    told.of("lambda:CreateFunctionUrlConfig", functionName=name, authType="NONE")
    told.of("lambda:AddPermission", functionName=name, statementId="open", principal="*")
    url, code, right = sorted(told.sweep().things, key=lambda each: each.kind)
    kinds = ("function URL", "function code", "right to invoke")
    assert [stands(each) for each in (url, code, right)] == [(kind, "exists") for kind in kinds]
    assert "asks nobody who they are" in url.told
    assert (url.remediation, url.target) == (
        "disable_created",
        f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}",
    )
    assert right.told == "lets * call it"
    aws.delete_function_url_config(FunctionName=name)
    aws.remove_permission(FunctionName=name, StatementId="open")
    aws.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    assert {stands(each) for each in told.sweep().things} == {
        *(("function URL", "gone"), ("right to invoke", "gone"), ("function code", "disabled")),
    }


EMPTY_ZIP = b"PK\x05\x06" + b"\0" * 18


def test_a_shared_snapshot_is_shared_until_it_is_taken_back(bench: Bench, told: Told) -> None:
    aws = bench.cloud.as_root(ACCOUNT, "ec2", REGION)
    volume = aws.create_volume(AvailabilityZone=f"{REGION}a", Size=1)["VolumeId"]
    snapshot = aws.create_snapshot(VolumeId=volume)["SnapshotId"]
    added = {"add": {"items": [{"userId": OUTSIDE}]}}
    told.of("ec2:ModifySnapshotAttribute", snapshotId=snapshot, createVolumePermission=added)
    told.of("ec2:ModifySnapshotAttribute", snapshotId=snapshot, createVolumePermission={"remove": added["add"]})
    change = {"SnapshotId": snapshot, "Attribute": "createVolumePermission", "UserIds": [OUTSIDE]}
    aws.modify_snapshot_attribute(**change, OperationType="add")
    thing = told.only()
    assert (*stands(thing), thing.name, thing.told) == (
        *("shared snapshot", "exists", snapshot),
        f"shared with {OUTSIDE}",
    )
    words = "--attribute createVolumePermission --operation-type remove --user-ids"
    assert thing.commands == (
        f"aws ec2 modify-snapshot-attribute --snapshot-id {snapshot} {words} {OUTSIDE} --region {REGION}",
    )
    aws.modify_snapshot_attribute(**change, OperationType="remove")
    assert stands(told.only()) == ("shared snapshot", "gone")
    aws.delete_snapshot(SnapshotId=snapshot)
    assert stands(told.only()) == ("shared snapshot", "gone")


def test_mail_that_was_switched_is_asked_for_in_its_own_region(bench: Bench, told: Told) -> None:
    told.of("ses:UpdateAccountSendingEnabled", enabled=True)
    thing = told.only()
    assert (*stands(thing), thing.told) == ("e-mail sending", "exists", "sending is on")
    assert (thing.remediation, thing.target) == ("pause_ses", f"{ACCOUNT}/{REGION}")
    assert to_contain(told.sweep()) == ()  # to stop all mail is a decision of its own


# ------------------------------------------------------------------------------------------------- sessions


def test_sessions_are_ended_by_what_ends_them_or_by_themselves(bench: Bench, told: Told) -> None:
    role = f"arn:aws:iam::{ACCOUNT}:role/{bench.seat.role}"
    told.of("sts:AssumeRole", minted=key_id(1, prefix="ASIA"), roleArn=role, durationSeconds=3600)
    thing = told.only()
    assert stands(thing) == ("session", "could not ask")
    assert "AWS lists no sessions; it ends by itself at" in thing.told
    assert (thing.remediation, thing.target) == ("revoke_sessions", f"{ACCOUNT}:role/{bench.seat.role}")
    bench.clock.forward(seconds=2)
    bench.done("revoke_sessions", f"{ACCOUNT}:role/{bench.seat.role}")
    assert stands(told.only()) == ("session", "disabled")
    bench.clock.forward(hours=1)
    assert stands(told.only()) == ("session", "gone")


def test_a_federated_session_ends_with_its_user(bench: Bench, told: Told) -> None:
    made = told.of("sts:GetFederationToken", minted=key_id(2, prefix="ASIA"))
    mine = replace(made, principal=replace(made.principal, id=bench.seat.principal))
    told.deeds[:] = [Deed(mine, thiefs=True)]
    thing = told.only()
    assert (*stands(thing), thing.target) == ("session", "could not ask", bench.seat.principal)
    bench.done("quarantine_user", bench.seat.principal)
    assert stands(told.only()) == ("session", "disabled")


# ---------------------------------------------------------------------------------------- what is not known


def test_what_cannot_be_asked_is_said_in_words_and_never_taken_for_gone(bench: Bench, told: Told) -> None:
    told.of("iam:CreateUser", userName="helper")
    told.of("route53:CreateHostedZone")
    unread = told.sweep(records=False).things
    assert [(each.kind, each.standing, each.told) for each in unread] == [
        ("other change", Standing.UNKNOWN, NO_WAY),
        ("user", Standing.UNKNOWN, NO_RECORD),
    ]
    assert unread[1].commands == (f"triage event-record {told.deeds[0].event.id}",)
    nobody = sweep(scope_with(told.deeds), FakeRecords(told.parameters), NobodyAsked(bench.clock.now))
    assert nobody.things[1].told == NOT_ASKED
    assert [gap.why for gap in nobody.gaps] == [f"1 of 2 could not be asked about: {NOT_ASKED}"]


def test_an_account_without_a_way_in_is_asked_once(bench: Bench, told: Told) -> None:
    for name in ("one", "two"):
        made = told.of("iam:CreateUser", userName=name)
        told.deeds[-1] = Deed(replace(made, account=FOREIGN), thiefs=True)
    swept = told.sweep()
    assert {each.standing for each in swept.things} == {Standing.UNKNOWN}
    assert len(swept.gaps) == 1
    assert swept.gaps[0].why.startswith("2 of 2 could not be asked about: ")


def test_a_refusal_is_no_answer(bench: Bench, told: Told) -> None:
    bench.door.fail("GetUser", Fate.DENIED, times=2)
    told.of("iam:CreateUser", userName=bench.seat.user)
    assert (told.only().standing, told.only().told) == (Standing.UNKNOWN, "AccessDenied on GetUser")


def test_there_is_an_end_to_asking(bench: Bench, told: Told) -> None:
    told.of("iam:CreateUser", userName=bench.seat.user)
    looking = AwsLooking(bench.aws, bench.clock)
    bench.clock.forward(seconds=31)
    swept = sweep(scope_with(told.deeds), FakeRecords(told.parameters), looking)
    assert swept.things[0].told == "there was no time left of the 30 s for all of it"


def test_the_thiefs_things_come_first_and_one_thing_is_told_once(told: Told) -> None:
    told.of("iam:CreateUser", thiefs=False, userName="colleague")
    told.of("iam:CreateUser", userName="helper")
    told.of("ec2:RunInstances")
    told.of("ec2:RunInstances")
    swept = told.sweep().things
    assert [(each.kind, each.thiefs) for each in swept] == [
        *(("other change", True), ("user", True), ("user", False)),
    ]
    assert len(swept[0].evidence) == 2


# --------------------------------------------------------------------------------------------- contain all


def contained(bench: Bench, told: Told, keys: tuple[str, ...]) -> Containment:
    answer = bench.remediations.contain.plan(Wanted(keys, (), to_contain(told.sweep())), ANA, 7)
    assert isinstance(answer, Containment), answer
    return answer


def test_contain_all_takes_what_was_made_and_leaves_commands_where_it_has_no_change(bench: Bench, told: Told) -> None:
    iam, seat, role, arn = bench.cloud.iam(), bench.seat, new_role(bench), new_policy(bench)
    name, (key, other) = new_user(bench)
    iam.attach_user_policy(UserName=seat.user, PolicyArn=arn)
    iam.create_group(GroupName=f"more-{seat.user}")
    iam.add_user_to_group(GroupName=f"more-{seat.user}", UserName=name)
    told.of("iam:CreateUser", userName=name)
    told.of("iam:CreateAccessKey", userName=name, minted=other.id)
    told.of("iam:CreateRole", roleName=role)
    told.of("iam:CreatePolicy", policyName=arn.rpartition("/")[2])
    told.of("iam:AttachUserPolicy", userName=seat.user, policyArn=arn)
    told.of("iam:AddUserToGroup", userName=name, groupName=f"more-{seat.user}")
    told.of("iam:CreateUser", thiefs=False, userName=seat.user)
    bench.clock.forward(seconds=2)
    planned = contained(bench, told, (seat.stolen.id,))
    made = [(row.remediation, row.target) for row in planned.rows if row.step is Step.MADE]
    assert made == [
        ("disable_created", arn),
        ("disable_created", f"{ACCOUNT}:role/{role}"),
        ("disable_created", f"{ACCOUNT}:user/{name}"),
        ("remove", f"group membership {name} in more-{seat.user}"),
    ]
    by_hand = planned.rows[-1].refusal
    assert by_hand is not None
    assert by_hand.commands == (f"aws iam remove-user-from-group --user-name {name} --group-name more-{seat.user}",)
    bench.remediations.contain.approve(planned.id, ANA, "one thief")
    bench.carry_out_due_jobs()
    ended = bench.remediations.contain.show(planned.id)
    assert isinstance(ended, Containment)
    assert {row.change.state for row in ended.rows if row.change} == {ChangeState.CONFIRMED}
    assert not any(bench.cloud.may_work(each) for each in (key, other, seat.stolen))
    again = {(each.kind, each.standing) for each in told.sweep().things if each.thiefs}
    assert ("user", Standing.DISABLED) in again
    assert ("role", Standing.DISABLED) in again
    assert ("policy", Standing.DISABLED) in again


def test_a_made_key_that_is_stolen_itself_is_disabled_once(bench: Bench, told: Told) -> None:
    _, (key, _) = new_user(bench)
    told.of("iam:CreateAccessKey", minted=key.id)
    rows = contained(bench, told, (key.id,)).rows
    assert [row.remediation for row in rows if row.target == key.id] == ["disable_access_key"]


# ---------------------------------------------------------------------- which calls of a key make something


@pytest.mark.parametrize(
    ("name", "changes", "kind"),
    [
        ("iam:CreateUser", {}, "user"),
        ("iam:CreateUser", {"outcome": Outcome.DENIED}, None),
        ("iam:CreateUser", {"by_service": True}, None),
        ("iam:ListUsers", {}, None),
        ("sts:AssumeRole", {"minted": "ASIA"}, "session"),
        ("sts:GetCallerIdentity", {}, None),
        ("route53:CreateHostedZone", {}, "other change"),
        ("ec2:RunInstances", {}, "other change"),
        ("ses:SendEmail", {}, None),
        ("s3:PutBucketPolicy", {}, "other change"),
        ("logs:StartQuery", {}, None),
        ("ec2:Settle", {}, None),
    ],
)
def test_calls_that_make_change_or_give_out_something_are_known(
    name: str, changes: dict[str, Any], kind: str | None
) -> None:
    found = kind_of(event(name=name, **changes))
    assert (found.name if found else None) == kind
