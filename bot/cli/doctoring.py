"""`triage doctor`: could the bot do its work? Everything is asked live, and nothing is changed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.reach import desk_of, history_path, investigator_of, settings_of, store_of
from bot.cli.terminal import REFUSED, USAGE, Config, HistoryFile, Json, app, fail, print_json
from bot.plain import clean

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bot.remediation.readiness import Checked


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
    """Whether the bot could do its work, without changing anything: files, clock, history, Slack, AWS."""
    if sum((act, detections, slack)) > 1:
        fail("One of --act, --detections and --slack at a time; without any, everything is looked at.", USAGE)
    if not (act or detections or slack):
        _look_at_everything(history, config, as_json=as_json)
        return
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


def _look_at_everything(history: Path | None, config: Path | None, *, as_json: bool) -> None:
    from bot.app import now
    from bot.config import check, find
    from bot.doctor import examine
    from bot.plugins import shipped
    from bot.remediation import NAMES

    settings = settings_of(config)
    wrong = check(find(config), serving=True, enrichers=shipped(), remediations=NAMES)
    looked = []
    for each in examine(settings, os.environ, now, history_path(history, settings), wrong):
        looked.append(each)
        if not as_json:
            typer.echo(clean(each.line()))
    problems = sum(bool(each.problem) for each in looked)
    if as_json:
        print_json({"looked": [each.document() for each in looked], "problems": problems})
    else:
        typer.echo(f"{len(looked)} things looked at, {problems} to be mended.")
    if problems:
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
