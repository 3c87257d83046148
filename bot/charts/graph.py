"""Which key was used from which address with which client: what binds the keys to one pair of hands."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log2

from bot.charts.lanes import Chart, Place
from bot.charts.paper import Anchor, Paper, Point, Theme
from bot.charts.timeline import badge
from bot.model import offensive_name

EDGE = 36
HEAD = 170
NODE, GAP = 72, 18
COLUMNS = ((36, 390), (500, 300), (874, 290))
"""Left and width of keys, addresses and clients."""
TITLES = ("Keys", "Addresses", "Clients")
MOST_CLIENTS = 8
REST = "other clients"
STEPS = 24
"""Pieces of a curve."""


@dataclass(frozen=True, slots=True)
class Node:
    name: str
    more: str
    hue: str | None = None
    letter: str = ""
    attack: bool = False


def draw(chart: Chart, theme: Theme) -> bytes:
    """PNG."""
    links = _links(chart)
    clients = {link.client: None for link in links}
    columns: tuple[dict[str, Node], ...] = (
        {row.key: Node(row.key, row.owner) for row in chart.rows},
        {place.letter: _place(place, theme) for place in chart.places},
        {client: _client(client, links) for client in clients},
    )
    tall = max(len(column) for column in columns) * (NODE + GAP) - GAP
    paper = Paper(HEAD + tall + 80, theme)
    middles = [_middles(column, tall) for column in columns]
    _title(paper, chart)
    for (side, one, other, letter), calls in _edges(links).items():
        hue = columns[1][letter].hue or theme.quiet
        _edge(paper, side, middles[side][one], middles[side + 1][other], hue, calls)
    for side, column in enumerate(columns):
        paper.text((COLUMNS[side][0], HEAD - 26), TITLES[side], size=26, colour=theme.quiet)
        for name, node in column.items():
            _node(paper, side, middles[side][name], node)
    foot = "The thicker a line, the more calls. ! is an attack client. What the owners did is left out."
    paper.text((EDGE, paper.height - 34), foot, size=22, colour=theme.quiet)
    return paper.png()


@dataclass(frozen=True, slots=True)
class Link:
    """Calls of one key from one place with one client."""

    key: str
    letter: str
    client: str
    calls: int


def _links(chart: Chart) -> list[Link]:
    """The busiest clients by name, the others as one."""
    counted: Counter[tuple[str, str, str]] = Counter()
    for row in chart.rows:
        for lane in row.lanes:
            for stroke in lane.strokes if lane.place else ():
                counted[row.key, lane.place.letter if lane.place else "", stroke.family] += stroke.calls
    busy: Counter[str] = Counter()
    for (_, _, family), calls in counted.items():
        busy[family] += calls
    ranked = sorted(busy, key=lambda family: (-busy[family], family))
    names = {family: family if n < MOST_CLIENTS else REST for n, family in enumerate(ranked)}
    summed: Counter[tuple[str, str, str]] = Counter()
    for (key, letter, family), calls in counted.items():
        summed[key, letter, names[family]] += calls
    order = {name: n for n, name in enumerate(dict.fromkeys(names[family] for family in ranked))}
    found = [Link(*link, calls=calls) for link, calls in summed.items()]
    return sorted(found, key=lambda each: (order[each.client], each.key, each.letter))


def _edges(links: Sequence[Link]) -> Counter[tuple[int, str, str, str]]:
    """From keys to places, and from places to clients, each with its place's letter and the calls."""
    edges: Counter[tuple[int, str, str, str]] = Counter()
    for link in links:
        edges[0, link.key, link.letter, link.letter] += link.calls
        edges[1, link.letter, link.client, link.letter] += link.calls
    return edges


def _place(place: Place, theme: Theme) -> Node:
    keys = f"{place.keys} key{'' if place.keys == 1 else 's'}, {place.calls} call{'' if place.calls == 1 else 's'}"
    return Node(place.address, keys, place.hue(theme), place.letter)


def _client(family: str, links: Sequence[Link]) -> Node:
    tool, *system = family.split("|")
    where = " ".join(part for part in system if part and part != "-")
    calls = sum(link.calls for link in links if link.client == family)
    attack = family != REST and offensive_name(family) is not None
    return Node(tool or "none", where or f"{calls} calls", attack=attack)


def _middles(column: Mapping[str, Node], tall: float) -> dict[str, float]:
    """Where each node of a column stands: in the middle of the sheet, all together."""
    own = len(column) * (NODE + GAP) - GAP
    top = HEAD + (tall - own) / 2
    return {name: top + number * (NODE + GAP) + NODE / 2 for number, name in enumerate(column)}


def _edge(paper: Paper, side: int, one: float, other: float, hue: str, calls: int) -> None:
    """A curve from one column to the next, thicker with more calls."""
    left, right = COLUMNS[side][0] + COLUMNS[side][1], COLUMNS[side + 1][0]
    points: list[Point] = []
    for step in range(STEPS + 1):
        share = step / STEPS
        ease = share * share * (3 - 2 * share)
        points.append((left + (right - left) * share, one + (other - one) * ease))
    paper.line(points, hue, min(9.0, 2 + log2(calls + 1) * 0.8))


def _node(paper: Paper, side: int, middle: float, node: Node) -> None:
    theme, (left, width) = paper.theme, COLUMNS[side]
    paper.box((left, middle - NODE / 2), (width, NODE), fill=theme.band, edge=node.hue or theme.rule, radius=10)
    inside = left + 14
    if node.letter:
        badge(paper, (inside + 17, middle), node.letter, node.hue or theme.quiet)
        inside += 46
    if node.attack:
        x = left + width - 32
        paper.polygon([(x, middle - 15), (x + 18, middle + 14), (x - 18, middle + 14)], theme.ink)
        paper.text((x, middle + 4), "!", size=22, colour=theme.paper, bold=True, anchor=Anchor.MIDDLE)
    room = left + width - inside - (60 if node.attack else 12)
    paper.text((inside, middle - 14), node.name, size=25, bold=True, room=room)
    paper.text((inside, middle + 16), node.more, size=23, colour=theme.quiet, room=room)


def _title(paper: Paper, chart: Chart) -> None:
    paper.text((EDGE, 42), "What binds these keys together", size=38, bold=True)
    shown = f"{len(chart.rows)} of {len(chart.rows) + chart.more} keys" if chart.more else f"{len(chart.rows)} keys"
    paper.text((EDGE, 86), f"{shown}, the attacker's addresses and clients", size=26, colour=paper.theme.quiet)
