"""``make bench-fuzz``: every target for so many seconds; what came out goes into docs/benchmarks.md.

``python -m tests.fuzz [SECONDS [SEED]]``. Exits with 1 at the first fault.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from functools import partial

from tests.bench.report import write
from tests.fuzz.running import MOST_MB, Fault, Run, quiet, run
from tests.fuzz.targets import targets

SECONDS = 300.0
SEED = 20261120


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else SECONDS
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else SEED
    done = []
    with quiet():
        for name, attempt in targets():
            until = time.monotonic() + seconds
            try:
                done.append(run(name, attempt, seed, partial(_is_before, until)))
            except Fault as fault:
                sys.exit(str(fault))
            sys.stdout.write(f"{_row(done[-1])}\n")
            sys.stdout.flush()
    table = "\n".join(_table(done, seconds, seed))
    write("fuzz", table)
    if worst := [each.target for each in done if each.grown_mb > MOST_MB]:
        sys.exit(f"Memory grew by more than {MOST_MB} MB: {', '.join(worst)}")


def _is_before(until: float, _: int) -> bool:
    return time.monotonic() < until


def _table(done: list[Run], seconds: float, seed: int) -> Iterator[str]:
    yield f"{seconds:g} s a target, seed {seed}."
    yield ""
    yield "| target | inputs | of them read or taken | slowest, ms | memory grown, MB (limit 64) |"
    yield "|---|---:|---:|---:|---:|"
    yield from map(_row, done)


def _row(each: Run) -> str:
    good = each.outcomes["read"] + each.outcomes["taken"]
    return f"| `{each.target}` | {each.inputs:,} | {good:,} | {each.slowest_ms:.0f} | {each.grown_mb:.1f} |"


if __name__ == "__main__":
    main()
