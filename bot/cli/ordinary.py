"""`triage usual`: what the bot believes is ordinary here, and how an analyst corrects it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.reach import desk_of, investigator_of, me, moment_of, settings_of, store_of
from bot.cli.terminal import INCOMPLETE, USAGE, At, Config, HistoryFile, Json, Reason, app, fail, granted, print_json
from bot.model import Environment, Ordinary

if TYPE_CHECKING:
    from bot.investigator import Investigator

EnvironmentName = Annotated[
    str | None, typer.Option("--environment", metavar="NAME", help="default: the only one, or all of them")
]

usual = typer.Typer(
    name="usual",
    help="What the bot believes is ordinary here: countries, providers, exits, automation, rare events.",
    invoke_without_command=True,
)
app.add_typer(usual)


@usual.callback()
def show_usual(
    context: typer.Context,
    environment: EnvironmentName = None,
    history: HistoryFile = None,
    at: At = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """What the bot believes is ordinary here: countries, providers, exits, automation, rare events."""
    if context.invoked_subcommand is not None:
        return
    from bot.history.coverage import covers
    from bot.usual.telling import profile_document, profile_text

    investigator = investigator_of(settings_of(config), history)
    store_of(investigator)
    moment = moment_of(at, investigator)
    found = [investigator.usual(each, moment) for each in _asked(investigator, environment)]
    if as_json:
        print_json({"environments": [profile_document(each) for each in found]})
    else:
        typer.echo("\n\n".join(profile_text(each) for each in found))
    if any(not covers(each.searched, each.span) for each in found):
        raise typer.Exit(INCOMPLETE)


@usual.command(name="correct")
def correct_usual(
    kind: Annotated[Ordinary, typer.Argument(metavar="country|network|automation")],
    value: Annotated[str, typer.Argument(metavar="VALUE", help="DE; 203.0.113.0/24; a principal's name, id or ARN")],
    reason: Reason,
    usual_here: Annotated[
        bool | None, typer.Option("--usual/--not-usual", help="it is ordinary here, or is not")
    ] = None,
    forget: Annotated[bool, typer.Option("--forget", help="take back what was said of it")] = False,
    environment: EnvironmentName = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Correct what the bot believes; the newest word on a thing counts, before config and history."""
    from bot.usual.telling import correction_document, correction_line

    if forget is (usual_here is not None):
        fail("Say one of --usual, --not-usual and --forget.", USAGE)
    with desk_of(config, outside=False) as desk:
        here = _one(desk.investigate, environment).name
        if usual_here is None:
            gone = granted(desk.operations.forget(here, kind, value, me(), reason))
            document, line = {"environment": here, "kind": kind.value, "value": gone, "usual": None}, "forgotten"
        else:
            said = granted(desk.operations.correct(here, kind, value, me(), reason, usual=usual_here))
            document, line = correction_document(said), correction_line(said)
    if as_json:
        print_json(document)
    else:
        typer.echo(line)


def _asked(investigator: Investigator, name: str | None) -> list[Environment]:
    known = investigator.environments()
    found = [each for each in known if name in {None, each.name}]
    if not found:
        fail(f"There is no environment {name!r}; there are: {', '.join(each.name for each in known)}.", USAGE)
    return found


def _one(investigator: Investigator, name: str | None) -> Environment:
    found = _asked(investigator, name)
    if len(found) > 1:
        fail(f"Say which --environment: {', '.join(each.name for each in found)}.", USAGE)
    return found[0]
