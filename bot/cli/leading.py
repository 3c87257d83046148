"""Commands about who leads a case: hand it over, declare it an incident."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import typer

from bot.cli.casework import Number, case, of_case
from bot.cli.reach import desk_of, me
from bot.cli.terminal import Config, Json, Reason, print_json


@case.command(name="hand-over")
def hand_over_case(
    number: Number,
    to: Annotated[str, typer.Option("--to", metavar="ACTOR", help="who shall have it: slack:<team>:<user>")],
    note: Annotated[str, typer.Option("--note", help="what they should know")] = "",
    check_in: Annotated[
        int | None, typer.Option("--check-in", metavar="MINUTES", min=1, help="when it is to be looked at again")
    ] = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Give a case to somebody else: its thread mentions them with its state, open tasks and the next check."""
    from bot.casebook import handover_document
    from bot.model import Actor

    next_ = Actor(to, to.rpartition(":")[2])
    wait = timedelta(minutes=check_in) if check_in else None
    with desk_of(config, outside=False) as desk:
        made = of_case(number, lambda: desk.operations.hand_over(number, next_, me(), note, check_in=wait))
    if as_json:
        print_json({"case": number, **handover_document(made)})
    else:
        typer.echo(f"Case #{number} is {made.to.name}'s now.")


@case.command(name="ask-owner")
def ask_owner(number: Number, reason: Reason, config: Config = None, as_json: Json = False) -> None:
    """Have `triage serve` ask the key's owner in Slack whether it was them; its thread says what they answer."""
    with desk_of(config) as desk:
        of_case(number, lambda: desk.operations.ask_owner(number, me(), reason))
    if as_json:
        print_json({"case": number, "queued": True})
    else:
        typer.echo(f"Queued: `triage serve` asks, and the thread of case #{number} says what comes of it.")


@case.command(name="declare")
def declare_incident(
    number: Number,
    reason: Reason,
    private_channel: Annotated[
        bool, typer.Option("--private-channel", help="have `triage serve` open one for it in Slack")
    ] = False,
    invite: Annotated[
        list[str] | None, typer.Option("--invite", metavar="U…", help="into it, by Slack's id; may be repeated")
    ] = None,
    with_owner: Annotated[bool, typer.Option("--with-owner", help="the key's owner may be among them")] = False,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Say that a case is an incident, whatever the bot's verdict; the channel hears of it."""
    from bot import text
    from bot.casebook import case_document
    from bot.model import RoomAsked

    room = RoomAsked(tuple(invite or ()), with_owner) if private_channel else None
    with desk_of(config, outside=False) as desk:
        known = of_case(number, lambda: desk.operations.declare(number, me(), reason, room=room))
    if as_json:
        print_json(case_document(known))
    else:
        typer.echo(text.notification(known))
