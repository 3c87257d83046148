"""What analysts said is usual, or not: kept in the bot's state, and laid over what config says.

Every function that takes a ``Database`` runs inside a caller's transaction.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from bot.database import Database
from bot.model import Actor, Correction, Environment, Ordinary, Refusal, rfc3339

WIDEST = {4: 8, 6: 20}
"""A wider network of one's own would clear half the internet."""


def meant(kind: Ordinary, value: str) -> str | Refusal:
    """``value`` as it is kept, or why it cannot be meant."""
    value = value.strip()
    if kind is Ordinary.COUNTRY:
        country = value.upper()
        known = len(country) == 2 and country.isascii() and country.isalpha()
        return country if known else Refusal(f'{value} is no country code; write ISO 3166, as in "DE".')
    if kind is Ordinary.NETWORK:
        return _network(value)
    if not value.strip("*?"):
        return Refusal('That would be everybody; name a principal such as "svc-*" or "111122223333:role/deploy".')
    return value


def _network(value: str) -> str | Refusal:
    try:
        network = ipaddress.ip_network(value)
    except ValueError:
        return Refusal(f'{value} is no address or network; write "203.0.113.0/24", its host bits zero.')
    if network.prefixlen < WIDEST[network.version]:
        return Refusal(f"{value} is too wide to be one of your own; /{WIDEST[network.version]} is the limit.")
    return str(network)


def keep(db: Database, said: Correction) -> None:
    """The newest word on a thing counts."""
    db.execute(
        "INSERT INTO usual_corrections (environment, kind, value, usual, reason, actor, actor_name, at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [
            *(said.environment, said.kind.value, said.value, int(said.usual)),
            *(said.reason, said.by.id, said.by.name, rfc3339(said.at)),
        ],
    )


def forget(db: Database, environment: str, kind: Ordinary, value: str) -> bool:
    """Take every word on a thing back, so that config and history speak again; whether there was one."""
    gone = db.execute(
        "DELETE FROM usual_corrections WHERE environment = ? AND kind = ? AND value = ?",
        [environment, kind.value, value],
    )
    return bool(gone.rowcount)


def corrections_of(db: Database, environment: str) -> tuple[Correction, ...]:
    """The newest word on each thing, the oldest of them first."""
    rows = db.execute(
        "SELECT kind, value, usual, reason, actor, actor_name, at FROM usual_corrections WHERE seq IN"
        " (SELECT max(seq) FROM usual_corrections WHERE environment = ? GROUP BY kind, value) ORDER BY seq",
        [environment],
    ).fetchall()
    return tuple(
        Correction(
            environment, Ordinary(kind), value, bool(usual), reason, Actor(actor, name), datetime.fromisoformat(at)
        )
        for kind, value, usual, reason, actor, name, at in rows
    )


def corrected(environment: Environment, said: Iterable[Correction]) -> Environment:
    """``environment`` as its analysts know it: their networks and machines beside its own, their word before both."""
    said = tuple(said)
    if not said:
        return environment
    networks = {each.value: each.usual for each in said if each.kind is Ordinary.NETWORK}
    machines = {each.value: each.usual for each in said if each.kind is Ordinary.AUTOMATION}
    stated = [network for network in environment.own_networks if networks.get(network, True)]
    return replace(
        environment,
        own_networks=tuple(dict.fromkeys([*stated, *(network for network, usual in networks.items() if usual)])),
        automation=(*environment.automation, *(pattern for pattern, usual in machines.items() if usual)),
        people=tuple(pattern for pattern, usual in machines.items() if not usual),
        corrections=said,
    )
