"""Every change there is, in each way it is made: how the cloud is prepared for it, and the calls that make it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from bot.model import Plan
from bot.remediation import remediations
from bot.remediation.offer import PLAIN, Offer
from tests.remediation.bench import Bench
from tests.remediation.cloud import ACCOUNT, EVERYTHING, Cloud, by_tag, shipped
from tests.remediation.thief import ADMIN, changed_trust, new_policy, new_role, new_user, open_function

ADDRESS = "203.0.113.250"
PERSON = "idc:906722b2ef-1a2b3c4d-0000-1111-2222-333344445555"
ORGANISATION = ("UpdatePolicy",)


@dataclass(frozen=True)
class Offers:
    """What installations may offer; the policies and the IP set are there."""

    by_tag: Offer
    lists: Offer


def offers(cloud: Cloud, scp: str) -> Offers:
    deployed = {
        f"{kind}_policy": cloud.deploy(f"ways-{kind}", shipped(f"{name}-{kind}"))
        for name, kind in (("denied", "principals"), ("blocked", "addresses"), ("denied", "persons"))
    }
    waf: Any = cloud.as_root(ACCOUNT, "wafv2")
    made = waf.create_ip_set(Name="ways", Scope="REGIONAL", IPAddressVersion="IPV4", Addresses=[])
    organisation = replace(EVERYTHING.organisation, quarantine_policy="", identity_store="", **deployed)
    return Offers(by_tag(scp), Offer(organisation, waf_ip_sets=(made["Summary"]["ARN"],)))


@dataclass(frozen=True)
class Way:
    """``target`` prepares the cloud; ``undo`` is empty where there is no way back."""

    remediation: str
    calls: tuple[str, ...]
    undo: tuple[str, ...]
    target: Callable[[Bench], str]
    offer: Callable[[Offers], Offer] = lambda offers: PLAIN

    def planned(self, bench: Bench, offers: Offers) -> Plan:
        bench.offering(self.offer(offers))
        return bench.plan(self.remediation, self.target(bench))

    def is_so(self, bench: Bench, offers: Offers, plan: Plan, state: Any) -> bool:
        """Whether AWS shows ``state``."""
        (remedy,) = [each for each in remediations(self.offer(offers)) if each.name == self.remediation]
        return bool(remedy.observe(plan.target, plan.account or "", plan.before, bench.aws) == state)


def _user(bench: Bench) -> str:
    return bench.seat.principal


def _role(bench: Bench) -> str:
    return f"{ACCOUNT}:role/{bench.seat.role}"


def _full(bench: Bench) -> str:
    bench.fill()
    return bench.seat.principal


def _made_user(bench: Bench) -> str:
    return f"{ACCOUNT}:user/{new_user(bench)[0]}"


def _made_policy(bench: Bench) -> str:
    arn, iam = new_policy(bench), bench.cloud.iam()
    iam.attach_user_policy(UserName=bench.seat.user, PolicyArn=arn)
    iam.attach_role_policy(RoleName=bench.seat.role, PolicyArn=arn)
    return arn


def _changed_policy(bench: Bench) -> str:
    arn = bench.seat.policy
    bench.cloud.iam().create_policy_version(PolicyArn=arn, PolicyDocument=json.dumps(ADMIN), SetAsDefault=True)
    return arn


def _lists(offers: Offers) -> Offer:
    return offers.lists


WAYS = {
    "disable_access_key": Way(
        "disable_access_key", ("UpdateAccessKey",), ("UpdateAccessKey",), lambda bench: bench.seat.stolen.id
    ),
    "quarantine_user by tag": Way("quarantine_user", ("TagUser",), ("UntagUser",), _user, lambda offers: offers.by_tag),
    "quarantine_user by policy": Way("quarantine_user", ("AttachUserPolicy",), ("DetachUserPolicy",), _user),
    "quarantine_user by boundary": Way(
        "quarantine_user", ("PutUserPermissionsBoundary",), ("DeleteUserPermissionsBoundary",), _full
    ),
    "reset_console_password": Way("reset_console_password", ("DeleteLoginProfile",), (), _user),
    "reset_console_password by force": Way(
        "reset_console_password", ("UpdateLoginProfile",), (), _user, lambda offers: Offer(sign_in="force_change")
    ),
    "revoke_sessions of a user": Way("revoke_sessions", ("AttachUserPolicy",), ("DetachUserPolicy",), _user),
    "revoke_sessions of a role": Way("revoke_sessions", ("PutRolePolicy",), ("DeleteRolePolicy",), _role),
    "deny_sso_user": Way("deny_sso_user", ORGANISATION, ORGANISATION, lambda bench: PERSON, _lists),
    "organisation_deny": Way("organisation_deny", ORGANISATION, ORGANISATION, _user, _lists),
    "block_ip": Way("block_ip", ORGANISATION, ORGANISATION, lambda bench: ADDRESS, _lists),
    "block_ip_waf": Way("block_ip_waf", ("UpdateIPSet",), ("UpdateIPSet",), lambda bench: ADDRESS, _lists),
    "pause_ses": Way(
        "pause_ses",
        ("PutAccountSendingAttributes",),
        ("PutAccountSendingAttributes",),
        lambda bench: f"{ACCOUNT}/eu-central-1",
    ),
    "disable_created: a key": Way(
        "disable_created", ("UpdateAccessKey",), ("UpdateAccessKey",), lambda bench: new_user(bench)[1][0].id
    ),
    "disable_created: a user": Way(
        "disable_created",
        ("AttachUserPolicy", "UpdateAccessKey", "UpdateAccessKey"),
        ("DetachUserPolicy", "UpdateAccessKey", "UpdateAccessKey"),
        _made_user,
    ),
    "disable_created: a policy": Way(
        "disable_created",
        ("DetachRolePolicy", "DetachUserPolicy"),
        ("AttachRolePolicy", "AttachUserPolicy"),
        _made_policy,
    ),
    "disable_created: a policy's version": Way(
        "disable_created", ("SetDefaultPolicyVersion",), ("SetDefaultPolicyVersion",), _changed_policy
    ),
    "disable_created: a role": Way(
        "disable_created",
        ("UpdateAssumeRolePolicy", "PutRolePolicy"),
        ("UpdateAssumeRolePolicy", "DeleteRolePolicy"),
        lambda bench: f"{ACCOUNT}:role/{new_role(bench)}",
    ),
    "disable_created: a function's URL": Way(
        "disable_created", ("UpdateFunctionUrlConfig",), ("UpdateFunctionUrlConfig",), open_function
    ),
    "disable_created: a trust policy": Way(
        "disable_created", ("UpdateAssumeRolePolicy",), ("UpdateAssumeRolePolicy",), changed_trust
    ),
}
