"""What finds a manner by all of its columns: a number made of them."""

from __future__ import annotations

import hashlib

Fields = tuple[int | None, ...]
"""The columns of a manner, in the order of ``FIELDS``."""

FIELDS = (
    *("key", "principal", "identity", "session", "address", "agent", "name", "outcome", "error", "detail"),
    *("place", "by_service", "copy"),
)
PRINCIPAL_AT, NAME_AT, PLACE_AT, COPY_AT = map(FIELDS.index, ("principal", "name", "place", "copy"))


def digest_of(fields: Fields) -> int:
    """63 bits. Two manners may share one, if hardly ever: who looks for one compares the columns, too."""
    return int.from_bytes(hashlib.blake2b(repr(fields).encode(), digest_size=8).digest(), "big") >> 1
