"""Whether as many people may approve as must: who planned a change that several must approve is none of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from bot.access import is_group
from bot.config.environments import EnvironmentTable, Found
from bot.config.settings import Access
from bot.model import PROTECTED_APPROVERS

RIGHTS = ("approve", "undo")


def too_few(
    access: Access, approvers: Mapping[str, int], environments: Mapping[str, EnvironmentTable]
) -> Iterator[Found]:
    """What asks for more people than hold a right that is given to anybody; where a user group does, nobody knows."""
    asked = [(("remediation", "approvers", name), count) for name, count in approvers.items() if count > 1]
    protecting = (name for name, table in environments.items() if table.protected)
    asked += [(("environments", name, "protected"), PROTECTED_APPROVERS) for name in protecting]
    for right in RIGHTS:
        named = getattr(access, right)
        people = _people(named, access.people)
        for key, count in asked if named and not any(map(is_group, named)) else ():
            if len(people) <= count:
                yield "warning", key, _sentence(count, right, len(people))


def _people(named: tuple[str, ...], known: Mapping[str, str]) -> frozenset[str]:
    """Who of those named counts as a person: a terminal's user only as whom ``[access.people]`` says they are."""
    return frozenset(person for each in named if not (person := known.get(each, each)).startswith("local:"))


def _sentence(asked: int, right: str, people: int) -> str:
    named = {0: "no person", 1: "one person"}.get(people, f"{people} people")
    return (
        f"asks for {asked} people other than who planned, and [access] {right} names {named}: what one of them plans "
        f"could be carried out only by breaking the glass; name at least {asked + 1}"
    )
