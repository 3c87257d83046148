"""AbuseIPDB, GreyNoise and AlienVault OTX: ``bot.model.ThreatLists`` over ``bot.http``, with the user's own keys.

An address goes to each list that has a key, to all at once, and nobody waits longer than three seconds. An answer is
kept for a day; a list whose limit is used up is not asked again before it says so. Of an answer only numbers, dates and
a name are kept. Nothing is raised: whatever keeps a list from answering is an ``Unread`` with the reason.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from ipaddress import IPv4Address
from pathlib import Path
from urllib.parse import quote

import msgspec

from bot.http import Outbound, Page, Unfetched, origin_of
from bot.ipdata.reserved import reserved
from bot.kept import Kept
from bot.model import Reputation, Unread
from bot.networks import Address, parse_address
from bot.threads import Threads, done_within

SECONDS = 3.0
MOST_BYTES = 2_000_000
"""OTX sends every report of an address with its answer."""
KEPT_FOR = timedelta(days=1)
PAUSE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(days=1)
"""For a list whose limit is used up, where it does not say for how long, and where it says something odd."""
LONGEST_NAME = 100
LEAST_CONFIDENCE = 25
"""In per cent: the least that AbuseIPDB's own blacklist can be asked for."""


class _AbuseData(msgspec.Struct, frozen=True, rename="camel"):
    abuse_confidence_score: int
    total_reports: int
    num_distinct_users: int = 0
    last_reported_at: str | None = None


class _Abuse(msgspec.Struct, frozen=True):
    data: _AbuseData


class _Noise(msgspec.Struct, frozen=True):
    noise: bool
    riot: bool
    classification: str = "unknown"
    name: str = ""
    last_seen: str | None = None


class _Pulse(msgspec.Struct, frozen=True):
    modified: str = ""


class _PulseInfo(msgspec.Struct, frozen=True):
    count: int
    pulses: list[_Pulse] = []


class _Pulses(msgspec.Struct, frozen=True):
    pulse_info: _PulseInfo


@dataclass(frozen=True, slots=True)
class Service:
    """One list: how it is asked, and what its answer means."""

    name: str
    setting: str
    """Its key under ``[threat_lists]``."""
    address: str
    header: str
    path: Callable[[Address], str | None]
    """What is asked of an address; ``None`` where the list holds none of its kind."""
    read: Callable[[Page], Reputation]
    """Raises ``msgspec.MsgspecError`` on anything else than an answer."""


def _read_abuse(page: Page) -> Reputation:
    found = msgspec.json.decode(page.body, type=_Abuse).data
    words = (
        f"{found.abuse_confidence_score} % sure that it is abusive: {found.total_reports} reports of "
        f"{found.num_distinct_users} people in 90 days"
    )
    return Reputation(
        listed=found.abuse_confidence_score >= LEAST_CONFIDENCE,
        words=words if found.total_reports else "no report in 90 days",
        score=found.abuse_confidence_score,
        reports=found.total_reports,
        last_seen=_day(found.last_reported_at),
    )


def _read_noise(page: Page) -> Reputation:
    found = msgspec.json.decode(page.body, type=_Noise)
    name = f", {found.name[:LONGEST_NAME]}" if found.name and found.name != "unknown" else ""
    if found.noise:
        words = f"scans the internet, {found.classification[:LONGEST_NAME]}{name}"
    elif found.riot:
        words = f"a common business service{name}"
    else:
        words = "not seen scanning the internet"
    return Reputation(
        listed=found.noise and found.classification != "benign", words=words, last_seen=_day(found.last_seen)
    )


def _read_pulses(page: Page) -> Reputation:
    found = msgspec.json.decode(page.body, type=_Pulses).pulse_info
    newest = max((pulse.modified for pulse in found.pulses), default=None)
    words = f"named in {found.count} reports (pulses), which anybody may write" if found.count else "in no report"
    return Reputation(listed=found.count > 0, words=words, reports=found.count, last_seen=_day(newest))


def _abuse_path(address: Address) -> str:
    return f"/api/v2/check?maxAgeInDays=90&ipAddress={quote(str(address), safe='')}"


def _noise_path(address: Address) -> str | None:
    return f"/v3/community/{address}" if isinstance(address, IPv4Address) else None


def _pulses_path(address: Address) -> str:
    kind = "IPv4" if isinstance(address, IPv4Address) else "IPv6"
    return f"/api/v1/indicators/{kind}/{quote(str(address), safe=':')}/general"


SERVICES = (
    Service("AbuseIPDB", "abuseipdb", "https://api.abuseipdb.com", "key", _abuse_path, _read_abuse),
    Service("GreyNoise", "greynoise", "https://api.greynoise.io", "key", _noise_path, _read_noise),
    Service("AlienVault OTX", "otx", "https://otx.alienvault.com", "x-otx-api-key", _pulses_path, _read_pulses),
)


class WebThreatLists:
    """``bot.model.ThreatLists``. Safe from several threads.

    ``keys`` are those of ``[threat_lists]``, by its settings; ``addresses`` where a list is not at its usual one.
    """

    def __init__(
        self,
        keys: Mapping[str, str],
        clock: Callable[[], datetime],
        folder: Path,
        *,
        addresses: Mapping[str, str] | None = None,
        seconds: float = SECONDS,
    ) -> None:
        at = addresses or {}
        self._lists = [
            _List(service, keys[service.setting], at.get(service.setting, service.address), clock, folder, seconds)
            for service in SERVICES
            if service.setting in keys
        ]
        self._seconds = seconds
        self._threads = Threads()
        self.without_key = {each.name: each.setting for each in SERVICES if each.setting not in keys}

    def reputations(self, ip: str) -> Mapping[str, Reputation | Unread]:
        address = parse_address(ip)
        if address is None or reserved(address) is not None:
            return {}
        found = done_within(self._threads, self._seconds, [partial(each.ask, address) for each in self._lists])
        return {
            each.name: answer if isinstance(answer, Reputation | Unread) else self._no_answer(answer)
            for each, answer in zip(self._lists, found, strict=True)
        }

    def _no_answer(self, error: Exception | None) -> Unread:
        if error is None:
            return Unread(f"it did not answer within {self._seconds:g} seconds")
        return Unread(f"asking it failed ({type(error).__name__})")


class _List:
    """One service with a key."""

    def __init__(
        self, service: Service, key: str, base: str, clock: Callable[[], datetime], folder: Path, seconds: float
    ) -> None:
        self.name = service.name
        self._service = service
        self._base = base.rstrip("/")
        self._headers = {"accept": "application/json", service.header: key}
        self._outbound = Outbound([origin_of(base)], seconds=seconds, most_bytes=MOST_BYTES)
        self._kept = Kept(folder / service.setting, KEPT_FOR)
        self._clock = clock
        self._lock = threading.Lock()
        self._paused_until: datetime | None = None

    def ask(self, address: Address) -> Reputation | Unread:
        """Kept, or asked now."""
        now = self._clock()
        held = self._kept.answer(str(address), now)
        if held is not None:
            return msgspec.convert(held, Reputation)
        path = self._service.path(address)
        if path is None:
            return Unread("it holds no IPv6 addresses")
        with self._lock:
            if self._paused_until is not None and now < self._paused_until:
                return Unread(f"its limit is used up until {self._paused_until:%Y-%m-%d %H:%M} UTC")
        try:
            page = self._outbound.get(f"{self._base}{path}", self._headers)
        except Unfetched as error:
            return Unread(str(error))
        found = self._understood(page, now)
        if isinstance(found, Reputation):
            self._kept.keep(str(address), msgspec.to_builtins(found), now)
        return found

    def _understood(self, page: Page, now: datetime) -> Reputation | Unread:
        if page.status == 429:
            return self._pause(page, now)
        if page.status in {401, 403}:
            return Unread(
                f"it does not take the key: put a valid one where [threat_lists] {self._service.setting} says"
            )
        # GreyNoise answers 404 for an address it does not know, in the same form as any other.
        if page.status not in {200, 404}:
            return Unread(f"it answered with status {page.status}")
        try:
            return self._service.read(page)
        except (msgspec.MsgspecError, UnicodeError, RecursionError):
            return Unread(f"what it answered is no answer (status {page.status})")

    def _pause(self, page: Page, now: datetime) -> Unread:
        after = page.headers.get("retry-after", "")
        pause = timedelta(seconds=int(after[:7])) if after.isascii() and after.isdigit() else PAUSE
        with self._lock:
            self._paused_until = now + min(pause, LONGEST_PAUSE)
            return Unread(f"its limit is used up until {self._paused_until:%Y-%m-%d %H:%M} UTC")


def _day(said: str | None) -> str | None:
    """The ISO date that ``said`` begins with."""
    try:
        return datetime.fromisoformat((said or "")[:10]).date().isoformat()
    except ValueError:
        return None
