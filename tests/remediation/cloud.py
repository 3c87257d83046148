"""A local AWS that enforces: users with two keys each, the bot's own user, and its two roles.

The roles hold exactly the policies the product derives from its declarations, so an undeclared call is refused.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import boto3
from botocore.config import Config

from bot.remediation.base import policy
from bot.remediation.disable_access_key import DisableAccessKey

if TYPE_CHECKING:
    from mypy_boto3_iam.client import IAMClient

ACCOUNT = "111122223333"
FOREIGN = "999900001111"
SEATS = 200
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
EXTERNAL_ID = "made-up-external-id"
CREATED = "2026-01-05T09:00:00Z"
ROLES = ("TriageRead", "TriageAct")
MAY_ASSUME = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": ["sts:AssumeRole", "sts:SetSourceIdentity"], "Resource": "*"}],
}
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:user/triage-bot"},
            "Action": ["sts:AssumeRole", "sts:SetSourceIdentity"],
            "Condition": {"StringEquals": {"sts:ExternalId": EXTERNAL_ID}},
        }
    ],
}


def key_id(number: int, account: str = ACCOUNT, prefix: str = "AKIA") -> str:
    """A made-up id of the new generation: it encodes ``account``."""
    bits = (1 << 79) | (int(account) << 39) | number
    return prefix + "".join(ALPHABET[bits >> shift & 31] for shift in range(75, -1, -5))


@dataclass(frozen=True)
class Key:
    id: str

    @property
    def secret(self) -> str:
        return f"made-up-secret-of-{self.id}"


BOT = Key(key_id(9001))


@dataclass(frozen=True)
class Seat:
    """A user and their two keys."""

    user: str
    stolen: Key
    other: Key


def seat(number: int) -> Seat:
    return Seat(f"worker-{number}", Key(key_id(2 * number)), Key(key_id(2 * number + 1)))


@dataclass(frozen=True)
class Cloud:
    """A running local AWS."""

    endpoint: str

    def client(self, service: str, key: Key) -> Any:
        return boto3.client(
            service,  # type: ignore[call-overload]
            region_name="us-east-1",
            endpoint_url=self.endpoint,
            aws_access_key_id=key.id,
            aws_secret_access_key=key.secret,
            config=Config(retries={"total_max_attempts": 1}),
        )

    def works(self, key: Key) -> bool:
        """Whether AWS takes ``key``, asked with the key itself."""
        sts = self.client("sts", key)
        try:
            sts.get_caller_identity()
        except sts.exceptions.ClientError:
            return False
        return True

    def set_status(self, place: Seat, status: Literal["Active", "Inactive"]) -> None:
        """What somebody else does in the meantime."""
        self._root().update_access_key(UserName=place.user, AccessKeyId=place.stolen.id, Status=status)

    def delete(self, place: Seat) -> None:
        """What somebody else should not do in the meantime."""
        self._root().delete_access_key(UserName=place.user, AccessKeyId=place.stolen.id)

    def _root(self) -> IAMClient:
        return boto3.client(
            "iam",
            region_name="us-east-1",
            endpoint_url=self.endpoint,
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )


@contextmanager
def running(folder: Path, reading: frozenset[str] = frozenset()) -> Iterator[Cloud]:
    """``reading`` are actions the reading role may do beside those that planning needs."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "iam.json").write_text(json.dumps({"__ministack_format__": 2, "payload": _iam(reading)}))
    port = free_port()
    settings = {
        "AUTH": "true",
        "BIND_HOST": "127.0.0.1",
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "PERSIST_STATE": "1",
        "STATE_DIR": str(folder),
        "HOME": str(folder),
        "GATEWAY_PORT": str(port),
        "MINISTACK_ACCOUNT_ID": ACCOUNT,
        "LOG_LEVEL": "WARNING",
    }
    # It lives as long as its stdin is held open, so that it never outlives the tests.
    command = [sys.executable, "-m", "bot.demo.ministack"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            command, env=os.environ | settings, stdin=subprocess.PIPE, stdout=log, stderr=subprocess.STDOUT
        )
    with process:
        _until_it_answers(port, process)
        yield Cloud(f"http://127.0.0.1:{port}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _until_it_answers(port: int, process: subprocess.Popen[bytes]) -> None:
    while process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            _ended_within(process, 0.05)
        else:
            return
    raise RuntimeError("the local AWS ended before it answered")


def _ended_within(process: subprocess.Popen[bytes], seconds: float) -> bool:
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return False
    return True


def _iam(reading: frozenset[str]) -> dict[str, Any]:
    seats = [seat(number) for number in range(SEATS)]
    keys = [(place.user, key) for place in seats for key in (place.stolen, place.other)]
    users = [place.user for place in seats] + ["triage-bot"]
    remedy = DisableAccessKey()
    policies = {
        "TriageRead": policy([remedy], act=False, also=reading),
        "TriageAct": policy([remedy], act=True),
    }
    return {
        "users": _scoped({user: _user(user) for user in users}),
        "access_keys": _scoped({key.id: _key(user, key) for user, key in [*keys, ("triage-bot", BOT)]}),
        "roles": _scoped({name: _role(name, policies[name]) for name in ROLES}),
        "user_inline_policies": _scoped({"triage-bot": {"assume": json.dumps(MAY_ASSUME)}}),
    }


def _scoped(entries: dict[str, Any]) -> dict[str, Any]:
    return {"__scoped__": True, "data": {f"{ACCOUNT}\x00{name!r}": entry for name, entry in entries.items()}}


def _user(name: str) -> dict[str, Any]:
    arn = f"arn:aws:iam::{ACCOUNT}:user/{name}"
    empty: dict[str, Any] = {"PermissionsBoundary": "", "AttachedPolicies": [], "Tags": []}
    return {"UserName": name, "Arn": arn, "UserId": f"AIDA{name}", "CreateDate": CREATED, "Path": "/"} | empty


def _key(user: str, key: Key) -> dict[str, str]:
    status = {"Status": "Active", "CreateDate": CREATED}
    return {"UserName": user, "AccessKeyId": key.id, "SecretAccessKey": key.secret} | status


def _role(name: str, document: dict[str, Any]) -> dict[str, Any]:
    about = {"RoleName": name, "Arn": f"arn:aws:iam::{ACCOUNT}:role/{name}", "RoleId": f"AROA{name}", "Path": "/"}
    rest = {"CreateDate": CREATED, "Description": "", "MaxSessionDuration": 3600, "PermissionsBoundary": ""}
    policies = {"AttachedPolicies": [], "InlinePolicies": {"declared": json.dumps(document)}, "Tags": []}
    return about | rest | policies | {"AssumeRolePolicyDocument": json.dumps(TRUST)}
