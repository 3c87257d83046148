"""What a triage asks about: which question goes to which enricher, and which addresses are looked up."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from bot.enrichment import Question
from bot.model import AddressClass, Alert, Gap, Kind, Observable, Use
from bot.plugins import Plugin

MOST_ADDRESSES = 10
"""How many recent addresses of a key or principal are looked up, the newest first."""


def questions_of(observable: Observable, addresses: Iterable[str], plugins: Sequence[Plugin]) -> Iterable[Question]:
    """What each enricher is asked: the observable if it takes it, else, of a key's addresses, each."""
    for plugin in plugins:
        if observable.kind in plugin.declaration.takes:
            yield Question(plugin, observable)
        elif Kind.IP in plugin.declaration.takes:
            yield from (Question(plugin, Observable(Kind.IP, address)) for address in addresses)


def addresses_of(alerts: Iterable[Alert], recent: Iterable[Use]) -> list[str]:
    """The alerts' addresses, then the newest of the recent public ones, each once."""
    return list(dict.fromkeys([*_alert_addresses(alerts), *_recent_addresses(recent)[:MOST_ADDRESSES]]))


def _alert_addresses(alerts: Iterable[Alert]) -> list[str]:
    return [each.value for alert in alerts for each in alert.observables if each.kind is Kind.IP]


def _recent_addresses(recent: Iterable[Use]) -> list[str]:
    last_seen: dict[str, datetime] = {}
    for use in recent:
        if use.ip and use.address_class is AddressClass.PUBLIC and not use.by_service:
            last_seen[use.ip] = max(use.last_seen, last_seen.get(use.ip, use.last_seen))
    return sorted(last_seen, key=lambda ip: (-last_seen[ip].timestamp(), ip))


def address_gaps(alerts: Iterable[Alert], recent: Iterable[Use], asked: Sequence[str]) -> list[Gap]:
    known = dict.fromkeys([*_alert_addresses(alerts), *_recent_addresses(recent)])
    left = len(known) - len(asked)
    if not asked or not left:
        return []
    return [
        Gap(
            "Where do the other recent addresses come from?",
            f"only the newest {len(asked)} of {len(known)} were asked about",
        )
    ]
