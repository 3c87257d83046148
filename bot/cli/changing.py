"""Commands that change AWS: plan, approve, undo."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.reach import desk_of, me
from bot.cli.terminal import REFUSED, Config, Json, Reason, app, granted, print_json, refuse, say
from bot.model import Change, ChangeState, Refusal, Waiting

if TYPE_CHECKING:
    from bot.app import Desk


@app.command()
def plan(
    remediation: Annotated[str, typer.Argument(metavar="REMEDIATION", help="e.g. disable_access_key")],
    target: Annotated[str, typer.Argument(metavar="TARGET", help="e.g. AKIA…")],
    case: Annotated[int | None, typer.Option("--case", metavar="ID")] = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Preview a change; reads AWS, changes nothing, prints a plan id."""
    from bot import document, text

    with desk_of(config) as desk:
        answer = desk.operations.plan_for(remediation, target, me(), case=case)
    if isinstance(answer, Refusal) and answer.settled:
        _nothing_to_do(answer, as_json=as_json)
        return
    made = granted(answer)
    if as_json:
        print_json(document.plan_document(made))
    else:
        typer.echo(text.plan_text(made))


@app.command()
def approve(
    plan_id: Annotated[str, typer.Argument(metavar="PLAN")],
    reason: Reason,
    break_glass: Annotated[
        bool, typer.Option("--break-glass", help="alone, where more people must approve; it is told to the channel")
    ] = False,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Approve a plan; with the last approval that is needed it is carried out."""
    with desk_of(config) as desk:
        _carry_out(desk, desk.operations.approve(plan_id, me(), reason, break_glass=break_glass), as_json=as_json)


@app.command()
def undo(
    execution: Annotated[str, typer.Argument(metavar="EXECUTION")],
    reason: Reason,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Take a confirmed change back."""
    from bot import text

    with desk_of(config) as desk:
        made = granted(desk.operations.plan_undo(execution, me()))
        typer.echo(text.plan_text(made), err=True)
        _carry_out(desk, desk.operations.approve(made.id, me(), reason), as_json=as_json)


def _nothing_to_do(refusal: Refusal, *, as_json: bool) -> None:
    """What was asked for is so already: that is no failure."""
    if as_json:
        print_json({"plan": None, "nothing_to_do": refusal.sentence})
    else:
        say(refusal.sentence)


@app.command()
def arm(
    environment: Annotated[str, typer.Argument(metavar="[ENVIRONMENT]")] = "default",
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="goes on record")] = "",
    off: Annotated[bool, typer.Option("--off", help="rehearse again; one person is enough")] = False,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Have changes in an environment made, not rehearsed; two people must say so. Without --reason: how far it is."""
    from bot import document, text

    with desk_of(config) as desk:
        armoury = desk.armoury
        if not reason:
            states = armoury.states()
        elif off:
            states = (granted(armoury.disarm(environment, me(), reason)),)
        else:
            states = (granted(armoury.arm(environment, me(), reason)),)
    if as_json:
        print_json({"environments": [document.armed_document(each) for each in states]})
    else:
        typer.echo("\n".join(text.armed_text(each) for each in states))


def _carry_out(desk: Desk, approved: Change | Waiting | Refusal, *, as_json: bool) -> None:
    from bot import document, text

    if isinstance(approved, Refusal):
        refuse(approved)
    elif isinstance(approved, Change):
        _done(desk.operations.carry_out(approved.execution), as_json=as_json)
    elif as_json:
        print_json(document.waiting_document(approved))
    else:
        typer.echo(text.waiting_text(approved))


def _done(change: Change, *, as_json: bool) -> None:
    from bot import document, text

    if as_json:
        print_json(document.change_document(change))
    else:
        typer.echo(text.change_text(change))
    if change.state is not ChangeState.CONFIRMED:
        raise typer.Exit(REFUSED)
