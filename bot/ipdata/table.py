"""The ranges of all lists as one flat table: sorted, disjoint segments, so that a lookup is one bisect.

A file of it is one whole data set: a JSON line that names the lists and the labels, then the IPv4 starts (32 bit),
their labels (16 bit), the IPv6 starts (128 bit, big-endian) and their labels; everything else is little-endian. A
segment reaches to the next start; label 0 means that no list holds it.
"""

from __future__ import annotations

import json
import os
import sys
from array import array
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from bot.networks import Address

SHIPPED = Path(__file__).parent / "lists" / "ranges.bin"
FILE = "ranges.bin"
"""The data set of a folder that ``triage ipdata update`` keeps."""


@dataclass(frozen=True, slots=True)
class Edition:
    """One list as it was on a day."""

    id: str
    name: str
    as_of: str
    """ISO date: the publisher's where it says one, else that of the fetching."""
    marks: str = "hosting"
    """What an address on it is: ``hosting``, ``cdn`` (which is hosting, too), ``vpn`` or ``tor``; ``asns`` for a list
    of hosting providers' AS numbers."""
    provider: str | None = None
    tenant: bool = False
    """The provider rents from others: their name wins where both list an address."""
    entries: int = 0
    asns: tuple[int, ...] = ()
    url: str | None = None
    """Where it was fetched; ``None`` for one that came with the bot."""
    bytes: int = 0
    fetched_at: str | None = None
    checked_at: str | None = None
    """When its publisher last said that this is the current one."""
    etag: str | None = None
    last_modified: str | None = None


@dataclass(frozen=True, slots=True)
class Label:
    """Which lists hold a segment, as indexes into the table's; the provider is the one whose name wins there."""

    provider: str | None = None
    lists: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class RangeTable:
    """All ranges of all lists, flattened."""

    lists: tuple[Edition, ...]
    labels: tuple[Label, ...]
    starts: Mapping[int, Sequence[int]] = field(repr=False)
    """IP version → first address of each segment, ascending; the first is 0."""
    segment_labels: Mapping[int, array[int]] = field(repr=False)

    def find(self, address: Address) -> Label:
        index = bisect_right(self.starts[address.version], int(address)) - 1
        return self.labels[self.segment_labels[address.version][index]]

    def named(self, label: Label) -> tuple[Edition, ...]:
        return tuple(self.lists[index] for index in label.lists)


def load(path: Path = SHIPPED) -> RangeTable:
    """The table in ``path``. Raises ``OSError`` if it cannot be read, ``ValueError`` if it is not such a file."""
    with path.open("rb") as file:
        try:
            return _table(file)
        except (ValueError, TypeError, KeyError, IndexError, OverflowError, MemoryError) as error:
            raise ValueError(f"{path} is no table of address ranges: remove it, or reinstall the bot") from error


def save(table: RangeTable, path: Path) -> None:
    """Put ``table`` in the place of ``path`` so that ``load`` reads it back; readers see the old file or the new.

    The same table gives the same bytes. Raises ``OSError``; the old file is then as it was.
    """
    header = {
        "lists": [_sparse(edition) for edition in table.lists],
        "labels": [[label.provider, list(label.lists)] for label in table.labels],
        "v4": len(table.starts[4]),
        "v6": len(table.starts[6]),
    }
    new = path.with_name(f"{path.name}.{os.getpid()}.new")
    try:
        with new.open("wb") as file:
            file.write(json.dumps(header, separators=(",", ":")).encode() + b"\n")
            file.write(_little_endian(array("I", table.starts[4])))
            file.write(_little_endian(table.segment_labels[4]))
            file.writelines(start.to_bytes(16, "big") for start in table.starts[6])
            file.write(_little_endian(table.segment_labels[6]))
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)


def _table(file: BinaryIO) -> RangeTable:
    line = file.readline()
    if line[:1] != b"{":
        raise ValueError("it does not begin as one")
    header = json.loads(line)
    v4 = _integers(file, "I", header["v4"])
    v4_labels = _integers(file, "H", header["v4"])
    raw = file.read(16 * header["v6"])
    v6_labels = _integers(file, "H", header["v6"])
    v6 = [int.from_bytes(raw[at : at + 16], "big") for at in range(0, len(raw), 16)]
    labels = tuple(Label(provider, tuple(lists)) for provider, lists in header["labels"])
    lists = tuple(Edition(**{**row, "asns": tuple(row.get("asns", ()))}) for row in header["lists"])
    if (v4[0], v6[0]) != (0, 0) or max(*v4_labels, *v6_labels) >= len(labels):
        raise ValueError("its parts do not belong together")
    return RangeTable(lists, labels, {4: v4, 6: v6}, {4: v4_labels, 6: v6_labels})


def _sparse(edition: Edition) -> dict[str, Any]:
    """``edition`` without what is empty."""
    return {name: value for name, value in asdict(edition).items() if value not in (None, (), False, 0)}


def _integers(file: BinaryIO, typecode: str, count: int) -> array[int]:
    values = array(typecode)
    values.frombytes(file.read(count * values.itemsize))
    if len(values) != count:
        raise ValueError("it ends too early")
    if sys.byteorder == "big":
        values.byteswap()
    return values


def _little_endian(values: array[int]) -> bytes:
    if sys.byteorder == "big":
        values = values[:]
        values.byteswap()
    return values.tobytes()
