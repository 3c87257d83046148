"""CloudTrail files made from a seed: one busy workload, many usual keys, 30 days, about 1.1 KB a record."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from isal import isal_zlib

SINCE = datetime(2026, 10, 1, tzinfo=UTC)
PER_FILE = 300
BUSY_KEY = "AKIARTX3GSDSQBBBBBBB"
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_ACCOUNT = "111122223333"
_REGIONS = ("us-east-1", "eu-west-1", "us-west-2")
_CALLS = (
    *("s3:GetObject", "s3:PutObject", "s3:ListObjects", "kms:Decrypt", "kms:GenerateDataKey", "sts:AssumeRole"),
    *("ec2:DescribeInstances", "ec2:DescribeImages", "ec2:DescribeVolumes", "iam:GetRole", "iam:ListRoles"),
    *("sts:GetCallerIdentity", "lambda:ListFunctions20150331", "logs:DescribeLogGroups", "dynamodb:DescribeTable"),
    *("secretsmanager:GetSecretValue", "ssm:GetParameter", "ecr:GetAuthorizationToken", "sqs:GetQueueAttributes"),
    *("cloudformation:DescribeStacks", "monitoring:PutMetricAlarm", "rds:DescribeDBInstances"),
)
_AGENTS = (
    "Boto3/1.34.51 md/Botocore#1.34.51 ua/2.0 os/linux#5.10.210-201.852.amzn2.x86_64 md/arch#x86_64 lang/python#3.11.8",
    "aws-cli/2.15.30 Python/3.11.8 Linux/5.15.0-101-generic exe/x86_64.ubuntu.22 prompt/off",
    "APN/1.0 HashiCorp/1.0 Terraform/1.7.4 aws-sdk-go-v2/1.25.2 os/linux lang/go#1.21.6 md/GOOS#linux md/GOARCH#amd64",
    "aws-sdk-java/2.25.3 Linux/5.10.210 OpenJDK_64-Bit_Server_VM/17.0.10+7-LTS Java/17.0.10 vendor/Amazon.com_Inc.",
)


@dataclass(frozen=True)
class _Caller:
    key: str
    name: str
    ips: tuple[str, ...]
    agents: tuple[str, ...]
    calls: tuple[str, ...]
    regions: tuple[str, ...]


def usual_keys(events: int, days: int) -> list[str]:
    """As many keys as make about 1,000 events in 14 days each out of two thirds of all events."""
    return [_key(number) for number in range(max(1, round(events * 2 / 3 / (1000 * days / 14))))]


def write_logs(folder: Path, events: int, days: int = 30) -> int:
    """Write ``events`` records into ``folder``, oldest first; returns the size of their JSON in bytes."""
    chance = random.Random(7)
    callers = [_caller(chance, key, number) for number, key in enumerate(usual_keys(events, days))]
    busy = _Caller(BUSY_KEY, "workload", _ips(chance, 8), _AGENTS[:2], _CALLS[:12], _REGIONS[:2])
    step, size = days * 86_400 / events, 0
    folder.mkdir(parents=True, exist_ok=True)
    for number, start in enumerate(range(0, events, PER_FILE)):
        records = [
            _record(chance, busy if chance.random() < 1 / 3 else chance.choice(callers), int(each * step))
            for each in range(start, min(start + PER_FILE, events))
        ]
        text = json.dumps({"Records": records}, separators=(",", ":")).encode()
        size += len(text)
        (folder / f"{number:06}.json.gz").write_bytes(isal_zlib.compress(text, 2, wbits=31))
    return size


def _caller(chance: random.Random, key: str, number: int) -> _Caller:
    calls = tuple(chance.sample(_CALLS, 8))
    regions = tuple(chance.sample(_REGIONS, chance.choice((1, 1, 2))))
    return _Caller(
        key, f"user-{number}", _ips(chance, chance.choice((1, 2, 3))), (chance.choice(_AGENTS),), calls, regions
    )


def _record(chance: random.Random, caller: _Caller, second: int) -> dict[str, Any]:
    service, _, name = chance.choice(caller.calls).partition(":")
    made: dict[str, Any] = {
        "eventVersion": "1.09",
        "userIdentity": {
            "type": "IAMUser",
            "principalId": f"AIDA{caller.key[4:]}A",
            "arn": f"arn:aws:iam::{_ACCOUNT}:user/{caller.name}",
            "accountId": _ACCOUNT,
            "accessKeyId": caller.key,
            "userName": caller.name,
        },
        "eventTime": (SINCE + timedelta(seconds=second)).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "eventSource": f"{service}.amazonaws.com",
        "eventName": name,
        "awsRegion": chance.choice(caller.regions),
        "sourceIPAddress": chance.choice(caller.ips),
        "userAgent": chance.choice(caller.agents),
        "requestParameters": {
            "bucketName": f"data-{chance.randrange(99)}",
            "key": f"{_uuid(chance)}/{_uuid(chance)}.json",
        },
        "responseElements": None,
        "additionalEventData": {
            "SignatureVersion": "SigV4",
            "CipherSuite": "TLS_AES_128_GCM_SHA256",
            "x": _uuid(chance),
        },
        "requestID": _uuid(chance),
        "eventID": _uuid(chance),
        "readOnly": True,
        "resources": [{"type": "AWS::S3::Object", "ARN": f"arn:aws:s3:::data/{_uuid(chance)}"}],
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": _ACCOUNT,
        "eventCategory": "Management",
        "tlsDetails": {"tlsVersion": "TLSv1.3", "clientProvidedHostHeader": f"{service}.us-east-1.amazonaws.com"},
    }
    if chance.random() < 0.01:
        made |= {"errorCode": "AccessDenied", "errorMessage": f"User: {caller.name} is not authorized: {_uuid(chance)}"}
    return made


def _key(number: int) -> str:
    return "AKIARTX3GSDSQ" + "".join(_LETTERS[number >> shift & 31] for shift in range(30, -1, -5))


def _ips(chance: random.Random, count: int) -> tuple[str, ...]:
    return tuple(f"198.51.{chance.randrange(100, 104)}.{chance.randrange(1, 255)}" for _ in range(count))


def _uuid(chance: random.Random) -> str:
    text = f"{chance.getrandbits(128):032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
