"""What happened since this process began, counted; told by `GET /metrics` (``bot.metrics``). Standard library only."""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

Labels = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Tally:
    """How often something happened, by ``labels``. Safe from several threads."""

    name: str
    told: str
    labels: Labels
    _counts: Counter[Labels] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, *values: str, count: int = 1) -> None:
        with self._lock:
            self._counts[values] += count

    def items(self) -> Iterator[tuple[Labels, int]]:
        with self._lock:
            return iter(sorted(self._counts.items()))


@dataclass(frozen=True, slots=True)
class Durations:
    """How many seconds something took: how often at most so many, and together. Safe from several threads."""

    name: str
    told: str
    limits: Sequence[float]
    _counts: list[int] = field(default_factory=list)
    _sum: list[float] = field(default_factory=lambda: [0.0])
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, seconds: float) -> None:
        with self._lock:
            if not self._counts:
                self._counts.extend([0] * (len(self.limits) + 1))
            self._counts[bisect_left(self.limits, seconds)] += 1
            self._sum[0] += seconds

    def buckets(self) -> tuple[list[tuple[str, float]], float]:
        """How often at most each limit, as Prometheus counts: each holds those before it. And the sum."""
        with self._lock:
            counts, total = list(self._counts) or [0] * (len(self.limits) + 1), self._sum[0]
        upto = [float(sum(counts[: place + 1])) for place in range(len(counts))]
        return list(zip([*map(str, self.limits), "+Inf"], upto, strict=True)), total


ALERTS = Tally(
    "triage_alerts",
    "Alerts that came in: kept, duplicate (of one kept before), refused (not authentic), unusable (no alert, too large"
    " or too slow), unavailable (not stored, to be sent again)",
    ("source", "result"),
)
ENRICHMENTS = Tally("triage_enrichments", "Questions that were asked, by how they ended", ("enricher", "status"))
TRIAGES = Durations(
    "triage_triage_seconds",
    "How long all questions of a case took, scope and sweep with them",
    (0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0),
)
CARDS = Durations(
    "triage_card_seconds",
    "From the alert that came in to its case's first card in Slack",
    (0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0),
)
JOB_FAILURES = Tally("triage_job_failures", "Jobs that failed and were given back, or died", ("kind",))
SLACK_FAILURES = Tally("triage_slack_failures", "Messages that Slack did not take at the first try", ("error",))
EVERY_TALLY = (ALERTS, ENRICHMENTS, JOB_FAILURES, SLACK_FAILURES)
EVERY_DURATION = (TRIAGES, CARDS)
