"""Commands that search: who else is in the same hands, who does what thieves do."""

from __future__ import annotations

from typing import Annotated

import typer

from bot.cli.reach import investigator_of, moment_of, settings_of, store_of
from bot.cli.terminal import (
    INCOMPLETE,
    USAGE,
    At,
    Config,
    HistoryFile,
    Json,
    app,
    fail,
    granted,
    print_json,
    time_of,
)
from bot.model import Kind


@app.command()
def scope(
    kind: Annotated[str, typer.Argument(metavar="key|ip", help="what a scope can start from")],
    values: Annotated[list[str], typer.Argument(metavar="VALUE...", help="access keys, or the attacker's addresses")],
    history: HistoryFile = None,
    at: At = None,
    since: Annotated[str | None, typer.Option("--since", metavar="TIME", help="default: 24 hours before --at")] = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Every key in the same hands: from one lead to all of them, each with its reasons."""
    from bot.history.coverage import covers
    from bot.operations import about_scope, observable_of
    from bot.scope.telling import scope_document, scope_text

    if kind not in _LEADS:
        raise typer.BadParameter("a scope starts from `key` or `ip`", param_hint="'key|ip'")
    investigator = investigator_of(settings_of(config), history)
    leads = [granted(observable_of(_LEADS[kind], value, investigator.kept)) for value in values]
    moment, start = moment_of(at, investigator), time_of(since)
    if start is not None and start > moment:
        fail("--since is later than --at.", USAGE)
    found = investigator.swept(about_scope(leads, moment, investigator.everyone(), investigator.known(), since=start))
    if as_json:
        print_json(scope_document(found))
    else:
        typer.echo(scope_text(found))
    if not covers(found.searched, found.window):
        raise typer.Exit(INCOMPLETE)


@app.command()
def hunt(
    what: Annotated[str, typer.Argument(metavar="enumeration|playbook|all|detections")],
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="of the playbook")] = None,
    history: HistoryFile = None,
    since: Annotated[
        str | None, typer.Option("--since", metavar="TIME", help="default: 24 hours before --until")
    ] = None,
    until: Annotated[str | None, typer.Option("--until", metavar="TIME", help="default: now")] = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Search the history for one address that tries several keys, and for what thieves do with them."""
    from bot.history.coverage import covers
    from bot.hunts.telling import hunted_document, hunted_text
    from bot.operations import about_hunt

    investigator = investigator_of(settings_of(config), history)
    end = moment_of(until, investigator)
    asked = [what] if name is None else [what, name]
    store, known, own = store_of(investigator), investigator.known(), investigator.playbooks
    found = granted(about_hunt(asked, store, known, until=end, since=time_of(since), own=own))
    if as_json:
        print_json(hunted_document(found))
    else:
        typer.echo(hunted_text(found))
    if not covers(found.searched, found.window):
        raise typer.Exit(INCOMPLETE)


@app.command()
def prevalence(
    events: Annotated[list[str], typer.Argument(metavar="EVENT...", help="`service:Name`")],
    history: HistoryFile = None,
    at: At = None,
    days: Annotated[float, typer.Option("--days", min=0.1, max=3650, help="how far back to look")] = 30,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """How many principals ever make a call, and who."""
    from bot.history.coverage import covers
    from bot.hunts.hunting import prevalence as count
    from bot.hunts.telling import prevalence_document, prevalence_text

    investigator = investigator_of(settings_of(config), history)
    found = count(store_of(investigator), events, investigator.window(moment_of(at, investigator), days).span)
    if as_json:
        print_json(prevalence_document(found))
    else:
        typer.echo(prevalence_text(found))
    if not covers(found.searched, found.window):
        raise typer.Exit(INCOMPLETE)


_LEADS = {"key": Kind.ACCESS_KEY, "ip": Kind.IP}
