"""The bytes of a log, gzipped or not → its text; a large one as it is read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

from isal import isal_zlib

from bot.history.forms import Broken, RawRecord, records_in, records_of_large

GZIP = b"\x1f\x8b"
CHUNK = 1024 * 1024
LARGE = 16 * CHUNK
"""A log with more text than this (CloudTrail's own have some megabytes) is not held in memory as a whole."""
BOMB_BYTES = 1024**3
BOMB_RATIO = 200
"""What unpacks to more than this, and to more than so many times its size, is no log: those shrink to a tenth or so."""

_NOT_GZIP: type[Exception] = isal_zlib.error  # type: ignore[assignment] # its stub calls the class a value


class _Bomb(Exception):
    """What unpacks to something absurd."""


@dataclass(frozen=True, slots=True)
class Content:
    """What a log holds, decompressed, and what is wrong with it; nothing at all where it cannot be read.

    Of a large log ``text`` is the begin, and ``rest`` goes on. Its records can be gone through once.
    """

    text: bytes
    broken: str | None = None
    rest: Iterator[bytes] | None = None

    def records(self) -> Iterator[RawRecord | Broken]:
        """Everything in it, in its order."""
        if self.rest is not None:
            yield from _records_of_large(self.text, self.rest)
            return
        if self.text or not self.broken:
            yield from records_in(self.text, whole=not self.broken)
        if self.broken:
            yield Broken(None, self.broken)


def content_from(chunks: Iterable[bytes]) -> Content:
    """What stands in the bytes of a log, gzipped or not, that come in pieces. Raises only what ``chunks`` raises.

    Of a large log they are taken while its records are.
    """
    pieces = iter(chunks)
    first = next(pieces, b"")
    if len(first) < CHUNK and first.startswith(GZIP):
        text = _at_once(first)
        if text is not None:
            return Content(text)
    whole = chain((first,), pieces)
    return _gathered(_inflated(whole) if first.startswith(GZIP) else whole)


def _at_once(compressed: bytes) -> bytes | None:
    """The content of a small gzip file, as most logs are; ``None`` if it is large, broken or not of one member."""
    inflator = isal_zlib.decompressobj(wbits=31)
    try:
        text = inflator.decompress(compressed, LARGE)
    except _NOT_GZIP:
        return None
    return text if inflator.eof and not inflator.unused_data else None


def _gathered(pieces: Iterator[bytes]) -> Content:
    text = bytearray()
    try:
        for piece in pieces:
            text += piece
            if len(text) > LARGE:
                return Content(bytes(text), rest=pieces)
    except (_NOT_GZIP, EOFError, _Bomb) as error:
        return Content(bytes(text), _why(error))
    return Content(bytes(text))


def _records_of_large(text: bytes, rest: Iterator[bytes]) -> Iterator[RawRecord | Broken]:
    try:
        yield from records_of_large(text, rest)
    except (_NOT_GZIP, EOFError, _Bomb, OSError) as error:
        yield Broken(None, _why(error))


def _why(error: Exception) -> str:
    if isinstance(error, OSError):
        return f"cannot be read to its end: {error.strerror or error}"
    if isinstance(error, _Bomb):
        return f"unpacks to more than {BOMB_BYTES // 1024**2} MB, {BOMB_RATIO} times its size: the rest was not read"
    what = "a truncated gzip file" if isinstance(error, EOFError) else "a damaged gzip file"
    return f"{what}: what stands after the break is lost"


def _inflated(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The content of a gzip file of one or more members, in pieces of at most 1 MB.

    Raises ``EOFError`` if it is cut off, ``_Bomb``, and isal's error.
    """
    inflator, taken, given = isal_zlib.decompressobj(wbits=31), 0, 0
    for chunk in chunks:
        rest = chunk
        taken += len(chunk)
        while rest:
            if inflator.eof:
                if not rest.strip(b"\0"):
                    break
                if not GZIP.startswith(rest[:2]):
                    raise _NOT_GZIP("what follows is no gzip member")
                inflator = isal_zlib.decompressobj(wbits=31)
            piece = inflator.decompress(rest, CHUNK)
            given += len(piece)
            if given > BOMB_BYTES and given > BOMB_RATIO * taken:
                raise _Bomb
            yield piece
            rest = inflator.unconsumed_tail or inflator.unused_data
    while not inflator.eof:
        piece = inflator.decompress(inflator.unconsumed_tail, CHUNK)
        if not piece:
            raise EOFError
        yield piece
