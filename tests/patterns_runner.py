"""Every regular expression of the package, pumped: each with seconds of CPU of its own, so that no clock of the wall is
asked; those that take longer are named."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
import resource
import signal
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from re import _constants as sre
from re import _parser as parser
from types import ModuleType
from typing import Any

PUMPED = 8_000
"""Characters: more than any text of Slack's; what grows with their square is found."""
SECONDS = 2
"""Of CPU, for all inputs of one pattern: a linear one takes some hundredths."""
LOOKING = ("search", "sub", "subn", "finditer", "findall", "split")
DIRECT = (*LOOKING, "match", "fullmatch", "compile")


@dataclass(frozen=True)
class Used:
    """A pattern; ``anywhere`` if it is looked for inside a text, and not only at its beginning."""

    where: str
    pattern: re.Pattern[Any]
    anywhere: bool


def every_pattern() -> Iterator[Used]:
    """Patterns that modules keep, and those written where they are used."""
    texts = {
        file: file.read_text(encoding="utf-8") for name in ("bot", "enrichers") for file in Path(name).rglob("*.py")
    }
    together = "\n".join(texts.values())
    for module in _modules():
        for name, value in vars(module).items():
            if isinstance(value, re.Pattern):
                users = Path(module.__file__ or "").read_text(encoding="utf-8") if name[0] == "_" else together
                looked = re.search(rf"\b{re.escape(name)}\.(?:{'|'.join(LOOKING)})\(", users) is not None
                yield Used(f"{module.__name__}.{name}", value, looked)
    for file, text in texts.items():
        for call in ast.walk(ast.parse(text)):
            if written := _written(call):
                name, pattern = written
                yield Used(f"{file}:{getattr(call, 'lineno', 0)}", pattern, name in LOOKING)


def _modules() -> Iterator[ModuleType]:
    for name in ("bot", "enrichers"):
        package = importlib.import_module(name)
        yield package
        for found in pkgutil.walk_packages(package.__path__, f"{name}."):
            if not found.name.endswith("__main__"):
                yield importlib.import_module(found.name)


def _written(call: ast.AST) -> tuple[str, re.Pattern[Any]] | None:
    """The function and the pattern of ``re.search("…", …)`` and the like."""
    match call:
        case ast.Call(ast.Attribute(ast.Name("re"), name), [ast.Constant(str(pattern)), *_]) if name in DIRECT:
            return name, re.compile(pattern, re.ASCII if "ASCII" in ast.dump(call) else 0)
    return None


def pumped(pattern: re.Pattern[Any]) -> Iterator[str]:
    """Texts that begin as ``pattern`` wants, go on with what it repeats, and end with what it does not want."""
    tree = list(parser.parse(pattern.pattern, pattern.flags & ~re.DEBUG))
    whole = "".join(_sample(tree))
    units = dict.fromkeys(
        [*_repeated(tree), *sorted(set(whole)), whole, *map("".join, pairwise(whole)), "a", " ", "\x00"]
    )
    prefixes = dict.fromkeys(["", *("".join(_sample(tree[:end])) for end in range(1, len(tree)))])
    for unit in units:
        if unit:
            for prefix in list(prefixes)[:12]:
                for end in ("", "\x00", "!"):
                    yield prefix + unit * (PUMPED // len(unit)) + end


def _sample(tree: Any) -> Iterator[str]:
    """A text that the nodes would match, more or less."""
    for kind, value in tree:
        if kind is sre.LITERAL:
            yield chr(value)
        elif kind is sre.NOT_LITERAL:
            yield "a" if value != ord("a") else "b"
        elif kind is sre.ANY:
            yield "a"
        elif kind is sre.IN:
            yield _member(value)
        elif kind is sre.BRANCH:
            yield from _sample(value[1][0])
        elif kind in {sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT}:
            yield "".join(_sample(value[2])) * max(1, min(int(value[0]), 64))
        elif kind is sre.SUBPATTERN:
            yield from _sample(value[3])
        elif kind is sre.ATOMIC_GROUP:
            yield from _sample(value)


def _member(of: Any) -> str:
    """A character of a class."""
    candidates = "aA0 -_./:=+,@\"'\\\x00~\u00e9"
    allowed = [chr(value) for kind, value in of if kind is sre.LITERAL]
    allowed += [chr(value[0]) for kind, value in of if kind is sre.RANGE]
    names = {sre.CATEGORY_DIGIT: "0", sre.CATEGORY_SPACE: " ", sre.CATEGORY_WORD: "a"}
    others = {sre.CATEGORY_NOT_SPACE: "a", sre.CATEGORY_NOT_DIGIT: "a", sre.CATEGORY_NOT_WORD: " "}
    allowed += [(names | others)[value] for kind, value in of if kind is sre.CATEGORY]
    if any(kind is sre.NEGATE for kind, _ in of):
        return next(one for one in candidates if one not in allowed)
    return allowed[0]


def _repeated(tree: Any) -> Iterator[str]:
    """What stands under a repetition, at any depth."""
    for kind, value in tree:
        if kind in {sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT}:
            yield "".join(_sample(value[2]))
            yield from _repeated(value[2])
        elif kind is sre.SUBPATTERN:
            yield from _repeated(value[3])
        elif kind is sre.BRANCH:
            for branch in value[1]:
                yield "".join(_sample(branch))
                yield from _repeated(branch)
        elif kind is sre.ATOMIC_GROUP:
            yield from _repeated(value)


class TooLong(Exception):
    """A pattern has used up its seconds."""


def _too_long(*_: object) -> None:
    raise TooLong


def try_all(patterns: Iterable[Used]) -> None:
    """Say of each pattern whether it took too long, and how many there were."""
    signal.signal(signal.SIGXCPU, _too_long)
    tried = 0
    for used in patterns:
        tried += 1
        spent = int(time.process_time()) + 1
        resource.setrlimit(resource.RLIMIT_CPU, (spent + SECONDS, resource.RLIM_INFINITY))
        try:
            for text in texts_for(used.pattern):
                _try(used, text)
        except TooLong:
            sys.stdout.write(f"too long: {used.where} {used.pattern.pattern!r} on {text[:40]!r}…{text[-3:]!r}\n")
    sys.stdout.write(f"{tried} patterns\n")


def texts_for(pattern: re.Pattern[Any]) -> Iterator[Any]:
    if isinstance(pattern.pattern, bytes):
        as_text = re.compile(pattern.pattern.decode("latin-1"), pattern.flags & re.DOTALL)
        return (text.encode() for text in pumped(as_text))
    return pumped(pattern)


def _try(used: Used, text: Any) -> None:
    used.pattern.match(text)
    used.pattern.fullmatch(text)
    if used.anywhere:
        for _ in used.pattern.finditer(text):
            pass


if __name__ == "__main__":
    try_all([Used("given", re.compile(sys.argv[1]), True)] if len(sys.argv) > 1 else every_pattern())
