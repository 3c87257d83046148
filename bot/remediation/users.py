"""Whom a person means by a user: by name, by ARN, or by one of the user's access keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.aws import Aws
from bot.by_hand import typed
from bot.history.access_key import account_of
from bot.model import Refusal
from bot.remediation.disable_access_key import ROOT, malformed
from bot.remediation.principals import PrincipalName, principal_named, untouchable
from bot.remediation.root import root_refusal

if TYPE_CHECKING:
    from mypy_boto3_iam.client import IAMClient

USER_FORM = "111122223333:user/alice, the user's ARN, or one of their access keys"
READ = frozenset({"iam:GetAccessKeyLastUsed"})
"""What finding a key's owner calls."""


def user_named(target: str, aws: Aws, organisation_account: str) -> PrincipalName | Refusal:
    """The user ``target`` means, if a button may touch them. Raises ``ClientError``, ``BotoCoreError``, ``NoWayIn``."""
    own = aws.identity().account
    principal = _owner(target, aws) if malformed(target) is None else principal_named(target, own)
    if isinstance(principal, Refusal):
        return principal
    if principal.kind == "root":
        return root_refusal(principal.account, organisation_account)
    return untouchable(principal, aws) or principal


def look_up(target: str) -> tuple[str, ...]:
    """What a person can type to see who ``target`` is."""
    if malformed(target) is None:
        return (typed("iam", "get-access-key-last-used", "--access-key-id", target),)
    return (typed("iam", "get-user", "--user-name", target.rpartition("/")[2] or target),)


def _owner(key: str, aws: Aws) -> PrincipalName | Refusal:
    account = account_of(key) or aws.identity().account
    iam: IAMClient = aws.reader("iam", account)
    user = iam.get_access_key_last_used(AccessKeyId=key).get("UserName", "")
    if not user:
        return Refusal(f"AWS does not say who owns {key}, so nobody is touched: look it up in the IAM console.")
    return PrincipalName(account, "root", "") if user == ROOT else PrincipalName(account, "user", user)
