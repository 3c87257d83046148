"""Put an address into a WAFv2 IP set that your own web application firewall blocks.

It protects the front doors that firewall stands before, and nothing else: it does not stop a single call to AWS made
with a stolen key. ``UpdateIPSet`` replaces the whole list, so the present one is read, merged, and sent with its lock
token; if somebody was faster, it is read again.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from bot.aws import Allowed, Aws, Grant
from bot.by_hand import typed
from bot.model import Kind, Refusal
from bot.remediation.base import Draft, Permissions, State, taken_back
from bot.remediation.block_ip import blockable
from bot.remediation.offer import Offer
from bot.remediation.usage import Usage

ARN = re.compile(r"arn:aws[a-z-]*:wafv2:([a-z0-9-]+):(\d{12}):(regional|global)/ipset/([\w-]+)/([0-9a-f-]+)")
SAME_LOCK = "WAFOptimisticLockException"
LOCK_ATTEMPTS = 5

ONLY_YOURS = (
    "It protects only your own front doors behind this set: CloudFront, load balancers, API gateways. It does not stop "
    "one call to AWS with a stolen key; block_ip does."
)
AGAIN = "Your front doors answer this address again."


class BlockIpWaf:
    """``UpdateIPSet``; undone by taking the address out of the set again."""

    name = "block_ip_waf"
    title = "Block address at your front doors"
    takes = frozenset({Kind.IP})
    target_form = "203.0.113.66, or 203.0.113.66@NAME for the IP set of that name"

    def __init__(self, offer: Offer, usage: Usage) -> None:
        self._sets = tuple(_set_of(arn) for arn in offer.waf_ip_sets)
        self._usage = usage
        reading = frozenset({"wafv2:GetIPSet"}) if self._sets else frozenset[str]()
        acting = reading | {"wafv2:UpdateIPSet"} if self._sets else reading
        self.permissions = Permissions(reading, acting, resources=dict.fromkeys(acting, offer.waf_ip_sets))

    def plan(self, target: str, aws: Aws) -> Draft | Refusal:
        ip, _, name = target.strip().partition("@")
        entry = blockable(ip, self._usage)
        if isinstance(entry, Refusal):
            return entry
        if not self._sets:
            return Refusal("No IP set is configured: set [remediation] waf_ip_sets to the ARNs of those that block.")
        chosen = self._chosen(entry, name, aws)
        if isinstance(chosen, Refusal):
            return chosen
        ip_set, addresses = chosen
        if entry in addresses:
            return Refusal(f"{entry} is already in the IP set {ip_set.name}.", settled=True)
        before = {"ip set": ip_set.arn, "entry": entry, "listed": "no"}
        title, after = f"Block {entry} at the front doors behind {ip_set.name}", before | {"listed": "yes"}
        return Draft(
            f"{ip}@{ip_set.name}", ip_set.account, title, before, after, (ONLY_YOURS,), shares=f"ip set {ip_set.arn}"
        )

    def _chosen(self, entry: str, name: str, aws: Aws) -> tuple[_IpSet, list[str]] | Refusal:
        """The one set that takes ``entry``, with what it holds."""
        version = "IPV6" if ":" in entry else "IPV4"
        named = [each for each in self._sets if name in {"", each.name}]
        read = [(each, _get(_client(each, aws), each)["IPSet"]) for each in named]
        fitting = [(each, held["Addresses"]) for each, held in read if held["IPAddressVersion"] == version]
        if len(fitting) == 1:
            return fitting[0]
        if fitting:
            names = ", ".join(each.name for each, _ in fitting)
            return Refusal(
                f"Several IP sets take it: name one, as in {entry.partition('/')[0]}@NAME. There are {names}."
            )
        return Refusal(f"None of the IP sets in [remediation] waf_ip_sets takes {version} addresses under that name.")

    def plan_undo(self, target: str, account: str, before: State, after: State, aws: Aws) -> Draft | Refusal:
        title = f"Take {before['entry']} out of the IP set {_set_of(before['ip set']).name}"
        undo = Draft(target, account, title, after, before, (AGAIN,), shares=f"ip set {before['ip set']}")
        return taken_back(undo, self.observe(target, account, before, aws))

    def observe(self, target: str, account: str, before: State, aws: Aws) -> State:
        ip_set = _set_of(before["ip set"])
        addresses = _get(_client(ip_set, aws), ip_set)["IPSet"]["Addresses"]
        return {**before, "listed": "yes" if before["entry"] in addresses else "no"}

    def meanwhile(self, target: str, account: str, before: State, since: datetime, aws: Aws) -> tuple[str, ...]:
        return ()

    def grant(self, target: str, account: str, state: State, partition: str) -> Grant:
        both = ("wafv2:GetIPSet", "wafv2:UpdateIPSet")
        return Grant("wafv2", (Allowed(both, (state["ip set"],)),), _set_of(state["ip set"]).region)

    def execute(self, target: str, after: State, client: Any) -> None:
        _merge(client, after)

    def undo(self, target: str, before: State, client: Any) -> None:
        _merge(client, before)

    def lookups(self, target: str) -> tuple[str, ...]:
        return tuple(typed("wafv2", "get-ip-set", *each.words) for each in self._sets)

    def commands(self, target: str, state: State) -> tuple[str, ...]:
        """The set, written back whole with the lock token it was read with: in one command, so that nothing is lost."""
        ip_set = _set_of(state["ip set"])
        query = _wanted(ip_set.scope, state["entry"], listed=state["listed"] == "yes")
        read = typed("wafv2", "get-ip-set", *ip_set.words, "--output", "json", "--query", query)
        return (f'{typed("wafv2", "update-ip-set", "--region", ip_set.region)} --cli-input-json "$({read})"',)


def _wanted(scope: str, entry: str, *, listed: bool) -> str:
    """What ``UpdateIPSet`` is to be asked, in JMESPath over the answer of ``GetIPSet``."""
    others = f'IPSet.Addresses[?@ != `"{entry}"`]'
    addresses = f'[{others}, [`"{entry}"`]][]' if listed else others
    named = f'Name: IPSet.Name, Scope: `"{scope}"`, Id: IPSet.Id, LockToken: LockToken'
    description = "IPSet.Description && {Description: IPSet.Description} || `{}`"
    return f"merge({{{named}, Addresses: {addresses}}}, {description})"


@dataclass(frozen=True, slots=True)
class _IpSet:
    """An IP set by its ARN: ``global`` ones belong to CloudFront and are kept in us-east-1 (WAFv2 API reference)."""

    arn: str
    region: str
    account: str
    scope: str
    name: str
    id: str

    @property
    def asked_for(self) -> dict[str, str]:
        return {"Name": self.name, "Scope": self.scope, "Id": self.id}

    @property
    def words(self) -> tuple[str, ...]:
        return ("--name", self.name, "--scope", self.scope, "--id", self.id, "--region", self.region)


def _set_of(arn: str) -> _IpSet:
    found = ARN.fullmatch(arn)
    assert found  # noqa: S101 - the configuration takes no other
    region, account, scope, name, id_ = found.groups()
    return _IpSet(arn, region, account, "CLOUDFRONT" if scope == "global" else "REGIONAL", name, id_)


def _client(ip_set: _IpSet, aws: Aws) -> Any:
    return aws.reader("wafv2", ip_set.account, ip_set.region)


def _get(client: Any, ip_set: _IpSet) -> Any:
    return client.get_ip_set(**ip_set.asked_for)


def _merge(client: Any, state: State) -> None:
    """Make the set hold the entry of ``state``, or not; whoever was faster is kept."""
    ip_set = _set_of(state["ip set"])
    for attempt in range(1, LOCK_ATTEMPTS + 1):
        answer = _get(client, ip_set)
        others = [each for each in answer["IPSet"]["Addresses"] if each != state["entry"]]
        wanted = [*others, state["entry"]] if state["listed"] == "yes" else others
        described = {"Description": text} if (text := answer["IPSet"].get("Description")) else {}
        try:
            client.update_ip_set(**ip_set.asked_for, **described, Addresses=wanted, LockToken=answer["LockToken"])
        except ClientError as error:
            if error.response["Error"]["Code"] != SAME_LOCK or attempt == LOCK_ATTEMPTS:
                raise
        else:
            return
