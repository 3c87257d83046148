"""Deny everything to a user: all their access keys, the sessions minted from them, and their console.

By tag, where the organisation has a service control policy that denies everything to whoever carries it: the least
right of all, and the attacker in the account cannot take it off. Else by attaching the AWS-managed policy AWSDenyAll.
Else, where the user can hold no more policies, with AWSDenyAll as permissions boundary. Never by an inline policy:
the right to write one would let the bot make anyone an administrator.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from bot.aws import Allowed, Aws, Condition, Grant, NoWayIn
from bot.by_hand import typed
from bot.model import Kind, Refusal
from bot.remediation import organisation
from bot.remediation.base import Draft, Permissions, State, take_away, taken_back
from bot.remediation.offer import PLAIN, Offer
from bot.remediation.principals import PrincipalName, keys_of, new_keys, user_arns
from bot.remediation.users import READ, USER_FORM, look_up, user_named
from bot.remediation.wording import AwsError, why

if TYPE_CHECKING:
    from mypy_boto3_iam.client import IAMClient
    from mypy_boto3_iam.type_defs import UserTypeDef

DENY_ALL = "AWSDenyAll"
NONE = "none"
POLICIES_PER_USER = 10
"""The default quota of managed policies attached to a user, where IAM does not say."""

COVERS = (
    "It refuses, within seconds: every access key of the user, every session minted from one (GetSessionToken, "
    "GetFederationToken), and the user's console sessions. sts:GetCallerIdentity answers all the same."
)
COVERS_BY_TAG = (
    "It refuses, within seconds: every access key of the user, their GetSessionToken sessions and their console. "
    "Whether a running GetFederationToken session takes the tag up is not documented: if one was minted, watch it. "
    "sts:GetCallerIdentity answers all the same."
)
ROLES = "It does not end sessions of roles the user has assumed: those live on until they expire, or are revoked."
REMOVABLE = (
    "An attacker who may change this user's policies can take it off again; the bot looks again at 10 s, 60 s, 15 min "
    "and daily."
)
AGAIN = "The user's keys, sessions and password work again for everybody who holds them, also for whoever stole them."


class QuarantineUser:
    """``TagUser``, ``AttachUserPolicy`` or ``PutUserPermissionsBoundary``; undone by its counterpart."""

    name = "quarantine_user"
    title = "Quarantine user"
    takes = frozenset({Kind.PRINCIPAL, Kind.ACCESS_KEY})
    target_form = USER_FORM

    def __init__(self, offer: Offer = PLAIN) -> None:
        self._organisation = offer.organisation
        by_tag = bool(offer.organisation.quarantine_policy)
        tagging = frozenset({"iam:TagUser", "iam:UntagUser"})
        attaching = frozenset({"iam:AttachUserPolicy", "iam:DetachUserPolicy"})
        bounding = frozenset({"iam:PutUserPermissionsBoundary", "iam:DeleteUserPermissionsBoundary"})
        listing = frozenset({"iam:ListAccessKeys", "iam:ListAttachedUserPolicies"})
        reading = READ | listing | {"iam:GetAccountSummary", "iam:GetUser"}
        self.permissions = Permissions(
            read=reading | (organisation.READ_BINDING if by_tag else frozenset()),
            act=attaching | bounding | (tagging if by_tag else frozenset()),
            roles=frozenset({"iam:PutUserPermissionsBoundary"}),
            conditions={
                **{action: {"ArnLike": {"iam:PolicyARN": _deny_all("aws*")}} for action in attaching},
                **{action: {"StringLike": {"iam:PermissionsBoundary": _deny_all("aws*")}} for action in bounding},
                **{action: _only_tag(offer.organisation.quarantine_tag) for action in tagging},
            },
        )

    def plan(self, target: str, aws: Aws) -> Draft | Refusal:
        user = user_named(target, aws, self._organisation.account)
        if isinstance(user, Refusal):
            return user
        if user.kind == "role":
            return Refusal(f"{user.id} is a role, not a user: end its sessions instead (revoke_sessions).")
        iam: IAMClient = aws.reader("iam", user.account)
        described = iam.get_user(UserName=user.name)["User"]
        attached = _attached(iam, user.name)
        deny_all = _deny_all(aws.identity().partition)
        tag = self._organisation.quarantine_tag
        if by := _denied_by(described, attached, deny_all, tag if self._organisation.quarantine_policy else ""):
            return Refusal(f"{user.id} is already denied everything, by {by}.", settled=True)
        return self._draft(user, described, attached, deny_all, aws)

    def _draft(self, user: PrincipalName, described: UserTypeDef, attached: set[str], deny_all: str, aws: Aws) -> Draft:
        iam: IAMClient = aws.reader("iam", user.account)
        by_tag, notes = self._by_tag(user.account, aws)
        boundary = described.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn", NONE)
        if by_tag:
            way, before, after = f"tag {self._organisation.quarantine_tag}", "absent", "yes"
        elif len(attached) < _most_policies(iam):
            way, before, after = f"policy {deny_all}", "not attached", "attached"
        else:
            way, before, after = "boundary", boundary, deny_all
            notes += (_full(user, boundary, has_way_back=boundary == NONE or aws.has_roles_role),)
        keys = keys_of(iam, user.name)
        started = {"user": user.name, "way": way, "deny": before}
        warnings = (
            COVERS_BY_TAG if by_tag else COVERS,
            _keys(user, keys),
            ROLES,
            *notes,
            *(() if by_tag else (REMOVABLE,)),
        )
        title = f"Deny everything to user {user.name}, by {_how(way)}"
        wanted = started | {"deny": after}
        return Draft(user.id, user.account, title, started, wanted, warnings, user.observable, principal=user.id)

    def _by_tag(self, account: str, aws: Aws) -> tuple[bool, tuple[str, ...]]:
        """Whether the tag denies anything there, and what has to be said about that."""
        settings = self._organisation
        if not settings.quarantine_policy:
            return False, ()
        try:
            unbound = organisation.why_unbound(aws, settings.account, settings.quarantine_policy, account)
            if unbound is None and not organisation.denies_tag(
                organisation.read(aws, settings.account, settings.quarantine_policy), settings.quarantine_tag
            ):
                unbound = f"is under a policy that does not deny the tag {settings.quarantine_tag}"
        except AwsError as error:
            unchecked = f"Whether the organisation's policy {settings.quarantine_policy} denies this tag in {account}"
            return True, (f"{unchecked} could not be checked: {why(error)}.",)
        if unbound:
            return False, (f"Not by the organisation's tag: account {account} {unbound}.",)
        return True, ("The organisation's policy denies it: nobody in the account can take that back.",)

    def plan_undo(self, target: str, account: str, before: State, after: State, aws: Aws) -> Draft | Refusal:
        if _restores(before) and not aws.has_roles_role:
            raise NoWayIn(
                f"Putting the boundary {before['deny']} back takes the right to set any boundary, which is in a role "
                "of its own: set [aws] roles_role in config.toml"
            )
        title = f"Lift the denial of everything from user {before['user']}"
        undo = Draft(target, account, title, after, before, (AGAIN,), principal=target)
        return taken_back(undo, self.observe(target, account, before, aws))

    def observe(self, target: str, account: str, before: State, aws: Aws) -> State:
        iam: IAMClient = aws.reader("iam", account)
        way, _, what = before["way"].partition(" ")
        if way == "policy":
            return {**before, "deny": "attached" if what in _attached(iam, before["user"]) else "not attached"}
        described = iam.get_user(UserName=before["user"])["User"]
        if way == "tag":
            return {**before, "deny": _tags(described).get(what, "absent")}
        return {**before, "deny": described.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn", NONE)}

    def meanwhile(self, target: str, account: str, before: State, since: datetime, aws: Aws) -> tuple[str, ...]:
        return new_keys(aws.reader("iam", account), before["user"], since)

    def grant(self, target: str, account: str, state: State, partition: str) -> Grant:
        user = user_arns(partition, account, state["user"])
        way, _, what = state["way"].partition(" ")
        if way == "tag":
            return Grant("iam", (Allowed(("iam:TagUser", "iam:UntagUser"), user, _only_tag(what)),))
        if way == "policy":
            both = ("iam:AttachUserPolicy", "iam:DetachUserPolicy")
            return Grant("iam", (Allowed(both, user, _only_policy(partition)),))
        if _restores(state):
            put = Allowed(("iam:PutUserPermissionsBoundary",), user, _only_boundary(state["deny"]))
            return Grant("iam", (put,), by_roles_role=True)
        both = ("iam:PutUserPermissionsBoundary", "iam:DeleteUserPermissionsBoundary")
        return Grant("iam", (Allowed(both, user, _only_boundary(_deny_all(partition))),))

    def execute(self, target: str, after: State, client: Any) -> None:
        _set(client, after)

    def undo(self, target: str, before: State, client: Any) -> None:
        _set(client, before)

    def lookups(self, target: str) -> tuple[str, ...]:
        return look_up(target)

    def commands(self, target: str, state: State) -> tuple[str, ...]:
        user = ("--user-name", state["user"])
        way, _, what = state["way"].partition(" ")
        denied = state["deny"]
        words = {
            ("tag", True): ("tag-user", *user, "--tags", f"Key={what},Value={denied}"),
            ("tag", False): ("untag-user", *user, "--tag-keys", what),
            ("policy", True): ("attach-user-policy", *user, "--policy-arn", what),
            ("policy", False): ("detach-user-policy", *user, "--policy-arn", what),
            ("boundary", True): ("put-user-permissions-boundary", *user, "--permissions-boundary", denied),
            ("boundary", False): ("delete-user-permissions-boundary", *user),
        }[way, denied not in {"absent", "not attached", NONE}]
        return (typed("iam", *words),)


def _set(iam: IAMClient, state: State) -> None:
    user, way, what = state["user"], *state["way"].partition(" ")[::2]
    match way, state["deny"]:
        case "tag", "absent":
            iam.untag_user(UserName=user, TagKeys=[what])
        case "tag", value:
            iam.tag_user(UserName=user, Tags=[{"Key": what, "Value": value}])
        case "policy", "attached":
            iam.attach_user_policy(UserName=user, PolicyArn=what)
        case "policy", _:
            take_away(iam.detach_user_policy, UserName=user, PolicyArn=what)
        case _, "none":
            take_away(iam.delete_user_permissions_boundary, UserName=user)
        case _, boundary:
            iam.put_user_permissions_boundary(UserName=user, PermissionsBoundary=boundary)


def _attached(iam: IAMClient, user: str) -> set[str]:
    pages = iam.get_paginator("list_attached_user_policies").paginate(UserName=user)
    return {policy["PolicyArn"] for page in pages for policy in page["AttachedPolicies"]}


def _most_policies(iam: IAMClient) -> int:
    return iam.get_account_summary()["SummaryMap"].get("AttachedPoliciesPerUserQuota", POLICIES_PER_USER)


def _tags(described: UserTypeDef) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in described.get("Tags", [])}


def _denied_by(described: UserTypeDef, attached: set[str], deny_all: str, tag: str) -> str | None:
    if deny_all in attached:
        return DENY_ALL
    if described.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn") == deny_all:
        return f"{DENY_ALL} as permissions boundary"
    return f"the tag {tag}" if tag in _tags(described) else None


def _restores(state: State) -> bool:
    """Whether ``state`` is a boundary that was there before ours."""
    return state["way"] == "boundary" and state["deny"] != NONE and not state["deny"].endswith(f":policy/{DENY_ALL}")


def _how(way: str) -> str:
    kind, _, what = way.partition(" ")
    named = {"tag": f"the tag {what}", "policy": f"attaching {DENY_ALL}", "boundary": f"{DENY_ALL} as its boundary"}
    return named[kind]


def _full(user: PrincipalName, boundary: str, *, has_way_back: bool) -> str:
    why_boundary = f"{user.name} can hold no more policies, so {DENY_ALL} becomes the permissions boundary"
    if boundary == NONE:
        return f"{why_boundary}; there is none now."
    back = "is put back by the undo" if has_way_back else "must be put back by hand: [aws] roles_role is not set"
    return f"{why_boundary}. The present one, {boundary}, is recorded and {back}."


def _keys(user: PrincipalName, keys: dict[str, str]) -> str:
    active = sorted(key for key, status in keys.items() if status == "Active")
    if not active:
        return f"{user.name} has no active access key."
    return f"Active access keys of {user.name}, which stop: {', '.join(active)}."


def _deny_all(partition: str) -> str:
    return f"arn:{partition}:iam::aws:policy/{DENY_ALL}"


def _only_policy(partition: str) -> Condition:
    return {"ArnEquals": {"iam:PolicyARN": _deny_all(partition)}}


def _only_boundary(arn: str) -> Condition:
    return {"StringEquals": {"iam:PermissionsBoundary": arn}}


def _only_tag(tag: str) -> Condition:
    return {"ForAllValues:StringEquals": {"aws:TagKeys": tag}}
