"""What IAM says of a key, a user or a role, word for word, before anything of it is changed.

The last use of a key is read first: every further use overwrites it (IAM API reference, GetAccessKeyLastUsed). Nothing
is raised: a call that fails is kept with its reason, and the next one is made.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from bot.aws import Aws, NoWayIn, in_words
from bot.history.access_key import account_of
from bot.intake.secret_guard import remove_secrets
from bot.model import rfc3339

if TYPE_CHECKING:
    from mypy_boto3_iam.client import IAMClient

OF_USER = (
    *("get_user", "list_access_keys", "get_login_profile", "list_mfa_devices", "list_groups_for_user"),
    *("list_attached_user_policies", "list_user_policies", "list_service_specific_credentials"),
    *("list_ssh_public_keys", "list_signing_certificates"),
)
OF_ROLE = ("get_role", "list_attached_role_policies", "list_role_policies")
PERMISSIONS = frozenset(
    {
        *("iam:GetAccessKeyLastUsed", "iam:GetUser", "iam:ListAccessKeys", "iam:GetLoginProfile", "iam:ListMFADevices"),
        *("iam:ListGroupsForUser", "iam:ListAttachedUserPolicies", "iam:ListUserPolicies", "iam:GetUserPolicy"),
        *("iam:ListServiceSpecificCredentials", "iam:ListSSHPublicKeys", "iam:ListSigningCertificates"),
        *("iam:ListAttachedGroupPolicies", "iam:ListGroupPolicies", "iam:GetGroupPolicy"),
        *("iam:GetRole", "iam:ListAttachedRolePolicies", "iam:ListRolePolicies", "iam:GetRolePolicy"),
    }
)
"""Every call of this module."""
NOT_THERE = "NoSuchEntity"
"""As of a login profile: that is an answer."""


@dataclass
class Sayings:
    """What was asked and what was said, in order; filled by one thread, and readable by others while it is."""

    clock: Callable[[], datetime]
    said: list[dict[str, Any]] = field(default_factory=list)
    gaps: list[str] = field(default_factory=list)

    def ask(self, iam: IAMClient, operation: str, **of: str) -> Any:
        """The answer, kept; ``None`` if there is none."""
        call = "iam:" + iam.meta.method_to_api_mapping[operation]
        try:
            answer = _whole(iam, operation, of)
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") == NOT_THERE:
                self._keep(call, of, {"missing": True})
            else:
                self._miss(call, of, in_words(error))
            return None
        except BotoCoreError as error:
            self._miss(call, of, in_words(error))
            return None
        self._keep(call, of, {"answer": answer})
        return answer

    def _miss(self, call: str, of: dict[str, str], why: str) -> None:
        self._keep(call, of, {"why": why})
        self.gaps.append(f"{call}: {why}")

    def _keep(self, call: str, of: dict[str, str], came: dict[str, Any]) -> None:
        self.said.append({"at": rfc3339(self.clock()), "call": call, "of": of} | came)


def ask_all(aws: Aws, account: str | None, targets: Iterable[str], principal: str, sayings: Sayings) -> None:
    """Everything IAM says of the keys among ``targets``, all of one user, and of ``principal``.

    That is ``<account>:user/<name>``, a role, or nothing IAM knows.
    """
    keys = [target for target in targets if target.startswith(("AKIA", "ASIA"))]
    where = next((owner for key in keys if (owner := account_of(key))), account)
    kind, _, name = principal.partition(":")[2].partition("/")
    if not where or not (keys or kind in {"user", "role"}):
        return
    try:
        iam: IAMClient = aws.reader("iam", where)
    except (NoWayIn, ClientError, BotoCoreError) as error:
        sayings.gaps.append(str(error) if isinstance(error, NoWayIn) else in_words(error))
        return
    for key in keys:
        used = sayings.ask(iam, "get_access_key_last_used", AccessKeyId=key) or {}
        name, kind = (name, kind) if name else (used.get("UserName", ""), "user")
    if kind == "user" and name and not name.startswith("<"):
        _ask_of_user(iam, name, sayings)
    elif kind == "role" and name:
        _ask_of_role(iam, name, sayings)


def _ask_of_user(iam: IAMClient, user: str, sayings: Sayings) -> None:
    said = {operation: sayings.ask(iam, operation, UserName=user) or {} for operation in OF_USER}
    for policy in said["list_user_policies"].get("PolicyNames", ()):
        sayings.ask(iam, "get_user_policy", UserName=user, PolicyName=policy)
    for group in said["list_groups_for_user"].get("Groups", ()):
        name = group["GroupName"]
        sayings.ask(iam, "list_attached_group_policies", GroupName=name)
        for policy in (sayings.ask(iam, "list_group_policies", GroupName=name) or {}).get("PolicyNames", ()):
            sayings.ask(iam, "get_group_policy", GroupName=name, PolicyName=policy)


def _ask_of_role(iam: IAMClient, role: str, sayings: Sayings) -> None:
    said = {operation: sayings.ask(iam, operation, RoleName=role) or {} for operation in OF_ROLE}
    for policy in said["list_role_policies"].get("PolicyNames", ()):
        sayings.ask(iam, "get_role_policy", RoleName=role, PolicyName=policy)


def _whole(iam: IAMClient, operation: str, of: dict[str, str]) -> dict[str, Any]:
    """The answer with all its pages, as JSON values, without what could be a secret."""
    pages = [_plain(page) for page in _pages(iam, operation, of)]
    whole = dict(pages[0])
    for page in pages[1:]:
        for name, value in page.items():
            whole[name] = [*whole.get(name, ()), *value] if isinstance(value, list) else value
    cleaned: dict[str, Any] = remove_secrets(whole)[0]
    return cleaned


def _pages(iam: IAMClient, operation: str, of: dict[str, str]) -> Iterator[dict[str, Any]]:
    if iam.can_paginate(operation):
        paginator: Any = iam.get_paginator(operation)  # type: ignore[call-overload]
        yield from paginator.paginate(**of)
    else:
        yield getattr(iam, operation)(**of)


def _plain(page: dict[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in page.items() if name not in {"ResponseMetadata", "IsTruncated", "Marker"}}
    plain: dict[str, Any] = json.loads(json.dumps(kept, default=_time))
    return plain


def _time(value: object) -> str:
    return rfc3339(value) if isinstance(value, datetime) else str(value)
