"""What AWS says of keys, users, roles and accounts: ``bot.model.Iam`` over the clients of ``bot.aws``. It only reads.

Nothing is raised: an account we may not look into, a refusal or a lost line is an ``Unread`` with the reason, and what
does not exist is ``None``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from bot.aws import Aws, Fault, NoWayIn, fault, in_words
from bot.history.access_key import account_of
from bot.model import ContactRecord, IdentityRecord, KeyRecord, Unread

if TYPE_CHECKING:
    from mypy_boto3_iam.client import IAMClient

PERMISSIONS = frozenset(
    {
        *("iam:GetAccessKeyLastUsed", "iam:ListAccessKeys", "iam:GetUser", "iam:GetLoginProfile", "iam:ListMFADevices"),
        *("iam:ListGroupsForUser", "iam:ListAttachedUserPolicies", "iam:ListUserPolicies", "iam:GetUserPolicy"),
        *("iam:ListAttachedGroupPolicies", "iam:ListGroupPolicies", "iam:GetGroupPolicy"),
        *("iam:GetRole", "iam:ListAttachedRolePolicies", "iam:ListRolePolicies", "iam:GetRolePolicy"),
        *("iam:GetPolicy", "iam:GetPolicyVersion", "account:GetAlternateContact"),
    }
)
"""Every call of this module."""

MANAGED_BY_AWS = ":iam::aws:policy/"
ADMINISTRATOR = "AdministratorAccess"
EVERYTHING = frozenset({"*", "*:*"})

Found = TypeVar("Found")


class AwsIam:
    """``bot.model.Iam``. Safe from several threads."""

    def __init__(self, aws: Aws) -> None:
        self._aws = aws

    def key(self, key_id: str, account: str | None) -> KeyRecord | Unread | None:
        """The key with its owner. ``account`` is asked where the id does not encode one; else the bot's own."""
        return self._read("iam", account_of(key_id) or account, lambda iam: _key(iam, key_id))

    def identity(self, account: str, kind: Literal["user", "role"], name: str) -> IdentityRecord | Unread | None:
        read = _user if kind == "user" else _role
        return self._read("iam", account, lambda iam: read(iam, name))

    def contact(self, account: str) -> ContactRecord | Unread | None:
        """The security contact of ``account``, as it is set in the account itself."""
        return self._read("account", account, _contact)

    def _read(self, service: str, account: str | None, read: Callable[[Any], Found]) -> Found | Unread | None:
        try:
            return read(self._aws.reader(service, account or self._aws.identity().account))
        except NoWayIn as error:
            return Unread(str(error))
        except (ClientError, BotoCoreError) as error:
            return None if fault(error) is Fault.MISSING else Unread(in_words(error))


# ------------------------------------------------------------------------------------------------ keys


def _key(iam: IAMClient, key_id: str) -> KeyRecord | None:
    answer = iam.get_access_key_last_used(AccessKeyId=key_id)
    owner, used = answer.get("UserName", ""), answer.get("AccessKeyLastUsed", {})
    if not owner:
        return None
    # IAM writes "N/A" where a key was never used.
    where = " in ".join(part for part in (used.get("ServiceName"), used.get("Region")) if part and part != "N/A")
    pages = iam.get_paginator("list_access_keys").paginate(UserName=owner) if owner[:1] != "<" else ()
    keys = {key["AccessKeyId"]: key for page in pages for key in page["AccessKeyMetadata"]}
    own = keys.pop(key_id, None)
    return KeyRecord(
        key_id,
        owner,
        status=own["Status"] if own else None,
        created_at=own["CreateDate"] if own else None,
        last_used_at=used.get("LastUsedDate"),
        last_used_for=where or None,
        others=tuple(sorted((other, key["Status"]) for other, key in keys.items())),
    )


# ------------------------------------------------------------------------------------- users and roles


def _user(iam: IAMClient, name: str) -> IdentityRecord:
    user = iam.get_user(UserName=name)["User"]
    groups = [group["GroupName"] for group in _all(iam, "list_groups_for_user", "Groups", UserName=name)]
    held = [*_user_policies(iam, name), *(policy for group in groups for policy in _group_policies(iam, group))]
    return IdentityRecord(
        name,
        created_at=user["CreateDate"],
        password=_exists(lambda: iam.get_login_profile(UserName=name)),
        mfa=len(list(_all(iam, "list_mfa_devices", "MFADevices", UserName=name))),
        groups=tuple(groups),
        policies=tuple(dict.fromkeys(policy for policy, _ in held)),
        admin=_allows_everything(documents for _, documents in held),
        boundary=user.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn"),
        tags=_tags(user),
    )


def _role(iam: IAMClient, name: str) -> IdentityRecord:
    role = iam.get_role(RoleName=name)["Role"]
    held = [
        *_attached(iam, "list_attached_role_policies", RoleName=name),
        *(
            (policy, iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"])
            for policy in _all(iam, "list_role_policies", "PolicyNames", RoleName=name)
        ),
    ]
    return IdentityRecord(
        name,
        created_at=role["CreateDate"],
        policies=tuple(dict.fromkeys(policy for policy, _ in held)),
        admin=_allows_everything(documents for _, documents in held),
        boundary=role.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn"),
        tags=_tags(role),
    )


# ------------------------------------------------------------------------------------------- the account


def _contact(account: Any) -> ContactRecord:
    # Without an AccountId it is about the account the role is in; with one, only an organisation's management account
    # may ask, and not about itself (Account Management API reference, GetAlternateContact).
    answer = account.get_alternate_contact(AlternateContactType="SECURITY")["AlternateContact"]
    return ContactRecord(
        name=answer.get("Name") or None,
        title=answer.get("Title") or None,
        email=answer.get("EmailAddress") or None,
        phone=answer.get("PhoneNumber") or None,
    )


# ------------------------------------------------------------------------------------------------ policies


def _user_policies(iam: IAMClient, name: str) -> Iterator[tuple[str, Any]]:
    yield from _attached(iam, "list_attached_user_policies", UserName=name)
    for policy in _all(iam, "list_user_policies", "PolicyNames", UserName=name):
        yield policy, iam.get_user_policy(UserName=name, PolicyName=policy)["PolicyDocument"]


def _group_policies(iam: IAMClient, group: str) -> Iterator[tuple[str, Any]]:
    yield from _attached(iam, "list_attached_group_policies", GroupName=group)
    for policy in _all(iam, "list_group_policies", "PolicyNames", GroupName=group):
        yield policy, iam.get_group_policy(GroupName=group, PolicyName=policy)["PolicyDocument"]


def _attached(iam: IAMClient, operation: str, **request: str) -> Iterator[tuple[str, Any]]:
    """Each managed policy with its document; of AWS's own only the administrator's is known by its name."""
    for policy in _all(iam, operation, "AttachedPolicies", **request):
        name, arn = policy["PolicyName"], policy["PolicyArn"]
        if MANAGED_BY_AWS in arn:
            yield name, _statement("*" if name == ADMINISTRATOR else f"aws-managed:{name}")
        else:
            version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
            yield name, iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]


def _statement(action: str) -> dict[str, Any]:
    return {"Statement": [{"Effect": "Allow", "Action": action, "Resource": "*"}]}


def _all(iam: IAMClient, operation: str, listed: str, **request: str) -> Iterator[Any]:
    paginator: Any = iam.get_paginator(operation)  # type: ignore[call-overload]
    for page in paginator.paginate(**request):
        yield from page[listed]


def _exists(read: Callable[[], object]) -> bool:
    try:
        read()
    except ClientError as error:
        if fault(error) is Fault.MISSING:
            return False
        raise
    return True


def _tags(described: Any) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in described.get("Tags", [])}


def _allows_everything(documents: Iterable[Any]) -> bool | None:
    """Whether a policy allows every action on everything; ``None`` if none does and one is not understood."""
    said = [_is_everything(document) for document in documents]
    return True if any(said) else None if None in said else False


def _is_everything(document: Any) -> bool | None:
    if isinstance(document, str):
        try:
            document = json.loads(document)
        except ValueError:
            return None
    statements = document.get("Statement") if isinstance(document, dict) else None
    listed: list[Any] = statements if isinstance(statements, list) else [statements]
    if not all(isinstance(each, dict) for each in listed):
        return None
    return any(
        each.get("Effect") == "Allow"
        and bool(EVERYTHING & set(_listed(each.get("Action"))))
        and "*" in _listed(each.get("Resource"))
        for each in listed
    )


def _listed(value: Any) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list) else [str(value)]
