"""What is concluded from the answers, and what could be done about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    INCIDENT = "incident"
    PROBABLE = "probable"
    SUSPICIOUS = "suspicious"
    LOW = "low"
    EXPECTED = "expected"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True, slots=True)
class Reason:
    """A signal that counted. ``points`` are before the caps of its class."""

    signal: str
    points: int
    sentence: str
    evidence: tuple[str, ...]
    excused: bool = False
    """Nothing counts it: it speaks of a place that is known."""


@dataclass(frozen=True, slots=True)
class Gap:
    """A question nobody answered: what it was, and why there is no answer."""

    question: str
    why: str


@dataclass(frozen=True, slots=True)
class ClassPoints:
    points: int
    cap: int


@dataclass(frozen=True, slots=True)
class Assessment:
    verdict: Verdict
    score: int
    classes: Mapping[str, ClassPoints]
    reasons: tuple[Reason, ...]
    gaps: tuple[Gap, ...]
    could_be: tuple[Verdict, int] | None
    """Verdict and score if every undecided signal fired; ``None`` if that changes nothing."""
    sentence: str
    arithmetic: tuple[str, ...] = ()
    """How the score came about, a line each."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    remediation: str
    target: str
    why: str
