"""`triage backtest`: what the bot would have said of the past, and of a theft in it."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from bot.cli.reach import investigator_of, settings_of, store_of
from bot.cli.terminal import INCOMPLETE, Config, HistoryFile, Json, app, print_json


@app.command()
def backtest(
    days: Annotated[int, typer.Option("--days", min=1, max=365, help="how many full days to replay")] = 30,
    thefts: Annotated[int, typer.Option("--thefts", min=0, max=100, help="how many to lay over copies of them")] = 5,
    seed: Annotated[int, typer.Option("--seed", help="other days, keys and hours")] = 7,
    history: HistoryFile = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """What the bot would have said of the last weeks, and of the seven-key theft in them. Writes and sends nothing."""
    from bot.backtest.judging import judge_of
    from bot.backtest.run import backtest as run
    from bot.backtest.telling import backtest_document, backtest_text
    from bot.history.progress import Line

    investigator = investigator_of(settings_of(config), history)
    store = store_of(investigator)
    world, known = investigator.past()
    line = Line(sys.stderr)
    try:
        found = run(
            store,
            known,
            judge_of(world, known, investigator.window),
            points={name: weight.points for name, weight in world.weights.signals.items()},
            days=days,
            thefts=thefts,
            seed=seed,
            progress=lambda text: line.tell(lambda _: text),
        )
    finally:
        line.close()
    if as_json:
        print_json(backtest_document(found))
    else:
        typer.echo(backtest_text(found))
    if len(found.days) < days or len(found.trials) < thefts:
        raise typer.Exit(INCOMPLETE)
