"""Commands over the history itself: say what it holds, show a record."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from bot.cli.reach import history_path, settings_of
from bot.cli.terminal import Config, HistoryFile, Json, app, fail, print_json


@app.command(name="history")
def show_history(history: HistoryFile = None, config: Config = None, as_json: Json = False) -> None:
    """What the history holds, and what was set aside and why."""
    from bot import document, text
    from bot.histories import kept_of
    from bot.history.load import describe

    settings = settings_of(config)
    report = describe(kept_of(settings, history_path(history, settings)))
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
    from bot.app import now
    from bot.history.evidence import RecordUnavailable, event_record
    from bot.history.sqlite import SqliteHistory
    from bot.model import HistoryUnavailableError
    from bot.outside import aws_of
    from bot.trail import object_reader

    settings = settings_of(config)

    def fetch(address: str) -> bytes:
        return object_reader(settings, aws_of(settings, os.environ, now))(address)

    try:
        print_json(event_record(SqliteHistory(history_path(history, settings)), event_id, fetch))
    except (HistoryUnavailableError, RecordUnavailable) as error:
        fail(str(error))
