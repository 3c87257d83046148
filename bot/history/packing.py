"""What tells the events of one use apart, in 28 bytes each.

An entry is ``second of the UTC day, doubled, plus 1 for a UUID`` (4 bytes), the event id (16), its file (4; counted
from the ``base`` of its row) and its position there (4), big-endian: entries of one day sort by time, then id, as
bytes, and those of a row are sorted. An id that is a UUID, as CloudTrail's are, is kept as its bytes; any other as a
digest, with its spelling in the table ``odd_id``.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence

ENTRY = 28
KEY = 20
"""The length of the part of an entry that sorts: time and id."""

_ENTRY = struct.Struct(">I16sII")
_UUID_LENGTH = 36


def packed_id(event_id: str) -> tuple[bytes, bool]:
    """The 16 bytes that stand for an id, and whether they are those of a UUID in its usual spelling."""
    uuid = uuid_bytes(event_id)
    return (_digest(event_id), False) if uuid is None else (uuid, True)


def uuid_bytes(event_id: str) -> bytes | None:
    """The bytes of a UUID; ``None`` unless it is written in lower case with its four dashes."""
    if len(event_id) != _UUID_LENGTH or event_id[8] + event_id[13] + event_id[18] + event_id[23] != "----":
        return None
    try:
        packed = bytes.fromhex(event_id.replace("-", ""))
    except ValueError:
        return None
    return packed if len(packed) == 16 and event_id == event_id.lower() else None


def uuids_bytes(texts: Sequence[str | None]) -> list[bytes | None]:
    """``uuid_bytes`` of each; cheaper where they all are UUIDs, as those of a log are."""
    try:
        joined = "".join(texts)  # type: ignore[arg-type] # that is what TypeError is for
        packed = bytes.fromhex(joined.replace("-", ""))
    except (TypeError, ValueError):
        packed, joined = b"", ""
    count = len(texts)
    dashes = "".join(joined[at::_UUID_LENGTH] for at in (8, 13, 18, 23))
    in_place = dashes == "-" * 4 * count == "-" * joined.count("-")
    if in_place and len(packed) == 16 * count and joined == joined.lower() and _same_length(texts):
        return [packed[start : start + 16] for start in range(0, 16 * count, 16)]
    return [uuid_bytes(text) if text else None for text in texts]


def _same_length(texts: Sequence[str | None]) -> bool:
    return {len(text or "") for text in texts} <= {_UUID_LENGTH}


def id_text(key: bytes, odd: Mapping[bytes, str]) -> str:
    """The id in an entry or its sorting part; ``odd`` spells those that are no UUIDs."""
    if not key[3] & 1:
        return odd[key[4:KEY]]
    digits = key.hex()
    return f"{digits[8:16]}-{digits[16:20]}-{digits[20:24]}-{digits[24:28]}-{digits[28:40]}"


def beginning(second: int, *, uuid: bool) -> bytes:
    """How the entry of an event begins: what comes before its id."""
    return (second * 2 + uuid).to_bytes(4, "big")


def entry(second: int, event_id: bytes, file: int, position: int, *, uuid: bool) -> bytes:
    """``second`` counts from the start of the UTC day."""
    return _ENTRY.pack(second * 2 + uuid, event_id, file, position)


def second_of(key: bytes) -> int:
    """The second of the day of an entry or of the sorting part of one."""
    return int.from_bytes(key[:4], "big") >> 1


def is_uuid(key: bytes) -> bool:
    return bool(key[3] & 1)


def id_of(key: bytes) -> bytes:
    return key[4:KEY]


def ids_of(packed: bytes) -> set[bytes]:
    return {packed[start : start + 16] for start in range(4, len(packed), ENTRY)}


def entries(packed: bytes) -> list[bytes]:
    return [packed[start : start + ENTRY] for start in range(0, len(packed), ENTRY)]


def between(packed: Iterable[bytes], since: int, until: int) -> Iterator[bytes]:
    """Of each of several chunks what is from second ``since`` to second ``until`` of their day, if anything is."""
    low, beyond = beginning(since, uuid=False), beginning(until + 1, uuid=False)
    for chunk in packed:
        part = chunk[_first(chunk, low) : _first(chunk, beyond)]
        if part:
            yield part


def _first(chunk: bytes, start: bytes) -> int:
    """Where the first entry stands that begins with ``start`` or more; the end of the chunk if none does."""
    low, high = 0, len(chunk) // ENTRY
    while low < high:
        middle = (low + high) // 2
        at = middle * ENTRY
        if chunk[at : at + 4] < start:
            low = middle + 1
        else:
            high = middle
    return low * ENTRY


def place_of(entry: bytes, base: int) -> tuple[int, int]:
    """The file and position of an entry that stands in a row with this ``base``."""
    _, _, file, position = _ENTRY.unpack(entry)
    return base + file, position


def in_file(entry: bytes, file: int) -> bytes:
    """The same entry with another file."""
    return entry[:KEY] + file.to_bytes(4, "big") + entry[KEY + 4 :]


def _digest(event_id: str) -> bytes:
    return hashlib.blake2b(event_id.encode("utf-8", "replace"), digest_size=16).digest()
