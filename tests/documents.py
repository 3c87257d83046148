"""The documentation as data: its code, its links, its tables."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGES = (*(ROOT / name for name in ("README.md", "SECURITY.md", "CHANGELOG.md")), *sorted((ROOT / "docs").glob("*.md")))

SHELL = {"", "bash", "console", "sh"}
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
_LINK = re.compile(r'\]\(([^)\s]+)\)|(?:src|srcset|href)="([^"]+)"')
_PROMPT = re.compile(r"^(?:\$ +|\.venv/bin/)*")


@dataclass(frozen=True, slots=True)
class Code:
    """A fenced block."""

    language: str
    text: str


def blocks(text: str) -> list[Code]:
    return [Code(language, code) for language, code in _FENCE.findall(text)]


def spans(text: str) -> list[str]:
    """Code inside sentences and tables."""
    return _SPAN.findall(_FENCE.sub("", text))


def links(text: str) -> list[str]:
    """Where the page points, in its own words; code is no link."""
    prose = _SPAN.sub("", _FENCE.sub("", text))
    return [one or other for one, other in _LINK.findall(prose)]


def command_lines(text: str, program: str) -> Iterator[list[str]]:
    """What the code in ``text`` gives to ``program``, as words: up to what the shell would do with the output."""
    lines = [line for block in blocks(text) if block.language in SHELL for line in block.text.splitlines()]
    for line in [*lines, *spans(text)]:
        bare = _PROMPT.sub("", line.strip())
        if bare.startswith(f"{program} "):
            words = shlex.split(bare, comments=True)[1:]
            ends = [words.index(mark) for mark in (">", "|", "&&") if mark in words]
            yield words[: min(ends, default=len(words))]


def rows(text: str, heading: str) -> dict[str, Sequence[str]]:
    """The table under the heading of that name: the other cells of each row by its first one."""
    section = re.split(rf"^## {re.escape(heading)}$", text, flags=re.MULTILINE)[1].split("\n## ")[0]
    cells = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines() if line.startswith("|")
    ]
    return {row[0]: row[1:] for row in cells[2:]}
