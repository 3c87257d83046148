"""docs/configuration.md, made of the settings and of config.example.toml: `python -m tests.configuration_page`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, get_args

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from bot.config.settings import Settings
from tests.documents import ROOT

PAGE = ROOT / "docs" / "configuration.md"
SAMPLES = {"sources": "siem", "environments": "payments", "tests": "spring"}
_TABLE = re.compile(r"(?:# )?\[([\w.]+)\]")
_KEY = re.compile(r"(?:# )?([a-z_0-9]+) = .*?(?:\s# (.*))?")
_PROSE = re.compile(r"# (\S.*)")
HEAD = """\
# Configuration

Every key of `config.toml`, with its default. [`config.example.toml`](../config.example.toml) is the same as a file to
copy, and passes `triage check` as it stands. The file is looked for at `--config FILE`, else `$TRIAGE_CONFIG`, else
`./config.toml`; paths are relative to the folder the bot is started in. A secret is named, never written: `env:NAME` is
the environment variable, or the file that `NAME_FILE` names; `file:/run/secrets/name` is a file. Changes take effect at
the next start. This page is made by `python -m tests.configuration_page`.
"""


def page() -> str:
    comments, prose = _told()
    parts = [HEAD]
    for path, model in _tables(Settings, ()):
        title = ".".join("NAME" if place else name for name, place in path)
        named = tuple(SAMPLES.get(path[place - 1][0], name) if at else name for place, (name, at) in enumerate(path))
        rows = [_row(name, field, comments.get((*named, name), "")) for name, field in _keys(model)]
        if rows:
            said = " ".join(prose.get(named, ()))
            table = ["| key | default | |", "|---|---|---|", *rows]
            parts.append("\n".join([f"## [{title}]", "", *([said, ""] if said else []), *table]) + "\n")
    return "\n".join(parts)


def _tables(model: type[BaseModel], path: tuple[tuple[str, bool], ...]) -> Iterator[tuple[Any, type[BaseModel]]]:
    """Each table with its path; ``True`` marks a name that the user chooses."""
    for name, field in model.model_fields.items():
        inner = _inner(field.annotation)
        if inner is not None:
            here = (*path, (name, False), *([("NAME", True)] if name in SAMPLES else []))
            yield here, inner
            yield from _tables(inner, here)


def _keys(model: type[BaseModel]) -> Iterator[tuple[str, Any]]:
    yield from ((name, field) for name, field in model.model_fields.items() if _inner(field.annotation) is None)


def _inner(annotation: Any) -> type[BaseModel] | None:
    for one in (annotation, *get_args(annotation)):
        if isinstance(one, type) and issubclass(one, BaseModel):
            return one
    return None


def _row(name: str, field: Any, comment: str) -> str:
    return f"| `{name}` | {_default(field)} | {_cell(comment)} |"


def _default(field: Any) -> str:
    value = field.get_default(call_default_factory=True)
    if value is PydanticUndefined:
        return "required"
    if value is None:
        return "not set"
    shown = json.dumps(value, default=_plain, ensure_ascii=False)
    return f"`{shown}`" if len(shown) < 80 else "all that are shipped"


def _plain(value: Any) -> Any:
    return sorted(value) if isinstance(value, set | frozenset) else str(value)


def _cell(text: str) -> str:
    words = re.sub(r"https?://\S+?(?=[\"\s,;)]|$)", lambda found: f"`{found[0]}`", text)
    return words.replace("|", "\\|").replace("<", "&lt;")


def _told() -> tuple[dict[tuple[str, ...], str], dict[tuple[str, ...], list[str]]]:
    """What the example says of each key, and of each table before its first key."""
    comments: dict[tuple[str, ...], str] = {}
    prose: dict[tuple[str, ...], list[str]] = {}
    table: tuple[str, ...] = ()
    fresh = False
    for line in (ROOT / "config.example.toml").read_text(encoding="utf-8").splitlines():
        if found := _TABLE.match(line):
            table, fresh = tuple(found[1].split(".")), True
            comments[table] = line.partition("# ")[2] if not line.startswith("#") else ""
        elif table and (key := _KEY.fullmatch(line)):
            comments[(*table, key[1])], fresh = (key[2] or "").strip(), False
        elif fresh and (said := _PROSE.fullmatch(line)):
            prose.setdefault(table, []).append(_cell(said[1]))
    return comments, prose


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
