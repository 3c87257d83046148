"""Commands of the one who runs the bot: serve, check, permissions, demo."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.reach import desk_of, investigator_of, settings_of, store_of
from bot.cli.terminal import REFUSED, USAGE, Config, HistoryFile, Json, app, fail, print_json, time_of
from bot.plain import clean

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bot.remediation.readiness import Checked


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
def doctor(
    act: Annotated[bool, typer.Option("--act", help="may the acting role do what it will be asked?")] = False,
    detections: Annotated[
        bool, typer.Option("--detections", help="does the history hold what the detections need to see?")
    ] = False,
    slack: Annotated[bool, typer.Option("--slack", help="do Slack's tokens and channels work?")] = False,
    history: HistoryFile = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Whether the bot could do its work, without changing anything: in AWS, with its history, in Slack."""
    if sum((act, detections, slack)) != 1:
        fail(
            "Say what to look at: `triage doctor --act`, whether the acting role may do its work, "
            "`triage doctor --detections`, whether the history holds what the detections need, or "
            "`triage doctor --slack`, whether Slack takes what the bot has to say.",
            USAGE,
        )
    if slack:
        _ask_slack(config, as_json=as_json)
        return
    if detections:
        _see(history, config, as_json=as_json)
        return

    with desk_of(config) as desk:
        found = desk.armoury.check()
        states = {each.environment: each for each in desk.armoury.states()}
    if as_json:
        checks = {
            name: [
                {"account": each.account, "allowed": list(each.allowed), "problems": list(each.problems)}
                for each in some
            ]
            for name, some in found.items()
        }
        print_json({"act": checks, "armed": {name: state.armed for name, state in states.items()}})
    else:
        _tell_checks(found)
    if any(each.problems for some in found.values() for each in some):
        raise typer.Exit(REFUSED)


def _ask_slack(config: Path | None, *, as_json: bool) -> None:
    from bot.slack import checkup, troubles
    from bot.slack.client import web_client
    from bot.store.state import reader_of

    settings = settings_of(config)
    table = settings.slack
    named = [settings.environment(name).channel for name in settings.environments]
    channels = [each for each in dict.fromkeys([table.channel, table.fallback_channel, *named]) if each]
    app_token = table.app_token.read(os.environ) if table.mode == "socket" else None
    looked = checkup.check(web_client(table.bot_token.read(os.environ), table.api_url), channels, app_token)
    state = reader_of(settings.store.path)
    waiting = troubles.sentences(state.read()) if state else []
    if as_json:
        found = [{"what": each.what, "problem": each.problem or None} for each in looked]
        print_json({"slack": found, "waiting": waiting})
    else:
        for each in looked:
            typer.echo(clean(f"{each.what}: {each.problem or 'works'}"))
        for told in waiting:
            typer.echo(clean(told))
    if waiting or any(each.problem for each in looked):
        raise typer.Exit(REFUSED)


def _see(history: Path | None, config: Path | None, *, as_json: bool) -> None:
    from bot.app import now
    from bot.hunts.seeing import blind_spots

    found = blind_spots(store_of(investigator_of(settings_of(config), history)), now())
    if as_json:
        print_json({"detections": [{"question": each.question, "why": each.why} for each in found]})
    elif not found:
        typer.echo("The history holds everything that the detections need.")
    for each in () if as_json else found:
        typer.echo(clean(f"Cannot be told: {each.question} {each.why}."))
    if found:
        raise typer.Exit(REFUSED)


def _tell_checks(found: Mapping[str, Sequence[Checked]]) -> None:
    for name, checked in found.items():
        for each in checked:
            told = f"{' '.join((name, each.account)).strip()}: {len(each.allowed)} calls allowed"
            many = f"{len(each.problems)} problem{'s' if len(each.problems) > 1 else ''}"
            typer.echo(clean(f"{told}, {many}" if each.problems else told))
            for problem in each.problems:
                typer.echo(clean(f"  {problem}"))


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
