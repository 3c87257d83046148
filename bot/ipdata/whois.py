"""Who registered an address, and who announces it: asked of the registries (RDAP) and of Team Cymru (DNS).

For what no list at hand knows. The address leaves the machine, so it is asked only where the configuration says so; an
answer is kept for 30 days. However slow they are, nobody waits longer than three seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any
from urllib.request import OpenerDirector

from bot.ipdata.claims import Claim, combine
from bot.ipdata.reserved import reserved
from bot.kept import Kept
from bot.model import AddressOrigin, Registration, Unread
from bot.networks import parse_address
from bot.threads import Threads, done_within

SECONDS = 3.0
STEP_SECONDS = 1
"""For one DNS or RDAP question of the few that a look-up takes."""
KEPT_FOR = timedelta(days=30)

REASONS = {
    "HTTPRateLimitError": "the registry answers no more for now (too many questions)",
    "HTTPLookupError": "the registry could not be reached, or answered with an error",
    "ASNRegistryError": "it could not be found out which registry to ask",
    "ASNLookupError": "it could not be found out which registry to ask",
}
"""What ipwhois's exceptions mean."""

Known = Callable[[int], Claim | None]
"""What the lists say of an AS number."""


class WhoisRegistries:
    """``Registries`` through ipwhois. Safe from several threads.

    ``opener`` and ``resolver`` (of dnspython) are how RDAP and DNS are reached, where not as the system does it.
    """

    def __init__(
        self,
        kept: Kept,
        clock: Callable[[], datetime],
        of_asn: Known,
        *,
        seconds: float = SECONDS,
        opener: OpenerDirector | None = None,
        resolver: Any = None,
    ) -> None:
        self._kept = kept
        self._clock = clock
        self._of_asn = of_asn
        self._seconds = seconds
        self._opener = opener
        self._resolver = resolver
        self._threads = Threads()

    def registration(self, ip: str) -> Registration | Unread:
        """What the registries say of ``ip``, kept or asked now; or why they do not."""
        address = parse_address(ip)
        if address is None or reserved(address) is not None:
            return Unread("it is no address of the public internet")
        now = self._clock()
        held = self._kept.answer(str(address), now)
        if held is not None:
            return _registration(ip, held, self._of_asn)
        (found,) = done_within(self._threads, self._seconds, [lambda: self._ask(str(address))])
        if found is None:
            return Unread(f"the registries did not answer within {self._seconds:g} seconds")
        if isinstance(found, Exception):
            return Unread(_why(found))
        answer = asdict(_claim(found, now)) | {"networks": _networks(found)}
        self._kept.keep(str(address), answer, now)
        return _registration(ip, answer, self._of_asn)

    def _ask(self, ip: str) -> Mapping[str, Any]:
        from ipwhois import IPWhois  # noqa: PLC0415 - it costs more to import than all else here together

        asking = IPWhois(ip, timeout=STEP_SECONDS, proxy_opener=self._opener)
        if self._resolver is not None:
            asking.net.dns_resolver = self._resolver
        found: Mapping[str, Any] = asking.lookup_rdap(
            retry_count=1,
            rate_limit_timeout=0,  # its own default sleeps for two minutes
            inc_nir=False,
            asn_methods=["dns", "whois"],
            root_ent_check=False,
        )
        return found


def _why(error: Exception) -> str:
    name = type(error).__name__
    return REASONS.get(name, f"the registries' answer was not understood ({name})")


def _claim(found: Mapping[str, Any], now: datetime) -> Claim:
    registered = found.get("network") or {}
    registry = str(found.get("asn_registry") or "a registry").upper()
    return Claim(
        source=f"{registry} (RDAP)",
        as_of=now.date().isoformat(),
        asn=_asn(found.get("asn")),
        organisation=_organisation(found.get("asn_description")) or _text(registered.get("name")),
        country=_country(registered.get("country")) or _country(found.get("asn_country_code")),
    )


def _networks(found: Mapping[str, Any]) -> list[str]:
    """The network that is announced, and the one that is registered, which may be written as several."""
    registered = found.get("network") or {}
    written = [str(found.get("asn_cidr") or ""), *str(registered.get("cidr") or "").split(",")]
    return [network for network in dict.fromkeys(one.strip() for one in written) if "/" in network]


def _registration(ip: str, answer: Mapping[str, Any], of_asn: Known) -> Registration:
    claim = Claim(**{name: answer.get(name) for name in ("source", "as_of", "asn", "organisation", "country")})  # type: ignore[arg-type]
    known = of_asn(claim.asn) if claim.asn is not None else None
    origin: AddressOrigin = combine(ip, [claim, known] if known is not None else [claim])
    return Registration(origin, tuple(answer.get("networks") or ()))


def _asn(value: object) -> int | None:
    """The first number: an address may be announced by several."""
    first = str(value or "").split(" ", 1)[0]
    return int(first) if first.isascii() and first.isdigit() else None


def _organisation(value: object) -> str | None:
    """Without the country that Team Cymru puts behind it."""
    text = _text(value)
    name, _, country = (text or "").rpartition(", ")
    return name if name and len(country) == 2 and country.isupper() else text


def _country(value: object) -> str | None:
    text = str(value or "").upper()
    return text if len(text) == 2 and text.isascii() and text.isalpha() else None


def _text(value: object) -> str | None:
    return value[:200] if isinstance(value, str) and value.strip() not in {"", "NA"} else None
