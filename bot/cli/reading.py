"""Commands over the history itself: load it, say what it holds, show a record."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from bot.cli.reach import history_path, settings_of
from bot.cli.terminal import USAGE, Config, HistoryFile, Json, app, fail, print_json


@app.command()
def ingest(
    paths: Annotated[
        list[Path], typer.Argument(metavar="PATH...", help="CloudTrail files, folders, patterns; - for stdin")
    ],
    history: HistoryFile = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Load CloudTrail files into the history."""
    from bot import document, text
    from bot.history.decoders import DecoderLost
    from bot.history.files import matched
    from bot.history.load import STDIN, load_paths
    from bot.history.progress import Shown
    from bot.history.sqlite import SqliteHistory

    if any(str(each).startswith("s3:/") for each in paths):
        fail("S3 is not read yet: copy the files with `aws s3 sync`, then ingest the folder.", USAGE)
    if missing := [each for each in paths if each != STDIN and not any(path.exists() for path in matched(each))]:
        fail(f"There is no {missing[0]}.", USAGE)
    shown = Shown(sys.stderr)
    try:
        report = load_paths(SqliteHistory(history_path(history, settings_of(config))), paths, shown)
    except DecoderLost as error:
        fail(str(error))
    finally:
        shown.close()
    if as_json:
        print_json(document.history_document(report))
    else:
        typer.echo(text.history_text(report))


@app.command(name="history")
def show_history(history: HistoryFile = None, config: Config = None, as_json: Json = False) -> None:
    """What the history holds, and what was set aside and why."""
    from bot import document, text
    from bot.history.load import describe
    from bot.history.sqlite import SqliteHistory

    report = describe(SqliteHistory(history_path(history, settings_of(config))))
    if as_json:
        print_json(document.history_document(report))
    else:
        typer.echo(text.history_text(report))


@app.command(name="event-record")
def show_event_record(
    event_id: Annotated[str, typer.Argument(metavar="EVENT_ID", help="as in `evidence` of --json")],
    history: HistoryFile = None,
    config: Config = None,
) -> None:
    """The CloudTrail record behind an evidence id, as JSON, without its secrets."""
    from bot.history.evidence import RecordUnavailable, event_record
    from bot.history.sqlite import SqliteHistory
    from bot.model import HistoryUnavailableError

    try:
        print_json(event_record(SqliteHistory(history_path(history, settings_of(config))), event_id))
    except (HistoryUnavailableError, RecordUnavailable) as error:
        fail(str(error))
