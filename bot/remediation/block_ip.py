"""Refuse every call from an address, by the organisation's service control policy on ``aws:SourceIp``.

That is what stops an API caller: firewalls, security groups and web application firewalls stand before your own front
doors and not before AWS's. Always a list of what is denied, never of what is allowed: one wrong exit in a list of
allowed addresses locks the company out.
"""

from __future__ import annotations

from ipaddress import IPv6Address, ip_network
from typing import Any

from bot.aws import Aws
from bot.history.address import classify, parse_address
from bot.model import AddressClass, Kind, Observable, Refusal
from bot.remediation.base import Draft
from bot.remediation.listed import Listed
from bot.remediation.offer import Offer
from bot.remediation.organisation import DenyList, attaching, deploying, targets_of
from bot.remediation.usage import Usage

ADDRESSES = DenyList("aws:SourceIp", "192.0.2.0/32")
"""192.0.2.0/24 is reserved for documentation (RFC 5737): no call comes from there."""
TOO_COMMON = 3
"""Principals that used an address before: then it is an exit of many, and blocking it hits them all."""
V6_SITE = 64

CHEAP = (
    "An address is cheap to change for an attacker: disable the keys and quarantine the users first. It does not stop "
    "calls that come through a VPC endpoint or that AWS services make for somebody."
)
NOT_CONFIGURED = (
    "Blocking an address for calls to AWS takes a service control policy that was deployed before: set [organisation] "
    "addresses_policy in config.toml (docs/remediations.md). Firewalls and security groups do not stop these calls."
)


class BlockIp(Listed):
    """``UpdatePolicy``; undone by taking the address out of the list again."""

    name = "block_ip"
    title = "Block address"
    takes = frozenset({Kind.IP})
    target_form = "203.0.113.66"

    def __init__(self, offer: Offer, usage: Usage) -> None:
        settings = offer.organisation
        super().__init__(ADDRESSES, settings.account, settings.addresses_policy, frozenset())
        self._usage = usage

    def plan(self, target: str, aws: Aws) -> Draft | Refusal:
        entry = blockable(target, self._usage)
        if isinstance(entry, Refusal):
            return entry
        if not self._policy:
            return Refusal(NOT_CONFIGURED, deploying("triage-blocked-addresses", _denying(entry)))
        bound = targets_of(aws, self._account, self._policy)
        if not bound:
            told = f"{self._policy} is attached to nothing: attach it to the organisation's root first."
            return Refusal(told, attaching(self._policy))
        ip = str(parse_address(target.strip()))
        return self.drafted(
            ip,
            entry,
            f"Block {entry} in the organisation",
            aws,
            (_reach(bound), *_site(entry), *_unknown(ip, self._usage), CHEAP),
            stops=Observable(Kind.IP, ip),
        )


def blockable(target: str, usage: Usage) -> str | Refusal:
    """The network that blocks ``target``, or why that address is never blocked. Asks the history, not AWS."""
    address = parse_address(target.strip())
    if address is None:
        return Refusal(f"{target} is not an IP address.")
    if classify(str(address))[1] is not AddressClass.PUBLIC:
        return Refusal(f"{address} is not a public address: AWS sees none like it as the source of a call.")
    length = V6_SITE if isinstance(address, IPv6Address) else 32
    entry = str(ip_network(f"{address}/{length}", strict=False))
    if usage.is_own_network(entry):
        return Refusal(f"{address} is in one of your own networks: blocking it would lock your own people out.")
    users = usage.principals_before(str(address))
    if users is not None and users >= TOO_COMMON:
        return Refusal(
            f"{address} was used by {users} principals in the 14 days up to yesterday: it is an exit of many, and "
            "blocking it would stop all of them. Contain the keys and users instead."
        )
    return entry


def _denying(entry: str) -> dict[str, Any]:
    condition = {"IpAddress": {ADDRESSES.key: [entry]}, "Bool": {"aws:ViaAWSService": "false"}}
    denied = {"Sid": "TriageBlockedAddresses", "Effect": "Deny", "Action": "*", "Resource": "*"}
    return {**denied, "Condition": condition}


def _reach(bound: tuple[str, ...]) -> str:
    return (
        f"It stops everybody's calls from there in the accounts under {', '.join(bound)}, but not in the management "
        "account, and not those of service-linked roles."
    )


def _site(entry: str) -> tuple[str, ...]:
    if not entry.endswith(f"/{V6_SITE}"):
        return ()
    return (f"The whole /{V6_SITE} is blocked: whoever has one IPv6 address has all of those.",)


def _unknown(ip: str, usage: Usage) -> tuple[str, ...]:
    if usage.principals_before(ip) is not None:
        return ()
    return ("Who else uses this address could not be checked: there is no CloudTrail history of the days before.",)
