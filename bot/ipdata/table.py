"""The shipped ranges as one flat table: sorted, disjoint segments, so that a lookup is one bisect.

The file is made by ``bot.ipdata.compile``: a JSON line that names the lists and the labels, then the IPv4 starts
(32 bit), their labels (16 bit), the IPv6 starts (128 bit, big-endian) and their labels; everything else is
little-endian. A segment reaches to the next start; label 0 means that no list holds it.
"""

from __future__ import annotations

import json
import sys
from array import array
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from bot.networks import Address

SHIPPED = Path(__file__).parent / "lists" / "ranges.bin"


@dataclass(frozen=True, slots=True)
class Label:
    """What the lists say of a segment. ``lists`` are indexes into the table's lists; empty where nobody knows it."""

    provider: str | None = None
    hosting: bool = False
    vpn: bool = False
    lists: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class ListName:
    """A list and the ISO date it is of."""

    name: str
    as_of: str


@dataclass(frozen=True, slots=True)
class RangeTable:
    """All ranges of all lists, flattened."""

    lists: tuple[ListName, ...]
    labels: tuple[Label, ...]
    starts: dict[int, Sequence[int]]
    """IP version → first address of each segment, ascending; the first is 0."""
    segment_labels: dict[int, array[int]]

    def find(self, address: Address) -> Label:
        index = bisect_right(self.starts[address.version], int(address)) - 1
        return self.labels[self.segment_labels[address.version][index]]

    def named(self, label: Label) -> tuple[ListName, ...]:
        return tuple(self.lists[index] for index in label.lists)


def load(path: Path = SHIPPED) -> RangeTable:
    """The table in ``path``. Raises ``OSError`` if it cannot be read, ``ValueError`` if it is not such a file."""
    with path.open("rb") as file:
        header = json.loads(file.readline())
        v4 = _integers(file, "I", header["v4"])
        v4_labels = _integers(file, "H", header["v4"])
        raw = file.read(16 * header["v6"])
        v6_labels = _integers(file, "H", header["v6"])
    v6 = [int.from_bytes(raw[at : at + 16], "big") for at in range(0, len(raw), 16)]
    return RangeTable(
        lists=tuple(ListName(name, as_of) for name, as_of in header["lists"]),
        labels=tuple(_label(row) for row in header["labels"]),
        starts={4: v4, 6: v6},
        segment_labels={4: v4_labels, 6: v6_labels},
    )


def save(table: RangeTable, path: Path) -> None:
    """Write ``table`` so that ``load`` reads it back, byte for byte the same for the same table."""
    header = {
        "lists": [[entry.name, entry.as_of] for entry in table.lists],
        "labels": [[label.provider, label.hosting, label.vpn, list(label.lists)] for label in table.labels],
        "v4": len(table.starts[4]),
        "v6": len(table.starts[6]),
    }
    with path.open("wb") as file:
        file.write(json.dumps(header, separators=(",", ":")).encode() + b"\n")
        file.write(_little_endian(array("I", table.starts[4])))
        file.write(_little_endian(table.segment_labels[4]))
        file.writelines(start.to_bytes(16, "big") for start in table.starts[6])
        file.write(_little_endian(table.segment_labels[6]))


def _label(row: list[Any]) -> Label:
    provider, hosting, vpn, lists = row
    return Label(provider, hosting, vpn, tuple(lists))


def _integers(file: BinaryIO, typecode: str, count: int) -> array[int]:
    values = array(typecode)
    values.frombytes(file.read(count * values.itemsize))
    if len(values) != count:
        raise ValueError("the range table ends too early: reinstall the bot")
    if sys.byteorder == "big":
        values.byteswap()
    return values


def _little_endian(values: array[int]) -> bytes:
    if sys.byteorder == "big":
        values = values[:]
        values.byteswap()
    return values.tobytes()
