"""When each key was used, from where: a row a key, a lane an address, marks for refused and rare calls."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta

from bot.charts.lanes import Chart, KeyRow, Lane
from bot.charts.paper import WIDTH, Anchor, Paper, Point, Theme, width_of
from bot.model import Stroke

LEFT, RIGHT = 96, 1164
"""Where the time begins and ends."""
EDGE = 36
HEAD, LABEL, LANE, GAP = 118, 44, 36, 18
AXIS, LEGEND = 76, 40
REACH = 9
"""Half of a mark's width; marks that are closer than one are drawn as one."""
TICKS = 6
_STEPS = tuple(
    timedelta(minutes=each)
    for each in (1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440, 2 * 1440, 7 * 1440, 30 * 1440)
)
OWNER = "its owner at work"


def draw(chart: Chart, theme: Theme) -> bytes:
    """PNG."""
    body = sum(_height(row) for row in chart.rows)
    legend = LEGEND * (len(chart.places) + 1) + 8
    paper = Paper(HEAD + body + AXIS + legend + EDGE + (LEGEND if chart.more else 0), theme)
    _title(paper, chart)
    top, bottom = HEAD, HEAD + body
    for at in _ticks(chart):
        x = _x(chart, at)
        paper.line([(x, HEAD - 8), (x, bottom + 8)], theme.rule, 1.5)
    for row in chart.rows:
        _row(paper, chart, row, top)
        top += _height(row)
    _axis(paper, chart, bottom)
    _legend(paper, chart, bottom + AXIS)
    return paper.png()


def _title(paper: Paper, chart: Chart) -> None:
    count = len(chart.rows) + chart.more
    title = "One key in these hands" if count == 1 else f"{count} keys in the same hands"
    paper.text((EDGE, 42), title, size=38, bold=True)
    since, until = chart.since.astimezone(UTC), chart.until.astimezone(UTC)
    last = f"{until:%H:%M}" if since.date() == until.date() else f"{until:%d %b %H:%M}"
    paper.text((EDGE, 86), f"{since:%d %b %Y %H:%M} to {last} UTC", size=26, colour=paper.theme.quiet)


def _height(row: KeyRow) -> int:
    return LABEL + LANE * max(1, len(row.lanes)) + GAP


def _row(paper: Paper, chart: Chart, row: KeyRow, top: float) -> None:
    theme = paper.theme
    paper.box((EDGE - 12, top), (WIDTH - 2 * EDGE + 24, _height(row) - GAP + 6), fill=theme.band, radius=10)
    middle = top + LABEL / 2 + 3
    room = RIGHT - EDGE - width_of(row.found, 24) - 24
    paper.text((EDGE, middle), row.key, size=26, bold=True)
    left = EDGE + width_of(row.key, 26) + 20
    paper.text((left, middle), row.owner, size=26, colour=theme.quiet, room=room - left + EDGE)
    paper.text((RIGHT, middle), row.found, size=24, colour=theme.quiet, anchor=Anchor.RIGHT)
    for number, lane in enumerate(row.lanes):
        _lane(paper, chart, lane, top + LABEL + LANE * (number + 0.5))
    if not row.lanes:
        paper.text((LEFT, top + LABEL + LANE / 2), "no use in this time", size=22, colour=theme.quiet)


def _lane(paper: Paper, chart: Chart, lane: Lane, y: float) -> None:
    theme = paper.theme
    for at in _ticks(chart):
        paper.line([(_x(chart, at), y - LANE / 2), (_x(chart, at), y + LANE / 2)], theme.rule, 1.5)
    paper.line([(LEFT, y), (RIGHT, y)], theme.rule, 1.5)
    if lane.place is None:
        badge(paper, (EDGE + 18, y), "own", theme.quiet, filled=False)
        for tick in sorted({round(_x(chart, stroke.at) / 4) * 4 for stroke in lane.strokes}):
            paper.line([(tick, y - 7), (tick, y + 7)], theme.quiet, 2)
        return
    hue = lane.place.hue(theme)
    badge(paper, (EDGE + 18, y), lane.place.letter, hue)
    for x, refused, rare in _marks(chart, lane.strokes):
        mark(paper, (x, y), hue, refused=refused, rare=rare)


def _marks(chart: Chart, strokes: Iterable[Stroke]) -> Iterator[tuple[float, bool, bool]]:
    """Each mark's place, and whether a call there was refused, or rare."""
    for group in _near(chart, strokes):
        x = (_x(chart, group[0].at) + _x(chart, group[-1].at)) / 2
        yield x, any(each.refused for each in group), any(each.rare for each in group)


def _near(chart: Chart, strokes: Iterable[Stroke]) -> list[list[Stroke]]:
    """Groups of strokes that one mark has to stand for."""
    groups: list[list[Stroke]] = []
    for stroke in sorted(strokes, key=lambda each: each.at):
        if groups and _x(chart, stroke.at) - _x(chart, groups[-1][0].at) < 2 * (REACH + 4):
            groups[-1].append(stroke)
        else:
            groups.append([stroke])
    return groups


def mark(paper: Paper, at: Point, hue: str, *, refused: bool, rare: bool) -> None:
    """A dot for a call, a diamond for a rare one, a cross for a refused one, in the diamond for what is both."""
    if rare:
        paper.diamond(at, REACH + 4, hue)
        if refused:
            paper.cross(at, 4.5, paper.theme.paper, 3)
    elif refused:
        paper.cross(at, REACH - 1, hue, 4)
    else:
        paper.dot(at, REACH - 2, hue)


def badge(paper: Paper, at: Point, words: str, hue: str, *, filled: bool = True) -> None:
    """A letter in a box of its hue."""
    width = 34 if len(words) == 1 else 58
    corner = (at[0] - 17, at[1] - 15)
    paper.box(corner, (width, 30), fill=hue if filled else paper.theme.band, edge=hue, radius=6)
    ink = paper.theme.paper if filled else paper.theme.ink
    size = 24 if len(words) == 1 else 22
    paper.text((corner[0] + width / 2, at[1]), words, size=size, colour=ink, bold=filled, anchor=Anchor.MIDDLE)


def _axis(paper: Paper, chart: Chart, top: float) -> None:
    day = None
    for at in _ticks(chart):
        x = _x(chart, at)
        anchor = Anchor.MIDDLE if LEFT + 40 < x < RIGHT - 40 else Anchor.LEFT if x < WIDTH / 2 else Anchor.RIGHT
        days = _step(chart) >= timedelta(days=1)
        paper.text((x, top + 26), f"{at:%d %b}" if days else f"{at:%H:%M}", size=24, anchor=anchor)
        if not days and at.date() != day and day is not None:
            paper.text((x, top + 54), f"{at:%d %b}", size=22, colour=paper.theme.quiet, anchor=anchor)
        day = at.date()


def _legend(paper: Paper, chart: Chart, top: float) -> None:
    theme, y = paper.theme, top + 12
    for place in chart.places:
        badge(paper, (EDGE + 18, y), place.letter, place.hue(theme))
        calls = f"{place.calls} call{'' if place.calls == 1 else 's'}, {place.keys} key{'' if place.keys == 1 else 's'}"
        paper.text((EDGE + 52, y), place.address, size=26, bold=True, room=640)
        paper.text((RIGHT, y), calls, size=24, colour=theme.quiet, anchor=Anchor.RIGHT)
        y += LEGEND
    x: float = EDGE + 12
    y += 6
    for words, refused, rare in (("call", False, False), ("refused", True, False), ("rare here", False, True)):
        mark(paper, (x + 6, y), theme.ink, refused=refused, rare=rare)
        paper.text((x + 28, y), words, size=24)
        x += 28 + width_of(words, 24) + 36
    mark(paper, (x + 6, y), theme.ink, refused=True, rare=True)
    paper.text((x + 28, y), "both", size=24)
    x += 28 + width_of("both", 24) + 36
    paper.line([(x + 6, y - 9), (x + 6, y + 9)], theme.quiet, 2)
    paper.text((x + 24, y), f"own: {OWNER}", size=24)
    if chart.more:
        paper.text((EDGE, y + LEGEND), f"{chart.more} more keys have no room here", size=24, colour=theme.quiet)


# ----------------------------------------------------------------------------------------------------- time


def _x(chart: Chart, at: datetime) -> float:
    return LEFT + (RIGHT - LEFT) * ((at - chart.since) / (chart.until - chart.since))


def _step(chart: Chart) -> timedelta:
    span = chart.until - chart.since
    return next((step for step in _STEPS if span / step <= TICKS), _STEPS[-1])


def _ticks(chart: Chart) -> list[datetime]:
    """Round times, at most as many as have room."""
    step, day = _step(chart), datetime(1970, 1, 1, tzinfo=UTC)
    at = day + -((day - chart.since) // step) * step
    found = []
    while at <= chart.until:
        if at >= chart.since:
            found.append(at)
        at += step
    return found
