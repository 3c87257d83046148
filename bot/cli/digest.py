"""The command that prints a digest."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import typer

from bot.cli.reach import desk_of, me
from bot.cli.terminal import At, Config, Json, app, granted, print_json, time_of


@app.command(name="digest")
def print_digest(
    days: Annotated[float, typer.Option("--days", min=0.1, max=366, help="how far back")] = 7,
    at: At = None,
    environment: Annotated[
        list[str] | None, typer.Option("--environment", metavar="NAME", help="default: all; may be repeated")
    ] = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Cases by verdict, how long steps took, who made the noise, what was kept silent, what waits."""
    from bot import text
    from bot.casebook import digest_document

    with desk_of(config) as desk:
        until = time_of(at) or desk.clock() + timedelta(seconds=1)  # its end is not in it
        found = granted(desk.operations.digest(until - timedelta(days=days), until, me(), environment or ()))
    if as_json:
        print_json(digest_document(found))
    else:
        typer.echo(text.digest_text(found))
