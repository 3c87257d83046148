"""Users and roles as targets: how people name them, and which of them nobody's button may touch."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from bot.aws import Aws
from bot.model import Kind, Observable, Refusal, rfc3339

if TYPE_CHECKING:
    from mypy_boto3_iam.client import IAMClient

NAME = r"[\w+=,.@-]{1,64}"
"""What IAM takes as a user's or role's name (IAM user guide, names). No ``*``: a name becomes part of an ARN."""
_ID = re.compile(rf"(\d{{12}}):(user|role|sso)/({NAME})", re.ASCII)
_ROOT = re.compile(r"(?:arn:aws[a-z-]*:iam::)?(\d{12}):root", re.ASCII)
_ARN = re.compile(rf"arn:aws[a-z-]*:iam::(\d{{12}}):(user|role)/(?:[\x21-\x7e]*/)?({NAME})", re.ASCII)
_SESSION = re.compile(rf"arn:aws[a-z-]*:sts::(\d{{12}}):assumed-role/({NAME})/[^/]*", re.ASCII)
_BARE = re.compile(NAME, re.ASCII)

SSO_ROLE = "AWSReservedSSO_"
SERVICE_ROLE = "AWSServiceRoleFor"


@dataclass(frozen=True, slots=True)
class PrincipalName:
    """A user or role by name. ``kind`` is ``user``, ``role``, ``sso`` or ``root``."""

    account: str
    kind: str
    name: str

    @property
    def id(self) -> str:
        return f"{self.account}:{self.kind}/{self.name}" if self.name else f"{self.account}:{self.kind}"

    @property
    def observable(self) -> Observable:
        return Observable(Kind.PRINCIPAL, self.id)


def principal_named(target: str, own_account: str, *, bare: str = "user") -> PrincipalName | Refusal:
    """Whom ``target`` means: a principal's id, an ARN (of a role's session too), or a bare name in our own account."""
    if found := _ROOT.fullmatch(target):
        return PrincipalName(found[1], "root", "")
    if found := _ID.fullmatch(target) or _ARN.fullmatch(target):
        return PrincipalName(found[1], found[2], found[3])
    if found := _SESSION.fullmatch(target):
        return PrincipalName(found[1], "role", found[2])
    if _BARE.fullmatch(target):
        return PrincipalName(own_account, bare, target)
    return Refusal(
        "This names no user or role: write 111122223333:user/alice, 111122223333:role/deploy, or an ARN of IAM."
    )


def untouchable(principal: PrincipalName, aws: Aws) -> Refusal | None:
    """Why nobody's button may touch ``principal``; ``None`` if it may be looked at. No call but who we are."""
    if principal.kind == "sso" or principal.name.startswith(SSO_ROLE):
        return Refusal(
            f"{principal.name} is a person or role of IAM Identity Center, which IAM cannot change: deny the person "
            "(deny_sso_user), disable them at the identity provider, and end their portal sessions there."
        )
    if principal.name.startswith(SERVICE_ROLE) and principal.kind == "role":
        return Refusal(
            f"{principal.name} is a service-linked role: only its AWS service can change it. Look at who calls that "
            "service, and contain them."
        )
    own = aws.identity()
    is_ours = principal.kind == "user" and principal.account == own.account and principal.name == own.user
    if is_ours or (principal.kind == "role" and principal.name in aws.own_roles()):
        return Refusal(
            f"{principal.name} is what the bot itself works as: changing it would leave the bot unable to undo "
            "anything. Do it by hand."
        )
    return None


def user_arns(partition: str, account: str, user: str) -> tuple[str, ...]:
    """A user's ARN as patterns: it holds the user's path, which most calls do not return."""
    return _arns(f"arn:{partition}:iam::{account}:user", user)


def role_arns(partition: str, account: str, role: str) -> tuple[str, ...]:
    """As :func:`user_arns`, of a role."""
    return _arns(f"arn:{partition}:iam::{account}:role", role)


def _arns(of_kind: str, name: str) -> tuple[str, ...]:
    return (f"{of_kind}/{name}", f"{of_kind}/*/{name}")


def keys_of(iam: IAMClient, user: str) -> dict[str, str]:
    """The user's access keys, each with its status. Raises ``ClientError``."""
    pages = iam.get_paginator("list_access_keys").paginate(UserName=user)
    return {key["AccessKeyId"]: key["Status"] for page in pages for key in page["AccessKeyMetadata"]}


def new_keys(iam: IAMClient, user: str, since: datetime) -> tuple[str, ...]:
    """A sentence for each access key of ``user`` that was made after ``since``."""
    pages = iam.get_paginator("list_access_keys").paginate(UserName=user)
    keys = [key for page in pages for key in page["AccessKeyMetadata"] if key["CreateDate"] >= since]
    return tuple(
        f"{user} has a new access key, {key['AccessKeyId']} ({key['Status'].lower()}), made at "
        f"{rfc3339(key['CreateDate'])}."
        for key in keys
    )
