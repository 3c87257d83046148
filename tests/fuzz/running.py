"""Runs a target over inputs from a seed, and says what it came to."""

from __future__ import annotations

import resource
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random

import structlog

from tests.fuzz.mutating import body
from tests.fuzz.targets import Try

SETTLED = 500
"""Inputs after which everything is loaded that ever will be: memory is counted from there."""
MOST_MB = 64
CRITICAL = 50


@dataclass(frozen=True)
class Run:
    """What a target did with its inputs."""

    target: str
    inputs: int
    seconds: float
    outcomes: Counter[str]
    slowest_ms: float
    grown_mb: float


class Fault(Exception):
    """A target did what it must not; the message says with which seed it does so again."""


def run(target: str, attempt: Try, seed: int, goes_on: Callable[[int], bool]) -> Run:
    """Try inputs as long as ``goes_on`` says of their number. Raises :class:`Fault`."""
    outcomes: Counter[str] = Counter()
    began, slowest, settled, number = time.perf_counter(), 0.0, 0, 0
    while goes_on(number):
        random = Random(f"{seed}/{target}/{number}")
        sent = body(random)
        started = time.perf_counter()
        try:
            outcomes[attempt(sent, random)] += 1
        except Exception as error:
            raise Fault(f"{target}: input {number} of seed {seed}: {type(error).__name__}: {error}") from error
        slowest = max(slowest, time.perf_counter() - started)
        number += 1
        settled = _peak() if number <= SETTLED else settled
    grown = max(0, _peak() - settled) / 1024
    return Run(target, number, time.perf_counter() - began, outcomes, slowest * 1000, grown)


def _peak() -> int:
    """The most memory this process ever had, in kB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


@contextmanager
def quiet() -> Iterator[None]:
    """Without a line in the log for each request that is refused."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(CRITICAL))
    try:
        yield
    finally:
        structlog.configure(**before)
