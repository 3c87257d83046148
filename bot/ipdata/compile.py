"""Lists → one table. ``python -m bot.ipdata.compile FOLDER [OUT]`` makes what ships from the files that
``lists/sources.toml`` names; the same files give the same bytes.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bot.ipdata.forms import Contents, read
from bot.ipdata.sources import Source, Sources, shipped_sources
from bot.ipdata.table import SHIPPED, Edition, Label, RangeTable, save
from bot.networks import Network

BITS = {4: 32, 6: 128}
MOST_LABELS = 1 << 16

Run = tuple[int, int]
"""The first and the last address of a stretch that a list holds without a gap."""


@dataclass(frozen=True, slots=True)
class Listing:
    """A list with its ranges, by IP version: ascending, disjoint, no two of them touching."""

    edition: Edition
    runs: Mapping[int, Sequence[Run]]

    def addresses(self, version: int) -> int:
        return sum(last - first + 1 for first, last in self.runs[version])


def listing(edition: Edition, contents: Contents) -> Listing:
    """``contents`` as the list that ``edition`` describes."""
    runs = {version: joined(_runs(contents.networks, version)) for version in BITS}
    entries = len(contents.asns) or len(contents.networks)
    return Listing(replace(edition, entries=entries, asns=contents.asns), runs)


def listings(table: RangeTable) -> Iterator[Listing]:
    """The lists that ``table`` was made of."""
    runs: list[dict[int, list[Run]]] = [{4: [], 6: []} for _ in table.lists]
    for version, bits in BITS.items():
        starts, labels = table.starts[version], table.segment_labels[version]
        for index, start in enumerate(starts):
            last = (starts[index + 1] if index + 1 < len(starts) else 1 << bits) - 1
            for each in table.labels[labels[index]].lists:
                runs[each][version].append((start, last))
    for edition, found in zip(table.lists, runs, strict=True):
        yield Listing(edition, {version: joined(stretches) for version, stretches in found.items()})


def flatten(lists: Sequence[Listing]) -> RangeTable:
    """One table of ``lists``. Raises ``ValueError`` where they overlap in more ways than a table can tell apart."""
    labels: dict[Label, int] = {Label(): 0}
    starts: dict[int, Sequence[int]] = {}
    segment_labels: dict[int, array[int]] = {}
    for version, bits in BITS.items():
        segments = list(_segments(lists, version, bits))
        starts[version] = [start for start, _ in segments]
        numbers = [labels.setdefault(label, len(labels)) for _, label in segments]
        if len(labels) > MOST_LABELS:
            raise ValueError("the lists overlap in more ways than the table can hold")
        segment_labels[version] = array("H", numbers)
    return RangeTable(tuple(each.edition for each in lists), tuple(labels), starts, segment_labels)


def joined(runs: Iterable[Run]) -> list[Run]:
    """``runs`` in order, those that overlap or touch made one."""
    found: list[Run] = []
    for first, last in sorted(runs):
        if found and first <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(last, found[-1][1]))
        else:
            found.append((first, last))
    return found


def _runs(networks: Iterable[Network], version: int) -> Iterator[Run]:
    for network in networks:
        if network.version == version:
            yield int(network.network_address), int(network.broadcast_address)


def _segments(lists: Sequence[Listing], version: int, bits: int) -> Iterator[tuple[int, Label]]:
    """Start and label of each stretch that the same lists cover; neighbours with one label are joined."""
    changes: dict[int, list[tuple[int, int | None]]] = {0: []}
    for index, each in enumerate(lists):
        for first, last in each.runs[version]:
            changes.setdefault(first, []).append((index, last - first))
            changes.setdefault(last + 1, []).append((index, None))
    active: dict[int, int] = {}
    previous: Label | None = None
    for start in sorted(changes):
        # A run of a list never touches the next: what ends here does not begin here again.
        for index, length in changes[start]:
            if length is None:
                active.pop(index)
            else:
                active[index] = length
        label = _label(active, lists)
        if label != previous and start < 1 << bits:
            yield start, label
            previous = label


def _label(active: Mapping[int, int], lists: Sequence[Listing]) -> Label:
    """What lists say together: the shortest run names the provider, but an owner goes before its tenant."""
    named = sorted(
        (lists[index].edition.tenant, length, index)
        for index, length in active.items()
        if lists[index].edition.provider
    )
    provider = lists[named[0][2]].edition.provider if named else None
    return Label(provider, tuple(sorted(active)))


# ---------------------------------------------------------------------------------------- what ships


def compile_shipped(sources: Sources, folder: Path) -> RangeTable:
    """The lists that ship, from their files in ``folder``. Raises ``OSError``, ``ValueError``."""
    return flatten([_from_files(source, folder) for source in sources.lists if source.files])


def _from_files(source: Source, folder: Path) -> Listing:
    read_files = [read(source.files_form, (folder / file).read_bytes()) for file in source.files]
    networks = tuple(network for contents in read_files for network in contents.networks)
    asns = tuple(sorted({asn for contents in read_files for asn in contents.asns}))
    return listing(edition_of(source, source.as_of), Contents(networks, asns))


def edition_of(source: Source, as_of: str) -> Edition:
    return Edition(source.id, source.name, as_of, source.marks, source.provider, source.tenant)


def main(arguments: Sequence[str]) -> None:
    folder = Path(arguments[0])
    out = Path(arguments[1]) if len(arguments) > 1 else SHIPPED
    save(compile_shipped(shipped_sources(), folder), out)


if __name__ == "__main__":
    main(sys.argv[1:])
