"""Where the keys of a TOML file stand. ``tomllib`` reads values without their places."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

_HEADER = re.compile(r"\s*\[{1,2}([^\[\]]+)\]{1,2}\s*(?:#.*)?$")
_KEY = re.compile(r"\s*+((?:[\w.\s-]++|\"[^\"]*\"|'[^']*')+)=")


def locate(text: str) -> Mapping[tuple[str, ...], int]:
    """The line, counted from 1, of every table and key of ``text``, which must be valid TOML."""
    lines: dict[tuple[str, ...], int] = {}
    table: tuple[str, ...] = ()
    for number, statement in _statements(text):
        if header := _HEADER.match(statement):
            table = _path(header[1])
            lines.setdefault(table, number)
        elif key := _KEY.match(statement):
            lines.setdefault(table + _path(key[1]), number)
    return lines


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """Each header, key or blank with its first line: a value that goes on over several lines is one statement."""
    start, pending = 1, ""
    for number, line in enumerate(text.split("\n"), start=1):
        pending += line + "\n"
        if _complete(pending):
            yield start, pending
            start, pending = number + 1, ""


def _complete(statement: str) -> bool:
    try:
        tomllib.loads(statement)
    except tomllib.TOMLDecodeError:
        return False
    return True


def _path(dotted: str) -> tuple[str, ...]:
    node: Any = tomllib.loads(f"{dotted} = 0")
    path: list[str] = []
    while isinstance(node, dict):
        key, node = next(iter(node.items()))
        path.append(key)
    return tuple(path)
