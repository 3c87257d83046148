"""Commands that change AWS: plan, approve, undo."""

from __future__ import annotations

from typing import Annotated

import typer

from bot.cli.reach import desk_of, me
from bot.cli.terminal import REFUSED, Config, Json, Reason, app, granted, print_json
from bot.model import Change, ChangeState


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
        made = granted(desk.operations.plan_for(remediation, target, me(), case=case))
    if as_json:
        print_json(document.plan_document(made))
    else:
        typer.echo(text.plan_text(made))


@app.command()
def approve(
    plan_id: Annotated[str, typer.Argument(metavar="PLAN")],
    reason: Reason,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Approve a plan and carry it out."""
    with desk_of(config) as desk:
        approved = granted(desk.operations.approve(plan_id, me(), reason))
        _done(desk.operations.carry_out(approved.execution), as_json=as_json)


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
        approved = granted(desk.operations.approve(made.id, me(), reason))
        _done(desk.operations.carry_out(approved.execution), as_json=as_json)


def _done(change: Change, *, as_json: bool) -> None:
    from bot import document, text

    if as_json:
        print_json(document.change_document(change))
    else:
        typer.echo(text.change_text(change))
    if change.state is not ChangeState.CONFIRMED:
        raise typer.Exit(REFUSED)
