"""Commands that look at one thing: a key, a principal, an address, a client, a call, an alert."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from bot.cli.reach import investigator_of, moment_of, settings_of, source_of
from bot.cli.terminal import (
    INCOMPLETE,
    At,
    Config,
    Days,
    HistoryFile,
    Json,
    Why,
    app,
    fail,
    print_json,
    read_payload,
)
from bot.model import Kind, Refusal, Status, Triage
from bot.plain import clean


def _look(kind: Kind, name: str, help_text: str) -> None:
    """Register the command ``name``: everything known about one value of ``kind``."""

    def look(
        value: Annotated[str, typer.Argument(metavar="VALUE")],
        history: HistoryFile = None,
        at: At = None,
        days: Days = None,
        config: Config = None,
        why: Why = False,
        as_json: Json = False,
    ) -> None:
        _about(kind, name, value, history, at, days, config, why=why, as_json=as_json)

    look.__doc__ = help_text
    app.command(name=name)(look)


_look(Kind.ACCESS_KEY, "key", "What an access key has done, from where, with what, and how bad that is.")
_look(Kind.PRINCIPAL, "user", "The same for an IAM user: its name, ARN or id.")
_look(Kind.PRINCIPAL, "role", "The same for a role: its name, ARN or id.")
_look(Kind.IP, "ip", "Who used an address, and for what.")
_look(
    Kind.USER_AGENT, "agent", "Who used a client: a user agent, what one begins with (`aws-cli/1.22.34`), or a family."
)
_look(Kind.EVENT, "event", "Who made a call: `service:Name`.")


@app.command()
def alert(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="the payload; - for stdin")],
    source: Annotated[
        str, typer.Option("--source", metavar="NAME", help="a source of the configuration, or a kind")
    ] = "generic",
    history: HistoryFile = None,
    at: At = None,
    config: Config = None,
    why: Why = False,
    as_json: Json = False,
) -> None:
    """Take one alert through the whole line, without Slack."""
    from bot import intake, text
    from bot.app import now
    from bot.document import alert_document
    from bot.operations import about_alert

    settings = settings_of(config)
    investigator = investigator_of(settings, history)
    whose = source_of(settings, source)
    try:
        found = [part for payload in intake.read(read_payload(file)) for part in intake.parts(whose, payload)]
    except intake.Unreadable as error:
        fail(str(error))
    if len(found) > 1:
        fail(f"{file} holds {len(found)} alerts; this command takes one. `triage serve` takes them all.")
    known = intake.normalise(whose, found[0], now())
    moment = moment_of(at, investigator) if at else known.at
    triages, assessment, gaps = about_alert(known, investigator.window(moment), investigator)
    if as_json:
        print_json(alert_document(known, triages, assessment, gaps))
    else:
        typer.echo(text.alert_text(known))
        for gap in gaps[:1] if not triages else ():  # the alert's own; the rest is what was not asked therefore
            typer.echo(clean(f"Not known: {gap.question} {gap.why}."))
        for triage in triages:
            typer.echo(text.triage_text(triage, why=why))
    _exit_for(triages)


def _about(
    kind: Kind,
    word: str,
    value: str,
    history: Path | None,
    at: str | None,
    days: float | None,
    config: Path | None,
    *,
    why: bool,
    as_json: bool,
) -> None:
    from bot import text
    from bot.document import triage_document
    from bot.operations import observable_of

    investigator = investigator_of(settings_of(config), history)
    observable = observable_of(kind, value, investigator.kept, word)
    if isinstance(observable, Refusal):
        fail(observable.sentence)
    triage = investigator(observable, investigator.window(moment_of(at, investigator), days))
    if as_json:
        print_json(triage_document(triage))
    else:
        typer.echo(text.triage_text(triage, why=why))
    _exit_for([triage])


def _exit_for(triages: Iterable[Triage]) -> None:
    if any(_incomplete(triage) for triage in triages):
        raise typer.Exit(INCOMPLETE)


def _incomplete(triage: Triage) -> bool:
    """Whether a question that feeds the verdict went unanswered, or the history does not cover the window."""
    from bot.history.coverage import covers

    unanswered = any(
        enrichment.raises and enrichment.status in {Status.FAILED, Status.TIMED_OUT}
        for enrichment in triage.enrichments
    )
    return unanswered or not covers(triage.searched, triage.window.span)
