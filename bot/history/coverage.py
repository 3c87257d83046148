"""What of a span a history covers, and which gaps a reader must know of."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.model import Coverage, Span, rfc3339
from bot.partitions import GLOBAL_REGIONS, partition_of

DELIVERY = timedelta(minutes=15)
"""CloudTrail delivers "typically within 5 minutes", with no promise: an end this close is no gap."""
QUIET_START = timedelta(hours=1)
"""A span's first hour without an event says little about whether logs were there."""
STOPPED = timedelta(days=2)
"""An account that says nothing for as long, while others do, may have lost its trail; a quiet one rests a day."""
NAMED = 5
"""How many accounts or regions a sentence names."""


@dataclass(frozen=True, slots=True)
class Place:
    """An account and region of the history, with its newest event inside the span asked about.

    Of one that should have events, and was never seen, only the account or only the region may be known.
    """

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
    newest: dict[str, datetime] = {}
    for place in places:
        if place.account and place.newest is not None:
            newest[place.account] = max(place.newest, newest.get(place.account, place.newest))
    quiet = {place.account for place in places if place.account} - newest.keys()
    silent = {place.region for place in places if place.region} - regions.keys()
    searched = _up_to(searched, max([*newest.values(), *regions.values()], default=None))
    found = Coverage(
        since=searched.since,
        until=searched.until,
        accounts=tuple(sorted(newest)),
        regions=dict(sorted(regions.items())),
        missing=(),
        newest=newest,
        quiet_accounts=tuple(sorted(quiet)),
        quiet_regions=tuple(sorted(silent.difference(unlogged_globals(regions)))),
    )
    return replace(
        found,
        missing=(*edges(span, searched), *_emptiness(regions), *silences(found), *losses(unread, unfinished)),
    )


def _up_to(searched: Span, last: datetime | None) -> Span:
    """``searched`` up to the ``last`` event of all in it, where days without any follow: nobody logs nothing so long.

    That the history goes on after the span does not fill them: whoever writes a record may choose its time.
    """
    if last is None or searched.until - last < STOPPED:
        return searched
    return Span(searched.since, max(last, searched.since))


def of_account(coverage: Coverage | None, account: str | None) -> Coverage | None:
    """``coverage`` for a question about ``account``: whether or not it was expected, that it has no events is said."""
    if coverage is None or account is None or not account.isdigit() or account in coverage.accounts:
        return coverage
    told = any(account in sentence for sentence in coverage.missing)
    return coverage if told else replace(coverage, missing=(*coverage.missing, *without_events([account])))


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


def _emptiness(regions: Mapping[str, datetime]) -> list[str]:
    if not regions:
        return ["The history holds events before and after this time, but none inside it."]
    return [
        f"No events from {region}, where IAM and other global services write theirs."
        for region in unlogged_globals(regions)
    ]


def silences(coverage: Coverage) -> list[str]:
    """Which accounts and regions that should have events have none, and which have had none for long."""
    quiet = without_events(coverage.quiet_accounts)
    return [*quiet, *_silent_regions(coverage), *_stopped(coverage.newest)]


def without_events(accounts: Sequence[str]) -> list[str]:
    """A sentence that names ``accounts``, of which nothing is there; none for none."""
    if len(accounts) > 1:
        return [f"{len(accounts)} accounts have no events in this time: {named(accounts)}."]
    return [f"Account {account} has no events in this time." for account in accounts]


def _silent_regions(coverage: Coverage) -> list[str]:
    regions = coverage.quiet_regions if coverage.regions else ()
    if len(regions) > 1:
        return [f"{len(regions)} regions have no events in this time: {named(regions)}."]
    return [f"Region {region} has no events in this time." for region in regions]


def _stopped(newest: Mapping[str, datetime]) -> list[str]:
    """Which of the accounts, with their newest events, fell silent long before the others."""
    last = max(newest.values(), default=None)
    silent = sorted((account, at) for account, at in newest.items() if last is not None and last - at >= STOPPED)
    if len(silent) > 1:
        told = named([f"{account} (after {rfc3339(at)})" for account, at in silent])
        return [f"{len(silent)} accounts fell silent, or their logs stopped, while others have events: {told}."]
    return [
        f"Account {account} has no events after {rfc3339(at)}, others do: it fell silent, or its logs stopped."
        for account, at in silent
    ]


def named(names: Sequence[str]) -> str:
    """The first few of ``names``, and how many more there are."""
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more


def losses(unread: int, unfinished: int) -> list[str]:
    """What was there and could not be taken."""
    sentences = []
    if unread:
        what = "1 record or file" if unread == 1 else f"{unread} records or files"
        sentences.append(f"{what} could not be read and {'was' if unread == 1 else 'were'} set aside.")
    if unfinished:
        sentences.append(f"{unfinished} file(s) were not read to the end: run `triage ingest` on them again.")
    return sentences
