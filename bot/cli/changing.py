"""Commands that change AWS: plan, approve, undo."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.containing import (
    CONTAIN,
    approve_containment,
    is_containment,
    plan_containment,
    undo_containment,
)
from bot.cli.reach import desk_of, me
from bot.cli.terminal import REFUSED, USAGE, Config, Json, Reason, app, fail, granted, print_json, refuse, say
from bot.model import Change, ChangeState, Refusal, Waiting

if TYPE_CHECKING:
    from bot.app import Desk


@app.command()
def plan(
    remediation: Annotated[str, typer.Argument(metavar="REMEDIATION", help="e.g. disable_access_key, or contain")],
    targets: Annotated[
        list[str] | None, typer.Argument(metavar="TARGET...", help="e.g. AKIA…; several to contain")
    ] = None,
    case: Annotated[int | None, typer.Option("--case", metavar="ID")] = None,
    scope: Annotated[
        Path | None, typer.Option("--scope", metavar="FILE", help="to contain what `triage scope --json` confirmed")
    ] = None,
    address: Annotated[
        list[str] | None, typer.Option("--address", metavar="IP", help="to contain: the thief's, several times")
    ] = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Preview a change, or with `contain` all that stop a thief; reads AWS, changes nothing, prints a plan's id."""
    named = targets or []
    if remediation == CONTAIN:
        with desk_of(config) as desk:
            plan_containment(desk, named, address or [], scope, case, as_json=as_json)
        return
    if len(named) != 1 or scope or address:
        fail("A change has one target; `triage plan contain` takes several, --scope and --address.", USAGE)
    _plan_one(remediation, named[0], case, config, as_json=as_json)


def _plan_one(remediation: str, target: str, case: int | None, config: Path | None, *, as_json: bool) -> None:
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
    """Approve a plan, or a containment; with the last approval that is needed it is carried out.

    Where two or more must, who planned it only asks the others with this: nobody approves their own request.
    """
    with desk_of(config) as desk:
        if is_containment(plan_id):
            approve_containment(desk, plan_id, reason, break_glass=break_glass, as_json=as_json)
            return
        _carry_out(desk, desk.operations.approve(plan_id, me(), reason, break_glass=break_glass), as_json=as_json)


@app.command()
def undo(
    execution: Annotated[str, typer.Argument(metavar="EXECUTION")],
    reason: Reason,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Take a confirmed change back, or all of a containment."""
    from bot import text

    with desk_of(config) as desk:
        if is_containment(execution):
            undo_containment(desk, execution, reason, as_json=as_json)
            return
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

    with desk_of(config, outside=False) as desk:
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


@app.command()
def drill(
    keys: Annotated[list[str] | None, typer.Argument(metavar="[KEY]...", help="default: every canary")] = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Disable and enable the canary keys, prove that AWS refused them, and say how long it took."""
    from bot import document, summary

    with desk_of(config) as desk:
        if refusal := desk.operations.may_drill(me()):
            refuse(refusal)
        wanted = list(keys or desk.drill.secrets)
        if not wanted:
            fail("There is no canary: name keys that nobody works with in [remediation.drill] canaries.")
        drilled = [desk.drill.run(key) for key in wanted]
    if as_json:
        print_json(document.drill_document(drilled, desk.drill.undrilled))
    else:
        without = [summary.undrilled_line(desk.drill.undrilled)] if desk.drill.undrilled else []
        typer.echo("\n".join([*(summary.drill_line(each) for each in drilled), *without]))
    if any(each.problem for each in drilled):
        raise typer.Exit(REFUSED)


def _carry_out(desk: Desk, approved: Change | Waiting | Refusal, *, as_json: bool) -> None:
    from bot import document, text

    if isinstance(approved, Refusal):
        refuse(approved)
    elif isinstance(approved, Change):
        _done(desk.operations.carry_out(approved.execution), as_json=as_json)
    else:
        if as_json:
            print_json(document.waiting_document(approved))
        else:
            typer.echo(text.waiting_text(approved))
        if approved.own:
            raise typer.Exit(REFUSED)


def _done(change: Change, *, as_json: bool) -> None:
    from bot import document, text

    if as_json:
        print_json(document.change_document(change))
    else:
        typer.echo(text.change_text(change))
    if change.state is not ChangeState.CONFIRMED:
        raise typer.Exit(REFUSED)
