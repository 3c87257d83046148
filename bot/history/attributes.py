"""An observable → the one attribute by which CloudTrail's LookupEvents can search for it.

LookupEvents takes one attribute a call ("LookupEvents", CloudTrail API reference). There is none for an address, a
client or an account, and its user name is that of an IAM user or the name of a role's *session*.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from bot.history.access_key import account_of
from bot.history.principal import id_of_arn
from bot.model import CannotSearch, Kind, Observable

LONGEST_VALUE = 2000
"""Of an attribute's value, in characters (``LookupAttribute``, CloudTrail API reference)."""
INSTEAD = "that needs logs loaded with `triage ingest`, or Athena"

_DATED = frozenset({"lambda"})
"""Services whose event names carry the date of their API, which nobody asks for."""
_PRINCIPAL_ID = re.compile(r"(?P<account>\d{12}):(?:(?P<kind>[a-z]+)/(?P<name>.+)|root)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Attribute:
    """What one call asks for, and of which account's log; ``None``: of every account's."""

    key: str
    value: str
    account: str | None = None


def attribute_of(observable: Observable) -> Attribute:
    """How ``observable`` is searched for. Raises ``CannotSearch`` with the reason and another way."""
    value = observable.value.strip()
    if not value or len(value) > LONGEST_VALUE:
        raise CannotSearch(f"CloudTrail's LookupEvents takes values of 1 to {LONGEST_VALUE:,} characters.")
    return _BY_KIND[observable.kind](value)


def _key(value: str) -> Attribute:
    return Attribute("AccessKeyId", value, account_of(value))


def _principal(value: str) -> Attribute:
    named = _PRINCIPAL_ID.fullmatch(id_of_arn(value) or value)
    if named is None:
        return _user(value)
    account, kind, name = named["account"], named["kind"], named["name"]
    if kind is None:
        return Attribute("Username", "root", account)
    if kind in {"user", "sso"}:
        return Attribute("Username", name, account)
    raise CannotSearch(f"CloudTrail's LookupEvents cannot search by {kind}, only by user or key: {INSTEAD}.")


def _user(value: str) -> Attribute:
    if ":" in value:
        raise CannotSearch(f"CloudTrail's LookupEvents cannot search for {value}: it knows users and keys only.")
    return Attribute("Username", value)


def _event(value: str) -> Attribute:
    service, _, name = value.rpartition(":")
    if service in _DATED:
        raise CannotSearch(
            f"CloudTrail's LookupEvents cannot search for {value}: the event names of {service} end in a date."
        )
    return Attribute("EventName", name)


def _no_search_by(what: str) -> Callable[[str], Attribute]:
    def refuse(_: str) -> Attribute:
        raise CannotSearch(f"CloudTrail's LookupEvents cannot search by {what}: {INSTEAD}.")

    return refuse


_BY_KIND: dict[Kind, Callable[[str], Attribute]] = {
    Kind.ACCESS_KEY: _key,
    Kind.PRINCIPAL: _principal,
    Kind.EVENT: _event,
    Kind.IP: _no_search_by("address"),
    Kind.USER_AGENT: _no_search_by("client"),
    Kind.ACCOUNT: _no_search_by("account"),
}
