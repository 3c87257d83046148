"""Deny everything to a user or role by the organisation's service control policy on ``aws:PrincipalArn``.

Nobody in the account can take it back, so it wins the race against an attacker who may change IAM there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.aws import Aws
from bot.model import Kind, Refusal
from bot.remediation.base import Draft
from bot.remediation.listed import Listed
from bot.remediation.offer import PLAIN, Offer
from bot.remediation.organisation import READ_BINDING, DenyList, why_unbound
from bot.remediation.principals import PrincipalName
from bot.remediation.users import READ, look_up, user_named

if TYPE_CHECKING:
    from mypy_boto3_iam.client import IAMClient

PRINCIPALS = DenyList("aws:PrincipalArn", "arn:aws:iam::000000000000:user/nobody")
"""No account has that number."""

USER = (
    "It refuses, within seconds: every access key of the user, every session minted from one, and the user's console. "
    "Nobody in the account can take it back."
)
ROLE = (
    "It refuses every session of the role, old and new, the workloads' own included, until it is taken back. Nobody in "
    "the account can do that."
)
ROLES = "It does not end sessions of roles the user has assumed: those live on until they expire, or are revoked."
NOT_CONFIGURED = (
    "Denying a principal in the whole organisation takes a service control policy that was deployed before: set "
    "[organisation] principals_policy in config.toml (docs/remediations.md)."
)


class OrganisationDeny(Listed):
    """``UpdatePolicy``; undone by taking the ARN out of the list again."""

    name = "organisation_deny"
    title = "Deny in the organisation"
    takes = frozenset({Kind.PRINCIPAL, Kind.ACCESS_KEY})
    target_form = "111122223333:user/alice, 111122223333:role/deploy, an ARN, or one of a user's access keys"

    def __init__(self, offer: Offer = PLAIN) -> None:
        settings = offer.organisation
        reads = READ | READ_BINDING | {"iam:GetUser", "iam:GetRole"}
        super().__init__(PRINCIPALS, settings.account, settings.principals_policy, reads)

    def plan(self, target: str, aws: Aws) -> Draft | Refusal:
        if not self._policy:
            return Refusal(NOT_CONFIGURED)
        principal = user_named(target, aws, self._account)
        if isinstance(principal, Refusal):
            return principal
        if unbound := why_unbound(aws, self._account, self._policy, principal.account):
            return Refusal(f"Account {principal.account} {unbound}: deny {principal.name} in it (quarantine_user).")
        warnings = (USER, ROLES) if principal.kind == "user" else (ROLE,)
        return self.drafted(
            principal.id,
            _arn(principal, aws),
            f"Deny everything to {principal.id} in the organisation",
            aws,
            warnings,
            stops=principal.observable,
            principal=principal.id,
        )

    def lookups(self, target: str) -> tuple[str, ...]:
        return (*look_up(target), *super().lookups(target))


def _arn(principal: PrincipalName, aws: Aws) -> str:
    """The ARN as IAM knows it, with its path."""
    iam: IAMClient = aws.reader("iam", principal.account)
    if principal.kind == "user":
        return iam.get_user(UserName=principal.name)["User"]["Arn"]
    return iam.get_role(RoleName=principal.name)["Role"]["Arn"]
