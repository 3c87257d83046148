from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import boto3
import pytest

from bot.evidence import iam as evidence
from bot.made import sweeping
from tests.remediation.bench import Bench, bot_session
from tests.remediation.cloud import BARE, SEATS, Cloud, Seat, running, seat, shipped
from tests.remediation.door import Door, opened
from tests.remediation.lamp import Room
from tests.remediation.ways import Offers, offers

seats = count()
ALSO = frozenset({"lambda:PutFunctionConcurrency"})
"""What the local AWS asks for where AWS asks for ``lambda:GetFunctionConcurrency``."""


def next_seat() -> Seat:
    """A user of the local AWS nobody else uses."""
    number = next(seats)
    assert number < SEATS - BARE, "more tests than seats: raise SEATS"
    return seat(number)


@pytest.fixture
def three() -> list[Seat]:
    """Users whose keys one thief holds."""
    return [next_seat() for _ in range(3)]


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with running(tmp_path_factory.mktemp("aws"), evidence.PERMISSIONS | sweeping.PERMISSIONS | ALSO) as local:
        yield local


@pytest.fixture(scope="session")
def scp(cloud: Cloud) -> str:
    """The service control policy that denies everything to whoever carries the tag, over the whole organisation."""
    return cloud.deploy("quarantine", shipped("quarantine"))


@pytest.fixture(scope="session")
def offered(cloud: Cloud, scp: str) -> Offers:
    return offers(cloud, scp)


@pytest.fixture(scope="session")
def session() -> boto3.session.Session:
    """One session, so that boto3 reads its service models once."""
    return bot_session()


@pytest.fixture(scope="session")
def only_door(cloud: Cloud) -> Iterator[Door]:
    with opened(cloud.endpoint) as door:
        yield door


@pytest.fixture
def door(only_door: Door, monkeypatch: pytest.MonkeyPatch) -> Door:
    only_door.reset()
    monkeypatch.setenv("AWS_ENDPOINT_URL", only_door.url)
    return only_door


@pytest.fixture
def bench(cloud: Cloud, door: Door, session: boto3.session.Session, tmp_path: Path) -> Iterator[Bench]:
    """A bot with a state file of its own, and a user of the local AWS nobody else uses."""
    made = Bench(tmp_path, cloud, door, session, next_seat())
    yield made
    made.state.close()


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    made = Room(tmp_path)
    yield made
    made.state.close()
