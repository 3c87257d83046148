"""Pictures of a scope: the same bytes for the same scope, readable in light and dark, and safe with any name."""

from __future__ import annotations

import io
import random
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from bot.charts import pictures_of
from bot.charts.lanes import LETTERS, MOST_KEYS, OTHERS, Chart, chart_of
from bot.charts.paper import DARK, LIGHT, WIDTH, Theme, fitted, in_letters, width_of
from bot.charts.timeline import _marks, _ticks
from bot.model import Outcome, Scope, Stroke
from tests.scope.made import (
    KALI,
    OFFICE,
    OTHER_THIEF,
    THIEF,
    WHO,
    call,
    key_of,
    minutes_ago,
    organisation,
    scoped,
    user,
)
from tests.scope.made import stolen as taken
from tests.slack.cases import KEY, NOW, SCOPE, suspicion

FAMILY = "aws-cli/1|linux|kali|-"


def theft() -> Scope:
    """Two keys from one address, a third from another, one call refused; the owners at work."""
    thefts = [*taken(1, ago=200), *taken(2, ago=150), *taken(3, ago=100, ip=OTHER_THIEF)]
    refused = call(key_of(2), user(2), "iam:ListUsers", minutes_ago(140), agent=KALI, outcome=Outcome.DENIED)
    bridge = call(key_of(2), user(2), WHO, minutes_ago(120), OTHER_THIEF)
    return scoped([*organisation(), *thefts, refused, bridge], 1)


@pytest.fixture(scope="module")
def scope() -> Scope:
    return theft()


def chart(scope: Scope) -> Chart:
    found = chart_of(scope)
    assert found is not None
    return found


# ------------------------------------------------------------------------------------------ what is shown


def test_rows_are_keys_lanes_are_places_and_marks_tell_refused_and_rare(scope: Scope) -> None:
    rows = {row.owner: row for row in chart(scope).rows}
    assert set(rows) == {"user-1", "user-2", "user-3"}
    lanes = {lane.place.address: lane for lane in rows["user-2"].lanes if lane.place}
    assert set(lanes) == {THIEF, OTHER_THIEF}
    assert [stroke.calls for stroke in lanes[THIEF].strokes if stroke.refused] == [1]
    assert any(stroke.rare for stroke in lanes[THIEF].strokes)
    assert rows["user-1"].found == "where it began"
    assert rows["user-2"].found.startswith("round ")


def test_the_owners_use_is_told_apart_and_of_it_only_the_times_are_kept(scope: Scope) -> None:
    own = [stroke for stroke in scope.strokes if not stroke.thiefs]
    assert own
    assert {(stroke.place, stroke.family, stroke.refused, stroke.rare) for stroke in own} == {("", "", False, False)}
    assert OFFICE not in {place.address for place in chart(scope).places}


def test_places_have_letters_beside_their_colours_and_the_rest_shares_one() -> None:
    strokes = tuple(
        Stroke(KEY, NOW - timedelta(minutes=n), f"203.0.113.{n}", FAMILY, False, False, 100 - n) for n in range(9)
    )
    places = chart(replace(SCOPE, strokes=strokes)).places
    assert [place.letter for place in places] == [*LETTERS, OTHERS]
    assert places[-1].address == "4 other addresses"
    assert len({place.hue(LIGHT) for place in places}) == len({place.hue(DARK) for place in places}) == len(places)


def test_nothing_is_drawn_where_only_owners_were_at_work() -> None:
    assert pictures_of(replace(SCOPE, strokes=(Stroke(KEY, NOW, "", "", False, False, 9),))) == ()


def test_the_words_for_who_sees_no_picture_name_keys_places_and_refusals(scope: Scope) -> None:
    timeline, graph = pictures_of(scope)
    assert f"{key_of(2)} of user-2: 4 calls from {THIEF}, 1 refused; 1 calls from {OTHER_THIEF}" in timeline.alt
    assert f"{OTHER_THIEF} (2 keys, 4 calls)" in graph.alt
    assert max(len(timeline.alt), len(graph.alt)) <= 1000


# -------------------------------------------------------------------------------------------- the same bytes


def test_the_same_scope_is_the_same_picture_in_whatever_order_its_events_came(scope: Scope) -> None:
    again = theft()
    assert [(each.png, each.dark) for each in pictures_of(again)] == [
        (each.png, each.dark) for each in pictures_of(scope)
    ]


@pytest.mark.parametrize("seed", range(3))
def test_marks_do_not_depend_on_the_order_of_strokes(scope: Scope, seed: int) -> None:
    shuffled = list(scope.strokes)
    random.Random(seed).shuffle(shuffled)
    one, other = chart(scope), chart(replace(scope, strokes=tuple(shuffled)))
    for row, same in zip(one.rows, other.rows, strict=True):
        for lane, likewise in zip(row.lanes, same.lanes, strict=True):
            assert list(_marks(one, lane.strokes)) == list(_marks(other, likewise.strokes))


# ------------------------------------------------------------------------------------- readable, and of a size


def opened(png: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(png))
    image.load()
    return image


def test_pictures_are_png_of_one_width_on_an_opaque_ground(scope: Scope) -> None:
    for picture in pictures_of(scope):
        for png, theme in ((picture.png, LIGHT), (picture.dark, DARK)):
            image = opened(png)
            assert (image.format, image.width, "transparency" in image.info) == ("PNG", WIDTH, False)
            assert image.convert("RGB").getpixel((2, 2)) == rgb(theme.paper)
            assert len(png) < 200_000


def rgb(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def light(colour: str) -> float:
    """Relative luminance (WCAG 2.2)."""
    parts = [each / 255 for each in rgb(colour)]
    red, green, blue = (each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    bright, dim = sorted((light(one), light(other)), reverse=True)
    return (bright + 0.05) / (dim + 0.05)


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_words_and_marks_stand_out_from_their_ground(theme: Theme) -> None:
    for ground in (theme.paper, theme.band):
        assert contrast(theme.ink, ground) >= 7
        assert contrast(theme.quiet, ground) >= 4.5
        assert all(contrast(hue, ground) >= 4.5 for hue in theme.hues)


@pytest.mark.parametrize("minutes", [0, 1, 7, 90, 600, 5_000, 50_000, 500_000])
def test_the_axis_has_round_times_and_never_too_many(minutes: int) -> None:
    strokes = (
        Stroke(KEY, NOW - timedelta(minutes=minutes), "203.0.113.1", FAMILY, False, False, 1),
        Stroke(KEY, NOW, "203.0.113.1", FAMILY, False, False, 1),
    )
    ticks = _ticks(chart(replace(SCOPE, strokes=strokes)))
    assert 1 <= len(ticks) <= 20
    assert all(each.second == 0 for each in ticks)


# --------------------------------------------------------------------------------------------- hostile input


def busy(names: Iterable[str]) -> Scope:
    confirmed = tuple(suspicion(f"AKIARTX3GSDSQ{n:07}", name, n, "network") for n, name in enumerate(names))
    strokes = tuple(
        Stroke(
            each.key, NOW - timedelta(minutes=n), f"203.0.113.{n % 9}", f"{each.principal}|x|y|z", n % 3 == 0, True, n
        )
        for each in confirmed
        for n in range(1, 30)
    )
    return replace(SCOPE, confirmed=confirmed, strokes=strokes)


def test_names_of_any_letters_and_length_are_drawn_as_text_and_cut() -> None:
    names = ["<script>alert(1)</script>", "\u202egnp.exe", "x" * 900, "\0\x1b[31m", "昼", "", "a\nb"]
    drawn = pictures_of(busy(names * 3))
    assert [opened(each.png).width for each in drawn] == [WIDTH, WIDTH]
    assert "\u202e" not in drawn[0].alt + drawn[1].alt


def test_more_keys_than_have_room_are_counted() -> None:
    found = chart(busy(f"user-{n}" for n in range(MOST_KEYS + 3)))
    assert (len(found.rows), found.more) == (MOST_KEYS, 3)


@given(st.text(), st.integers(min_value=0, max_value=400))
def test_text_has_letters_of_the_font_only_and_fits(words: str, room: int) -> None:
    shown = fitted(words, 26, room)
    assert all(" " <= each <= "~" for each in shown)
    assert width_of(shown, 26) <= max(room, width_of("...", 26))


@pytest.mark.parametrize(
    ("words", "shown"),
    [("José–Zoë…", "Jose-Zoe..."), ("昼", "?"), ("a\u202eb", "ab"), ("a\tb", "a b"), ("", "")],
)
def test_accents_come_off_and_what_has_no_letter_is_a_question_mark(words: str, shown: str) -> None:
    assert in_letters(words) == shown
