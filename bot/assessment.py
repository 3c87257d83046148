"""Signals → verdict, reasons and gaps. The only place that judges; how much each signal weighs is `weights.toml`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from bot.model import (
    Alert,
    Assessment,
    ClassPoints,
    Enrichment,
    Gap,
    Reason,
    Signal,
    Status,
    Verdict,
)
from bot.weights import HIGHEST, FindingRule, Weights, shipped

FINDING = "guardduty.finding"

FINDING_TYPE = re.compile(r"[A-Za-z]{3,40}:[A-Za-z0-9]{2,40}/[A-Za-z]")
"""How GuardDuty names its findings, whichever way they come to us: ``Purpose:Resource/Name``."""

NOT_ASKED = "not asked: no enabled enricher answers it"

NAMED_REASONS = 4
"""How many reasons the verdict's own sentence names; all of them stand in ``reasons``."""


@dataclass(frozen=True, slots=True)
class Case:
    """What is judged beside the answers of enrichers. All fields have the value that claims least."""

    alerts: tuple[Alert, ...] = ()
    signals: tuple[Signal, ...] = ()
    """Of our own detections, such as the scope."""
    answerable: frozenset[str] = frozenset()
    """The signal kinds that the enabled enrichers can raise, asked or not."""
    undecided: frozenset[str] = frozenset()
    """Kinds still being asked about."""
    gaps: tuple[Gap, ...] = ()
    """What the caller could not look at."""
    searched: bool = True
    """Whether a history could be searched at all."""
    approved_test: bool = False
    """An approved penetration test whose key, address and time window all match."""


@dataclass(frozen=True, slots=True)
class Tally:
    """The arithmetic: points by class before caps, what each reason counts, the score."""

    counted: Mapping[str, int]
    classes: Mapping[str, ClassPoints]
    floor: int
    score: int


def assess(enrichments: Sequence[Enrichment], case: Case | None = None, weights: Weights | None = None) -> Assessment:
    """The judgement over ``enrichments`` and ``case``. Deterministic; an unanswered question never lowers the score."""
    case, weights = case or Case(), weights or shipped()
    fired = _fired(enrichments, case, weights)
    rules = _finding_rules(case.alerts, weights)
    tally = _tally(fired.keys(), rules, weights)
    undecided = _undecided(enrichments, case, weights) - fired.keys()
    possible = _tally(fired.keys() | undecided, rules, weights)
    verdict = _verdict(tally, possible, case, weights)
    could_be = _could_be(verdict, tally, possible, case, weights)
    reasons = _reasons(fired, tally, weights)
    return Assessment(
        verdict=verdict,
        score=tally.score,
        classes=tally.classes,
        reasons=reasons,
        gaps=_gaps(enrichments, case, weights),
        could_be=could_be,
        sentence=_sentence(verdict, tally.score, [weights.signals[reason.signal].name for reason in reasons], could_be),
    )


# ---------------------------------------------------------------------------------------- what fired


def _fired(enrichments: Sequence[Enrichment], case: Case, weights: Weights) -> dict[str, list[Signal]]:
    fired: dict[str, list[Signal]] = {}
    for signal in chain(_answered_signals(enrichments), case.signals, _finding_signals(case.alerts)):
        if signal.kind in weights.signals:
            fired.setdefault(signal.kind, []).append(signal)
    return fired


def _answered_signals(enrichments: Iterable[Enrichment]) -> list[Signal]:
    return [signal for each in enrichments if each.answer is not None for signal in each.answer.signals]


def _finding_signals(alerts: Iterable[Alert]) -> list[Signal]:
    return [
        Signal(FINDING, f"GuardDuty reports: {alert.title}", (alert.evidence_id,))
        for alert in alerts
        if _from_guardduty(alert)
    ]


def _from_guardduty(alert: Alert) -> bool:
    return FINDING_TYPE.match(alert.title) is not None


def _finding_rules(alerts: Iterable[Alert], weights: Weights) -> list[FindingRule]:
    """The first rule that fits each finding."""
    rules: list[FindingRule] = []
    for alert in alerts:
        if _from_guardduty(alert):
            rules.extend([rule for rule in weights.findings if _fits(rule, alert)][:1])
    return rules


def _fits(rule: FindingRule, alert: Alert) -> bool:
    severity = (alert.severity or "").lower()
    return rule.type in alert.title and (not rule.severity or severity in rule.severity)


def _undecided(enrichments: Iterable[Enrichment], case: Case, weights: Weights) -> frozenset[str]:
    kinds: set[str] = set(case.undecided)
    for each in enrichments:
        if each.answer is None:
            kinds |= each.raises
        else:
            kinds |= {unknown.kind for unknown in each.answer.unknowns}
    return frozenset(kinds & weights.signals.keys())


# -------------------------------------------------------------------------------------- arithmetic


def _tally(kinds: Iterable[str], rules: Sequence[FindingRule], weights: Weights) -> Tally:
    """Each kind counts once, however many signals of it there are; a class counts no more than its cap."""
    kinds = set(kinds)
    counted = {kind: _points(kind, kinds, rules, weights) for kind in kinds}
    sums: dict[str, int] = {}
    for kind, points in counted.items():
        sums[weights.signals[kind].class_] = sums.get(weights.signals[kind].class_, 0) + points
    classes = {name: ClassPoints(sums[name], cap) for name, cap in weights.caps.items() if sums.get(name)}
    floor = max([weights.signals[kind].floor for kind in kinds] + [rule.floor for rule in rules], default=0)
    score = sum(min(each.points, each.cap) for each in classes.values())
    return Tally(counted, classes, floor, min(max(score, floor), HIGHEST))


def _points(kind: str, kinds: set[str], rules: Sequence[FindingRule], weights: Weights) -> int:
    """The points of ``kind``, or none where another fired signal already holds the same evidence."""
    holders = set(weights.signals[kind].counted_in)
    if kind == FINDING and all(rule.restates for rule in rules):
        holders |= {rule.restates for rule in rules if rule.restates}
    return 0 if holders & kinds else weights.signals[kind].points


def _verdict(tally: Tally, possible: Tally, case: Case, weights: Weights) -> Verdict:
    if case.approved_test and not tally.floor:
        return Verdict.EXPECTED
    verdict = weights.band(tally.score)
    if verdict is not Verdict.LOW:
        return verdict
    could_rise = possible.score >= weights.bands[Verdict.PROBABLE]
    return Verdict.INCONCLUSIVE if could_rise or not case.searched else Verdict.LOW


def _could_be(
    verdict: Verdict, tally: Tally, possible: Tally, case: Case, weights: Weights
) -> tuple[Verdict, int] | None:
    if possible.score == tally.score:
        return None
    if case.approved_test and not possible.floor:
        return verdict, possible.score
    return weights.band(possible.score), possible.score


# --------------------------------------------------------------------------------- what people read


def _reasons(fired: Mapping[str, Sequence[Signal]], tally: Tally, weights: Weights) -> tuple[Reason, ...]:
    """The heaviest first; signals of one weight stand in the order of the table."""
    reasons = [
        Reason(kind, tally.counted[kind], _merged_sentence(fired[kind]), _evidence(fired[kind]))
        for kind in weights.signals
        if kind in fired
    ]
    return tuple(sorted(reasons, key=lambda reason: -reason.points))


def _merged_sentence(signals: Sequence[Signal]) -> str:
    sentences = list(dict.fromkeys(signal.sentence for signal in signals))
    return sentences[0] if len(sentences) == 1 else f"{sentences[0]} ({len(sentences) - 1} more like it.)"


def _evidence(signals: Iterable[Signal]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(event for signal in signals for event in signal.evidence))


def _gaps(enrichments: Sequence[Enrichment], case: Case, weights: Weights) -> tuple[Gap, ...]:
    """Every question without an answer, each once: could not ask, could not decide, did not ask."""
    gaps = list(case.gaps)
    for each in enrichments:
        if each.status is not Status.ANSWERED:
            gaps.append(Gap(each.question, f"{each.status.replace('_', ' ')}: {each.why or 'no reason given'}"))
        elif each.answer is not None:
            gaps.extend(Gap(_question(unknown.kind, weights), unknown.why) for unknown in each.answer.unknowns)
    gaps.extend(
        Gap(weight.question, NOT_ASKED)
        for kind, weight in weights.signals.items()
        if weight.expected and kind not in case.answerable
    )
    gaps.extend(
        Gap(kind, "answered, but not weighed: weights.toml has no such signal")
        for kind in dict.fromkeys(signal.kind for signal in _answered_signals(enrichments))
        if kind not in weights.signals
    )
    return tuple(dict.fromkeys(gaps))


def _question(kind: str, weights: Weights) -> str:
    weight = weights.signals.get(kind)
    return weight.question if weight is not None else kind


def _sentence(verdict: Verdict, score: int, names: Sequence[str], could_be: tuple[Verdict, int] | None) -> str:
    nothing = (
        "too little could be checked" if verdict is Verdict.INCONCLUSIVE else "nothing unusual in what was checked"
    )
    reasons = ", ".join(names[:NAMED_REASONS]) or nothing
    sentence = f"{verdict} ({score}/100): {reasons}."
    if could_be is not None and could_be[0] is not verdict:
        sentence += f" Could be {could_be[0]} ({could_be[1]}/100) if what could not be assessed is true."
    return sentence
