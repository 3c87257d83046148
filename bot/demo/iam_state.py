"""What the local AWS knows when it starts: the story's users with their keys, and the bot's own two roles.

The shape is that of ``iam.json``, which MiniStack 1.5.33 (``ministack.services.iam.get_state``) keeps its IAM in.
Written before the first start, it gives the users the very keys of the story, which no API call could.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from types import MappingProxyType
from typing import Any

from bot.demo.world import Story
from bot.demo.world.identifiers import make_id, make_secret
from bot.demo.world.stage import KeyPair
from bot.made import sweeping
from bot.model import rfc3339

BOT_USER = "triage-bot"
READ_ROLE = "triage-read"
ACT_ROLE = "triage-act"
_FORMAT = 2

_READING = (
    "iam:Get*", "iam:List*", "iam:GenerateCredentialReport", "sts:GetAccessKeyInfo", "cloudtrail:LookupEvents",
    "account:GetAlternateContact", "ses:GetSendStatistics",
)  # fmt: skip
_ACTING = (
    "iam:UpdateAccessKey", "iam:AttachUserPolicy", "iam:DetachUserPolicy", "iam:PutUserPolicy", "iam:DeleteUserPolicy",
    "iam:PutRolePolicy", "iam:DeleteRolePolicy", "iam:DeleteLoginProfile", "iam:CreateLoginProfile",
    "iam:UpdateLoginProfile", "iam:PutUserPermissionsBoundary", "iam:DeleteUserPermissionsBoundary", "iam:TagUser",
    "iam:UntagUser",
)  # fmt: skip
_OWNER = (
    "apigateway:GET", "lambda:Get*", "lambda:List*", "logs:Describe*", "logs:FilterLogEvents", "s3:List*",
    "sqs:Get*", "sqs:ListQueues", "dynamodb:DescribeTable", "ssm:GetParameter*", "cloudwatch:GetMetricData",
    "iam:GetUser", "ses:List*", "ses:GetIdentity*", "ses:GetAccountSendingEnabled", "ses:GetSendStatistics",
    "ses:UpdateAccountSendingEnabled",
)  # fmt: skip
"""What the owners of the stolen keys may do: neither list users nor read the sending quota."""


@dataclass(frozen=True, slots=True)
class BotAccess:
    """The bot's own way into the local AWS: a user that may do nothing but assume the two roles."""

    key: KeyPair
    external_id: str
    read_role: str
    act_role: str


def bot_access(story: Story) -> BotAccess:
    rng = Random(f"bot/{story.alert_id}")
    key = KeyPair(make_id("AKIA", story.account, rng), BOT_USER, make_secret(rng))
    roles = f"arn:aws:iam::{story.account}:role/"
    return BotAccess(key, f"made-{rng.getrandbits(64):016x}", roles + READ_ROLE, roles + ACT_ROLE)


def write_iam_state(folder: Path, story: Story) -> BotAccess:
    """Write ``iam.json`` into MiniStack's state folder. Raises ``OSError`` if it cannot."""
    access = bot_access(story)
    scoped = {name: _scoped(story.account, entries) for name, entries in _state(story, access).items()}
    document = {"__ministack_format__": _FORMAT, "payload": scoped}
    (folder / "iam.json").write_text(json.dumps(document), encoding="utf-8")
    return access


def _scoped(account: str, entries: Mapping[str, Any]) -> dict[str, Any]:
    return {"__scoped__": True, "data": {f"{account}\x00{name!r}": entry for name, entry in entries.items()}}


def _state(story: Story, access: BotAccess) -> dict[str, dict[str, Any]]:
    created = rfc3339(story.alert_at - timedelta(days=400))
    owners = [key.user for key in story.stolen]
    keys = [*story.stolen, story.other_key, story.guarded_key, access.key]
    assuming = _policy(
        ["sts:AssumeRole", "sts:SetSourceIdentity", "sts:TagSession"], [access.read_role, access.act_role]
    )
    return {
        "users": {
            **{name: _user(story.account, name, created, _owner_tags(name)) for name in owners},
            story.guarded_key.user: _user(story.account, story.guarded_key.user, created),
            BOT_USER: _user(story.account, BOT_USER, created),
        },
        "access_keys": {key.id: _access_key(key, story.alert_at) for key in keys},
        "user_inline_policies": {
            **{name: {"parcelhub-api": _policy(_OWNER)} for name in owners},
            BOT_USER: {"assume-its-roles": assuming},
        },
        "roles": {
            READ_ROLE: _role(access.read_role, access, created, _policy(sorted({*_READING, *sweeping.PERMISSIONS}))),
            ACT_ROLE: _role(access.act_role, access, created, _policy(_ACTING)),
        },
        "login_profiles": {
            name: {"UserName": name, "CreateDate": created, "PasswordResetRequired": False} for name in owners
        },
    }


def _policy(actions: Iterable[str], resources: Sequence[str] = ("*",)) -> str:
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": list(resources)}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def _owner_tags(name: str) -> dict[str, str]:
    return {"Team": "api", "Owner": f"{name.rpartition('-')[2]}@parcelhub.example"}


def _user(account: str, name: str, created: str, tags: Mapping[str, str] = MappingProxyType({})) -> dict[str, Any]:
    return {
        "UserName": name,
        "Arn": f"arn:aws:iam::{account}:user/{name}",
        "UserId": make_id("AIDA", account, Random(name)),
        "CreateDate": created,
        "Path": "/",
        "PermissionsBoundary": "",
        "AttachedPolicies": [],
        "Tags": [{"Key": key, "Value": value} for key, value in tags.items()],
    }


def _access_key(key: KeyPair, now: datetime) -> dict[str, str]:
    return {
        "UserName": key.user,
        "AccessKeyId": key.id,
        "SecretAccessKey": key.secret,
        "Status": "Active",
        "CreateDate": rfc3339(now - timedelta(days=200)),
    }


def _role(arn: str, access: BotAccess, created: str, policy: str) -> dict[str, Any]:
    account, name = arn.split(":")[4], arn.rpartition("/")[2]
    trust = {
        "Effect": "Allow",
        "Principal": {"AWS": access.key.arn},
        "Action": ["sts:AssumeRole", "sts:SetSourceIdentity", "sts:TagSession"],
        "Condition": {"StringEquals": {"sts:ExternalId": access.external_id}},
    }
    return {
        "RoleName": name,
        "Arn": arn,
        "RoleId": make_id("AROA", account, Random(name)),
        "CreateDate": created,
        "Path": "/",
        "AssumeRolePolicyDocument": json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
        "Description": "The triage bot of the demo",
        "MaxSessionDuration": 3600,
        "PermissionsBoundary": "",
        "AttachedPolicies": [],
        "InlinePolicies": {"triage": policy},
        "Tags": [],
    }
