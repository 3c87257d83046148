"""`triage init`: the first configuration of a new installation."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from bot.cli.reach import me
from bot.cli.terminal import REFUSED, Json, app, fail, print_json
from bot.plain import clean


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(metavar="[FOLDER]", help="default: here")] = Path(),
    channel: Annotated[str, typer.Option("--channel", metavar="ID", help="for cards: C0123ABCD")] = "",
    person: Annotated[str, typer.Option("--person", metavar="ID", help="you in Slack: U0123ABCD")] = "",
    as_json: Json = False,
) -> None:
    """Write config.toml, the Slack manifest and a file for secrets; what can be found out is not asked."""
    from bot.beginning import CONFIG, Told, find_out, write

    found = find_out(me().name, os.environ)
    if sys.stdin.isatty() and not as_json:
        channel = channel or found.channel or _asked("The id of the channel for cards (C0123ABCD, Enter: later)")
        person = person or (_asked("Your own member id in Slack (U0123ABCD, Enter: later)") if found.team else "")
    try:
        written = write(folder, found, Told(channel.strip(), person.strip()))
    except FileExistsError as error:
        fail(f"{error}: nothing was written. `triage check` says what is wrong with a configuration.", REFUSED)
    except OSError as error:
        fail(f"{folder} cannot be written: {error.strerror}.", REFUSED)
    if as_json:
        print_json({"written": [str(each) for each in written], "notes": list(found.notes)})
        return
    for note in found.notes:
        typer.echo(clean(f"{note}."))
    for file in written:
        typer.echo(clean(f"Written: {file}"))
    typer.echo(
        f"Next: make the Slack app from slack-manifest.yaml, put its two tokens into triage.env,\n"
        f"  set -a; . ./triage.env; set +a; triage check --config {folder / CONFIG}"
    )


def _asked(what: str) -> str:
    return str(typer.prompt(what, default="", show_default=False))
