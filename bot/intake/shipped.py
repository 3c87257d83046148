"""The mappings that are shipped, one TOML file each: where a product keeps what, as JMESPath by field."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent / "mappings"


@dataclass(frozen=True, slots=True)
class ProductMapping:
    """One product's alerts. ``each`` names the list that holds several alerts at once; empty if none does."""

    each: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)


NONE = ProductMapping()


def names() -> tuple[str, ...]:
    """The products there is a mapping for, in alphabetical order."""
    return tuple(sorted(file.stem for file in FOLDER.glob("*.toml")))


@cache
def mapping(kind: str) -> ProductMapping:
    """The mapping of a product; an empty one for anything else."""
    if kind not in names():
        return NONE
    read = tomllib.loads((FOLDER / f"{kind}.toml").read_text(encoding="utf-8"))
    return ProductMapping(read.get("each", ""), read["fields"])
