"""The table of weights: `weights.toml` read, checked and frozen. Every fault is a sentence with the place."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from bot.model import Verdict

SHIPPED = Path(__file__).parent / "weights.toml"

BANDS = (Verdict.INCIDENT, Verdict.PROBABLE, Verdict.SUSPICIOUS)
HIGHEST = 100
WEIGHT_KEYS = {"name", "question", "class", "points", "floor", "floor_beside", "expected", "counted_in"}


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
    floor_beside: Mapping[str, int] = field(default_factory=dict)
    """A least score together with points of a class, by class."""
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
    """The table in ``path`` alone. Raises ``WeightsError`` with every fault in it."""
    return _weights(path.name, _table(path))


def own_weights(path: Path) -> Weights:
    """The shipped table with that of ``path`` laid over it: what ``path`` leaves out stays as it is.

    Its findings are looked at before the shipped ones. Raises as :func:`load_weights`.
    """
    own = _table(path)
    merged = _laid_over(_table(SHIPPED), {name: part for name, part in own.items() if name != "findings"})
    findings = own.get("findings", [])
    merged["findings"] = [*findings, *merged["findings"]] if isinstance(findings, list) else findings
    return _weights(path.name, merged)


def doubts(weights: Weights) -> list[str]:
    """What is allowed and hardly meant, a sentence each."""
    highest = weights.bands[Verdict.INCIDENT]
    return [
        f"caps.{name} lets one kind of oddity alone be an incident ({cap} of {highest} points)"
        for name, cap in weights.caps.items()
        if cap >= highest
    ]


def _table(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise WeightsError([f"{path.name} cannot be read: {error.strerror}."]) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise WeightsError([f"{path.name} is no TOML file: {error}."]) from error


def _laid_over(table: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    both = {name: _laid_over(table[name], over[name]) for name in over if _tables(table.get(name), over[name])}
    return {**table, **over, **both}


def _tables(one: object, other: object) -> bool:
    return isinstance(one, Mapping) and isinstance(other, Mapping)


def _weights(file: str, table: Mapping[str, Any]) -> Weights:
    check = _Check(file)
    check.known_keys("", table, {"bands", "caps", "signals", "findings"})
    caps = {name: check.points(f"caps.{name}", cap) for name, cap in check.table("caps", table.get("caps")).items()}
    weights = Weights(
        bands=check.bands(table.get("bands")),
        caps=caps,
        signals={
            kind: check.weight(kind, row, caps) for kind, row in check.table("signals", table.get("signals")).items()
        },
        findings=tuple(check.finding(row) for row in check.list("findings", table.get("findings", []))),
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

    def list(self, where: str, value: object) -> Sequence[Any]:
        if isinstance(value, list):
            return value
        self.wrong(where, f"must be a list, not {value!r}")
        return []

    def names(self, where: str, value: object) -> tuple[str, ...]:
        return tuple(self.words(where, each) for each in self.list(where, value))

    def yes(self, where: str, value: object) -> bool:
        if not isinstance(value, bool):
            self.wrong(where, f"must be true or false, not {value!r}")
        return value is True

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
        self.known_keys(where, table, WEIGHT_KEYS)
        if table.get("class") not in caps:
            self.wrong(f"{where}.class", f"is {table.get('class')!r}; there are: {', '.join(caps)}")
        return Weight(
            name=self.words(f"{where}.name", table.get("name")),
            question=self.words(f"{where}.question", table.get("question")),
            class_=str(table.get("class")),
            points=self.points(f"{where}.points", table.get("points")),
            floor=self.points(f"{where}.floor", table.get("floor", 0)),
            floor_beside={
                name: self.points(f"{where}.floor_beside.{name}", floor)
                for name, floor in self.table(f"{where}.floor_beside", table.get("floor_beside", {})).items()
            },
            expected=self.yes(f"{where}.expected", table.get("expected", False)),
            counted_in=self.names(f"{where}.counted_in", table.get("counted_in", [])),
        )

    def finding(self, row: object) -> FindingRule:
        table = self.table("findings", row)
        self.known_keys("findings", table, {"type", "severity", "floor", "restates"})
        return FindingRule(
            type=str(table.get("type", "")),
            severity=self.names("findings.severity", table.get("severity", [])),
            floor=self.points("findings.floor", table.get("floor", 0)),
            restates=self.words("findings.restates", table["restates"]) if "restates" in table else None,
        )

    def references(self, weights: Weights) -> None:
        for kind, weight in weights.signals.items():
            for other in weight.counted_in:
                if other not in weights.signals:
                    self.wrong(f'signals."{kind}".counted_in', f"names {other!r}, which is no signal here")
            for name in weight.floor_beside.keys() - weights.caps.keys():
                self.wrong(f'signals."{kind}".floor_beside', f"names {name!r}; there are: {', '.join(weights.caps)}")
        for rule in weights.findings:
            if rule.restates and rule.restates not in weights.signals:
                self.wrong("findings.restates", f"names {rule.restates!r}, which is no signal here")

    def known_keys(self, where: str, table: Mapping[str, Any], known: set[str]) -> None:
        for key in table.keys() - known:
            self.wrong(f"{where}.{key}".lstrip("."), f"is no key; there are: {', '.join(sorted(known))}")
