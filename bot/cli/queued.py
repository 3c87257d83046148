"""Commands over what the bot has to do: list, show, replay. What failed for good is kept until somebody looks."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.reach import desk_of, me
from bot.cli.terminal import Config, Json, Reason, app, fail, granted, print_json
from bot.plain import clean

if TYPE_CHECKING:
    from bot.store.job_list import KeptJob


class State(StrEnum):
    DEAD = "dead"
    READY = "ready"
    LEASED = "leased"
    DONE = "done"


jobs = typer.Typer(name="jobs", help="What failed for good, and how to have it done again.", no_args_is_help=True)
app.add_typer(jobs)
Number = Annotated[int, typer.Argument(metavar="ID", min=1, help="the job's number")]


@jobs.command(name="list")
def list_jobs(
    state: Annotated[State, typer.Option("--state", help="those that are…")] = State.DEAD,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """The jobs in one state, the newest first, at most 200: by default what failed for good."""
    from bot.store.job_list import count

    with desk_of(config) as desk:
        found = granted(desk.operations.jobs(state.value, me()))
        counted = count(desk.state.read())
    if as_json:
        print_json({"jobs": [each.document() for each in found], "counts": counted})
        return
    for each in found:
        typer.echo(_line(each))
    typer.echo(", ".join(f"{many} {name}" for name, many in counted.items()) + ".")


@jobs.command(name="show")
def show_job(number: Number, config: Config = None, as_json: Json = False) -> None:
    """One job, why it failed, and what it is about."""
    import json

    with desk_of(config) as desk:
        try:
            known = granted(desk.operations.job(number, me()))
        except LookupError as error:
            fail(f"That cannot be shown: {error}.")
    if as_json:
        print_json(known.document(whole=True))
        return
    typer.echo(_line(known))
    # In ASCII: what strangers wrote cannot drive a terminal from in there.
    typer.echo(json.dumps(known.document(whole=True), indent=2))


@jobs.command(name="replay")
def replay_job(number: Number, reason: Reason, config: Config = None, as_json: Json = False) -> None:
    """Have a dead job done again: `triage serve` takes it up within a second."""
    with desk_of(config) as desk:
        try:
            known = granted(desk.operations.replay(number, me(), reason))
        except LookupError as error:
            fail(f"That cannot be replayed: {error}.")
    if as_json:
        print_json(known.document())
    else:
        typer.echo(f"Job {known.id} is {known.state}.")


def _line(job: KeptJob) -> str:
    why = f": {job.error}" if job.error else ""
    tries = f", {job.attempts} attempts" if job.attempts else ""
    return clean(f"Job {job.id}: {job.kind}, {job.state} since {job.finished_at or job.created_at}{tries}{why}")
