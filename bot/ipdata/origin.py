"""Where an address comes from, put together from every list at hand. Nothing is asked over a network."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache, lru_cache
from pathlib import Path

import iporigin
import maxminddb
import structlog

from bot.ipdata.claims import Claim, claims_of_labels, combine, hosting_asns, of_asn
from bot.ipdata.databases import Databases
from bot.ipdata.reserved import reserved
from bot.ipdata.table import FILE, SHIPPED, Edition, RangeTable, load
from bot.model import AddressOrigin
from bot.networks import Address, parse_address

log = structlog.get_logger()

PROVIDER_NAMES = {
    "Amazon AWS": "AWS",
    "Google Cloud": "Google",
    "Microsoft Azure": "Microsoft",
    "Oracle Cloud": "Oracle",
    "Amazonbot": "AWS",
    "Googlebot": "Google",
    "Bingbot": "Microsoft",
}
"""iporigin's names where ours are others."""

TRANSIT = frozenset({"Cogent"})
"""Carriers that iporigin counts as hosting: offices and homes are behind them as well, so they prove nothing."""


class AddressDataUnreadable(Exception):
    """A file of address data that the configuration names cannot be read; the text is a sentence with the remedy."""


OneMore = Callable[[Address], Claim | None]
"""Another source of claims, such as an optional package."""

Stamp = tuple[tuple[int, int, int] | None, ...]


class LocalAddressData:
    """``AddressData`` from the lists in ``folder`` (else the shipped ones), iporigin and the user's ``.mmdb`` files.

    A file that is replaced is taken up at the next question; one that cannot be read then is said in the log, and what
    was there before goes on answering. Safe to ask from several threads. Raises :class:`AddressDataUnreadable` if a
    database cannot be read at the start.
    """

    def __init__(
        self, databases: Sequence[Path] = (), folder: Path | None = None, others: Sequence[OneMore] = ()
    ) -> None:
        self._paths = (*((folder / FILE,) if folder is not None else ()), *databases)
        self._databases, self._others = tuple(databases), tuple(others)
        self._folder = folder
        self._lock = threading.Lock()
        self._stamp = self._stamped()
        self._lists = Lists(_whole_table(folder), _opened(databases), self._others)

    def origin(self, ip: str) -> AddressOrigin:
        """What is known of ``ip``; all ``None`` if it is no address or in no list."""
        return self._current().origin(ip)

    def editions(self) -> tuple[Edition, ...]:
        """Every list in use."""
        return self._current().table.lists

    def databases(self) -> tuple[tuple[str, str], ...]:
        """Kind and ISO date of each ``.mmdb`` file, in the order of the configuration."""
        return tuple(self._current().databases.editions())

    def _current(self) -> Lists:
        stamp = self._stamped()
        if stamp != self._stamp:
            with self._lock:
                if stamp != self._stamp:
                    self._take_up(stamp)
        return self._lists

    def _take_up(self, stamp: Stamp) -> None:
        try:
            self._lists = Lists(current_table(self._folder), _opened(self._databases), self._others)
        except (AddressDataUnreadable, OSError, ValueError) as error:
            log.warning("new address data cannot be read; the old goes on answering", why=str(error))
        self._stamp = stamp

    def _stamped(self) -> Stamp:
        return tuple(map(_stamp, self._paths))


class Lists:
    """One state of everything at hand, with the answers it has given."""

    def __init__(self, table: RangeTable, databases: Databases, others: Sequence[OneMore] = ()) -> None:
        self.table = table
        self.asns: Mapping[int, Edition] = hosting_asns(table)
        self.origin = lru_cache(maxsize=65_536)(self._origin)
        self.databases = databases
        self._others = others
        self._said = dict(zip(table.labels, claims_of_labels(table), strict=True))
        tor = [edition for edition in table.lists if edition.marks == "tor"]
        self._no_exit = Claim(tor[0].name, tor[0].as_of, tor=False) if tor else None

    def _origin(self, ip: str) -> AddressOrigin:
        address = parse_address(ip)
        if address is None:
            return AddressOrigin(ip)
        if kind := reserved(address):
            return AddressOrigin(ip, hosting=False, big_three=False, cdn=False, tor=False, vpn=False, source=kind)
        return combine(ip, list(self._claims(address)))

    def _claims(self, address: Address) -> Iterator[Claim]:
        for claim in self.databases.claims(address):
            yield claim
            if (known := of_asn(claim.asn, self.asns)) is not None:
                yield known
        yield from self._said[self.table.find(address)]
        yield from _from_iporigin(address, no_exit=self._no_exit)
        for other in self._others:
            if (said := other(address)) is not None:
                yield said
                if (known := of_asn(said.asn, self.asns)) is not None:
                    yield known


def known_asns(folder: Path | None) -> Callable[[int], Claim | None]:
    """What the lists in use say of an AS number, read anew at each question: few are asked."""
    return lambda asn: of_asn(asn, hosting_asns(_whole_table(folder)))


def _whole_table(folder: Path | None) -> RangeTable:
    """The data set in use; where that of ``folder`` is broken the shipped one, which is older and whole."""
    try:
        return current_table(folder)
    except (OSError, ValueError) as error:
        log.warning("the address data cannot be read; the shipped lists answer", why=str(error))
        return current_table(None)


def _opened(databases: Sequence[Path]) -> Databases:
    try:
        return Databases(databases)
    except (OSError, ValueError, maxminddb.InvalidDatabaseError) as error:
        remedy = "correct [ipdata] mmdb"
        raise AddressDataUnreadable(f"A database of addresses cannot be read ({error}): {remedy}.") from error


def current_table(folder: Path | None) -> RangeTable:
    """The data set of ``folder``, or the shipped one. Raises ``OSError``, ``ValueError``."""
    if folder is not None and (folder / FILE).exists():
        return load(folder / FILE)
    return _shipped_table()


@cache
def _shipped_table() -> RangeTable:
    return load(SHIPPED)


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


# ----------------------------------------------------------------------------------------- iporigin


def _from_iporigin(address: Address, no_exit: Claim | None) -> Iterator[Claim]:
    """``no_exit`` is what a fresher list of Tor exits says where it does not hold an address."""
    source, as_of = iporigin_edition()
    found = iporigin.classify(address)
    name = PROVIDER_NAMES.get(found.provider, found.provider)
    fresher = no_exit is not None and no_exit.as_of >= as_of
    # Lists of Tor exits are complete for IPv4 on their date and empty for IPv6.
    tor = found.kind == iporigin.TOR if address.version == 4 and not fresher else None
    if found.kind in {iporigin.HOSTING, iporigin.CDN, iporigin.BOT} and name not in TRANSIT:
        cdn = found.kind == iporigin.CDN or None
        yield Claim(source, as_of, provider=name, hosting=True, cdn=cdn, tor=tor)
    elif found.kind == iporigin.VPN:
        yield Claim(source, as_of, provider=name, vpn=True, tor=tor)
    elif tor is not None:
        yield Claim(source, as_of, tor=tor)
    if fresher and address.version == 4 and no_exit is not None:
        yield no_exit


@cache
def iporigin_edition() -> tuple[str, str]:
    """Name with version, and the ISO date of its data."""
    built = datetime.fromtimestamp(iporigin.dataset_info()["built_at"], UTC)
    return f"iporigin {iporigin.__version__}", built.date().isoformat()
