"""The bot's verdicts beside its analysts': where they part, and what each signal is worth.

The weights are reasoned. Once 30 cases have an analyst's word, what a signal is worth can be counted: how much more
often it fired where a key was really stolen than where it was not. That likelihood ratio is turned into points so that
each doubling is worth ten, which puts the shipped 35 for an attack tool at about eleven to one. It is a suggestion:
nothing is changed by itself.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bot.model import Closing, Conclusion, Verdict
from bot.weights import HIGHEST, Weights

ENOUGH_CASES = 30
ENOUGH_OF_EACH = 5
"""Fewer cases of one sort say nothing of how often a signal fires in them."""
POINTS_A_DOUBLING = 10

HARMLESS = frozenset({Conclusion.BENIGN, Conclusion.EXPECTED})


@dataclass(frozen=True, slots=True)
class SignalRecord:
    """How often a signal fired, by what the case was."""

    signal: str
    points: int | None
    """``None`` for a signal that the weights do not know any more."""
    in_true: int
    in_harmless: int
    ratio: float | None
    """How much likelier it fires where the key was stolen; ``None`` before there is enough to say so."""
    suggested: int | None


@dataclass(frozen=True, slots=True)
class Calibration:
    """``judged`` counts cases by the bot's verdict (``None``: it had none) and the analyst's."""

    true: int
    harmless: int
    duplicates: int
    judged: Mapping[tuple[Verdict | None, Conclusion], int]
    signals: tuple[SignalRecord, ...]
    """Those that fired most first."""

    @property
    def cases(self) -> int:
        return self.true + self.harmless

    @property
    def enough(self) -> bool:
        return self.cases >= ENOUGH_CASES and min(self.true, self.harmless) >= ENOUGH_OF_EACH

    @property
    def sentence(self) -> str:
        """What may be made of it."""
        counted = f"{self.cases} cases have an analyst's verdict: {self.true} true, {self.harmless} harmless"
        if self.enough:
            return f"{counted}. Suggested points stand beside the signals; put what you take into weights of your own."
        need = f"{ENOUGH_CASES}, with {ENOUGH_OF_EACH} of each"
        return f"{counted}. No points are suggested before there are {need}."


def calibrate(closings: Iterable[Closing], weights: Weights) -> Calibration:
    """What the newest word on each case comes to."""
    known = tuple(closings)
    told = [each for each in known if each.conclusion is not Conclusion.DUPLICATE]
    true = [each for each in told if each.conclusion is Conclusion.TRUE]
    harmless = [each for each in told if each.conclusion in HARMLESS]
    fired_true, fired_harmless = _fired(true), _fired(harmless)
    counted = Calibration(
        true=len(true),
        harmless=len(harmless),
        duplicates=len(known) - len(told),
        judged=dict(Counter((each.verdict, each.conclusion) for each in told)),
        signals=(),
    )
    names = sorted(fired_true | fired_harmless, key=lambda name: (-fired_true[name] - fired_harmless[name], name))
    records = (_record(name, fired_true[name], fired_harmless[name], counted, weights) for name in names)
    return Calibration(counted.true, counted.harmless, counted.duplicates, counted.judged, tuple(records))


def _fired(closings: Iterable[Closing]) -> Counter[str]:
    return Counter(signal for each in closings for signal in set(each.signals))


def _record(name: str, in_true: int, in_harmless: int, all_: Calibration, weights: Weights) -> SignalRecord:
    points = weights.signals[name].points if name in weights.signals else None
    ratio = _ratio(in_true, all_.true, in_harmless, all_.harmless) if all_.enough else None
    suggested = None
    if ratio is not None and points is not None:
        suggested = min(max(round(POINTS_A_DOUBLING * math.log2(ratio)), 0), HIGHEST)
    return SignalRecord(name, points, in_true, in_harmless, None if ratio is None else round(ratio, 2), suggested)


def _ratio(in_true: int, true: int, in_harmless: int, harmless: int) -> float:
    """The likelihood ratio, with half a case added to each count so that a nought is not taken for never."""
    return ((in_true + 0.5) / (true + 1)) / ((in_harmless + 0.5) / (harmless + 1))
