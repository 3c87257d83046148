"""Commands of the one who runs the bot: serve, check, permissions, demo."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from bot.cli.reach import settings_of
from bot.cli.terminal import USAGE, Config, Json, app, fail, print_json, time_of
from bot.plain import clean


@app.command()
def serve(config: Config = None) -> None:
    """Run the bot."""
    from bot.app import serve as run
    from bot.config import check as problems_of
    from bot.config import find
    from bot.plugins import shipped
    from bot.remediation import NAMES

    settings = settings_of(config)
    problems = problems_of(find(config), serving=True, enrichers=shipped(), remediations=NAMES)
    for problem in problems:
        typer.echo(clean(str(problem)), err=True)
    if any(problem.severity == "error" for problem in problems):
        raise typer.Exit(USAGE)
    run(settings)


@app.command()
def check(config: Config = None) -> None:
    """Every mistake in the configuration at once, offline."""
    from bot.config import check as problems_of
    from bot.config import find
    from bot.plugins import shipped
    from bot.remediation import NAMES

    problems = problems_of(find(config), enrichers=shipped(), remediations=NAMES)
    for problem in problems:
        typer.echo(clean(str(problem)))
    if any(problem.severity == "error" for problem in problems):
        raise typer.Exit(USAGE)
    serving = problems_of(find(config), serving=True, enrichers=shipped(), remediations=NAMES)
    missing = sum(problem.severity == "error" for problem in serving)
    where = clean(str(find(config) or "the defaults"))
    warned = f"; {len(problems)} warnings" if problems else ""
    stops = f"; `triage serve` does not start without {missing} of these" if missing else ""
    typer.echo(f"{where}: no mistakes{warned}{stops}.")


@app.command()
def permissions(
    act: Annotated[bool, typer.Option("--act", help="of the role that carries out approved changes")] = False,
    roles: Annotated[bool, typer.Option("--roles", help="with --act: of the optional third role")] = False,
    config: Config = None,
    as_json: Annotated[bool, typer.Option("--json", help="accepted: it is JSON in any case")] = False,
) -> None:
    """The least IAM policy of the role that reads, from what the code calls and the configuration offers."""
    from bot.permissions import acting_policy, reading_policy

    if roles and not act:
        fail("The third role only acts: `triage permissions --act --roles`.", USAGE)
    settings = settings_of(config)
    print_json(acting_policy(settings, roles=roles) if act else reading_policy(settings))


@app.command()
def demo(
    port: Annotated[int, typer.Option("--port", min=0, max=65535)] = 8765,
    once: Annotated[bool, typer.Option("--once", help="replay without a browser, print the cards, exit")] = False,
    seed: Annotated[int, typer.Option("--seed", help="another organisation")] = 7,
    at: Annotated[
        str | None,
        typer.Option("--at", metavar="TIME", help="3 minutes after the alert; default: now"),
    ] = None,
    keep: Annotated[Path | None, typer.Option("--keep", metavar="DIR", help="leave the history and the alert")] = None,
    as_json: Json = False,
) -> None:
    """Replay the incident of docs/story.md on a local Slack and a local AWS, offline."""
    if missing := [name for name in ("ministack", "websockets") if find_spec(name) is None]:
        fail(f"The demo needs {' and '.join(missing)}: install the extra, as in `pip install 'triage-bot[demo]'`.")
    from bot.demo import replay
    from bot.demo.aws import LocalAwsError

    told_at = time_of(at)
    try:
        played = replay.once(seed=seed, at=told_at, keep=keep) if once else None
        if played is None:
            replay.page(port=port, seed=seed, at=told_at, keep=keep)
    except (LocalAwsError, OSError) as error:
        fail(f"The demo cannot go on: {error}")
    if played is not None and as_json:
        print_json(played.document)
    elif played is not None:
        typer.echo(played.text)
