"""What a thief makes to stay, and changes, with the rights of the account's root user."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from bot.history.access_key import account_of
from tests.fakes import event
from tests.remediation.bench import Bench
from tests.remediation.cloud import ACCOUNT, OWNER, Key

if TYPE_CHECKING:
    from mypy_boto3_iam.client import IAMClient
    from mypy_boto3_iam.type_defs import AccessKeyTypeDef

FUNCTIONS = "eu-west-1"
EMPTY_ZIP = b"PK\x05\x06" + b"\0" * 18
ADMIN = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


def trusting(*users: str) -> str:
    arns = [f"arn:aws:iam::{ACCOUNT}:user/{user}" for user in users]
    statement = {"Effect": "Allow", "Principal": {"AWS": arns}, "Action": "sts:AssumeRole"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def told_of(bench: Bench, name: str, /, **asked: Any) -> str:
    """CloudTrail delivers that somebody with the stolen key made a call; the words that the preview has for it."""
    made = event(name=name)
    bench.events.append(replace(made, at=bench.clock.now, key=bench.seat.stolen.id, minted=asked.pop("minted", None)))
    bench.parameters[made.id] = asked
    return f"{name} by {made.principal.id} with {bench.seat.stolen.id} from {made.ip}"


def new_user(bench: Bench) -> tuple[str, list[Key]]:
    """A user the thief makes, with rights and two keys."""
    iam, name = bench.cloud.iam(), f"support-{bench.seat.user}"
    iam.create_user(UserName=name)
    iam.put_user_policy(UserName=name, PolicyName="work", PolicyDocument=json.dumps(OWNER))
    made = [_drawn(iam, name) for _ in range(2)]
    return name, [Key(each["AccessKeyId"], (each["SecretAccessKey"], None)) for each in made]


def _drawn(iam: IAMClient, user: str) -> AccessKeyTypeDef:
    """A key of ``user`` whose id, random here, encodes no account: that would be one the bot has no way into."""
    while account_of((key := iam.create_access_key(UserName=user)["AccessKey"])["AccessKeyId"]):
        iam.delete_access_key(UserName=user, AccessKeyId=key["AccessKeyId"])
    return key


def new_policy(bench: Bench, document: Any = ADMIN) -> str:
    name = f"helper-{bench.seat.user}"
    arn = bench.cloud.iam().create_policy(PolicyName=name, PolicyDocument=json.dumps(document))["Policy"]["Arn"]
    return str(arn)


def new_role(bench: Bench) -> str:
    name = f"backdoor-{bench.seat.user}"
    bench.cloud.iam().create_role(RoleName=name, AssumeRolePolicyDocument=trusting(bench.seat.user))
    bench.cloud.iam().put_role_policy(RoleName=name, PolicyName="work", PolicyDocument=json.dumps(OWNER))
    return name


def open_function(bench: Bench) -> str:
    """A function that anybody may call by its URL; its ARN."""
    aws, name = bench.cloud.as_root(ACCOUNT, "lambda", FUNCTIONS), f"job-{bench.seat.user}"
    arn = aws.create_function(
        FunctionName=name,
        Runtime="python3.12",
        Role=f"arn:aws:iam::{ACCOUNT}:role/{bench.seat.role}",
        Handler="index.handler",
        Code={"ZipFile": EMPTY_ZIP},
    )["FunctionArn"]
    aws.create_function_url_config(FunctionName=name, AuthType="NONE")
    return str(arn)


def changed_trust(bench: Bench) -> str:
    """The seat's role, old, whose trust the thief has widened; CloudTrail knows both its forms."""
    role, iam = bench.seat.role, bench.cloud.iam()
    told_of(bench, "iam:CreateRole", roleName=role, assumeRolePolicyDocument=trusting(bench.seat.user))
    bench.events[-1] = replace(bench.events[-1], at=bench.clock.now - timedelta(days=200))
    wider = trusting(bench.seat.user, "triage-bot")
    iam.update_assume_role_policy(RoleName=role, PolicyDocument=wider)
    told_of(bench, "iam:UpdateAssumeRolePolicy", roleName=role, policyDocument=wider)
    return f"{ACCOUNT}:role/{role}"
