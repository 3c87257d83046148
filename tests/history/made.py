"""Made records, and histories to ask."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bot.history.files import log_files
from bot.history.forms import RawRecord
from bot.history.load import LoadReport, load_paths
from bot.history.sources import LogFile
from bot.history.sqlite import SqliteHistory
from bot.model import Kind, Observable, Span

DATA = Path(__file__).parent.parent / "data" / "cloudtrail"
ACCOUNT = "111122223333"
KEY = "AKIARTX3GSDSQAAAAAAA"
ALICE = f"{ACCOUNT}:user/alice"
MADE_FROM = datetime(2026, 11, 1, tzinfo=UTC)
"""From when ``assorted`` records are."""
ALWAYS = Span(datetime(1970, 1, 2, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC))
SITE = "2001:db8:0:0:7::1"
"""An address whose /64 begins with zeros, which are cut in one spelling and not in another."""
IN_TERMINAL = "aws-cli/2.31.0 md/awscrt#0.28 os/linux#6.8 sid/4c55b1738b6d md/command#iam.list-users"
KALI = "aws-cli/1.22.34 Python/3.9.11 Linux/5.15.0-kali3-amd64 botocore/1.27.84"


def record(number: int = 1, **changes: Any) -> dict[str, Any]:
    """A denied ``iam:ListUsers`` by alice; ``changes`` replace top-level keys, ``...`` takes one away."""
    made: dict[str, Any] = {
        "eventVersion": "1.11",
        "eventID": f"00000000-0000-4000-8000-{number:012d}",
        "eventTime": "2026-11-20T14:03:11Z",
        "eventSource": "iam.amazonaws.com",
        "eventName": "ListUsers",
        "awsRegion": "us-east-1",
        "sourceIPAddress": "203.0.113.5",
        "userAgent": KALI,
        "errorCode": "AccessDenied",
        "errorMessage": "User: alice is not authorized to perform: iam:ListUsers",
        "recipientAccountId": ACCOUNT,
        "userIdentity": {
            "type": "IAMUser",
            "principalId": "AIDARTX3GSDSQAAAAAAAA",
            "arn": f"arn:aws:iam::{ACCOUNT}:user/alice",
            "accountId": ACCOUNT,
            "accessKeyId": KEY,
            "userName": "alice",
        },
        "responseElements": None,
    }
    return {key: value for key, value in (made | changes).items() if value is not ...}


def assorted(chance: random.Random, count: int) -> list[dict[str, Any]]:
    """Records of few kinds over ten days, so that days, kinds and seconds meet; a third of them on the same seconds."""
    made = []
    for number in range(count):
        at = MADE_FROM + timedelta(
            seconds=chance.choice((chance.randrange(10 * 86_400), chance.randrange(10) * 43_200))
        )
        name = chance.choice(("alice", "bob"))
        identity = record()["userIdentity"] | {"userName": name, "arn": f"arn:aws:iam::{ACCOUNT}:user/{name}"}
        identity["accessKeyId"] = chance.choice((KEY, f"{KEY[:-1]}B", None))
        made.append(
            record(
                number,
                eventTime=at.strftime("%Y-%m-%dT%H:%M:%SZ"),
                eventName=chance.choice(("ListUsers", "ListRoles", "ConsoleLogin")),
                sourceIPAddress=chance.choice(("203.0.113.5", "198.51.100.7", SITE, "s3.amazonaws.com", None)),
                userAgent=chance.choice((KALI, "Boto3/1.34.51 md/Botocore#1.34.51", IN_TERMINAL, None)),
                awsRegion=chance.choice(("us-east-1", "eu-west-1")),
                userIdentity=identity | chance.choice(({}, {}, {"invokedBy": "athena.amazonaws.com"})),
                **chance.choice(
                    (
                        *({}, {"errorCode": ..., "errorMessage": ...}, {"errorCode": "ThrottlingException"}),
                        {"errorMessage": "with an explicit deny in a service control policy"},
                    )
                ),
            )
        )
    return made


def real(name: str) -> list[dict[str, Any]]:
    """The records of the set ``name`` of real logs, as CloudTrail wrote them."""
    logs = (LogFile(path).content() for path in log_files([DATA / name]))
    return [json.loads(bytes(each.text)) for log in logs for each in log.records() if isinstance(each, RawRecord)]


def write(path: Path, records: Sequence[Any]) -> Path:
    path.write_text(json.dumps({"Records": list(records)}))
    return path


def loaded(folder: Path, *records: Any) -> SqliteHistory:
    history, _ = loaded_with_report(folder, *records)
    return history


def loaded_with_report(folder: Path, *records: Any) -> tuple[SqliteHistory, LoadReport]:
    history = SqliteHistory(folder / "history.sqlite")
    return history, load_paths(history, [write(folder / "log.json", records)])


def key(value: str = KEY) -> Observable:
    return Observable(Kind.ACCESS_KEY, value)


def principal(value: str = ALICE) -> Observable:
    return Observable(Kind.PRINCIPAL, value)
