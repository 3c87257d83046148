"""Commands over the audit record. They only read the state file, and work beside a running `triage serve`."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.reach import settings_of
from bot.cli.terminal import REFUSED, USAGE, Config, Json, app, fail, print_json, say

if TYPE_CHECKING:
    from bot.anchors import Anchor
    from bot.database import Database

audit = typer.Typer(name="audit", help="The record of who did what.", no_args_is_help=True)
app.add_typer(audit)


@audit.command(name="verify")
def verify_record(
    head: Annotated[
        list[str] | None,
        typer.Option("--head", metavar="ENTRY:HASH", help="as the thread of a case shows it; may be given again"),
    ] = None,
    slack: Annotated[bool, typer.Option("--slack", help="read the heads back from the threads themselves")] = False,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Find every edit, gap and cut in the record, and whether it still leads to the heads in the threads."""
    from bot import anchors
    from bot.audit import entries, verify
    from bot.audit import head as newest

    given = [_anchor(each) for each in head or ()]
    db = _record(config)
    shown, missing = _shown(config, db) if slack else ((), ())
    compared = [*anchors.kept(db), *given, *shown]
    wrong = list(dict.fromkeys([*verify(db), *anchors.compare(entries(db), compared), *missing]))
    entry, mark = newest(db) if not wrong else (len(entries(db)), "")
    if as_json:
        print_json({"entries": entry, "head": mark or None, "anchors": len(compared), "problems": wrong})
    else:
        for sentence in wrong:
            say(sentence)
        typer.echo(f"{entry} entries, compared with {len(compared)} heads in threads: {_verdict(wrong)}")
    if wrong:
        raise typer.Exit(REFUSED)


@audit.command(name="export")
def export_record(
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="default: standard output")] = None,
    config: Config = None,
) -> None:
    """The whole record as JSON lines, oldest first, each with its hash and the one before it."""
    from bot.audit import entries

    lines = (json.dumps(entry.document(), ensure_ascii=True) + "\n" for entry in entries(_record(config)))
    if out is None:
        sys.stdout.writelines(lines)
        return
    try:
        with out.open("w", encoding="ascii") as file:
            file.writelines(lines)
    except OSError as error:
        fail(f"{out} cannot be written: {error.strerror}.")


def _shown(config: Path | None, db: Database) -> tuple[tuple[Anchor, ...], tuple[str, ...]]:
    from bot.slack.anchored import NotRead, shown_anchors
    from bot.slack.client import web_client

    settings = settings_of(config)
    client = web_client(settings.slack.bot_token.read(os.environ), settings.slack.api_url)
    try:
        return shown_anchors(client, db)
    except NotRead as error:
        fail(str(error))


def _verdict(wrong: list[str]) -> str:
    return f"{len(wrong)} problems." if wrong else "whole."


def _anchor(written: str) -> Anchor:
    from bot.anchors import read_anchor

    return read_anchor(written) or fail(f"{written!r} is no head: write it as 12:ab12…, as the thread shows it.", USAGE)


def _record(config: Path | None) -> Database:
    from bot.store.state import reader_of

    path = settings_of(config).store.path
    reader = reader_of(path)
    if reader is None:
        fail(f"{path} holds no record of this version: [store] path in config.toml says where it is.")
    return reader.read()
