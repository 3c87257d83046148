"""Both pictures of a scope, each with a name and the words for who does not see it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC

from bot.charts import graph, timeline
from bot.charts.lanes import Chart, KeyRow, chart_of
from bot.charts.paper import DARK, LIGHT, Theme
from bot.model import Scope
from bot.plain import clean

LONGEST_ALT = 1000


@dataclass(frozen=True, slots=True)
class Picture:
    """``png`` is for light surroundings, and legible in dark ones; ``dark`` the same for dark ones."""

    name: str
    title: str
    alt: str
    png: bytes
    dark: bytes


def pictures_of(scope: Scope) -> tuple[Picture, ...]:
    """The timeline, then the graph; none where there is nothing to draw."""
    chart = chart_of(scope)
    if chart is None:
        return ()
    return (
        _picture("timeline", "When these keys were used, and from where", _timeline(chart), chart, timeline.draw),
        _picture("graph", "Which key, from which address, with which client", _graph(chart), chart, graph.draw),
    )


def _picture(name: str, title: str, alt: str, chart: Chart, draw: Callable[[Chart, Theme], bytes]) -> Picture:
    return Picture(name, title, alt, draw(chart, LIGHT), draw(chart, DARK))


def _timeline(chart: Chart) -> str:
    since, until = chart.since.astimezone(UTC), chart.until.astimezone(UTC)
    rows = " ".join(f"{row.key} of {row.owner}: {_used(row)}." for row in chart.rows)
    return clean(f"Timeline, {since:%Y-%m-%d %H:%M} to {until:%Y-%m-%d %H:%M} UTC, a row a key. {rows}", LONGEST_ALT)


def _used(row: KeyRow) -> str:
    """Where from, how often, and how much of it was refused."""
    told = []
    for lane in row.lanes:
        if lane.place is not None:
            calls = sum(stroke.calls for stroke in lane.strokes)
            refused = sum(stroke.calls for stroke in lane.strokes if stroke.refused)
            told.append(f"{calls} calls from {lane.place.address}" + (f", {refused} refused" if refused else ""))
    return "; ".join(told) or "no use by the attacker in this time"


def _graph(chart: Chart) -> str:
    places = ", ".join(f"{each.address} ({each.keys} keys, {each.calls} calls)" for each in chart.places)
    clients = ", ".join(
        sorted({s.family for row in chart.rows for lane in row.lanes for s in lane.strokes if s.family})
    )
    return clean(f"Graph of {len(chart.rows)} keys, from {places}, with {clients}.", LONGEST_ALT)
