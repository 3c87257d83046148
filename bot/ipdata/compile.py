"""Make ``lists/ranges.bin`` from the lists as their publishers give them.

``python -m bot.ipdata.compile FOLDER [OUT]`` reads from ``FOLDER`` the files that ``lists/sources.toml`` names: one
CIDR or address a line, or a CSV file whose first column is one. The same files give the same bytes.
"""

from __future__ import annotations

import ipaddress
import sys
import tomllib
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bot.ipdata.table import SHIPPED, Label, ListName, RangeTable, save

SOURCES = Path(__file__).parent / "lists" / "sources.toml"


@dataclass(frozen=True, slots=True)
class Source:
    """One list: a provider's own, or one that marks addresses as ``hosting`` or ``vpn``."""

    file: str
    name: str
    as_of: str
    provider: str | None = None
    marks: str = "hosting"
    tenant: bool = False
    """The provider rents from others: their name wins where both list an address."""


@dataclass(frozen=True, slots=True)
class Interval:
    first: int
    last: int
    source: int


def sources(path: Path = SOURCES) -> tuple[Source, ...]:
    return tuple(Source(**entry) for entry in tomllib.loads(path.read_text())["list"])


def compile_table(lists: Sequence[Source], texts: Sequence[str]) -> RangeTable:
    """Flatten ``texts`` (the contents of ``lists``, in the same order). Raises ``ValueError`` on an odd network."""
    names = _names(lists)
    intervals: dict[int, list[Interval]] = {4: [], 6: []}
    for source, text in enumerate(texts):
        for network in _networks(text):
            first, last = int(network.network_address), int(network.broadcast_address)
            intervals[network.version].append(Interval(first, last, source))
    labels: dict[Label, int] = {Label(): 0}
    starts: dict[int, Sequence[int]] = {}
    segment_labels: dict[int, array[int]] = {}
    for version, found in intervals.items():
        segments = list(_segments(found, lists, names, bits=32 if version == 4 else 128))
        starts[version] = [start for start, _ in segments]
        segment_labels[version] = array("H", [labels.setdefault(label, len(labels)) for _, label in segments])
    return RangeTable(tuple(names), tuple(labels), starts, segment_labels)


def _names(lists: Sequence[Source]) -> dict[ListName, int]:
    names: dict[ListName, int] = {}
    for source in lists:
        names.setdefault(ListName(source.name, source.as_of), len(names))
    return names


def _networks(text: str) -> Iterator[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    for line in text.splitlines():
        value = line.split(",", 1)[0].strip()
        if value and value[0] != "#" and value != "prefix":
            yield ipaddress.ip_network(value)


def _segments(
    intervals: Iterable[Interval], lists: Sequence[Source], names: dict[ListName, int], *, bits: int
) -> Iterator[tuple[int, Label]]:
    """Start and label of each stretch that the same lists cover; neighbours with one label are joined."""
    changes: dict[int, list[tuple[Interval, int]]] = {0: []}
    for interval in intervals:
        changes.setdefault(interval.first, []).append((interval, 1))
        changes.setdefault(interval.last + 1, []).append((interval, -1))
    active: Counter[Interval] = Counter()
    previous: Label | None = None
    for start in sorted(changes):
        for interval, step in changes[start]:
            active[interval] += step
        active = +active
        label = _label(active, lists, names)
        if label != previous and start < 1 << bits:
            yield start, label
            previous = label


def _label(active: Iterable[Interval], lists: Sequence[Source], names: dict[ListName, int]) -> Label:
    """What lists say together: the narrowest range names the provider, but an owner goes before its tenant."""
    covering = sorted(active, key=lambda each: (each.last - each.first, each.source))
    found = [lists[interval.source] for interval in covering]
    named = sorted((source for source in found if source.provider), key=lambda source: source.tenant)
    provider = named[0].provider if named else None
    spoke = [source for source in found if source.provider in {None, provider}]
    return Label(
        provider=provider,
        hosting=any(source.marks == "hosting" for source in found),
        vpn=any(source.marks == "vpn" for source in found),
        lists=tuple(sorted({names[ListName(source.name, source.as_of)] for source in spoke})),
    )


def main(arguments: Sequence[str]) -> None:
    folder = Path(arguments[0])
    out = Path(arguments[1]) if len(arguments) > 1 else SHIPPED
    lists = sources()
    save(compile_table(lists, [(folder / source.file).read_text() for source in lists]), out)


if __name__ == "__main__":
    main(sys.argv[1:])
