"""What may stand in a setting: the types that tables share, each refusing with a sentence."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, PlainValidator

WIDEST_OWN = {4: 8, 6: 20}
WIDEST_TESTED = {4: 16, 6: 32}
"""The shortest prefix lengths of an organisation's own network, and of a test's: wider ones would clear strangers."""


class Table(BaseModel):
    """A table of the file: frozen, and no key in it but the named ones."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True)


def matching(pattern: str, sentence: str) -> Callable[[str], str]:
    """A check that a value fits ``pattern`` as a whole."""
    compiled = re.compile(pattern, re.ASCII)

    def check(value: str) -> str:
        if not compiled.fullmatch(value):
            raise ValueError(sentence)
        return value

    return check


def _network(widest: dict[int, int]) -> Callable[[str], str]:
    def check(value: str) -> str:
        try:
            network = ipaddress.ip_network(value)
        except ValueError:
            raise ValueError('must be a network such as "203.0.113.0/24", its host bits zero') from None
        if network.prefixlen < widest[network.version]:
            raise ValueError(f"is too wide: half the internet would be in it; /{widest[network.version]} is the limit")
        return str(network)

    return check


def _moment(value: Any) -> datetime:
    try:
        at = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise ValueError("must be a time such as 2026-11-20T08:00:00Z") from None
    if at.tzinfo is None:
        raise ValueError("must say its time zone, as in 2026-11-20T08:00:00Z")
    return at.astimezone(UTC).replace(microsecond=0)


def _principals(value: str) -> str:
    if not value.strip("*?"):
        raise ValueError('would be everybody; name a principal such as "svc-*" or "111122223333:role/deploy"')
    return value


Account = Annotated[str, AfterValidator(matching(r"\d{12}", "must be an account id of 12 digits, as a string"))]
Country = Annotated[str, AfterValidator(matching(r"[A-Z]{2}", 'must be an ISO 3166 country code such as "DE"'))]
Provider = Annotated[
    str, AfterValidator(matching(r"\S(.{0,98}\S)?", 'must be a provider such as "Hetzner" or "AS24940"'))
]
KeyId = Annotated[str, AfterValidator(matching(r"A[A-Z0-9]{15,127}", 'must be an access key id such as "AKIA…"'))]
OwnNetwork = Annotated[str, AfterValidator(_network(WIDEST_OWN))]
TestedNetwork = Annotated[str, AfterValidator(_network(WIDEST_TESTED))]
Moment = Annotated[datetime, PlainValidator(_moment)]
Principals = Annotated[str, AfterValidator(_principals)]
"""A pattern of principals: a name, an id or an ARN, in which ``*`` stands for anything."""
