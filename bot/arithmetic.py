"""Points → score: what each signal counts, the caps of the classes, the floors, and all of it in words."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from bot.model import ClassPoints, Verdict
from bot.weights import BANDS, HIGHEST, FindingRule, Weights

FINDING = "guardduty.finding"


@dataclass(frozen=True, slots=True)
class Tally:
    """The arithmetic: points by kind, by class before caps, the floors with their reasons, the score."""

    counted: Mapping[str, int]
    held_in: Mapping[str, str]
    """Kinds that count nothing, each with the one that holds the same evidence already."""
    classes: Mapping[str, ClassPoints]
    floors: tuple[tuple[int, str], ...]
    """The highest first."""
    score: int

    @property
    def floor(self) -> int:
        return self.floors[0][0] if self.floors else 0

    @property
    def sum(self) -> int:
        """What the classes come to, before floors and the limit of 100."""
        return sum(min(each.points, each.cap) for each in self.classes.values())


def tally(kinds: Collection[str], rules: Sequence[FindingRule], weights: Weights) -> Tally:
    """Each kind counts once, however many signals of it there are; a class counts no more than its cap."""
    kinds = set(kinds)
    held_in = {kind: holder for kind in kinds if (holder := _holder(kind, kinds, rules, weights))}
    counted = {kind: 0 if kind in held_in else weights.signals[kind].points for kind in kinds}
    sums: dict[str, int] = {}
    for kind, points in counted.items():
        sums[weights.signals[kind].class_] = sums.get(weights.signals[kind].class_, 0) + points
    classes = {name: ClassPoints(sums[name], cap) for name, cap in weights.caps.items() if sums.get(name)}
    floors = tuple(sorted(_floors(kinds, sums, rules, weights), key=lambda each: (-each[0], each[1])))
    total = sum(min(each.points, each.cap) for each in classes.values())
    return Tally(counted, held_in, classes, floors, min(max(total, *(floor for floor, _ in floors), 0), HIGHEST))


def _holder(kind: str, kinds: Collection[str], rules: Sequence[FindingRule], weights: Weights) -> str | None:
    """The fired signal that already holds the evidence of ``kind``."""
    holders = list(weights.signals[kind].counted_in)
    restated = [rule.restates for rule in rules if rule.restates]
    if kind == FINDING and len(restated) == len(rules):
        holders += restated
    return next((each for each in holders if each in kinds), None)


def _floors(
    kinds: Iterable[str], sums: Mapping[str, int], rules: Iterable[FindingRule], weights: Weights
) -> Iterator[tuple[int, str]]:
    for kind in kinds:
        weight = weights.signals[kind]
        if weight.floor:
            yield weight.floor, kind
        for beside, floor in weight.floor_beside.items():
            if sums.get(beside):
                yield floor, f"{kind} beside a sign of {beside}"
    yield from ((rule.floor, f"a finding of {rule.type or 'GuardDuty'}") for rule in rules if rule.floor)


# ----------------------------------------------------------------------------------------------- in words


def in_words(
    found: Tally, verdict: Verdict, weights: Weights, *, undecided: Collection[str], possible: Tally
) -> tuple[str, ...]:
    """The arithmetic for people, a line each: terms, caps, sum, floors, band, and what could not be assessed."""
    order = [kind for kind in weights.signals if kind in found.counted]
    lines = [_class_line(name, points, found, order, weights) for name, points in found.classes.items()]
    lines.append(f"{_terms(found)} = {found.sum}")
    lines += [f"{kind} counts nothing: {found.held_in[kind]} holds the same" for kind in order if kind in found.held_in]
    if found.floor:
        lines.append(f"at least {found.floor}, for {found.floors[0][1]}")
    if found.sum > HIGHEST:
        lines.append(f"at most {HIGHEST}")
    lines.append(_band_line(found.score, verdict, weights))
    open_ = [kind for kind in weights.signals if kind in undecided]
    if open_:
        end = f"{possible.score} if all were so" if possible.score != found.score else "they would change nothing"
        lines.append(f"not assessed: {', '.join(open_)}; {end}")
    return tuple(lines)


def _class_line(name: str, points: ClassPoints, found: Tally, order: Iterable[str], weights: Weights) -> str:
    own = [kind for kind in order if weights.signals[kind].class_ == name and found.counted[kind]]
    terms = " + ".join(f"{kind} {found.counted[kind]}" for kind in own)
    total = f" = {points.points}" if len(own) > 1 else ""
    capped = f", at most {points.cap}" if points.points > points.cap else ""
    return f"{name}: {terms}{total}{capped}"


def _terms(found: Tally) -> str:
    terms = [f"{name} {min(each.points, each.cap)}" for name, each in found.classes.items()]
    return " + ".join(terms) or "no points"


def _band_line(score: int, verdict: Verdict, weights: Weights) -> str:
    band = weights.band(score)
    least = f"{weights.bands[band]} and more" if band in BANDS else f"less than {weights.bands[BANDS[-1]]}"
    if verdict is band:
        return f"{score}: {verdict} ({least})"
    why = {
        Verdict.EXPECTED: "an approved test explains all of it",
        Verdict.INCONCLUSIVE: "too little could be checked to say so",
    }.get(verdict, "")
    return f"{score} would be {band} ({least}), but {why}: {verdict}"
