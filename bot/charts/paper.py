"""What pictures are drawn on: a sheet with a theme, shapes with smooth edges, and text that is only ever text.

Everything is drawn twice as large and made smaller at the end. The font comes with Pillow and knows ASCII: what
strangers wrote is cleaned, put into its letters and cut, so no name drives a renderer or runs over its neighbour.
"""

from __future__ import annotations

import io
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cache

from PIL import Image, ImageDraw, ImageFont

from bot.plain import clean

WIDTH = 1200
SCALE = 2
TALLEST = 5000
"""In the picture's own pixels; whoever draws more than that has not cut it."""

Point = tuple[float, float]
Colour = str


@dataclass(frozen=True, slots=True)
class Theme:
    """Colours of a sheet. ``hues`` tell addresses apart, also to who sees no red or green (after Okabe and Ito)."""

    paper: Colour
    ink: Colour
    quiet: Colour
    rule: Colour
    band: Colour
    hues: tuple[Colour, ...]


LIGHT = Theme(
    "#ffffff", "#1d1c1d", "#5a5960", "#c9c9cf", "#f3f4f7", ("#0069a8", "#c04a00", "#007a58", "#97338c", "#7a5c00")
)
DARK = Theme(
    "#1a1d21", "#ececee", "#b3b4ba", "#4a4e55", "#25292f", ("#5cb8f2", "#ff9a5c", "#3fd3a5", "#e891d6", "#e8c84a")
)


class Anchor(Enum):
    """Which point of a text its place means, in Pillow's words: its left, middle or right, at half its height."""

    LEFT = "lm"
    MIDDLE = "mm"
    RIGHT = "rm"


class Paper:
    """A sheet ``WIDTH`` wide; all measures are the picture's own pixels."""

    def __init__(self, height: int, theme: Theme) -> None:
        self.theme = theme
        self.height = min(height, TALLEST)
        self._image = Image.new("RGB", (WIDTH * SCALE, self.height * SCALE), theme.paper)
        self._draw = ImageDraw.Draw(self._image)

    def png(self) -> bytes:
        """The picture. The same bytes for the same drawing, with the same release of Pillow."""
        small = self._image.resize((WIDTH, self.height), Image.Resampling.LANCZOS)
        out = io.BytesIO()
        small.quantize(128, dither=Image.Dither.NONE).save(out, "PNG", optimize=False, compress_level=9)
        return out.getvalue()

    # ------------------------------------------------------------------------------------------- text

    def text(
        self,
        at: Point,
        words: str,
        *,
        size: int = 26,
        colour: Colour | None = None,
        bold: bool = False,
        anchor: Anchor = Anchor.LEFT,
        room: float | None = None,
    ) -> None:
        """``words`` in one line, cut to ``room``."""
        shown = fitted(words, size, room)
        self._draw.text(
            (at[0] * SCALE, at[1] * SCALE),
            shown,
            font=_font(size),
            fill=colour or self.theme.ink,
            anchor=anchor.value,
            stroke_width=1 if bold else 0,
        )

    # ----------------------------------------------------------------------------------------- shapes

    def box(self, corner: Point, size: Point, *, fill: Colour, edge: Colour | None = None, radius: float = 8) -> None:
        left, top = corner[0] * SCALE, corner[1] * SCALE
        right, bottom = left + size[0] * SCALE, top + size[1] * SCALE
        self._draw.rounded_rectangle(
            (left, top, right, bottom), radius * SCALE, fill=fill, outline=edge, width=2 * SCALE if edge else 0
        )

    def line(self, points: Sequence[Point], colour: Colour, width: float = 1.5) -> None:
        scaled = [(x * SCALE, y * SCALE) for x, y in points]
        self._draw.line(scaled, fill=colour, width=max(1, round(width * SCALE)), joint="curve")

    def dot(self, at: Point, radius: float, colour: Colour) -> None:
        x, y, r = at[0] * SCALE, at[1] * SCALE, radius * SCALE
        self._draw.ellipse((x - r, y - r, x + r, y + r), fill=colour)

    def polygon(self, points: Sequence[Point], fill: Colour) -> None:
        self._draw.polygon([(x * SCALE, y * SCALE) for x, y in points], fill=fill)

    def cross(self, at: Point, reach: float, colour: Colour, width: float = 3.5) -> None:
        (x, y), r = at, reach
        self.line([(x - r, y - r), (x + r, y + r)], colour, width)
        self.line([(x - r, y + r), (x + r, y - r)], colour, width)

    def diamond(self, at: Point, reach: float, colour: Colour) -> None:
        (x, y), r = at, reach
        self.polygon([(x, y - r), (x + r, y), (x, y + r), (x - r, y)], colour)


def fitted(words: str, size: int, room: float | None = None) -> str:
    """``words`` in the font's letters, on one line; cut with dots where ``room`` (in pixels) is too small."""
    plain = in_letters(words)
    if room is None or width_of(plain, size) <= room:
        return plain
    kept = plain
    while kept and width_of(f"{kept.rstrip()}...", size) > room:
        kept = kept[:-1]
    return f"{kept.rstrip()}..."


def in_letters(words: str) -> str:
    """The letters of a cleaned text that the font has, an accent off where it has only the letter; else ``?``."""
    parts = unicodedata.normalize("NFKD", clean(words, 300).replace("…", "...").replace("–", "-"))
    return "".join(each if " " <= each <= "~" else "?" for each in parts if not unicodedata.combining(each))


def width_of(plain: str, size: int) -> float:
    """In the picture's own pixels."""
    return _font(size).getlength(plain) / SCALE


@cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(size * SCALE)
    assert isinstance(font, ImageFont.FreeTypeFont)  # noqa: S101 - the wheels have FreeType
    return font
