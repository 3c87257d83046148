"""`triage ingest`: CloudTrail's logs, wherever they stand, into the history."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.reach import history_path, settings_of
from bot.cli.terminal import USAGE, Config, HistoryFile, Json, app, fail, print_json, say, time_of
from bot.model import Span, rfc3339

if TYPE_CHECKING:
    from bot.config.settings import Settings
    from bot.history.bucket import Address
    from bot.history.load import LoadReport, Watch
    from bot.history.sources import LogObject
    from bot.history.sqlite import SqliteHistory

S3 = "s3:"

Since = Annotated[str | None, typer.Option("--since", metavar="TIME", help="of a bucket: not what came before")]
Until = Annotated[str | None, typer.Option("--until", metavar="TIME", help="of a bucket: not what came after")]
LastDays = Annotated[
    float | None, typer.Option("--days", min=0.1, max=3650, help="of a bucket: the last so many; default: 150")
]
Account = Annotated[
    str | None,
    typer.Option("--account", metavar="ID", help="of a bucket: whose role reads it; default: \\[aws] log_account"),
]


@app.command()
def ingest(
    paths: Annotated[
        list[str],
        typer.Argument(metavar="PATH...", help="CloudTrail files, folders, patterns; s3://bucket/prefix; - for stdin"),
    ],
    since: Since = None,
    until: Until = None,
    days: LastDays = None,
    account: Account = None,
    history: HistoryFile = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Load CloudTrail files, or a trail's bucket, into the history."""
    from bot import document, text
    from bot.history.progress import Shown
    from bot.history.sqlite import SqliteHistory

    addresses = _addresses(paths)
    if not addresses and (since, until, days, account) != (None, None, None, None):
        fail("--since, --until, --days and --account are for buckets: of files everything is loaded.", USAGE)
    settings = settings_of(config)
    store = SqliteHistory(history_path(history, settings))
    span = _span(since, until, days) if addresses else None
    shown = Shown(sys.stderr)
    try:
        report = (
            _load_buckets(store, addresses, span, account, settings, shown)
            if span
            else _load_files(store, [Path(path) for path in paths], shown)
        )
    finally:
        shown.close()
    if as_json:
        print_json(document.history_document(report))
    else:
        typer.echo(text.history_text(report))


def _addresses(paths: Sequence[str]) -> list[Address]:
    from bot.history.bucket import address_of

    named = [path for path in paths if path.lower().startswith(S3)]
    if named and len(named) < len(paths):
        fail("Load files and buckets one after the other.", USAGE)
    addresses = []
    for path in named:
        address = address_of(path)
        if address is None:
            fail(f"{path} is not an address in S3; write it as s3://bucket/prefix.", USAGE)
        addresses.append(address)
    return addresses


def _span(since: str | None, until: str | None, days: float | None) -> Span:
    from bot.app import now
    from bot.history.retention import DAYS

    if since is not None and days is not None:
        fail("--since and --days say the same: give one of them.", USAGE)
    end: datetime = time_of(until) or now()
    start = time_of(since) or end - timedelta(days=days or DAYS)
    if start > end:
        fail("--since is later than --until.", USAGE)
    say(f"From {rfc3339(start)} to {rfc3339(end)}, by the days the logs were delivered on.")
    return Span(start, end)


def _load_files(store: SqliteHistory, paths: Sequence[Path], watch: Watch) -> LoadReport:
    from bot.history.decoders import DecoderLost
    from bot.history.files import matched
    from bot.history.load import STDIN, load_paths

    if missing := [each for each in paths if each != STDIN and not any(path.exists() for path in matched(each))]:
        fail(f"There is no {missing[0]}.", USAGE)
    try:
        return load_paths(store, paths, watch)
    except DecoderLost as error:
        fail(str(error))


def _load_buckets(
    store: SqliteHistory,
    addresses: Sequence[Address],
    span: Span,
    account: str | None,
    settings: Settings,
    watch: Watch,
) -> LoadReport:
    from bot.app import now
    from bot.history.bucket import BucketUnavailable
    from bot.history.load import load_logs
    from bot.outside import aws_of
    from bot.trail import bucket_of

    aws = aws_of(settings, os.environ, now)

    def logs(address: Address) -> Iterator[LogObject]:
        return bucket_of(settings, aws, address.bucket, account).logs(address.prefix, span)

    try:
        return load_logs(store, chain.from_iterable(map(logs, addresses)), watch)
    except BucketUnavailable as error:
        fail(str(error))
