"""The demo's theft told from 20 seeds: who is found, who is not, and how long it takes.

Run it with ``python -m tests.bench.scope_seeds``.
"""

from __future__ import annotations

import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bot.demo.world import World, make_world
from bot.history.everyone import Everyone
from bot.history.load import load_paths
from bot.history.sqlite import SqliteHistory
from bot.hunts.hunting import hunt
from bot.ipdata import LocalAddressData
from bot.model import Kind, Observable, Span
from bot.scope.ground import Known
from bot.scope.reading import scope

AT = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
SEEDS = 20


def main() -> None:
    """One line a seed."""
    for seed in range(1, SEEDS + 1):
        world = make_world(seed, AT)
        with tempfile.TemporaryDirectory() as folder:
            written = world.write(Path(folder))
            history = SqliteHistory(Path(folder) / "history.db")
            load_paths(history, [written.cloudtrail, written.late])
            sys.stdout.write(f"seed {seed}: {_line(world, history)}\n")
            history.close()


def _line(world: World, history: SqliteHistory) -> str:
    lead = Observable(Kind.ACCESS_KEY, world.story.lead.id)
    started = time.perf_counter()
    found = scope(Everyone(history), [lead], AT, known=Known(origin=LocalAddressData().origin))
    seconds = time.perf_counter() - started
    stolen, confirmed = {key.id for key in world.story.stolen}, {each.key for each in found.confirmed}
    theft = len(hunt(history, Span(AT - timedelta(days=1), AT)).hits)
    before = Span(AT - timedelta(days=17), AT - timedelta(days=1, seconds=1))
    return (
        f"{len(stolen & confirmed)} of {len(stolen)} keys, {len(confirmed - stolen)} wrong, "
        f"{len(found.suspects)} suspects, last in round {found.confirmed[-1].round}, {seconds:.2f} s; "
        f"enumeration: {theft} on the day, "
        f"{len(hunt(history, before).hits)} in the 16 days before"
    )


if __name__ == "__main__":
    main()
