"""What the pictures show of a scope: its keys, the attacker's places with a letter and a hue, and every mark."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.charts.paper import Theme
from bot.model import Scope, Stroke, Suspicion

LETTERS = "ABCDE"
OTHERS = "*"
"""Stands for all places beyond the letters."""
MOST_KEYS = 12
_AROUND = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Place:
    """A place the attacker used. ``letter`` tells it apart where a colour does not."""

    letter: str
    address: str
    calls: int
    keys: int

    def hue(self, theme: Theme) -> str:
        """Its colour; that of the rest is quiet."""
        return theme.quiet if self.letter == OTHERS else theme.hues[LETTERS.index(self.letter)]


@dataclass(frozen=True, slots=True)
class Lane:
    """The marks of one key from one place; without a place they are its owner's."""

    place: Place | None
    strokes: tuple[Stroke, ...]


@dataclass(frozen=True, slots=True)
class KeyRow:
    key: str
    owner: str
    found: str
    """How it was found, in few words."""
    lanes: tuple[Lane, ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """``since`` and ``until`` are around the attacker's calls: where the owner works all day, they would be lost."""

    rows: tuple[KeyRow, ...]
    places: tuple[Place, ...]
    since: datetime
    until: datetime
    more: int
    """Keys that have no room."""


def chart_of(scope: Scope) -> Chart | None:
    """What there is to draw; ``None`` where no confirmed key was used in a way that is not its owner's."""
    theirs = [stroke for stroke in scope.strokes if stroke.thiefs]
    if not theirs:
        return None
    since, until = min(each.at for each in theirs), max(each.at for each in theirs)
    around = max(_AROUND, (until - since) / 20)
    since, until = since - around, until + around
    by_address = _places(theirs)
    shown = [each for each in scope.strokes if since <= each.at <= until]
    rows = tuple(_row(each, shown, by_address) for each in scope.confirmed[:MOST_KEYS])
    places = tuple(dict.fromkeys(by_address.values()))
    return Chart(rows, places, since, until, max(0, len(scope.confirmed) - MOST_KEYS))


def _places(theirs: Iterable[Stroke]) -> Mapping[str, Place]:
    """The attacker's places, the busiest first; what has no letter of its own shares one place."""
    strokes = list(theirs)
    calls: Counter[str] = Counter()
    for stroke in strokes:
        calls[stroke.place] += stroke.calls
    ranked = sorted(calls, key=lambda place: (-calls[place], place))
    lettered, rest = ranked[: len(LETTERS)], ranked[len(LETTERS) :]
    found = {
        place: Place(letter, place, calls[place], _keys(strokes, {place}))
        for letter, place in zip(LETTERS, lettered, strict=False)
    }
    if rest:
        others = f"{len(rest)} other address{'es' if len(rest) > 1 else ''}"
        shared = Place(OTHERS, others, sum(calls[place] for place in rest), _keys(strokes, set(rest)))
        found |= dict.fromkeys(rest, shared)
    return found


def _keys(strokes: Iterable[Stroke], places: set[str]) -> int:
    return len({stroke.key for stroke in strokes if stroke.place in places})


def _row(each: Suspicion, shown: Iterable[Stroke], places: Mapping[str, Place]) -> KeyRow:
    own: list[Stroke] = []
    theirs: dict[Place, list[Stroke]] = {}
    for stroke in shown:
        if stroke.key == each.key:
            (theirs.setdefault(places[stroke.place], []) if stroke.thiefs else own).append(stroke)
    order = sorted(theirs, key=lambda place: (place.letter == OTHERS, place.letter))
    lanes = [Lane(place, tuple(theirs[place])) for place in order] + ([Lane(None, tuple(own))] if own else [])
    found = "where it began" if each.round == 0 else f"round {each.round}, {each.score:.2f}"
    return KeyRow(each.key, owner_of(each.principal), found, tuple(lanes))


def owner_of(principal: str | None) -> str:
    """The name in a principal's id."""
    return principal.partition("/")[2] or principal if principal else "unknown owner"
