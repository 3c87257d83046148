"""What may explain an oddity: a place that is known, a test that was approved. Neither hides anything.

A known address proves nothing either way, so it takes the network's points and nothing else (DOMAIN 6.2): it does not
excuse Kali. A test excuses only what its own key does, from its own addresses, in its own time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from bot.model import (
    AddressClass,
    AddressData,
    AddressOrigin,
    ApprovedTest,
    Environment,
    Event,
    Principal,
    Use,
    inside,
    offensive_name,
    rfc3339,
)

FAMILIAR_DAYS = 3
ROAMING_ADDRESSES = 20
"""A machine with more addresses than this before is a runner that gets a new one all the time (DOMAIN 3.7)."""
MOST_LOOKED_UP = 1_000
"""Addresses of a runner whose network is looked up, the newest first; a look-up takes some 50 µs."""


@dataclass(frozen=True, slots=True)
class Known:
    """Addresses that prove nothing, each with the reason in a few words."""

    why: tuple[tuple[str, str], ...] = ()

    def __contains__(self, ip: object) -> bool:
        return any(ip == known for known, _ in self.why)

    def reason(self, ip: str) -> str:
        return next(why for known, why in self.why if known == ip)


def known_places(
    addresses: Iterable[str],
    before: Sequence[Use],
    environment: Environment,
    principal: Principal | None,
    data: AddressData | None,
) -> Known:
    """Which of ``addresses`` are known: an own network, one used on 3 days or more of ``before``, or, for a machine
    that config names, one in a network it used on 3 days.

    ``before`` is what the key did before the judged part; for a session's key, what its principal did.
    """
    days = _days(before)
    networks = _networks(days, data) if principal is not None and environment.is_automation(principal) else frozenset()
    found = []
    for ip in dict.fromkeys(addresses):
        if inside(ip, environment.own_networks):
            found.append((ip, "it is one of the organisation's own"))
        elif len(days.get(ip, ())) >= FAMILIAR_DAYS:
            found.append((ip, f"it was used on {len(days[ip])} days before"))
        elif data is not None and (network := _network(data.origin(ip))) and network in networks:
            found.append((ip, f"this runner is at home in {network}"))
    return Known(tuple(found))


def _days(before: Iterable[Use]) -> dict[str, set[date]]:
    days: dict[str, set[date]] = {}
    for use in before:
        if use.ip and use.address_class is AddressClass.PUBLIC and not use.by_service:
            days.setdefault(use.ip, set()).add(use.day)
    return days


def _networks(days: dict[str, set[date]], data: AddressData | None) -> frozenset[str]:
    """The networks of a roaming machine, by AS or provider."""
    if data is None or len(days) <= ROAMING_ADDRESSES:
        return frozenset()
    newest = sorted(days, key=lambda ip: (max(days[ip]), ip), reverse=True)[:MOST_LOOKED_UP]
    seen: dict[str, set[date]] = {}
    for ip in newest:
        if network := _network(data.origin(ip)):
            seen.setdefault(network, set()).update(days[ip])
    return frozenset(network for network, on in seen.items() if len(on) >= FAMILIAR_DAYS)


def _network(origin: AddressOrigin) -> str | None:
    return f"AS{origin.asn}" if origin.asn is not None else origin.provider


# ----------------------------------------------------------------------------------------- approved tests


@dataclass(frozen=True, slots=True)
class Doing:
    """Something done in the judged part: who did it, from where, with what, from when to when."""

    key: str | None
    principal: str
    ip: str | None
    public: bool
    family: str
    since: datetime
    until: datetime


def doings(uses: Iterable[Use]) -> list[Doing]:
    """What was done by hand or program, not by a service."""
    return [
        Doing(
            use.key,
            use.principal,
            use.ip,
            use.address_class is AddressClass.PUBLIC,
            use.family,
            use.first_seen,
            use.last_seen,
        )
        for use in uses
        if not use.by_service
    ]


def told(events: Iterable[Event]) -> list[Doing]:
    """The same of calls that only an alert tells of, where there is no history to put them into."""
    return [
        Doing(
            each.key,
            each.principal.id,
            each.ip,
            each.address_class is AddressClass.PUBLIC,
            each.family,
            each.at,
            each.at,
        )
        for each in events
    ]


def approved_test(
    tests: Iterable[ApprovedTest], done: Sequence[Doing], known: Known
) -> tuple[ApprovedTest | None, str | None]:
    """The test that explains all of ``done``; else why the one that names who did it does not, in a sentence.

    What the owner goes on doing from a known place, without an attack tool, is left out of it.
    """
    why: str | None = None
    for test in tests:
        ours = [each for each in done if test.names(each.key, each.principal)]
        odd = [each for each in done if not _covered(test, each) and not _ordinary(each, known)]
        if ours and not odd and any(_covered(test, each) for each in ours):
            return test, None
        if ours:
            why = why or f"The approved test “{test.name}” does not explain it: {_mismatch(test, odd)}."
    return None, why


def _covered(test: ApprovedTest, each: Doing) -> bool:
    return (
        test.names(each.key, each.principal) and test.covers(each.ip, each.since) and test.covers(each.ip, each.until)
    )


def _ordinary(each: Doing, known: Known) -> bool:
    return offensive_name(each.family) is None and (not each.public or each.ip in known)


def _mismatch(test: ApprovedTest, odd: Sequence[Doing]) -> str:
    others = sorted({each.key or each.principal for each in odd if not test.names(each.key, each.principal)})
    if others:
        return f"it does not name {others[0]}"
    elsewhere = sorted({str(each.ip) for each in odd if each.ip is None or not inside(each.ip, test.networks)})
    if elsewhere:
        return f"{elsewhere[0]} is not in its networks"
    if odd:
        return f"it is approved from {rfc3339(test.since)} to {rfc3339(test.until)}"
    return "nothing came from its addresses"
