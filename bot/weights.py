"""The table of weights: `weights.toml` read, checked and frozen. Every fault is a sentence with the place."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from bot.model import Verdict

SHIPPED = Path(__file__).parent / "weights.toml"

BANDS = (Verdict.INCIDENT, Verdict.PROBABLE, Verdict.SUSPICIOUS)
HIGHEST = 100


class WeightsError(Exception):
    """The table cannot be used. ``problems`` are sentences, one a fault."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Weight:
    """What one kind of signal counts for."""

    name: str
    question: str
    class_: str
    points: int
    floor: int = 0
    expected: bool = False
    counted_in: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FindingRule:
    """What a finding of GuardDuty means beyond its points."""

    type: str
    severity: tuple[str, ...] = ()
    """Empty: any."""
    floor: int = 0
    restates: str | None = None


@dataclass(frozen=True, slots=True)
class Weights:
    bands: Mapping[Verdict, int]
    caps: Mapping[str, int]
    signals: Mapping[str, Weight]
    findings: tuple[FindingRule, ...] = field(default=())

    def band(self, score: int) -> Verdict:
        return next((verdict for verdict in BANDS if score >= self.bands[verdict]), Verdict.LOW)


@cache
def shipped() -> Weights:
    """The table that comes with the bot."""
    return load_weights(SHIPPED)


def load_weights(path: Path) -> Weights:
    """The table in ``path``. Raises ``OSError`` if it cannot be read, ``WeightsError`` with every fault in it."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise WeightsError([f"{path.name} is no TOML file: {error}."]) from error
    check = _Check(path.name)
    caps = {name: check.points(f"caps.{name}", cap) for name, cap in check.table("caps", table.get("caps")).items()}
    weights = Weights(
        bands=check.bands(table.get("bands")),
        caps=caps,
        signals={
            kind: check.weight(kind, row, caps) for kind, row in check.table("signals", table.get("signals")).items()
        },
        findings=tuple(check.finding(row) for row in table.get("findings", [])),
    )
    check.references(weights)
    if check.problems:
        raise WeightsError(check.problems)
    return weights


class _Check:
    """Reads the parts of the table and collects what is wrong with them."""

    def __init__(self, file: str) -> None:
        self._file = file
        self.problems: list[str] = []

    def wrong(self, where: str, what: str) -> None:
        self.problems.append(f"{self._file}: {where} {what}.")

    def table(self, where: str, value: object) -> Mapping[str, Any]:
        if isinstance(value, dict):
            return value
        self.wrong(f"[{where}]", "must be a table")
        return {}

    def points(self, where: str, value: object) -> int:
        if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= HIGHEST:
            return value
        self.wrong(where, f"must be a whole number from 0 to {HIGHEST}, not {value!r}")
        return 0

    def words(self, where: str, value: object) -> str:
        if isinstance(value, str) and value.strip():
            return value
        self.wrong(where, f"must be a few words, not {value!r}")
        return ""

    def bands(self, value: object) -> dict[Verdict, int]:
        table = self.table("bands", value)
        bands = {verdict: self.points(f"bands.{verdict}", table.get(verdict)) for verdict in BANDS}
        least = list(bands.values())
        if not self.problems and not (least[0] > least[1] > least[2] > 0):
            self.wrong("[bands]", "must fall from incident over probable to suspicious")
        return bands

    def weight(self, kind: str, row: object, caps: Mapping[str, int]) -> Weight:
        where = f'signals."{kind}"'
        table = self.table(where, row)
        self._known_keys(where, table, {"name", "question", "class", "points", "floor", "expected", "counted_in"})
        if table.get("class") not in caps:
            self.wrong(f"{where}.class", f"is {table.get('class')!r}; there are: {', '.join(caps)}")
        return Weight(
            name=self.words(f"{where}.name", table.get("name")),
            question=self.words(f"{where}.question", table.get("question")),
            class_=str(table.get("class")),
            points=self.points(f"{where}.points", table.get("points")),
            floor=self.points(f"{where}.floor", table.get("floor", 0)),
            expected=table.get("expected", False) is True,
            counted_in=tuple(table.get("counted_in", [])),
        )

    def finding(self, row: object) -> FindingRule:
        table = self.table("findings", row)
        self._known_keys("findings", table, {"type", "severity", "floor", "restates"})
        return FindingRule(
            type=str(table.get("type", "")),
            severity=tuple(table.get("severity", [])),
            floor=self.points("findings.floor", table.get("floor", 0)),
            restates=table.get("restates"),
        )

    def references(self, weights: Weights) -> None:
        for kind, weight in weights.signals.items():
            for other in weight.counted_in:
                if other not in weights.signals:
                    self.wrong(f'signals."{kind}".counted_in', f"names {other!r}, which is no signal here")
        for rule in weights.findings:
            if rule.restates is not None and rule.restates not in weights.signals:
                self.wrong("findings.restates", f"names {rule.restates!r}, which is no signal here")

    def _known_keys(self, where: str, table: Mapping[str, Any], known: set[str]) -> None:
        for key in table.keys() - known:
            self.wrong(f"{where}.{key}", f"is no key; there are: {', '.join(sorted(known))}")
