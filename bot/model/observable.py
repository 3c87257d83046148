"""What can be looked up."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What an observable is; the values are those of the JSON documents."""

    ACCESS_KEY = "access_key"
    PRINCIPAL = "principal"
    IP = "ip"
    USER_AGENT = "user_agent"
    EVENT = "event"
    ACCOUNT = "account"


@dataclass(frozen=True, slots=True, order=True)
class Observable:
    """A value we can look up.

    A principal's value is its id ``<account>:<kind>/<name>``, an event's ``service:Name``.
    """

    kind: Kind
    value: str

    def __str__(self) -> str:
        return self.value
