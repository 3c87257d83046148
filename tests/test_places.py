"""How far apart two places are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.places import FARTHEST_KM, Place, kilometres_between

places = st.tuples(st.floats(-90, 90), st.floats(-180, 180))


@pytest.mark.parametrize(
    ("one", "other", "kilometres"),
    [
        ((52.52, 13.40), (52.52, 13.40), 0),
        ((52.52, 13.40), (48.14, 11.58), 504),  # Berlin, Munich
        ((51.51, -0.13), (40.71, -74.01), 5570),  # London, New York
        ((-36.85, 174.76), (36.85, -5.24), 20015),  # the other side
        ((0, 179.5), (0, -179.5), 111),  # over the date line
    ],
)
def test_known_distances(one: Place, other: Place, kilometres: float) -> None:
    assert kilometres_between(one, other) == pytest.approx(kilometres, abs=5)


@given(places, places)
def test_any_two_places(one: Place, other: Place) -> None:
    assert 0 <= kilometres_between(one, other) <= FARTHEST_KM
    assert kilometres_between(one, other) == pytest.approx(kilometres_between(other, one))
