"""What is concluded from the answers: the assessment, and a triage as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from bot.model.enricher import Enrichment
from bot.model.event import Activity, Principal
from bot.model.history import Coverage
from bot.model.observable import Observable
from bot.model.times import Window


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


@dataclass(frozen=True, slots=True)
class Suggestion:
    remediation: str
    target: str
    why: str


@dataclass(frozen=True, slots=True)
class Triage:
    """Everything known about one observable at one moment: what cards and JSON documents are made from."""

    observable: Observable
    window: Window
    searched: Coverage | None
    principal: Principal | None
    principals: tuple[tuple[str, int], ...]
    """For an address, client or event: who used it, with counts; empty for keys and principals."""
    activity: Activity
    enrichments: tuple[Enrichment, ...]
    assessment: Assessment
    suggested: tuple[Suggestion, ...]
    pending: tuple[str, ...] = ()
    """Questions still being asked; empty once the triage is complete."""
    news: str | None = None
    """When a case was asked again: at which moment, and what that changed."""
