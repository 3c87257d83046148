"""A few hundred hostile inputs for every target, the same ones each time; ``make bench-fuzz`` goes on for minutes."""

from __future__ import annotations

import pytest

from tests.fuzz.running import MOST_MB, Fault, quiet, run
from tests.fuzz.targets import targets

INPUTS = 150
TARGETS = dict(targets())


@pytest.mark.parametrize("target", TARGETS)
def test_nothing_that_comes_in_does_harm(target: str) -> None:
    with quiet():
        done = run(target, TARGETS[target], 7, lambda number: number < INPUTS)
    assert done.inputs == INPUTS
    assert done.grown_mb < MOST_MB
    assert len(done.outcomes) == 2 or target == "sns", "every target must meet both: what it takes and what it refuses"


def test_a_fault_says_how_to_meet_it_again() -> None:
    def raises(*_: object) -> str:
        raise KeyError("x")

    with pytest.raises(Fault, match="odd: input 0 of seed 7: KeyError: 'x'"):
        run("odd", raises, 7, lambda number: number < 1)
