"""How many alerts a week the detections make of ordinary days, and which of them see the theft."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from bot.backtest.laid import DayByDay, Laid
from bot.backtest.replay import Noise, Told, replay
from bot.demo.world import make_world
from bot.history.load import load_paths
from bot.history.sqlite import SqliteHistory
from tests.large.history import LAST, Large
from tests.large.noise import ALERTS_A_WEEK, KNOWN, on_the_day, ordinary

AT = datetime(2026, 11, 23, 23, 59, 59, tzinfo=UTC)
DAYS, BEFORE = 30, 30
PRINCIPALS = 5000
SEED = 7
DETECTIONS = (
    *("enumeration", "root.key", "aws.quarantine", "quarantine.lifted", "ua.offensive", "role.outside"),
    *("logging.tamper", "ses.toggle", "console.pivot", "console.nomfa", "key.dormant", "session.spray", "denied.burst"),
    *("denied.recon", "api.first", "ua.new14", "ip.hosting"),
)


@dataclass(frozen=True, slots=True)
class Measured:
    """An organisation's ordinary days, and what the day of the theft told."""

    name: str
    noise: Noise
    theft: tuple[Told, ...]

    @property
    def ratio(self) -> float:
        return self.noise.a_week() / ALERTS_A_WEEK

    @property
    def fired(self) -> frozenset[str]:
        return frozenset(name for each in self.theft for name in each.detections)


def measure() -> Iterator[Measured]:
    yield _demo()
    large = Large(SEED, PRINCIPALS, BEFORE + DAYS)
    quiet = ordinary(large, LAST, DAYS)
    yield Measured(f"{PRINCIPALS:,} principals", quiet, tuple(on_the_day(large)))


def _demo() -> Measured:
    """The demo's organisation: 30 days, 30 before them, and the day of the theft."""
    with tempfile.TemporaryDirectory() as folder:
        written = make_world(SEED, AT, BEFORE + DAYS + 1).write(Path(folder))
        history = SqliteHistory(Path(folder) / "history.db")
        load_paths(history, [written.cloudtrail, written.late])
        laid = Laid(history, DayByDay(history))
        last: date = (AT - timedelta(days=1)).date()
        found = Measured("the demo's", ordinary(laid, last, DAYS), tuple(replay(laid, [AT.date()], KNOWN)))
        history.close()
        return found


def table(measured: list[Measured]) -> str:
    """Markdown: alerts a week of each detection; an alert counts for every detection that has a part in it."""
    head = ["detection", *(f"{each.name}, a week" for each in measured), "on the day of the theft"]
    rows = [[f"`{name}`", *(_of(each, name) for each in measured), _fired(measured, name)] for name in DETECTIONS]
    rows.append(["**all alerts**", *(f"{each.noise.a_week():.2f}" for each in measured), ""])
    rows.append(["limit", *(f"{ALERTS_A_WEEK:.2f}" for _ in measured), ""])
    rows.append(["ratio", *(f"{each.ratio:.2f}" for each in measured), ""])
    return "\n".join(f"| {' | '.join(cells)} |" for cells in [head, ["---"] * len(head), *rows])


def _of(measured: Measured, name: str) -> str:
    return f"{measured.noise.a_week(measured.noise.of.get(name, 0)):.2f}"


def _fired(measured: list[Measured], name: str) -> str:
    fired = [each.name for each in measured if name in each.fired]
    return "both" if len(fired) == len(measured) else ", ".join(fired)
