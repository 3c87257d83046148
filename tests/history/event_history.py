"""A strict stand-in for CloudTrail's LookupEvents, over real HTTP: it refuses what AWS refuses.

What is refused, and how the pages come, is from "LookupEvents" in the CloudTrail API reference.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import boto3
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot.aws import READ_OF
from bot.history.access_key import account_of
from bot.history.lookup import Timing
from tests.remediation.cloud import key_id
from tests.serving import serving

KEYS = frozenset({"EventId", "EventName", "ReadOnly", "Username", "EventSource", "AccessKeyId"})
MEMBERS = frozenset({"LookupAttributes", "StartTime", "EndTime", "MaxResults", "NextToken"})
_SCOPE = re.compile(r"Credential=([^/]+)/\d{8}/([^/]+)/cloudtrail/aws4_request")
_TARGET = re.compile(r"[\w.]*CloudTrail_20131101\.LookupEvents")


@dataclass
class Refused(Exception):
    code: str
    status: int = 400


@dataclass
class EventHistory:
    """``records`` as CloudTrail would hand them out; ``now`` and ``seconds`` are the clocks of its limits."""

    records: Sequence[Mapping[str, Any]]
    now: Callable[[], datetime]
    seconds: Callable[[], float]
    page: int = 50
    paced: bool = False
    """Whether it refuses who comes too often; for one region and one thread, since all pauses move one clock."""
    denied: Mapping[str, str] = field(default_factory=dict)
    """Region → the error it answers with."""
    failing: list[str] = field(default_factory=list)
    """Errors to answer with, one call each."""
    asked: list[dict[str, Any]] = field(default_factory=list)
    """Every request that was answered, with ``region`` and ``account``."""
    _kept: tuple[Sequence[Mapping[str, Any]], Sequence[_Kept]] | None = None
    _times: dict[tuple[str, str], list[float]] = field(default_factory=dict)
    _tokens: dict[str, tuple[dict[str, Any], int]] = field(default_factory=dict)

    def answer(self, authorization: str, target: str, body: dict[str, Any]) -> dict[str, Any]:
        scope = _SCOPE.search(authorization)
        if not scope or not _TARGET.fullmatch(target):
            raise Refused("UnknownOperationException")
        account, region = account_of(scope[1]) or "", scope[2]
        if region in self.denied:
            raise Refused(self.denied[region])
        if self.paced:
            self._within_the_rate(account, region)
        if self.failing:
            raise Refused(self.failing.pop(0))
        _valid(body)
        start = self._start(body)
        found = [each for each in self._newest_first() if self._is_found(each, account, region, body)]
        size = min(body.get("MaxResults", 50), self.page)
        self.asked.append({**body, "region": region, "account": account})
        answer: dict[str, Any] = {"Events": [each.told() for each in found[start : start + size]]}
        if start + size < len(found):
            token = f"token-{len(self._tokens)}"
            self._tokens[token] = (_without_token(body), start + size)
            answer["NextToken"] = token
        return answer

    def _start(self, body: dict[str, Any]) -> int:
        if "NextToken" not in body:
            return 0
        asked, start = self._tokens.get(body["NextToken"], ({}, 0))
        if asked != _without_token(body):
            raise Refused("InvalidNextTokenException")
        return start

    def _within_the_rate(self, account: str, region: str) -> None:
        times = self._times.setdefault((account, region), [])
        now = self.seconds()
        times[:] = [at for at in times if now - at < 1]
        if len(times) >= 2:
            raise Refused("ThrottlingException")
        times.append(now)

    def _newest_first(self) -> Sequence[_Kept]:
        if self._kept is None or self._kept[0] is not self.records:
            kept = [_Kept(each) for each in self.records]
            kept.sort(key=lambda each: (each.at, str(each.record["eventID"])), reverse=True)
            self._kept = self.records, kept
        return self._kept[1]

    def _is_found(self, kept: _Kept, account: str, region: str, body: dict[str, Any]) -> bool:
        since = max(body.get("StartTime", 0), (self.now() - timedelta(days=90)).timestamp())
        wanted = {each["AttributeKey"]: each["AttributeValue"] for each in body.get("LookupAttributes", ())}
        inside = since <= kept.at <= body.get("EndTime", 1e10)
        return inside and kept.place == (account, region) and wanted.items() <= kept.searchable.items()


class _Kept:
    """A record, and what it is found by."""

    def __init__(self, record: Mapping[str, Any]) -> None:
        identity = record.get("userIdentity") or {}
        self.record = record
        self.at = datetime.fromisoformat(record["eventTime"]).timestamp()
        self.place = (record["recipientAccountId"], record["awsRegion"])
        self.searchable = {
            "EventId": record["eventID"],
            "EventName": record["eventName"],
            "ReadOnly": "true",
            "EventSource": record["eventSource"],
            "Username": _user_name(identity),
            "AccessKeyId": identity.get("accessKeyId"),
        }

    def told(self) -> dict[str, Any]:
        return {**self.searchable, "EventTime": self.at, "Resources": [], "CloudTrailEvent": json.dumps(self.record)}


def _valid(body: dict[str, Any]) -> None:
    attributes = body.get("LookupAttributes", [])
    keys = [each.get("AttributeKey") for each in attributes]
    if len(attributes) > 1 or not KEYS.issuperset(keys) or not all(each.get("AttributeValue") for each in attributes):
        raise Refused("InvalidLookupAttributesException")
    if not 1 <= body.get("MaxResults", 50) <= 50:
        raise Refused("InvalidMaxResultsException")
    if body.get("StartTime", 0) > body.get("EndTime", 1e10):
        raise Refused("InvalidTimeRangeException")
    if set(body) - MEMBERS:
        raise Refused("SerializationException")


def _without_token(body: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name != "NextToken"}


def _user_name(identity: Mapping[str, Any]) -> str | None:
    if identity.get("type") == "Root":
        return "root"
    session = str(identity.get("arn", "")).partition(":assumed-role/")[2].partition("/")[2]
    return session or identity.get("userName")


@dataclass
class FakeTime:
    """Pauses that take no time; the seconds they would have taken are counted."""

    now: datetime
    seconds: float = 0.0
    paused: list[float] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def pause(self, seconds: float) -> None:
        with self._lock:
            self.paused.append(seconds)
            self.seconds += seconds

    def timing(self) -> Timing:
        return Timing(lambda: self.now, lambda: self.seconds, self.pause)


@dataclass
class Door:
    """One address that serves whichever ``history`` stands in it; its clients are made once."""

    address: str = ""
    history: EventHistory | None = None
    _clients: dict[tuple[str, str], Any] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def client(self, account: str, region: str) -> Any:
        """A CloudTrail client of an account and a region."""
        with self._lock:
            if (account, region) not in self._clients:
                self._clients[account, region] = boto3.session.Session().client(
                    "cloudtrail",
                    region_name=region,
                    endpoint_url=self.address,
                    aws_access_key_id=key_id(1, account),
                    aws_secret_access_key="made-up",
                    config=READ_OF["cloudtrail"],
                )
            return self._clients[account, region]

    async def lookup(self, request: Request) -> Response:
        kind = "application/x-amz-json-1.1"
        assert self.history is not None
        try:
            head = request.headers
            answer = self.history.answer(head["authorization"], head["x-amz-target"], json.loads(await request.body()))
        except Refused as refused:
            return JSONResponse({"__type": refused.code, "message": "no"}, refused.status, media_type=kind)
        return JSONResponse(answer, media_type=kind)


@contextmanager
def open_door() -> Iterator[Door]:
    door = Door()
    with serving(Starlette(routes=[Route("/", door.lookup, methods=["POST"])])) as door.address:
        yield door
