"""A local AWS that enforces: users with two keys, a password and a role each, the bot's own user, and its roles.

The bot's roles hold exactly the policies the product derives from its declarations, so an undeclared call is refused.
The account is a member of an organisation, in whose management account the bot has the same roles.
"""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from bot.remediation import remediations
from bot.remediation.base import policy
from bot.remediation.offer import Offer, Organisation
from tests.documents import ROOT

if TYPE_CHECKING:
    from mypy_boto3_iam.client import IAMClient

ACCOUNT = "111122223333"
FOREIGN = "999900001111"
SEATS = 600
BARE = 10
"""The last seats' users have keys and nothing else."""
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
EXTERNAL_ID = "made-up-external-id"
CREATED = "2026-01-05T09:00:00Z"
MANAGEMENT = "444455556666"
"""The organisation's management account; ``ACCOUNT`` is a member."""
ROLES = ("TriageRead", "TriageAct", "TriageRoles")
EVERYTHING = Offer(
    Organisation(
        MANAGEMENT,
        "p-madeupquarantine",
        principals_policy="p-madeupprincipals",
        addresses_policy="p-madeupaddresses",
        persons_policy="p-madeuppersons",
        identity_store="d-0123456789",
    ),
    waf_ip_sets=(f"arn:aws:wafv2:us-east-1:{ACCOUNT}:regional/ipset/made-up/01234567",),
)
"""An installation with all there is: what the bot's roles may do here."""
OWNER = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": ["sqs:*", "sts:*", "iam:ListUsers", "ses:*"], "Resource": "*"}],
}
"""What the users of the seats may do."""


def shipped(name: str) -> Any:
    """A policy of ``deploy/organisation``, with the acting role's name put in as its page says."""
    text = (ROOT / "deploy" / "organisation" / f"{name}.json").read_text(encoding="utf-8")
    return json.loads(text.replace("triage-act", "TriageAct"))


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


def by_tag(policy: str) -> Offer:
    """An installation with nothing of the organisation but the tag's policy."""
    return Offer(Organisation(MANAGEMENT, policy))


def key_id(number: int, account: str = ACCOUNT, prefix: str = "AKIA") -> str:
    """A made-up id of the new generation: it encodes ``account``."""
    bits = (1 << 79) | (int(account) << 39) | number
    return prefix + "".join(ALPHABET[bits >> shift & 31] for shift in range(75, -1, -5))


@dataclass(frozen=True)
class Key:
    """An access key; ``given`` are secret and token as AWS drew them."""

    id: str
    given: tuple[str, str | None] | None = None

    @property
    def secret(self) -> str:
        return self.given[0] if self.given else f"made-up-secret-of-{self.id}"

    @property
    def token(self) -> str | None:
        return self.given[1] if self.given else None


BOT = Key(key_id(9001))


@dataclass(frozen=True)
class Seat:
    """A user and their two keys, and a role that the user may assume."""

    user: str
    stolen: Key
    other: Key
    role: str

    @property
    def principal(self) -> str:
        return f"{ACCOUNT}:user/{self.user}"

    @property
    def policy(self) -> str:
        """A customer managed policy, attached to nobody."""
        return f"arn:aws:iam::{ACCOUNT}:policy/rights-of-{self.user}"


def seat(number: int) -> Seat:
    return Seat(f"worker-{number}", Key(key_id(2 * number)), Key(key_id(2 * number + 1)), f"job-{number}")


@dataclass(frozen=True)
class Cloud:
    """A running local AWS."""

    endpoint: str

    def client(self, service: str, key: Key, region: str = "us-east-1", address: str = "") -> Any:
        """``address``: where the caller is in the internet."""
        return _client(self.endpoint, service, region, key, address)

    def works(self, key: Key) -> bool:
        """Whether AWS takes ``key``, asked with the key itself."""
        return _answers(self.client("sts", key).get_caller_identity)

    def may_work(self, key: Key, address: str = "") -> bool:
        """Whether AWS lets ``key`` do what its owner does all day: a denied key still says who it is."""
        return _answers(self.client("sqs", key, address=address).list_queues)

    def session(self, key: Key) -> Key:
        """A session that somebody with ``key`` mints from it, before it is stopped."""
        return _session(self.client("sts", key).get_session_token()["Credentials"])

    def federated(self, key: Key) -> Key:
        """A federated session under a name of the thief's choice."""
        answer = self.client("sts", key).get_federation_token(Name="nobody-you-know", Policy=json.dumps(OWNER))
        return _session(answer["Credentials"])

    def assumed(self, key: Key, role: str) -> Key:
        arn = f"arn:aws:iam::{ACCOUNT}:role/{role}"
        return _session(self.client("sts", key).assume_role(RoleArn=arn, RoleSessionName="job")["Credentials"])

    def set_status(self, place: Seat, status: Literal["Active", "Inactive"]) -> None:
        """What somebody else does in the meantime."""
        self.iam().update_access_key(UserName=place.user, AccessKeyId=place.stolen.id, Status=status)

    def delete(self, place: Seat) -> None:
        """What somebody else should not do in the meantime."""
        self.iam().delete_access_key(UserName=place.user, AccessKeyId=place.stolen.id)

    def iam(self) -> IAMClient:
        """With the rights of the account's root user."""
        client: IAMClient = self.as_root(ACCOUNT, "iam")
        return client

    def as_root(self, account: str, service: str, region: str = "us-east-1") -> Any:
        """An account's number is its root user's key here."""
        return _client(self.endpoint, service, region, Key(account, ("made-up", None)), "")

    def deploy(self, name: str, document: Mapping[str, Any], *, attach: bool = True) -> str:
        """A service control policy, over the whole organisation; its id."""
        client = self.as_root(MANAGEMENT, "organizations")
        policy = client.create_policy(
            Name=name, Description="", Type="SERVICE_CONTROL_POLICY", Content=json.dumps(document)
        )["Policy"]["PolicySummary"]["Id"]
        if attach:
            client.attach_policy(PolicyId=policy, TargetId=client.list_roots()["Roots"][0]["Id"])
        return str(policy)

    def content(self, policy: str) -> Any:
        """What a service control policy says now."""
        answer = self.as_root(MANAGEMENT, "organizations").describe_policy(PolicyId=policy)
        return json.loads(answer["Policy"]["Content"])


@cache
def _client(endpoint: str, service: str, region: str, key: Key, address: str) -> Any:
    """Made once: boto3 takes longer to make a client than to use it."""
    made: Any = boto3.client(
        service,  # type: ignore[call-overload]
        region_name=region,
        endpoint_url=endpoint,
        aws_access_key_id=key.id,
        aws_secret_access_key=key.secret,
        aws_session_token=key.token,
        config=Config(retries={"total_max_attempts": 1}),
    )
    if address:
        made.meta.events.register("before-send", lambda request, **_: _come_from(request, address))
    return made


def _come_from(request: Any, address: str) -> None:
    request.headers["X-Forwarded-For"] = address


def _answers(call: Callable[[], object]) -> bool:
    try:
        call()
    except ClientError:
        return False
    return True


def _session(credentials: Mapping[str, Any]) -> Key:
    return Key(credentials["AccessKeyId"], (credentials["SecretAccessKey"], credentials["SessionToken"]))


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
        "MANAGEMENT_ACCOUNT": MANAGEMENT,
        "MEMBER_ACCOUNTS": ACCOUNT,
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
    equipped = seats[:-BARE]
    working = {place.user: {"work": json.dumps(OWNER)} for place in equipped}
    jobs = {place.role: _role(place.role, OWNER, _trusting(place.user)) for place in equipped}
    return {
        "users": _scoped({user: _user(user) for user in users}),
        "access_keys": _scoped({key.id: _key(user, key) for user, key in [*keys, ("triage-bot", BOT)]}),
        "login_profiles": _scoped({place.user: _password(place.user) for place in equipped}),
        "roles": _scoped(_own_roles(ACCOUNT, reading) | jobs, (MANAGEMENT, _own_roles(MANAGEMENT, reading))),
        "policies": _scoped({place.policy: _policy(place.policy) for place in equipped}),
        "user_inline_policies": _scoped(working | {"triage-bot": {"assume": json.dumps(MAY_ASSUME)}}),
    }


def _own_roles(account: str, reading: frozenset[str]) -> dict[str, Any]:
    offered = [*remediations(EVERYTHING), *remediations(replace(EVERYTHING, sign_in="force_change"))]
    policies = {
        "TriageRead": policy(offered, act=False, also=reading),
        "TriageAct": _on_any_list(policy(offered, act=True)),
        "TriageRoles": policy(offered, act=True, roles=True),
    }
    return {name: _role(name, document, TRUST, account) for name, document in policies.items()}


def _on_any_list(document: dict[str, Any]) -> dict[str, Any]:
    """With any service control policy and IP set in place of those configured: each test deploys its own."""
    written = re.sub(r"p-madeup[a-z]+", "p-*", json.dumps(document)).replace("made-up/01234567", "*")
    widened: dict[str, Any] = json.loads(written)
    return widened


def _trusting(user: str) -> dict[str, Any]:
    trusted = {"AWS": f"arn:aws:iam::{ACCOUNT}:user/{user}"}
    return {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": trusted, "Action": "sts:AssumeRole"}],
    }


def _scoped(entries: dict[str, Any], *more: tuple[str, dict[str, Any]]) -> dict[str, Any]:
    places = [(ACCOUNT, entries), *more]
    return {
        "__scoped__": True,
        "data": {f"{account}\x00{name!r}": entry for account, held in places for name, entry in held.items()},
    }


def _user(name: str) -> dict[str, Any]:
    arn = f"arn:aws:iam::{ACCOUNT}:user/{name}"
    empty: dict[str, Any] = {"PermissionsBoundary": "", "AttachedPolicies": [], "Tags": []}
    return {"UserName": name, "Arn": arn, "UserId": f"AIDA{name}", "CreateDate": CREATED, "Path": "/"} | empty


def _key(user: str, key: Key) -> dict[str, str]:
    status = {"Status": "Active", "CreateDate": CREATED}
    return {"UserName": user, "AccessKeyId": key.id, "SecretAccessKey": key.secret} | status


def _policy(arn: str) -> dict[str, Any]:
    version = {"Document": json.dumps(OWNER), "VersionId": "v1", "IsDefaultVersion": True, "CreateDate": CREATED}
    return {
        "PolicyName": arn.rpartition("/")[2],
        "Arn": arn,
        "PolicyId": "ANPA",
        "Path": "/",
        "Description": "",
        "CreateDate": CREATED,
        "UpdateDate": CREATED,
        "DefaultVersionId": "v1",
        "AttachmentCount": 0,
        "IsAttachable": True,
        "Tags": [],
        "Versions": {"v1": version},
    }


def _password(user: str) -> dict[str, Any]:
    return {"UserName": user, "CreateDate": CREATED, "PasswordResetRequired": False}


def _role(name: str, document: dict[str, Any], trust: dict[str, Any], account: str = ACCOUNT) -> dict[str, Any]:
    about = {"RoleName": name, "Arn": f"arn:aws:iam::{account}:role/{name}", "RoleId": f"AROA{name}", "Path": "/"}
    rest = {"CreateDate": CREATED, "Description": "", "MaxSessionDuration": 3600, "PermissionsBoundary": ""}
    policies = {"AttachedPolicies": [], "InlinePolicies": {"declared": json.dumps(document)}, "Tags": []}
    return about | rest | policies | {"AssumeRolePolicyDocument": json.dumps(trust)}
