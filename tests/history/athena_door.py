"""A strict stand-in for Amazon Athena over real HTTP: its calls and states, over the SQL that a ``Lake`` executes.

Calls, errors and the form of answers are those of the Amazon Athena API reference; the sentences of failures those of
its user guide.
"""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

import boto3
import duckdb
from botocore.config import Config
from sqlglot.errors import SqlglotError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.history.lake import Lake, QueryFailed, Result
from tests.history.made import ACCOUNT
from tests.serving import serving

BYTES_LIMIT = "Query cancelled! : Bytes scanned limit was exceeded"
MOST_ROWS = 1000


_CALLER = f"""<GetCallerIdentityResponse><GetCallerIdentityResult><Account>{ACCOUNT}</Account><UserId>AIDA</UserId>
<Arn>arn:aws:iam::{ACCOUNT}:user/triage</Arn></GetCallerIdentityResult></GetCallerIdentityResponse>"""
"""What STS says to whoever asks who they are: the other thing that is asked before Athena is."""


@cache
def _session() -> boto3.session.Session:
    """One for all: it reads the descriptions of the service once."""
    return boto3.session.Session()


class Refused(Exception):
    """An error of the API: its code and its message."""

    def __init__(self, code: str, message: str = "", status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.status = status


@dataclass
class Execution:
    request: Mapping[str, Any]
    result: Result | None
    reason: str | None = None
    state: str = "SUCCEEDED"
    reused: bool = False
    waiting: list[str] = field(default_factory=list)
    """States that are told before the one it has."""
    lake: Lake | None = None

    @property
    def now(self) -> str:
        return self.waiting[0] if self.waiting else self.state


@dataclass
class Door:
    """``faults`` are errors for the next calls of an operation; ``reasons`` why the next queries fail."""

    lake: Lake | None
    url: str
    workgroup: dict[str, Any] = field(default_factory=lambda: {"BytesScannedCutoffPerQuery": 10**9})
    faults: dict[str, list[Refused]] = field(default_factory=dict)
    reasons: list[str] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)
    """States every query goes through before its last; ``"RUNNING"`` alone, repeated for ever, if ``stuck``."""
    stuck: bool = False
    page: int = MOST_ROWS
    started: list[Execution] = field(default_factory=list)
    stopped: list[str] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    executions: dict[str, Execution] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def client(self) -> Any:
        return _session().client(
            "athena",
            region_name="us-east-1",
            endpoint_url=self.url,
            aws_access_key_id="AKIARTX3GSDSQAAAAAAA",
            aws_secret_access_key="canary-secret",
            config=Config(retries={"mode": "standard", "total_max_attempts": 1}),
        )

    @property
    def scanned(self) -> int:
        return sum(each.result.scanned for each in self.started if each.result is not None and not each.reused)

    def answer(self, operation: str, body: dict[str, Any]) -> dict[str, Any]:
        self.calls.append(operation)
        if self.faults.get(operation):
            raise self.faults[operation].pop(0)
        return {
            "GetWorkGroup": self._get_work_group,
            "StartQueryExecution": self._start,
            "GetQueryExecution": self._get,
            "GetQueryResults": self._results,
            "StopQueryExecution": self._stop,
        }[operation](body)

    def _get_work_group(self, body: dict[str, Any]) -> dict[str, Any]:
        self._known_group(body["WorkGroup"])
        return {"WorkGroup": {"Name": body["WorkGroup"], "State": "ENABLED", "Configuration": self.workgroup}}

    def _start(self, body: dict[str, Any]) -> dict[str, Any]:
        self._known_group(body["WorkGroup"])
        execution = self._execute(body)
        number = str(uuid.uuid4())
        with self._lock:
            self.executions[number] = execution
            self.started.append(execution)
        return {"QueryExecutionId": number}

    def _execute(self, body: dict[str, Any]) -> Execution:
        if self.reasons:
            return Execution(body, None, self.reasons.pop(0), "FAILED")
        earlier = self._earlier(body)
        if earlier is not None:
            return replace(earlier, reused=True, waiting=list(self.waiting))
        assert self.lake is not None
        try:
            result = self.lake.run(body["QueryString"], body.get("ExecutionParameters", ()))
        except (QueryFailed, duckdb.Error, SqlglotError) as error:
            return Execution(body, None, str(error), "FAILED")
        limit = self.workgroup.get("BytesScannedCutoffPerQuery")
        if limit is not None and result.scanned > limit:
            return Execution(body, None, BYTES_LIMIT, "CANCELLED")
        return Execution(body, result, waiting=list(self.waiting), lake=self.lake)

    def _earlier(self, body: dict[str, Any]) -> Execution | None:
        """The same query of before, over the same logs. As cautious as one must be: nothing says that Athena tells
        queries apart that only differ in their parameters.
        """
        if not body.get("ResultReuseConfiguration", {}).get("ResultReuseByAgeConfiguration", {}).get("Enabled"):
            return None
        same = (each for each in self.started if each.request["QueryString"] == body["QueryString"])
        return next((each for each in same if each.lake is self.lake), None)

    def _get(self, body: dict[str, Any]) -> dict[str, Any]:
        execution = self._known(body)
        state = "RUNNING" if self.stuck and execution.state == "SUCCEEDED" else execution.now
        if execution.waiting:
            execution.waiting.pop(0)
        scanned = execution.result.scanned if execution.result is not None else 0
        return {
            "QueryExecution": {
                "QueryExecutionId": body["QueryExecutionId"],
                "Query": execution.request["QueryString"],
                "Status": {"State": state, "StateChangeReason": execution.reason or ""},
                "Statistics": {
                    "DataScannedInBytes": 0 if execution.reused else scanned,
                    "ResultReuseInformation": {"ReusedPreviousResult": execution.reused},
                },
            }
        }

    def _results(self, body: dict[str, Any]) -> dict[str, Any]:
        execution = self._known(body)
        if execution.now != "SUCCEEDED" or execution.result is None:
            raise Refused("InvalidRequestException", f"Query has not yet finished. Current state: {execution.now}")
        table = [execution.result.columns, *execution.result.rows]
        start, size = int(body.get("NextToken", "0")), min(body.get("MaxResults", MOST_ROWS), self.page)
        told = [{"Data": [{} if each is None else {"VarCharValue": each} for each in row]} for row in table]
        more = {"NextToken": str(start + size)} if start + size < len(told) else {}
        return {"ResultSet": {"Rows": told[start : start + size], "ResultSetMetadata": {"ColumnInfo": []}}, **more}

    def _stop(self, body: dict[str, Any]) -> dict[str, Any]:
        self._known(body).state = "CANCELLED"
        self.stopped.append(body["QueryExecutionId"])
        return {}

    def _known(self, body: dict[str, Any]) -> Execution:
        try:
            return self.executions[body["QueryExecutionId"]]
        except KeyError:
            raise Refused(
                "InvalidRequestException", f"QueryExecution {body['QueryExecutionId']} was not found"
            ) from None

    def _known_group(self, name: str) -> None:
        if name != "triage":
            raise Refused("InvalidRequestException", f"WorkGroup {name} is not found.")


@contextmanager
def doors() -> Iterator[Callable[[Lake | None], Door]]:
    """Athena for as long as the block lasts; each call makes a new one at the same place."""
    last: list[Door] = []

    async def post(request: Request) -> Response:
        if "x-amz-target" not in request.headers:
            return Response(_CALLER, media_type="text/xml")
        operation = request.headers["x-amz-target"].removeprefix("AmazonAthena.")
        try:
            told = last[-1].answer(operation, json.loads(await request.body()))
        except Refused as refused:
            body = {"__type": refused.code, "Message": str(refused)}
            return JSONResponse(body, refused.status, media_type="application/x-amz-json-1.1")
        return JSONResponse(told, media_type="application/x-amz-json-1.1")

    with serving(Starlette(routes=[Route("/", post, methods=["POST"])])) as url:

        def opened(lake: Lake | None) -> Door:
            last.append(Door(lake, url))
            return last[-1]

        yield opened


@contextmanager
def open_door(lake: Lake | None = None) -> Iterator[Door]:
    """Athena at ``Door.url`` for as long as the block lasts."""
    with doors() as opened:
        yield opened(lake)
