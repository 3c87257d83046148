"""Commands over the address data: bring it up to date, say what there is."""

from __future__ import annotations

from typing import Annotated

import typer

from bot.cli.reach import settings_of
from bot.cli.terminal import REFUSED, USAGE, Config, Json, app, fail, print_json, say

ipdata = typer.Typer(name="ipdata", help="Where addresses come from: whose ranges, of which day.", no_args_is_help=True)
app.add_typer(ipdata)

Accept = Annotated[
    list[str] | None, typer.Option("--accept", metavar="LIST", help="take this list however short it has become")
]


@ipdata.command()
def update(accept: Accept = None, config: Config = None, as_json: Json = False) -> None:
    """Fetch the lists that have changed; a list that cannot be had, or is broken, stays as it was."""
    from bot.app import now
    from bot.ipdata.sources import shipped_sources
    from bot.ipdata.telling import updated_document, updated_text
    from bot.ipdata.update import NotUpdated
    from bot.ipdata.update import update as fetch

    table = settings_of(config).ipdata
    known = {source.id for source in shipped_sources().lists}
    if unknown := sorted(set(accept or ()) - known):
        fail(f"There is no list {unknown[0]!r}; there are: {', '.join(sorted(known))}.", USAGE)
    try:
        updated = fetch(table.path, now, mirror=table.mirror, accepted=accept or ())
    except NotUpdated as error:
        fail(str(error))
    if as_json:
        print_json(updated_document(updated))
    else:
        typer.echo(updated_text(updated))
    for each in updated.lists:
        if each.why is not None:
            say(f"{each.why}.")
    if not updated.complete:
        raise typer.Exit(REFUSED)


@ipdata.command()
def show(config: Config = None, as_json: Json = False) -> None:
    """Every list, package and database that answers, with its date, size and age."""
    from bot.app import now
    from bot.ipdata.held import held
    from bot.ipdata.telling import held_document, held_text

    table = settings_of(config).ipdata
    found = held(table.path, table.mmdb, now(), plevin=table.plevin, whois=table.whois)
    if as_json:
        print_json(held_document(found))
    else:
        typer.echo(held_text(found))
