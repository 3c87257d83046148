"""A small organisation over twelve days: an office, a machine, one rare call, and a thief on the last day."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

from bot.history.sqlite import SqliteHistory
from bot.model import rfc3339
from tests.history import made

AT = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
OFFICE, SERVER, THIEF, HOME = "203.0.113.10", "159.89.100.7", "198.51.100.66", "192.0.2.8"
PEOPLE = ("alice", "bob", "carol")
BROWSER = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 Chrome/120.0 Safari/537.36"
BOTO = "Boto3/1.38.46 ua/2.1 os/linux#5.10.239 lang/python#3.11.13 Botocore/1.38.46"
DAYS = 12

_numbers = count(1)


def call(
    user: str, at: datetime, ip: str, name: str = "ListUsers", agent: str = BROWSER, **more: Any
) -> dict[str, Any]:
    identity = {
        "type": "IAMUser",
        "principalId": f"AIDA{user.upper()}",
        "arn": f"arn:aws:iam::{made.ACCOUNT}:user/{user}",
        "accountId": made.ACCOUNT,
        "userName": user,
    }
    return made.record(
        next(_numbers),
        eventTime=rfc3339(at),
        eventName=name,
        sourceIPAddress=ip,
        userAgent=agent,
        userIdentity=identity,
        errorCode=...,
        errorMessage=...,
    )


def records() -> Iterator[dict[str, Any]]:
    for day in range(1, DAYS + 1):
        morning = AT - timedelta(days=day, hours=1)
        for user in PEOPLE:
            yield from (call(user, morning + timedelta(minutes=n), OFFICE) for n in range(2))
        yield call("svc-metrics", morning, SERVER, "ListRoles", BOTO)
    yield call("carol", AT - timedelta(days=4), HOME, "CreateUser")
    yield from (call(user, AT - timedelta(minutes=9), THIEF) for user in PEOPLE)


def history(folder: Path) -> SqliteHistory:
    return made.loaded(folder, *records())
