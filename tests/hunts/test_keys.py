"""Keys that wake up after months, and sessions of machines outside AWS."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.hunts.result import Hit, Hunted
from bot.hunts.watching import watch
from bot.model import AddressOrigin, Event
from bot.scope.ground import Known
from tests.scope.made import (
    ACCOUNT,
    AT,
    CLI,
    COMMON,
    MACHINE,
    OFFICE,
    THIEF,
    MadeHistory,
    call,
    key_of,
    minutes_ago,
    office_days,
    origin,
    user,
)

AMAZON, UNKNOWN = "192.0.2.200", "192.0.2.201"
ROLE = f"{ACCOUNT}:role/app-web"
SESSION = key_of(800, "ASIA")


def where(ip: str) -> AddressOrigin:
    if ip == UNKNOWN:
        return AddressOrigin(ip)
    return AddressOrigin(ip, provider="AWS", hosting=True) if ip == AMAZON else origin(ip)


def watched(events: list[Event]) -> Hunted:
    return watch(MadeHistory(events), AT, Known(origin=where))


def told(events: list[Event], detection: str) -> list[Hit]:
    return [hit for hit in watched(events).hits if detection in hit.hunt.split("+")]


def staff(days: int = 100, *, iam: bool = True) -> list[Event]:
    """Five people at the office; one of them looks after users."""
    looks = [call(key_of(9), user(9), "iam:ListUsers", AT - timedelta(days=day), OFFICE, CLI) for day in range(2, 28)]
    return [*(event for n in range(5) for event in office_days(n, days=days)), *(looks if iam else ())]


def wakes(ip: str = THIEF) -> Event:
    return call(key_of(50), user(3), COMMON[1], minutes_ago(30), ip, CLI)


def slept(days: int) -> Event:
    return call(key_of(50), user(3), COMMON[1], AT - timedelta(days=days), OFFICE, CLI)


def made(days: int) -> Event:
    at = AT - timedelta(days=days)
    return call(key_of(9), user(9), "iam:CreateAccessKey", at, OFFICE, CLI, minted=key_of(50))


def test_a_key_that_slept_for_90_days_is_told_when_it_wakes_up_elsewhere() -> None:
    for before in ([slept(130)], []):
        (hit,) = told([*staff(140), *before, wakes()], "key.dormant")
        assert (hit.level, hit.keys) == ("match", (key_of(50),))
        assert "woke up after 90 days" in hit.sentence


@pytest.mark.parametrize(
    "history",
    [
        lambda: [*staff(), slept(60), wakes()],
        lambda: [*staff(), made(20), wakes()],
        lambda: [*staff(), wakes(OFFICE)],
        lambda: [*staff(), replace(wakes(), key=key_of(50, "ASIA"))],
    ],
    ids=["used since", "made since", "in the office", "a session"],
)
def test_what_is_no_sleeper(history: object) -> None:
    assert callable(history)
    assert told(history(), "key.dormant") == []


@pytest.mark.parametrize(("days", "iam", "why"), [(30, True, "goes back no further"), (100, False, "records of IAM")])
def test_where_nothing_tells_whether_a_key_slept_that_is_said(days: int, iam: bool, why: str) -> None:
    found = watched([*staff(days, iam=iam), wakes()])
    assert [gap.why for gap in found.gaps if "sleeping key" in gap.question and why in gap.why]
    assert not any("key.dormant" in hit.hunt for hit in found.hits)


def machine(day: int, ip: str = "203.0.113.201") -> Event:
    session = replace(call(SESSION, ROLE, COMMON[0], AT - timedelta(days=day, hours=1), ip, MACHINE))
    return replace(session, session="i-0123456789abcdef0")


def given(service: str) -> Iterator[Event]:
    yield call("", f"service:{service}.amazonaws.com", "sts:AssumeRole", minutes_ago(200), "-", "-", minted=SESSION)


@pytest.mark.parametrize(("ip", "told_of"), [(THIEF, True), (AMAZON, False), (UNKNOWN, False), (OFFICE, False)])
def test_the_session_of_an_instance_is_told_of_only_outside_aws_and_the_own_exits(ip: str, told_of: bool) -> None:
    days = [*staff(30), *(machine(day) for day in range(20, 1, -1))]
    hits = told([*days, machine(0, ip)], "role.outside")
    assert [hit.severity for hit in hits] == (["high"] if told_of else [])


@pytest.mark.parametrize(("service", "told_of"), [("lambda", True), ("ecs-tasks", True), ("cloudformation", False)])
def test_sessions_that_a_service_gave_to_a_program_are_known_by_that(service: str, told_of: bool) -> None:
    use = replace(machine(0, THIEF), session="worker")
    assert bool(told([*staff(30), *given(service), use], "role.outside")) is told_of
