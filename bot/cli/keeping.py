"""Commands that keep what the bot knows: backup, restore."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.reach import me, settings_of
from bot.cli.terminal import REFUSED, USAGE, Config, Json, app, fail, print_json, say
from bot.plain import clean

if TYPE_CHECKING:
    from bot.backup import Backup, Places


@app.command()
def backup(
    folder: Annotated[
        Path | None, typer.Argument(metavar="[FOLDER]", help="must not be there; default: triage-backup-<time>")
    ] = None,
    with_history: Annotated[bool, typer.Option("--with-history", help="CloudTrail's records, too")] = False,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Copy state and evidence, also while the bot serves, and read the copy back."""
    from bot.app import now
    from bot.backup import BackupUnusable, default_name, make

    at = now()
    try:
        made = make(folder or Path(default_name(at)), _places(config, with_history=with_history), at)
    except BackupUnusable as error:
        fail(f"{error}.")
    if as_json:
        print_json(made.document())
    else:
        for problem in made.problems:
            say(problem)
        typer.echo(clean(_described(made)))
    if made.problems:
        raise typer.Exit(REFUSED)


@app.command()
def restore(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="that `triage backup` made")],
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="goes on record")] = "",
    check: Annotated[bool, typer.Option("--check", help="only read the backup, and say whether it is whole")] = False,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Put a backup in the place of what is there; the bot must not run. What was there is kept beside it."""
    from bot.app import now
    from bot.backup import BackupUnusable
    from bot.backup import check as looked_at
    from bot.backup import restore as put_back

    if not check and not reason.strip():
        fail("Say why: --reason TEXT goes on record. With --check the backup is only read.", USAGE)
    try:
        if check:
            found = looked_at(folder)
            replaced: tuple[Path, ...] = ()
        else:
            done = put_back(folder, _places(config, with_history=True), now(), me(), reason.strip())
            found, replaced = done.backup, done.replaced
    except BackupUnusable as error:
        fail(f"{error}.")
    if as_json:
        print_json({**found.document(), "restored": not check, "replaced": [str(each) for each in replaced]})
        return
    typer.echo(clean(_described(found)))
    if check:
        return
    for each in replaced:
        typer.echo(clean(f"What was there lies at {each}."))
    typer.echo(
        "Alerts and changes since then are unknown to it: look at AWS before you press a button of an older card."
    )


def _places(config: Path | None, *, with_history: bool) -> Places:
    from bot.backup import Places

    settings = settings_of(config)
    embedded = with_history and settings.history.kind == "sqlite"
    return Places(settings.store.path, settings.store.evidence_folder(), settings.history.path if embedded else None)


def _described(found: Backup) -> str:
    beside = "with its history" if found.history else "without its history"
    return (
        f"{found.folder}: whole, of {found.made_at}, {beside}: {found.cases} cases, {found.entries} entries of the"
        f" record, {found.files} files, {found.bytes / 1e6:.1f} MB."
    )
