"""Doors with a switch of their own: the URL of a Lambda function, a trust anchor or a profile of IAM Roles Anywhere.

Shutting one is a right of the acting role; opening it again lets people in, so that right is in the third role.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from botocore.exceptions import ClientError

from bot.aws import Allowed, Aws, Condition, Fault, Grant, fault
from bot.by_hand import typed
from bot.made import kinds
from bot.made.kinds import MadeKind
from bot.made.makings import Makings, told
from bot.model import Refusal
from bot.remediation.base import Draft, State
from bot.remediation.created.thing import KIND, too_old

ARN = re.compile(
    r"arn:aws[a-z-]*:(?:(lambda):([a-z0-9-]+):(\d{12}):function:([\w-]{1,64})(?::([\w-]{1,128}))?"
    r"|(rolesanywhere):([a-z0-9-]+):(\d{12}):(trust-anchor|profile)/([0-9a-f-]{36}))",
    re.ASCII,
)
AUTH = "lambda:FunctionUrlAuthType"
"""The condition key (Service Authorization Reference, Lambda)."""
NO_WAY_BACK = "Opening it again takes a role of its own, which is not set up ([aws] roles_role): that would be by hand."


@dataclass(frozen=True, slots=True)
class Place:
    """Where a switch is, from its ARN."""

    arn: str
    service: str
    region: str
    account: str
    kind: str
    name: str
    alias: str = ""


@dataclass(frozen=True, slots=True)
class Seen:
    """How a switch stands, and since when."""

    value: str
    since: datetime
    name: str
    """What the call that made it named it."""


class Switch(Protocol):
    """What one kind of door is switched with. ``reads``, ``shuts`` and ``opens`` are IAM actions."""

    made: MadeKind
    is_open: str
    is_shut: str
    reads: str
    shuts: str
    opens: str
    title: str
    stays: str

    def read(self, client: Any, place: Place) -> Seen: ...

    def set(self, client: Any, place: Place, value: str) -> None: ...

    def words(self, place: Place, value: str) -> tuple[str, ...]:
        """As a command of the AWS CLI."""


class FunctionUrl:
    made = kinds.FUNCTION_URL
    is_open, is_shut = "NONE", "AWS_IAM"
    reads = "lambda:GetFunctionUrlConfig"
    shuts = opens = "lambda:UpdateFunctionUrlConfig"
    title = "Let nobody call function {name} by its URL without signing"
    stays = (
        "The function goes on: whoever may sign calls to it, and its other triggers, still run its code. Look whether "
        "the code or the whole function is the thief's, and what its role may do."
    )

    def read(self, client: Any, place: Place) -> Seen:
        found = client.get_function_url_config(**_function(place))
        changed_at = max(found["CreationTime"], found.get("LastModifiedTime") or found["CreationTime"])
        return Seen(found["AuthType"], datetime.fromisoformat(changed_at), place.name)

    def set(self, client: Any, place: Place, value: str) -> None:
        client.update_function_url_config(**_function(place), AuthType=value)

    def words(self, place: Place, value: str) -> tuple[str, ...]:
        alias = ("--qualifier", place.alias) if place.alias else ()
        named = ("lambda", "update-function-url-config", "--function-name", place.name, *alias)
        return (*named, "--auth-type", value, "--region", place.region)


class TrustAnchor:
    made = kinds.ANCHOR
    is_open, is_shut = "enabled", "disabled"
    reads = "rolesanywhere:GetTrustAnchor"
    shuts, opens = "rolesanywhere:DisableTrustAnchor", "rolesanywhere:EnableTrustAnchor"
    title = "Disable trust anchor {name} of IAM Roles Anywhere"
    stays = (
        "Sessions that were taken with its certificates go on until they expire: end those of the roles, too "
        "(revoke_sessions). Other trust anchors and profiles are not touched."
    )

    def read(self, client: Any, place: Place) -> Seen:
        return _enabled(client.get_trust_anchor(trustAnchorId=place.name)["trustAnchor"])

    def set(self, client: Any, place: Place, value: str) -> None:
        change = client.enable_trust_anchor if value == self.is_open else client.disable_trust_anchor
        change(trustAnchorId=place.name)

    def words(self, place: Place, value: str) -> tuple[str, ...]:
        verb = "enable" if value == self.is_open else "disable"
        named = ("rolesanywhere", f"{verb}-trust-anchor", "--trust-anchor-id", place.name)
        return (*named, "--region", place.region)


class Profile:
    made = kinds.ANYWHERE
    is_open, is_shut = "enabled", "disabled"
    reads = "rolesanywhere:GetProfile"
    shuts, opens = "rolesanywhere:DisableProfile", "rolesanywhere:EnableProfile"
    title = "Disable profile {name} of IAM Roles Anywhere"
    stays = TrustAnchor.stays

    def read(self, client: Any, place: Place) -> Seen:
        return _enabled(client.get_profile(profileId=place.name)["profile"])

    def set(self, client: Any, place: Place, value: str) -> None:
        change = client.enable_profile if value == self.is_open else client.disable_profile
        change(profileId=place.name)

    def words(self, place: Place, value: str) -> tuple[str, ...]:
        verb = "enable" if value == self.is_open else "disable"
        return ("rolesanywhere", f"{verb}-profile", "--profile-id", place.name, "--region", place.region)


SWITCHES: tuple[Switch, ...] = (FunctionUrl(), TrustAnchor(), Profile())
CONDITIONS: Mapping[str, Condition] = {FunctionUrl.shuts: {"StringEquals": {AUTH: FunctionUrl.is_shut}}}


class Switched:
    """One kind of door, shut where it was made or opened in the incident."""

    def __init__(self, switch: Switch, makings: Makings) -> None:
        self.kind = switch.made.name
        self._switch = switch
        self._makings = makings

    def plan(self, target: str, aws: Aws) -> Draft | Refusal:
        place, switch = placed(target), self._switch
        assert place  # noqa: S101 - is_switch was asked before
        seen = switch.read(aws.reader(place.service, place.account, place.region), place)
        if seen.value != switch.is_open:
            return Refusal(f"The {self.kind} {place.arn} is {seen.value} already.", settled=True)
        if not self._makings.is_recent(seen.since):
            return too_old(f"The {self.kind} {place.arn}", seen.since, "To shut it all the same, do so by hand.")
        made = self._makings.of(seen.name, switch.made)
        before = {KIND: self.kind, "arn": place.arn, "is": seen.value}
        warnings = (told(made[0] if made else None), switch.stays, *(() if aws.has_roles_role else (NO_WAY_BACK,)))
        title = switch.title.format(name=seen.name)
        return Draft(place.arn, place.account, title, before, before | {"is": switch.is_shut}, warnings)

    def observe(self, target: str, account: str, before: State, aws: Aws) -> State:
        place = _of(before)
        try:
            seen = self._switch.read(aws.reader(place.service, place.account, place.region), place)
        except ClientError as error:
            if fault(error) is Fault.MISSING:
                return {}
            raise
        return {**before, "is": seen.value}

    def grant(self, target: str, account: str, state: State, partition: str) -> Grant:
        place, switch = _of(state), self._switch
        opens = state["is"] == switch.is_open
        action = switch.opens if opens else switch.shuts
        narrowed: Condition = {"StringEquals": {AUTH: state["is"]}} if action in CONDITIONS else {}
        return Grant(place.service, (Allowed((action,), (place.arn,), narrowed),), place.region, by_roles_role=opens)

    def make_so(self, target: str, state: State, client: Any, *, back: bool) -> None:
        self._switch.set(client, _of(state), state["is"])

    def commands(self, target: str, state: State) -> tuple[str, ...]:
        return (typed(*self._switch.words(_of(state), state["is"])),)


def placed(target: str) -> Place | None:
    """The switch that ``target`` is the ARN of; ``None`` if it is none."""
    found = ARN.fullmatch(target)
    if found is None:
        return None
    service, region, account, name, alias, anywhere, where, owner, kind, id_ = found.groups()
    if service:
        return Place(target, service, region, account, kinds.FUNCTION_URL.name, name, alias or "")
    made = kinds.ANCHOR if kind == "trust-anchor" else kinds.ANYWHERE
    return Place(target, anywhere, where, owner, made.name, id_)


def looked_at(place: Place) -> tuple[str, ...]:
    """The command of the AWS CLI that shows how a switch stands."""
    if place.kind == kinds.FUNCTION_URL.name:
        alias = ("--qualifier", place.alias) if place.alias else ()
        named = ("lambda", "get-function-url-config", "--function-name", place.name, *alias)
    else:
        kind = "trust-anchor" if place.kind == kinds.ANCHOR.name else "profile"
        named = ("rolesanywhere", f"get-{kind}", f"--{kind}-id", place.name)
    return (*named, "--region", place.region)


def _of(state: State) -> Place:
    place = placed(state["arn"])
    assert place  # noqa: S101 - it was planned from an ARN
    return place


def _function(place: Place) -> dict[str, str]:
    return {"FunctionName": place.name, **({"Qualifier": place.alias} if place.alias else {})}


def _enabled(found: Any) -> Seen:
    return Seen(
        "enabled" if found["enabled"] else "disabled", found.get("updatedAt") or found["createdAt"], found["name"]
    )
