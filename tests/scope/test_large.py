"""Seven stolen keys among thousands of principals, and a crowd of staff on the attacker's exit: no innocent named."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from random import Random

import pytest

from bot.backtest.theft import ADDRESSES
from bot.demo.world.identifiers import make_id
from bot.model import Event, Kind, Observable
from bot.scope.reading import scope
from bot.scope.whole import Whole
from tests.large.cast import client
from tests.large.history import Large
from tests.large.noise import KNOWN, owners, stolen
from tests.scope.made import COMMON, call

BEFORE = 31


@pytest.fixture(scope="module", params=[1200, pytest.param(5000, marks=pytest.mark.full)])
def large(request: pytest.FixtureRequest) -> Large:
    return Large(7, request.param, BEFORE)


def visits(large: Large, staff: int) -> Iterator[Event]:
    """What so many others do from the thief's own address: a VPN exit that the company begins to use."""
    mine = {person.name for person in owners(large)}
    for n, person in enumerate([each for each in large.cast.people if each.name not in mine][:staff]):
        who = person.principals[0]
        agent, family = client(person.clients[0])
        key = person.key or make_id("ASIA", who.account or "", Random(n))
        at = large.until - timedelta(hours=7, seconds=20 * n)
        for seconds, name in enumerate(COMMON[:2]):
            event = call(key, who.id, name, at + timedelta(seconds=seconds), ADDRESSES[0], agent)
            yield replace(event, family=family, principal=who, id=f"visit/{n}/{seconds}")


@pytest.mark.parametrize("staff", [0, 35, 200])
def test_all_seven_and_no_innocent(large: Large, staff: int) -> None:
    over = large.with_events([*stolen(large), *visits(large, staff)])
    keys = {person.key for person in owners(large)}
    lead = Observable(Kind.ACCESS_KEY, owners(large)[0].key or "")
    found = scope(Whole(over), [lead], large.until, known=KNOWN)
    assert {each.key for each in found.confirmed} == keys
    blocked = any("principals came to it" in each.why for each in found.excluded if each.what == ADDRESSES[0])
    assert blocked is (staff > 0)
