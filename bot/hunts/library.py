"""Playbooks: named sets of events that attackers use together, from TOML files."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any

SHIPPED = Path(__file__).parent / "playbooks"


class PlaybookError(Exception):
    """A playbook cannot be used; the message says which and why."""


@dataclass(frozen=True, slots=True)
class Playbook:
    """What to look for, within ``window_hours`` of one principal's calls."""

    name: str
    title: str
    tactic: str
    window_hours: float
    min_core: int
    """Distinct core events (data events count as core)."""
    min_distinct: int
    """Distinct core and support events together."""
    core: frozenset[str]
    """Their mere presence from an unusual principal is worth a look."""
    support: frozenset[str]
    """What usually surrounds the core; never enough alone."""
    data: frozenset[str] = frozenset()
    """Seen only where CloudTrail's data events are on."""
    noisy: frozenset[str] = frozenset()
    """Names of principals that make these calls for a living."""
    not_to_contain: frozenset[str] = frozenset()
    """Events that do not count where they stop a thief: AWS's quarantine of a key, a deny of everything of ours."""
    only_containment: frozenset[str] = frozenset()
    """Events that count only where they take such a policy off again."""
    min_events: int = 1
    multi_region: int = 1
    """Distinct regions, unless there are more core events than asked for."""

    @property
    def impact(self) -> frozenset[str]:
        return self.core | self.data


_SETS = {"core", "support", "data", "noisy", "not_to_contain", "only_containment"}
_NAMES = {field.name for field in fields(Playbook)} - {"name"}


@cache
def shipped() -> tuple[Playbook, ...]:
    """The playbooks that come with the bot, by name."""
    return tuple(load_playbook(path) for path in sorted(SHIPPED.glob("*.toml")))


def own_playbooks(folder: str) -> tuple[Playbook, ...]:
    """The organisation's own, by name; none where ``folder`` is empty. Raises ``PlaybookError``."""
    if not folder:
        return ()
    if not Path(folder).is_dir():
        raise PlaybookError(f"{folder} is no folder.")
    return tuple(load_playbook(path) for path in sorted(Path(folder).glob("*.toml")))


def load_playbook(path: Path) -> Playbook:
    """The playbook in ``path``, named for the file. Raises ``PlaybookError`` with what is wrong in it."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise PlaybookError(f"{path.name} cannot be read: {error}.") from error
    if unknown := sorted(table.keys() - _NAMES):
        raise PlaybookError(f"{path.name} has keys that no playbook has: {', '.join(unknown)}.")
    return _playbook(path, table)


def _playbook(path: Path, table: dict[str, Any]) -> Playbook:
    values: dict[str, Any] = {}
    for name, value in table.items():
        values[name] = _names(path, name, value) if name in _SETS else value
    numbers = {"window_hours", "min_core", "min_distinct", "min_events", "multi_region"}
    wrong = [name for name in sorted(numbers & values.keys()) if not _is_positive(values[name])]
    if wrong:
        raise PlaybookError(f"{path.name}: {wrong[0]} is a number above 0.")
    try:
        return Playbook(path.stem, **values)
    except TypeError:
        required = {"title", "tactic", "window_hours", "min_core", "min_distinct", "core", "support"}
        raise PlaybookError(f"{path.name} lacks {', '.join(sorted(required - values.keys()))}.") from None


def _is_positive(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value > 0


def _names(path: Path, name: str, value: object) -> frozenset[str]:
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise PlaybookError(f"{path.name}: {name} is a list of names.")
    return frozenset(value)
