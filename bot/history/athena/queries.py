"""Running queries: started, waited for, stopped when nobody waits any more, and paid for.

Calls and states: "StartQueryExecution", "GetQueryExecution" and "GetQueryResults" in the Amazon Athena API reference.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from bot.aws import Fault, NoWayIn, fault
from bot.history.athena.clauses import Clause, parameter
from bot.history.athena.failures import refused, unanswered
from bot.history.athena.rows import Row
from bot.model import HistoryUnavailableError

PERMISSIONS = frozenset(
    {
        *("athena:StartQueryExecution", "athena:GetQueryExecution", "athena:GetQueryResults"),
        *("athena:StopQueryExecution", "athena:GetWorkGroup"),
    }
)
"""Every call of this module."""
CATALOGUE = frozenset({"glue:GetDatabase", "glue:GetTable", "glue:GetPartitions"})
RESULTS = frozenset(
    {"s3:GetBucketLocation", "s3:ListBucket", "s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload"}
)
"""What Athena does in its caller's name, beside reading the logs ("Identity and access management in Athena")."""

SETTLED = timedelta(hours=24)
"""After this CloudTrail has delivered what it delivers: an earlier result is as good as a new one."""
REUSE_MINUTES = 24 * 60

PAGE = 1000
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 1.0
"""Seconds between two looks at a query that runs."""
DONE = frozenset({"SUCCEEDED", "FAILED", "CANCELLED"})

Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class AthenaSettings:
    """Where the logs are and what asking may cost. ``output`` is needed where the workgroup names no place itself.

    ``accounts`` and ``regions`` are those that must have events; empty ones are not known. ``seconds`` and
    ``most_queries`` are limits of all that one triage asks.
    """

    table: str = "cloudtrail_logs"
    database: str = "triage"
    workgroup: str = "triage"
    output: str | None = None
    accounts: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    seconds: float = 90.0
    most_queries: int = 4
    widest_days: int = 35
    """The longest span of a question for which the logs of several accounts are read."""
    usd_per_tb: float = 5.0
    limit_required: bool = True
    """Whether a workgroup without a limit of bytes is refused."""


@dataclass(frozen=True, slots=True)
class Timing:
    """The clocks: aware UTC, seconds that only go forward, and a pause of so many seconds."""

    now: Callable[[], datetime]
    seconds: Callable[[], float] = time.monotonic
    pause: Callable[[float], object] = time.sleep


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of one query, how many bytes were read for them, and whether an earlier result was taken instead."""

    rows: list[Row]
    scanned: int
    reused: bool


class Queries:
    """One workgroup. May be asked from any thread."""

    def __init__(self, client: Callable[[], Any], settings: AthenaSettings, timing: Timing) -> None:
        self._client = client
        self._settings = settings
        self._timing = timing
        self._running: set[str] = set()
        self._lock = threading.Lock()
        self._limited = False

    def deadline(self) -> float:
        """Until when what begins now may take, in seconds of the clock that only goes forward."""
        return self._timing.seconds() + self._settings.seconds

    def run(self, query: Clause, deadline: float, *, reuse_minutes: int = 0) -> Table:
        """The rows of ``query``. Raises ``HistoryUnavailableError`` with what can be done about it."""
        try:
            self._need_a_limit(deadline)
            number = self._start(query, reuse_minutes, deadline)
            try:
                execution = self._finished(number, deadline)
            finally:
                self._forget(number)
            return self._table(number, execution, deadline)
        except NoWayIn as error:
            raise HistoryUnavailableError(f"Athena could not be asked: {error}") from error
        except (ClientError, BotoCoreError) as error:
            raise refused(error, self._settings.workgroup) from error

    def stop(self) -> None:
        """Stop every query that still runs: nobody will read its result."""
        with self._lock:
            running = tuple(self._running)
        for number in running:
            self._stop(number)

    def _need_a_limit(self, deadline: float) -> None:
        if self._limited or not self._settings.limit_required:
            return
        name = self._settings.workgroup
        group = self._call(lambda athena: athena.get_work_group(WorkGroup=name), deadline)["WorkGroup"]
        if not group.get("Configuration", {}).get("BytesScannedCutoffPerQuery"):
            raise HistoryUnavailableError(
                f"Athena's workgroup {name} has no limit of bytes per query, so one question could cost anything:"
                " set one (deploy/athena), or [history.athena] limit_required = false."
            )
        self._limited = True

    def _start(self, query: Clause, reuse_minutes: int, deadline: float) -> str:
        request: dict[str, Any] = {
            "QueryString": query.sql,
            "QueryExecutionContext": {"Database": self._settings.database},
            "WorkGroup": self._settings.workgroup,
        }
        if query.values:
            request["ExecutionParameters"] = [parameter(value) for value in query.values]
        if self._settings.output:
            request["ResultConfiguration"] = {"OutputLocation": self._settings.output}
        if reuse_minutes:
            age = {"Enabled": True, "MaxAgeInMinutes": reuse_minutes}
            request["ResultReuseConfiguration"] = {"ResultReuseByAgeConfiguration": age}
        number: str = self._call(lambda athena: athena.start_query_execution(**request), deadline)["QueryExecutionId"]
        with self._lock:
            self._running.add(number)
        return number

    def _finished(self, number: str, deadline: float) -> dict[str, Any]:
        """Wait for the end of a query, or stop it: at its time limit, and whenever something goes wrong meanwhile."""
        pause = FIRST_PAUSE
        try:
            while True:
                asked = self._call(lambda athena: athena.get_query_execution(QueryExecutionId=number), deadline)
                execution: dict[str, Any] = asked["QueryExecution"]
                if execution["Status"]["State"] in DONE:
                    break
                self._pause(pause, deadline)
                pause = min(pause * 2, LONGEST_PAUSE)
        except BaseException:
            self._stop(number)
            raise
        if execution["Status"]["State"] != "SUCCEEDED":
            raise unanswered(execution, self._settings)
        return execution

    def _pause(self, seconds: float, deadline: float) -> None:
        if self._timing.seconds() + seconds > deadline:
            raise HistoryUnavailableError(
                f"Athena gave no answer within {self._settings.seconds:g} seconds, and the query was stopped:"
                " raise [history.athena] seconds, or ask about fewer days."
            )
        self._timing.pause(seconds)

    def _table(self, number: str, execution: dict[str, Any], deadline: float) -> Table:
        statistics = execution.get("Statistics", {})
        reused = bool(statistics.get("ResultReuseInformation", {}).get("ReusedPreviousResult"))
        rows = list(self._rows(number, deadline))
        # The first row of a SELECT holds the names of its columns.
        return Table(rows[1:], 0 if reused else int(statistics.get("DataScannedInBytes", 0)), reused)

    def _rows(self, number: str, deadline: float) -> Iterator[Row]:
        request: dict[str, Any] = {"QueryExecutionId": number, "MaxResults": PAGE}
        while True:
            page = self._call(lambda athena: athena.get_query_results(**request), deadline)
            for row in page["ResultSet"]["Rows"]:
                yield [each.get("VarCharValue") for each in row["Data"]]
            if not page.get("NextToken"):
                return
            request["NextToken"] = page["NextToken"]

    def _call(self, call: Callable[[Any], Found], deadline: float) -> Found:
        """Make one call, again while Athena says that it is asked too often and there is time."""
        pause = FIRST_PAUSE
        while True:
            try:
                return call(self._client())
            except ClientError as error:
                if fault(error) is not Fault.THROTTLED or self._timing.seconds() + pause > deadline:
                    raise
            self._timing.pause(pause)
            pause *= 2

    def _stop(self, number: str) -> None:
        try:
            self._client().stop_query_execution(QueryExecutionId=number)
        except (ClientError, BotoCoreError, NoWayIn):
            # It ends by itself at the workgroup's limit; what made us stop is the thing to tell of.
            return

    def _forget(self, number: str) -> None:
        with self._lock:
            self._running.discard(number)
