"""The mistakes that are made, and that what is called equivalent is still one of them."""

from __future__ import annotations

import pytest

from tests.mutants.__main__ import MODULES, all_of, named
from tests.mutants.equivalent import EQUIVALENT
from tests.mutants.mutator import Mutant, mutants

SOURCE = '''
def greet(names: list[str], limit: int = 3) -> str:
    """How many are greeted."""
    if len(names) > limit and not names[0]:
        raise ValueError("too many names for one greeting")
    log.info("greeting")
    return join(names, limit, sep="-")
'''


def made() -> list[Mutant]:
    return mutants("greetings", SOURCE, "greetings.py")


@pytest.mark.parametrize(
    "mistake",
    [
        "`3` → `4`",
        "`3` → `2`",
        "`len(names) > limit` → `len(names) >= limit`",
        "`len(names) > limit and (not names[0])` → `len(names) > limit or not names[0]`",
        "`len(names) > limit and (not names[0])` → `len(names) > limit`",
        "`not names[0]` → `names[0]`",
        "without `raise ValueError('too many names for one greeting')`",
        "`return join(names, limit, sep='-')` → `return None`",
        "`join(… names, limit …)` the other way round",
        "`join` without `sep='-'`",
        "`'-'` → `'-X'`",
    ],
)
def test_a_mistake_a_person_could_make_is_made(mistake: str) -> None:
    assert mistake in {each.name for each in made()}


def test_words_for_people_and_log_lines_stay() -> None:
    names = " ".join(each.name for each in made())
    assert "log" not in names
    assert "How many" not in names
    assert "greetingX" not in names


def test_a_mutant_is_the_module_with_that_one_mistake() -> None:
    (looser,) = [each for each in made() if each.name == "`len(names) > limit` → `len(names) >= limit`"]
    held: dict[str, object] = {"join": lambda names, limit, sep: sep.join(names)}
    exec(looser.code, held)  # noqa: S102
    greet = held["greet"]
    assert callable(greet)
    with pytest.raises(ValueError, match="too many"):
        greet(["", "a", "b"])
    assert (looser.function, looser.line, list(looser.lines)) == ("greet", 4, [4])


def test_what_is_called_equivalent_is_still_a_mutant() -> None:
    assert set(EQUIVALENT) <= {named(each) for module in MODULES for each in all_of(module)}
