"""What may be asked of places on the earth. Standard library only, and part of the vocabulary (``bot.model``)."""

from __future__ import annotations

from math import asin, cos, radians, sin, sqrt

EARTH_KM = 6371.0
FARTHEST_KM = 20_016.0
"""Half of the way around: no two places are farther apart."""

Place = tuple[float, float]
"""Latitude and longitude in degrees."""


def kilometres_between(one: Place, other: Place) -> float:
    """Along the surface, by the haversine formula: within half a per cent of the truth."""
    north, east, north_2, east_2 = map(radians, (*one, *other))
    chord = sin((north_2 - north) / 2) ** 2 + cos(north) * cos(north_2) * sin((east_2 - east) / 2) ** 2
    return 2 * EARTH_KM * asin(min(1.0, sqrt(chord)))
