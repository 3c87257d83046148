"""Signals → verdict, reasons and gaps. The only place that judges; how much each signal weighs is `weights.toml`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain

from bot.arithmetic import FINDING, Tally, in_words, tally
from bot.excuses import Known
from bot.model import (
    Alert,
    ApprovedTest,
    Assessment,
    Enrichment,
    Gap,
    Kind,
    Reason,
    Signal,
    Status,
    Verdict,
    rfc3339,
)
from bot.weights import FindingRule, Weights, shipped

NETWORK = "network"
"""The class whose points a known address takes away."""

FINDING_TYPE = re.compile(r"[A-Za-z]{3,40}:[A-Za-z0-9]{2,40}/[A-Za-z]")
"""How GuardDuty names its findings, whichever way they come to us: ``Purpose:Resource/Name``."""

HEALTH_CODE = re.compile(r"AWS_RISK_[A-Z_]{3,80}")
"""How AWS Health calls what it says of credentials (AWS Health user guide; DOMAIN 4.4)."""

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
    seen: bool = True
    """Whether what is judged occurs in what was searched, or in an alert: of what was never seen nothing is cleared."""
    known: Known = field(default_factory=Known)
    """Addresses that prove nothing."""
    test: ApprovedTest | None = None
    """An approved penetration test whose key, address and time window all match."""
    no_test: str | None = None
    """Why the test that names the key does not explain what it did."""
    not_asked: str = NOT_ASKED
    """Why the kinds that are not ``answerable`` have no answer."""


def assess(enrichments: Sequence[Enrichment], case: Case | None = None, weights: Weights | None = None) -> Assessment:
    """The judgement over ``enrichments`` and ``case``. Deterministic; an unanswered question never lowers the score."""
    case, weights = case or Case(), weights or shipped()
    fired = _fired(enrichments, case, weights)
    rules = _finding_rules(case.alerts, weights)
    found = tally(fired.keys(), rules, weights)
    undecided = _undecided(enrichments, case, weights) - fired.keys()
    possible = tally(fired.keys() | undecided, rules, weights)
    verdict = _verdict(found, possible, case, weights)
    empty = not case.searched and not fired and not case.alerts
    # What everything that is unknown adds up to says nothing of this key, user or call.
    could_be = None if empty else _could_be(verdict, found, possible, case, weights)
    reasons = _reasons(fired, found, weights)
    excused = _excused(enrichments, case, weights)
    names = [weights.signals[reason.signal].name for reason in reasons]
    return Assessment(
        verdict=verdict,
        score=found.score,
        classes=found.classes,
        reasons=(*reasons, *excused),
        gaps=_gaps(enrichments, case, weights),
        could_be=could_be,
        sentence=_sentence(verdict, found.score, names, could_be, case),
        arithmetic=(
            *in_words(found, verdict, weights, undecided=undecided, possible=possible),
            *(f"{each.signal}: not counted" for each in excused),
        ),
    )


# ---------------------------------------------------------------------------------------- what fired


def _fired(enrichments: Sequence[Enrichment], case: Case, weights: Weights) -> dict[str, list[Signal]]:
    fired: dict[str, list[Signal]] = {}
    counted = (each for each in enrichments if not _of_known_place(each, case))
    excusable = (each for each in enrichments if _of_known_place(each, case))
    for signal in chain(
        _answered_signals(counted),
        (each for each in _answered_signals(excusable) if not _is_network(each, weights)),
        case.signals,
        _alert_signals(case.alerts),
    ):
        if signal.kind in weights.signals:
            fired.setdefault(signal.kind, []).append(signal)
    return fired


def _of_known_place(enrichment: Enrichment, case: Case) -> bool:
    return enrichment.observable.kind is Kind.IP and enrichment.observable.value in case.known


def _is_network(signal: Signal, weights: Weights) -> bool:
    return signal.kind in weights.signals and weights.signals[signal.kind].class_ == NETWORK


def _excused(enrichments: Iterable[Enrichment], case: Case, weights: Weights) -> tuple[Reason, ...]:
    """What fired of a known address, and counts nothing for that."""
    return tuple(
        Reason(
            signal.kind,
            0,
            f"{signal.sentence} Not counted: {case.known.reason(each.observable.value)}.",
            signal.evidence,
            excused=True,
        )
        for each in enrichments
        if _of_known_place(each, case)
        for signal in _answered_signals([each])
        if _is_network(signal, weights)
    )


def _answered_signals(enrichments: Iterable[Enrichment]) -> list[Signal]:
    return [signal for each in enrichments if each.answer is not None for signal in each.answer.signals]


def _alert_signals(alerts: Sequence[Alert]) -> Iterator[Signal]:
    yield from _finding_signals(alerts)
    for alert in alerts:
        if HEALTH_CODE.fullmatch(alert.title):
            yield Signal(_of_health(alert.title), f"AWS Health reports: {alert.title}", (alert.evidence_id,))


def _of_health(code: str) -> str:
    if code == "AWS_RISK_IAM_QUARANTINE":
        return "aws.quarantine"
    return "aws.health.suspected" if code.endswith("_SUSPECTED") else "aws.health"


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


def findings_with_floor(alerts: Iterable[Alert], weights: Weights) -> bool:
    """Whether a finding among ``alerts`` sets a least score by itself."""
    return any(rule.floor for rule in _finding_rules(alerts, weights))


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


# ----------------------------------------------------------------------------------------- the verdict


def _verdict(found: Tally, possible: Tally, case: Case, weights: Weights) -> Verdict:
    if case.test is not None and not found.floor:
        return Verdict.EXPECTED
    verdict = weights.band(found.score)
    if verdict is not Verdict.LOW:
        return verdict
    could_rise = possible.score >= weights.bands[Verdict.PROBABLE]
    return Verdict.LOW if case.searched and case.seen and not could_rise else Verdict.INCONCLUSIVE


def _could_be(
    verdict: Verdict, found: Tally, possible: Tally, case: Case, weights: Weights
) -> tuple[Verdict, int] | None:
    if possible.score == found.score:
        return None
    if case.test is not None and not possible.floor:
        return verdict, possible.score
    return weights.band(possible.score), possible.score


# --------------------------------------------------------------------------------- what people read


def _reasons(fired: Mapping[str, Sequence[Signal]], found: Tally, weights: Weights) -> tuple[Reason, ...]:
    """The heaviest first; signals of one weight stand in the order of the table."""
    reasons = [
        Reason(kind, found.counted[kind], _merged_sentence(fired[kind]), _evidence(fired[kind]))
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
        Gap(weight.question, case.not_asked)
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


def _sentence(
    verdict: Verdict, score: int, names: Sequence[str], could_be: tuple[Verdict, int] | None, case: Case
) -> str:
    sentence = f"{verdict} ({score}/100): {', '.join(names[:NAMED_REASONS]) or _nothing(verdict, case)}."
    if case.test is not None:
        test = f"The approved test “{case.test.name}”, until {rfc3339(case.test.until)}"
        sentence += f" {test}, {'explains' if verdict is Verdict.EXPECTED else 'does not excuse'} it."
    if case.no_test:
        sentence += f" {case.no_test}"
    if could_be is not None and could_be[0] is not verdict:
        sentence += f" Could be {could_be[0]} ({could_be[1]}/100) if what could not be assessed is true."
    return sentence


def _nothing(verdict: Verdict, case: Case) -> str:
    if verdict is not Verdict.INCONCLUSIVE:
        return "nothing unusual in what was checked"
    if case.searched:
        return "too little could be checked" if case.seen else "it was not seen in what was searched"
    return "too little could be checked" if case.alerts else "insufficient history: nothing of this time was searched"
