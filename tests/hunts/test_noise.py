"""Ordinary days of a made organisation tell next to nothing, and the day of the theft everything that applies."""

from __future__ import annotations

import pytest

from tests.large.history import LAST, Large
from tests.large.noise import ALERTS_A_WEEK, on_the_day, ordinary, owners

SMALL = 400
BEFORE = 30


@pytest.mark.parametrize(
    ("size", "seed", "days"),
    [
        (SMALL, 7, 7),
        (SMALL, 11, 7),
        pytest.param(5000, 11, 14, marks=pytest.mark.full),
    ],
)
def test_ordinary_days_tell_of_no_more_than_one_story_a_week(size: int, seed: int, days: int) -> None:
    found = ordinary(Large(seed, size, BEFORE + days), LAST, days)
    assert found.a_week() <= ALERTS_A_WEEK, found.of


@pytest.mark.parametrize(("size", "seed"), [(SMALL, 7), pytest.param(5000, 7, marks=pytest.mark.full)])
def test_on_the_day_of_the_theft_every_detection_that_applies_fires(size: int, seed: int) -> None:
    large = Large(seed, size, BEFORE)
    told = on_the_day(large)
    detections = {name for each in told for name in each.detections}
    assert detections == {
        *("enumeration", "ua.offensive", "ses.toggle", "denied.recon", "api.first", "ua.new14", "ip.hosting"),
    }
    assert {key for each in told for key in each.hit.keys} == {person.key for person in owners(large)}
    assert {who for each in told for who in each.hit.principals} == {
        person.principals[0].id for person in owners(large)
    }


def test_a_change_that_terraform_makes_in_every_account_is_one_story() -> None:
    large = Large(7, SMALL, BEFORE + 13)
    found = ordinary(large, LAST, 13)
    assert found.of["logging.tamper"] == 1


def test_the_same_seed_makes_the_same_days() -> None:
    whole = Large(7, 100, 3), Large(7, 100, 3)
    days = [history.everyones_events(history.span) for history in whole]
    assert days[0] == days[1]
    assert len({event.id for event in days[0]}) == len(days[0]) > 100
