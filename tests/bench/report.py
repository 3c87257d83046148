"""What was measured, as a table: for the terminal, and between two markers of docs/benchmarks.md."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

PAGE = Path(__file__).parent.parent.parent / "docs" / "benchmarks.md"


@dataclass(frozen=True, slots=True)
class Measured:
    """Samples in seconds; ``limit`` is what one of them may take, ``percentile`` the one that is held against it."""

    name: str
    seconds: Sequence[float]
    limit: float
    percentile: int = 95

    def at(self, percentile: int) -> float:
        """The nearest-rank percentile, in seconds."""
        ranked = sorted(self.seconds)
        return ranked[max(0, -(-len(ranked) * percentile // 100) - 1)]

    @property
    def ratio(self) -> float:
        return self.at(self.percentile) / self.limit


def table(measured: Iterable[Measured]) -> str:
    """Markdown. The ratio is the named percentile over the limit: below 1 is within it."""
    lines = ["| what | samples | p50 | held against the limit | limit | ratio |", "|---|---|---|---|---|---|"]
    for one in measured:
        held = f"p{one.percentile} {_time(one.at(one.percentile))}" if len(one.seconds) > 1 else _time(one.seconds[0])
        cells = (one.name, len(one.seconds), _time(one.at(50)), held, _time(one.limit), f"{one.ratio:.2f}")
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines)


def write(section: str, content: str) -> None:
    """Put ``content`` between the markers of ``section``, and say on what it was measured."""
    start, end = f"<!-- bench: {section} -->", "<!-- /bench -->"
    text = PAGE.read_text(encoding="utf-8")
    inside = f"{start}\n{_machine()}\n\n{content}\n{end}"
    pattern = re.compile(f"{re.escape(start)}.*?{re.escape(end)}", re.DOTALL)
    PAGE.write_text(pattern.sub(lambda _: inside, text, count=1), encoding="utf-8")


def _machine() -> str:
    today = datetime.now(UTC).date()
    python, system = platform.python_version(), platform.system()
    cores = f"{os.cpu_count()} cores ({_processor()}; load {os.getloadavg()[0]:.1f})"
    return f"{today}, {cores}, {system} {platform.machine()}, Python {python}."


def _processor() -> str:
    try:
        names = re.findall(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(encoding="utf-8"), re.MULTILINE)
    except OSError:
        names = []
    return names[0] if names else platform.processor() or "unknown"


def _time(seconds: float) -> str:
    if seconds < 0.001:
        return f"{seconds * 1e6:.0f} µs"
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"
