"""What `GET /metrics` tells, in Prometheus's text format.

What happened since the start is counted in ``bot.counts``; what is so now is asked of the state file at each scrape, so
that it outlives a restart. No label holds anything that a stranger chose.
https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from bot import counts
from bot.database import Database, sqlite3
from bot.disks import free_bytes

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
WAITING_JOB = "state = 'ready' AND due_at <= :now"
WAITING_MESSAGE = "state IN ('ready', 'sending')"


@dataclass(frozen=True, slots=True)
class Now:
    """How the running bot is, beside what its state file says.

    ``slack`` is ``None`` where Slack calls us (HTTP mode); ``queues`` says of each queue whether its last look
    succeeded, ``history`` when the newest record is of, ``behind`` how long the oldest notice of the trail waited.
    """

    slack: bool | None
    queues: Mapping[str, bool]
    history: datetime | None
    behind: timedelta | None
    problems: int


class Metrics:
    """The text of one scrape. ``now`` and ``read`` are asked for it, and may block."""

    def __init__(
        self, read: Callable[[], Database], clock: Callable[[], datetime], now: Callable[[], Now], paths: Iterable[Path]
    ) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(_Bot(read, clock, now, tuple(paths)))
        ProcessCollector(registry=self._registry)

    def __call__(self) -> bytes:
        return generate_latest(self._registry)


class _Bot(Collector):
    def __init__(
        self, read: Callable[[], Database], clock: Callable[[], datetime], now: Callable[[], Now], paths: Sequence[Path]
    ) -> None:
        self._read, self._clock, self._now, self._paths = read, clock, now, paths

    def describe(self) -> Iterable[Metric]:
        """Nothing is asked before the first scrape."""
        return ()

    def collect(self) -> Iterator[Metric]:
        at, now = self._clock(), self._now()
        yield from _counted()
        yield from _process(now, at)
        yield from _files(self._paths)
        try:
            yield from _kept(self._read(), at)
        except sqlite3.Error:  # the rest is told all the same, and `triage_ready` is 0
            return


def _counted() -> Iterator[Metric]:
    for tally in counts.EVERY_TALLY:
        counter = CounterMetricFamily(tally.name, tally.told, labels=tally.labels)
        for values, count in tally.items():
            counter.add_metric(values, count)
        yield counter
    for durations in counts.EVERY_DURATION:
        buckets, total = durations.buckets()
        yield HistogramMetricFamily(durations.name, durations.told, buckets=buckets, sum_value=total)


def _process(now: Now, at: datetime) -> Iterator[Metric]:
    yield _gauge("triage_build_info", "The version that runs", {(version("triage-bot"),): 1}, "version")
    yield _gauge("triage_ready", "1 if /readyz says that it can do its work", int(not now.problems))
    yield _gauge("triage_problems", "How many reasons /readyz gives", now.problems)
    if now.slack is not None:
        yield _gauge("triage_slack_socket_up", "1 if Slack's socket answers", int(now.slack))
    looked = {(name,): int(works) for name, works in now.queues.items()}
    yield _gauge("triage_queue_up", "1 if the last look into the queue succeeded", looked, "queue")
    if now.history is not None:
        lag = max(0.0, (at - now.history).total_seconds())
        told = "Age of the newest CloudTrail record of the history; ordinary quiet is part of it"
        yield _gauge("triage_history_lag_seconds", told, lag)
    if now.behind is not None:
        told = "How long the oldest notice of the trail's queue had waited at the last look"
        yield _gauge("triage_history_queue_age_seconds", told, now.behind.total_seconds())


def _files(paths: Sequence[Path]) -> Iterator[Metric]:
    sizes = {
        (f"{path.name}{suffix}",): file.stat().st_size
        for path in paths
        for suffix in ("", "-wal")
        if (file := path.with_name(path.name + suffix)).exists()
    }
    yield _gauge("triage_file_bytes", "Size of a file that the bot keeps", sizes, "file")
    yield _gauge("triage_disk_free_bytes", "What is free on the disk of the state file", free_bytes(paths[0]))


def _kept(db: Database, at: datetime) -> Iterator[Metric]:
    asked = {"now": at.timestamp()}

    def ages(query: str) -> dict[tuple[str, ...], float]:
        return {tuple(row[:-1]): max(0.0, float(row[-1])) for row in db.execute(query, asked).fetchall()}

    jobs = "SELECT pool, count(*) FROM jobs WHERE {} GROUP BY 1"
    yield _gauge("triage_jobs_waiting", "Jobs that are due and not taken up", ages(jobs.format(WAITING_JOB)), "pool")
    oldest = f"SELECT pool, :now - min(due_at) FROM jobs WHERE {WAITING_JOB} GROUP BY 1"  # noqa: S608 - ours
    yield _gauge("triage_jobs_oldest_seconds", "How long the oldest of them has been due", ages(oldest), "pool")
    dead = "SELECT kind, count(*) FROM jobs WHERE state = 'dead' GROUP BY 1"
    yield _gauge("triage_jobs_dead", "Jobs that failed for good and wait for a person", ages(dead), "kind")

    waits = f"SELECT kind, count(*) FROM outbox WHERE {WAITING_MESSAGE} GROUP BY 1"  # noqa: S608 - ours
    yield _gauge("triage_outbox_waiting", "What waits to be sent to Slack", ages(waits), "kind")
    age = f"""SELECT :now - coalesce(min(strftime('%s', created_at)), :now) FROM outbox
        WHERE {WAITING_MESSAGE} AND due_at <= :now"""  # noqa: S608 - ours
    yield _gauge("triage_outbox_oldest_seconds", "How long the oldest of it has waited", ages(age)[()])

    cases = "SELECT state, coalesce(verdict, 'none'), count(*) FROM cases GROUP BY 1, 2"
    yield _gauge("triage_cases", "Cases by state and verdict", ages(cases), "state", "verdict")
    approvals = "SELECT iif(breaks_glass, 'break_glass', 'ordinary'), count(*) FROM approvals GROUP BY 1"
    yield _counter("triage_approvals", "Approvals of plans by people", ages(approvals), "kind")
    changes = """SELECT remediation, CASE WHEN undo_of IS NULL THEN 'change' ELSE 'undo' END, state, count(*)
        FROM executions GROUP BY 1, 2, 3"""
    yield _gauge("triage_changes", "Changes by how far they are", ages(changes), "remediation", "kind", "state")
    tasks = "SELECT count(*) FROM tasks WHERE done_at IS NULL"
    yield _gauge("triage_tasks_open", "Steps that failed and wait for a person", ages(tasks)[()])
    entries = "SELECT entries FROM audit_head"
    yield _counter("triage_audit_entries", "Entries of the record of who did what", ages(entries))


def _gauge(name: str, told: str, values: Mapping[Any, float] | float, *labels: str) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, told, labels=labels)
    for each, value in values.items() if isinstance(values, Mapping) else [((), values)]:
        family.add_metric(each, value)
    return family


def _counter(name: str, told: str, values: Mapping[tuple[str, ...], float], *labels: str) -> CounterMetricFamily:
    family = CounterMetricFamily(name, told, labels=labels)
    for each, value in values.items():
        family.add_metric(each, value)
    return family
