"""What of a span a history covers, and which gaps a reader must know of."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.model import Coverage, Span, rfc3339
from bot.partitions import GLOBAL_REGIONS, partition_of

DELIVERY = timedelta(minutes=15)
"""CloudTrail delivers "typically within 5 minutes", with no promise: an end this close is no gap."""
QUIET_START = timedelta(hours=1)
"""A span's first hour without an event says little about whether logs were there."""
NAMED_ACCOUNTS = 5


@dataclass(frozen=True, slots=True)
class Place:
    """An account and region of the history, with its newest event inside the span asked about."""

    account: str
    region: str
    newest: datetime | None


def covered(span: Span, held: Span, places: Sequence[Place], *, unread: int, unfinished: int) -> Coverage | None:
    """The part of ``span`` inside ``held`` (oldest to newest event); ``None`` if they do not meet."""
    searched = span.intersection(held)
    if searched is None:
        return None
    regions: dict[str, datetime] = {}
    for place in places:
        if place.region and place.newest is not None:
            regions[place.region] = max(place.newest, regions.get(place.region, place.newest))
    seen = {place.account for place in places if place.newest is not None and place.account}
    quiet = {place.account for place in places if place.account} - seen
    return Coverage(
        since=searched.since,
        until=searched.until,
        accounts=tuple(sorted(seen)),
        regions=dict(sorted(regions.items())),
        missing=(*edges(span, searched), *_silences(quiet, regions), *losses(unread, unfinished)),
    )


def covers(coverage: Coverage | None, span: Span) -> bool:
    """Whether the history reaches from the one end of ``span`` to the other."""
    return coverage is not None and not edges(span, Span(coverage.since, coverage.until))


def edges(span: Span, searched: Span) -> list[str]:
    """What of ``span`` lies before or after what was searched."""
    sentences = []
    if searched.since - span.since > QUIET_START:
        sentences.append(f"Nothing before {rfc3339(searched.since)}: the history begins there.")
    if span.until - searched.until > DELIVERY:
        sentences.append(f"Nothing after {rfc3339(searched.until)}: the newest event is from then.")
    return sentences


def unlogged_globals(regions: Collection[str]) -> list[str]:
    """The regions where global services log, of the partitions ``regions`` lie in, that are not among them."""
    return sorted({GLOBAL_REGIONS[partition_of(region)] for region in regions} - set(regions))


def _silences(quiet: set[str], regions: dict[str, datetime]) -> list[str]:
    sentences = [without_events(sorted(quiet))] if quiet else []
    if not regions:
        sentences.append("The history holds events before and after this time, but none inside it.")
    for region in unlogged_globals(regions):
        sentences.append(f"No events from {region}, where IAM and other global services write theirs.")
    return sentences


def without_events(accounts: Sequence[str]) -> str:
    """A sentence that names ``accounts`` (at least one), of which nothing is there."""
    if len(accounts) == 1:
        return f"Account {accounts[0]} has no events in this time."
    more = f" and {len(accounts) - NAMED_ACCOUNTS} more" if len(accounts) > NAMED_ACCOUNTS else ""
    return f"{len(accounts)} accounts have no events in this time: {', '.join(accounts[:NAMED_ACCOUNTS])}{more}."


def losses(unread: int, unfinished: int) -> list[str]:
    """What was there and could not be taken."""
    sentences = []
    if unread:
        what = "1 record or file" if unread == 1 else f"{unread} records or files"
        sentences.append(f"{what} could not be read and {'was' if unread == 1 else 'were'} set aside.")
    if unfinished:
        sentences.append(f"{unfinished} file(s) were not read to the end: run `triage ingest` on them again.")
    return sentences
