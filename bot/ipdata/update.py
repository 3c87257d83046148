"""``triage ipdata update``: every list as its publisher has it now, or as it was.

All lists are asked for at once, each only for what has changed since. What comes is read in its form and held against
what there was; a list that cannot be had, is broken or has shrunk to less than half stays as it was. Then the whole
data set is replaced in one step, so that whoever looks an address up has the old one or the new.
"""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from functools import partial
from pathlib import Path

from bot.http import Outbound, Page, Unfetched
from bot.ipdata.compile import Listing, edition_of, flatten, listing, listings
from bot.ipdata.forms import NotInForm, read
from bot.ipdata.origin import current_table
from bot.ipdata.sources import Source, Sources, address_of, shipped_sources
from bot.ipdata.table import FILE, Edition, RangeTable, save
from bot.model import rfc3339
from bot.threads import Threads, done_within

MOST_BYTES = 16 * 1024 * 1024
"""The largest list (AWS's) has 2 MB."""
SECONDS = 20.0
"""For all lists: they are asked at once."""
GRACE_SECONDS = 5.0
"""For what is not counted in them: looking up the names of hosts."""
MOST_ADDRESSES = 1 << 30
"""A quarter of IPv4; the largest provider has a fortieth. A list that holds more would make a server of everybody."""
LEAST_LEFT = 0.5
"""A list that has shrunk to less of its addresses than this is more likely broken than short."""


class Outcome(StrEnum):
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    KEPT = "kept"
    """It could not be had or was refused; what there was before is still in use."""
    MISSING = "missing"
    """The same, where there was nothing before."""


@dataclass(frozen=True, slots=True)
class Refreshed:
    """How one list fared. ``edition`` is the one in use now, ``why`` a sentence for one that is kept or missing."""

    source: Source
    outcome: Outcome
    edition: Edition | None
    why: str | None = None


@dataclass(frozen=True, slots=True)
class Updated:
    """How an update went; ``at`` is when it began (UTC)."""

    at: datetime
    folder: Path
    lists: tuple[Refreshed, ...]

    @property
    def complete(self) -> bool:
        return all(each.outcome in {Outcome.UPDATED, Outcome.UNCHANGED} for each in self.lists)


class NotUpdated(Exception):
    """The data set could not be replaced; the old one is as it was. The text is a sentence with the remedy."""


def update(
    folder: Path,
    clock: Callable[[], datetime],
    *,
    mirror: str = "",
    accepted: Collection[str] = (),
    sources: Sources | None = None,
    seconds: float = SECONDS,
    most_bytes: int = MOST_BYTES,
) -> Updated:
    """Bring the data set in ``folder`` up to date, from the publishers or from a ``mirror`` of them.

    The lists of the ids in ``accepted`` are taken however short they have become.
    Raises :class:`NotUpdated` if the folder cannot be written, or another update is under way.
    """
    known = sources or shipped_sources()
    at = clock()
    with _alone(folder):
        old = {each.edition.id: each for each in listings(_current(folder))}
        outbound = Outbound(known.origins(mirror), seconds=seconds, most_bytes=most_bytes)
        try:
            pages = _pages(known.lists, old, outbound, mirror, seconds)
        finally:
            outbound.close()
        fared = [
            _fared(source, old.get(source.id), pages[_asked(source, old)], at, accepted=source.id in accepted)
            for source in known.lists
        ]
        try:
            save(flatten([new for _, new in fared if new is not None]), folder / FILE)
        except (OSError, ValueError) as error:
            raise NotUpdated(f"The address data in {folder} could not be replaced: {_words(error)}.") from error
    return Updated(at, folder, tuple(refreshed for refreshed, _ in fared))


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Two updates at once would each write what the other had not read."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "update.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield
    except BlockingIOError:
        raise NotUpdated(f"Another update of {folder} is under way.") from None
    except OSError as error:
        raise NotUpdated(f"The folder {folder} cannot be written: {_words(error)}; see [ipdata] path.") from error


def _current(folder: Path) -> RangeTable:
    """The data set in use; the shipped one where that of ``folder`` is broken, which this update mends."""
    try:
        return current_table(folder)
    except (OSError, ValueError):
        return current_table(None)


def _words(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


# ------------------------------------------------------------------------------------------- fetching


@dataclass(frozen=True, slots=True)
class Request:
    """One GET: lists that stand at one address and are of one state are read from one answer."""

    url: str
    etag: str | None = None
    last_modified: str | None = None

    @property
    def headers(self) -> Mapping[str, str]:
        conditions = {"if-none-match": self.etag, "if-modified-since": self.last_modified}
        return {name: value for name, value in conditions.items() if value}


def _asked(source: Source, old: Mapping[str, Listing]) -> Request:
    """What is asked for ``source``: only what is new, where we have what is old from the same address."""
    held = old.get(source.id)
    if held is None or held.edition.url != source.url:
        return Request(source.url)
    return Request(source.url, held.edition.etag, held.edition.last_modified)


def _pages(
    lists: Sequence[Source], old: Mapping[str, Listing], outbound: Outbound, mirror: str, seconds: float
) -> dict[Request, Page | Unfetched]:
    wanted = {_asked(source, old): address_of(source, mirror) for source in lists}
    works = [partial(outbound.get, url, request.headers) for request, url in wanted.items()]
    answers = done_within(Threads(), seconds + GRACE_SECONDS, works)
    return {request: _page(answer) for request, answer in zip(wanted, answers, strict=True)}


def _page(answer: Page | Exception | None) -> Page | Unfetched:
    if answer is None:
        return Unfetched("there was no answer in time")
    if isinstance(answer, Page | Unfetched):
        return answer
    raise answer


# -------------------------------------------------------------------------------------------- judging


def _fared(
    source: Source, old: Listing | None, page: Page | Unfetched, at: datetime, *, accepted: bool
) -> tuple[Refreshed, Listing | None]:
    """How ``source`` fared, and the list to go on with; ``None`` where there is none."""
    if isinstance(page, Page) and page.status == 304 and old is not None and old.edition.url == source.url:
        same = replace(old, edition=replace(old.edition, checked_at=rfc3339(at)))
        return Refreshed(source, Outcome.UNCHANGED, same.edition), same
    try:
        new = _new(source, page, at)
        if old is not None and not accepted:
            _hold_against(old, new)
    except (Unfetched, NotInForm) as error:
        why = f"{source.name}: {error}"
        if old is None:
            return Refreshed(source, Outcome.MISSING, None, why), None
        return Refreshed(source, Outcome.KEPT, old.edition, why), old
    return Refreshed(source, Outcome.UPDATED, new.edition), new


def _new(source: Source, page: Page | Unfetched, at: datetime) -> Listing:
    if isinstance(page, Unfetched):
        raise page
    if page.status != 200:
        raise Unfetched(f"the answer was HTTP {page.status}")
    contents = read(source.form, page.body)
    last_modified = page.headers.get("last-modified")
    edition = replace(
        edition_of(source, contents.as_of or _day(last_modified) or at.date().isoformat()),
        url=source.url,
        bytes=len(page.body),
        fetched_at=rfc3339(at),
        checked_at=rfc3339(at),
        etag=page.headers.get("etag"),
        last_modified=last_modified,
    )
    new = listing(edition, contents)
    if new.addresses(4) > MOST_ADDRESSES:
        raise NotInForm("holds more than a quarter of all IPv4 addresses")
    return new


def _hold_against(old: Listing, new: Listing) -> None:
    before, after = _sizes(old), _sizes(new)
    for what, size in before.items():
        if after[what] < size * LEAST_LEFT:
            share = 100 * after[what] // size
            remedy = f"if that is right, run `triage ipdata update --accept {new.edition.id}`"
            raise NotInForm(f"has shrunk to {share} % of its {what} and is taken for broken; {remedy}")


def _sizes(one: Listing) -> dict[str, int]:
    """How much there is of what."""
    return {
        "IPv4 addresses": one.addresses(4),
        "IPv6 addresses": one.addresses(6),
        "AS numbers": len(one.edition.asns),
    }


def _day(last_modified: str | None) -> str | None:
    try:
        return parsedate_to_datetime(last_modified).date().isoformat() if last_modified else None
    except ValueError:
        return None
