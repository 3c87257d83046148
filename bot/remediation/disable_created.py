"""Disable what an attacker has made to stay, and restore what they have changed. Nothing is deleted.

Keys and users that AWS dates into the last 14 days; policies and roles made since then, and older ones whose default
version or trust was changed; doors with a switch that were made or opened since then. What is older and unchanged is
not touched: it is not the thief's making. What has no switch is a person's task, with the commands.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from bot.aws import NO_ROLES_ROLE, Aws, Grant
from bot.by_hand import typed
from bot.made.makings import Makings
from bot.model import Kind, Refusal
from bot.remediation.base import Draft, Permissions, State, taken_back
from bot.remediation.created import policy, role
from bot.remediation.created.by_hand import for_people
from bot.remediation.created.identity import CreatedKey, CreatedUser, is_user
from bot.remediation.created.policy import ChangedPolicy, CreatedPolicy
from bot.remediation.created.role import ChangedTrust, CreatedRole
from bot.remediation.created.switched import CONDITIONS, SWITCHES, Switched, looked_at, placed
from bot.remediation.created.thing import KIND, Thing
from bot.remediation.disable_access_key import DisableAccessKey, malformed
from bot.remediation.offer import Offer
from bot.remediation.principals import principal_named
from bot.remediation.quarantine_user import QuarantineUser
from bot.remediation.revoke_sessions import RevokeSessions

AGAIN = "What it was good for works again, also for the thief."


class DisableCreated:
    """One kind of change for each kind of thing; all of them are undone by the recorded state."""

    name = "disable_created"
    title = "Disable what was made"
    takes = frozenset({Kind.ACCESS_KEY, Kind.PRINCIPAL})
    target_form = (
        "AKIA…, 111122223333:user/new, 111122223333:role/new, or the ARN of a policy, a Lambda function with a URL, a "
        "trust anchor or profile of Roles Anywhere, an MFA device or an identity provider"
    )

    def __init__(self, offer: Offer, sessions: RevokeSessions, makings: Makings) -> None:
        keys, users = DisableAccessKey(offer), QuarantineUser(offer)
        self._makings = makings
        self._key: Thing = CreatedKey(keys, makings)
        self._user: Thing = CreatedUser(users, makings)
        self._new_policy: Thing = CreatedPolicy(makings)
        self._old_policy: Thing = ChangedPolicy(makings)
        self._new_role: Thing = CreatedRole(sessions, makings)
        self._old_role: Thing = ChangedTrust(makings)
        switched: list[Thing] = [Switched(each, makings) for each in SWITCHES]
        things: tuple[Thing, ...] = (
            *(self._key, self._user, self._new_policy, self._old_policy, self._new_role, self._old_role),
            *switched,
        )
        self._things = {thing.kind: thing for thing in things}
        self.permissions = _permissions(keys.permissions, users.permissions)

    def plan(self, target: str, aws: Aws) -> Draft | Refusal:
        thing = self._thing(target, aws)
        return thing if isinstance(thing, Refusal) else thing.plan(target, aws)

    def _thing(self, target: str, aws: Aws) -> Thing | Refusal:
        """What kind of thing ``target`` is, and whether it is new. Raises as :meth:`plan`."""
        if (place := placed(target)) is not None:
            return self._things[place.kind]
        return for_people(target, self._makings) or self._identity(target, aws)

    def _identity(self, target: str, aws: Aws) -> Thing | Refusal:
        """As :meth:`_thing`, of keys, users, policies and roles."""
        if malformed(target) is None:
            return self._key
        if policy.is_policy(target):
            return self._new_policy if self._makings.is_recent(policy.made_at(target, aws)) else self._old_policy
        if is_user(target):
            return self._user
        named = principal_named(target, aws.identity().account)
        if isinstance(named, Refusal) or named.kind != "role":
            return Refusal(f"Name what was made, as {self.target_form}.")
        is_new = role.is_new(target, aws, self._makings)
        if isinstance(is_new, Refusal):
            return is_new
        return self._new_role if is_new else self._old_role

    def plan_undo(self, target: str, account: str, before: State, after: State, aws: Aws) -> Draft | Refusal:
        back = self.grant(target, account, before, aws.identity().partition)
        if back.by_roles_role and not aws.has_roles_role:
            return Refusal(NO_ROLES_ROLE, self.commands(target, before))
        title = f"Give back {before[KIND]} {target} as it was"
        undo = Draft(target, account, title, after, before, (AGAIN,), principal=target if ":" in target else "")
        return taken_back(undo, self.observe(target, account, before, aws))

    def observe(self, target: str, account: str, before: State, aws: Aws) -> State:
        return self._things[before[KIND]].observe(target, account, before, aws)

    def meanwhile(self, target: str, account: str, before: State, since: datetime, aws: Aws) -> tuple[str, ...]:
        return ()

    def grant(self, target: str, account: str, state: State, partition: str) -> Grant:
        return self._things[state[KIND]].grant(target, account, state, partition)

    def execute(self, target: str, after: State, client: Any) -> None:
        self._things[after[KIND]].make_so(target, after, client, back=False)

    def undo(self, target: str, before: State, client: Any) -> None:
        self._things[before[KIND]].make_so(target, before, client, back=True)

    def lookups(self, target: str) -> tuple[str, ...]:
        if policy.is_policy(target):
            return (typed("iam", "get-policy", "--policy-arn", target),)
        if malformed(target) is None:
            return (typed("iam", "get-access-key-last-used", "--access-key-id", target),)
        if (place := placed(target)) is not None:
            return (typed(*looked_at(place)),)
        kind = "role" if ":role/" in target else "user"
        return (typed("iam", f"get-{kind}", f"--{kind}-name", target.rpartition("/")[2] or target),)

    def commands(self, target: str, state: State) -> tuple[str, ...]:
        return self._things[state[KIND]].commands(target, state)


def _permissions(keys: Permissions, users: Permissions) -> Permissions:
    """Detaching a policy needs the right to attach it again, and a trust policy is a way in: both in the third role."""
    holders = ("User", "Role", "Group")
    policies = {f"iam:{verb}{holder}Policy" for verb in ("Attach", "Detach") for holder in holders}
    trust = {"iam:UpdateAssumeRolePolicy", "iam:PutRolePolicy", "iam:DeleteRolePolicy"}
    of_policies = {"iam:GetPolicy", "iam:ListPolicyVersions", "iam:ListEntitiesForPolicy"}
    reads, shuts, opens = ({getattr(each, verb) for each in SWITCHES} for verb in ("reads", "shuts", "opens"))
    return Permissions(
        read=keys.read | users.read | of_policies | {"iam:GetRole", "iam:GetRolePolicy"} | reads,
        act=keys.act | users.act | shuts,
        roles=keys.act | users.roles | policies | trust | {"iam:SetDefaultPolicyVersion"} | opens,
        conditions={**users.conditions, **CONDITIONS},
    )
