"""Commands that keep something silent for a while, list it, and end it."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import typer

from bot.cli.reach import desk_of, me
from bot.cli.terminal import Config, Json, Reason, app, fail, granted, print_json
from bot.model import Kind, Refusal

snooze = typer.Typer(name="snooze", help="What is kept silent for a while.", no_args_is_help=True)
app.add_typer(snooze)

WORDS = {
    "key": Kind.ACCESS_KEY,
    "user": Kind.PRINCIPAL,
    "role": Kind.PRINCIPAL,
    "ip": Kind.IP,
    "agent": Kind.USER_AGENT,
}


@snooze.command(name="list")
def list_snoozes(config: Config = None, as_json: Json = False) -> None:
    """What is snoozed now, until when, by whom, and how much it has kept silent."""
    from bot import summary
    from bot.casebook import snooze_document
    from bot.plain import clean

    with desk_of(config) as desk:
        found = granted(desk.operations.snoozes(me()))
    if as_json:
        print_json({"snoozes": [snooze_document(each) for each in found]})
    else:
        lines = [clean(f"{each.id}  {summary.snooze_line(each)}", 400) for each in found]
        typer.echo("\n".join(lines) or "Nothing is snoozed.")


@snooze.command(name="add")
def add_snooze(
    kind: Annotated[str, typer.Argument(metavar="KIND", help="key, user, role, ip or agent")],
    value: Annotated[str, typer.Argument(metavar="VALUE")],
    hours: Annotated[float, typer.Option("--hours", min=0.02, max=2160, help="for how long")],
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="goes on record; without it, a preview")] = "",
    environment: Annotated[str, typer.Option("--environment", metavar="NAME", help="default: every one")] = "",
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Keep alerts that name it silent; without --reason, only say what that would have hidden in 30 days."""
    from bot import summary
    from bot.casebook import hidden_document, snooze_document
    from bot.plain import clean
    from bot.text import hidden_text

    if kind not in WORDS:
        fail(f"{kind} cannot be snoozed: name one of {', '.join(WORDS)}.", 2)
    with desk_of(config) as desk:
        word = kind if kind in {"user", "role"} else ""
        meant = granted(desk.operations.snoozable(WORDS[kind], value, word))
        if not reason.strip():
            (hidden,) = granted(desk.operations.preview_snooze([meant], me(), environment=environment))
            print_json(hidden_document(hidden)) if as_json else typer.echo(hidden_text(hidden))
            return
        made = granted(desk.operations.snooze(meant, timedelta(hours=hours), me(), reason, environment=environment))
    if as_json:
        print_json(snooze_document(made))
    else:
        typer.echo(clean(summary.snooze_line(made), 400))


@snooze.command(name="lift")
def lift_snooze(
    number: Annotated[int, typer.Argument(metavar="ID", min=1, help="as `triage snooze list` shows it")],
    reason: Reason,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """End a snooze; open cases that it kept silent get their cards."""
    from bot.casebook import snooze_document

    with desk_of(config) as desk:
        try:
            lifted = desk.operations.lift_snooze(number, me(), reason)
        except LookupError:
            lifted = Refusal(f"There is no snooze {number}: `triage snooze list` has them.")
        made = granted(lifted)
    if as_json:
        print_json(snooze_document(made))
    else:
        typer.echo(f"The snooze of {made.observable} is lifted.")
