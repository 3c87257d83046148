"""The bytes of a log → raw records, one by one; what cannot be read is reported, never raised.

Taken: CloudTrail's own ``{"Records": [...]}``, a bare array, JSON lines, one record alone; each also gzipped. Of a
broken log the whole records before (and, where the text allows, after) the break are still given.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

import msgspec
from isal import isal_zlib

MAX_LOG_BYTES = 1024**3
"""The largest log taken, decompressed: CloudTrail's own are a few MB; a gzip bomb is not."""

GZIP = b"\x1f\x8b"
CHUNK = 1024 * 1024
_SMALL = 16 * CHUNK

_NOT_GZIP: type[Exception] = isal_zlib.error  # type: ignore[assignment] # its stub calls the class a value


@dataclass(frozen=True, slots=True)
class RawRecord:
    """The JSON text of one record, and where it stands: ``position`` counts from 0, ``line`` from 1."""

    position: int
    line: int | None
    text: bytes | msgspec.Raw


@dataclass(frozen=True, slots=True)
class Broken:
    """A part of a file, or all of it, that could not be read."""

    line: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class Content:
    """What a file holds, decompressed, and what is wrong with it; nothing at all where it cannot be read."""

    text: bytes
    broken: str | None = None

    def records(self) -> Iterator[RawRecord | Broken]:
        """Everything in it, in its order."""
        if self.text or not self.broken:
            yield from _records_in(self.text, whole=not self.broken)
        if self.broken:
            yield Broken(None, self.broken)


def content_from(chunks: Iterable[bytes]) -> Content:
    """What stands in the bytes of a log, gzipped or not, that come in pieces. Raises only what ``chunks`` raises."""
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
        text = inflator.decompress(compressed, min(_SMALL, MAX_LOG_BYTES))
    except _NOT_GZIP:
        return None
    return text if inflator.eof and not inflator.unused_data else None


def _gathered(pieces: Iterator[bytes]) -> Content:
    content = bytearray()
    try:
        for piece in pieces:
            content += piece
            if len(content) > MAX_LOG_BYTES:
                limit = MAX_LOG_BYTES // 1024**2
                return Content(b"", f"larger than {limit} MB when decompressed: nothing of it was read")
    except (_NOT_GZIP, EOFError) as error:
        truncated = isinstance(error, EOFError)
        what = "a truncated gzip file" if truncated else "a damaged gzip file"
        return Content(bytes(content), f"{what}: what stands after the break is lost")
    return Content(bytes(content))


def _inflated(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The content of a gzip file of one or more members, in pieces of at most 1 MB. Raises ``EOFError`` if cut."""
    inflator = isal_zlib.decompressobj(wbits=31)
    for chunk in chunks:
        rest = chunk
        while rest:
            if inflator.eof:
                if not rest.strip(b"\0"):
                    break
                if not GZIP.startswith(rest[:2]):
                    raise _NOT_GZIP("what follows is no gzip member")
                inflator = isal_zlib.decompressobj(wbits=31)
            yield inflator.decompress(rest, CHUNK)
            rest = inflator.unconsumed_tail or inflator.unused_data
    while not inflator.eof:
        piece = inflator.decompress(inflator.unconsumed_tail, CHUNK)
        if not piece:
            raise EOFError
        yield piece


class _Envelope(msgspec.Struct):
    records: list[msgspec.Raw] | None = msgspec.field(name="Records", default=None)
    event_id: msgspec.Raw = msgspec.field(name="eventID", default=msgspec.Raw())


_ENVELOPE = msgspec.json.Decoder(_Envelope)
_ARRAY = msgspec.json.Decoder(list[msgspec.Raw])
_FAILURES = (msgspec.MsgspecError, UnicodeError, RecursionError)


def _records_in(content: bytes, *, whole: bool) -> Iterator[RawRecord | Broken]:
    text = content.removeprefix(b"\xef\xbb\xbf").strip()
    if not text:
        if whole:
            yield Broken(None, "empty")
    elif _is_json_lines(text):
        yield from _from_lines(text)
    else:
        yield from _from_document(text, whole=whole)


def _from_document(text: bytes, *, whole: bool) -> Iterator[RawRecord | Broken]:
    try:
        found = _ARRAY.decode(text) if text.startswith(b"[") else _from_envelope(text)
    except _FAILURES:
        yield from _salvaged(text, whole=whole)
        return
    if found is None:
        yield Broken(None, "no Records")
        return
    yield from (RawRecord(position, None, raw) for position, raw in enumerate(found))


def _from_envelope(text: bytes) -> list[msgspec.Raw] | None:
    envelope = _ENVELOPE.decode(text)
    if envelope.records is None and envelope.event_id != msgspec.Raw():
        return [msgspec.Raw(text)]
    return envelope.records


def _is_json_lines(text: bytes) -> bool:
    """True if one of the first lines is a JSON object by itself and is not the whole text."""
    if not text.startswith(b"{") or b"\n" not in text:
        return False
    first_lines = text[: 64 * CHUNK].split(b"\n", 16)[:16]
    return any(_is_object(line) for line in first_lines)


def _is_object(line: bytes) -> bool:
    try:
        return bool(_ENVELOPE.decode(line) is not None and line.strip() != b"{}")
    except _FAILURES:
        return False


def _from_lines(text: bytes) -> Iterator[RawRecord | Broken]:
    position = 0
    for number, line in enumerate(io.BytesIO(text), start=1):
        for raw in _of_line(line.strip()):
            yield RawRecord(position, number, raw)
            position += 1


def _of_line(line: bytes) -> Sequence[bytes | msgspec.Raw]:
    """The records of one line: itself, or those of an envelope on it; a broken line is given on to be set aside."""
    if b'"Records"' in line:
        try:
            records = _ENVELOPE.decode(line).records
        except _FAILURES:
            return [line]
        return [line] if records is None else records
    return [line] if line else []


# Strings are taken whole so that brackets inside them do not count; possessive, so a cut string costs one pass.
_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+"|["\[\]{}]', re.DOTALL)
_RECORDS_ARRAY = re.compile(rb'"Records"\s{0,64}:\s{0,64}\[')


def _salvaged(text: bytes, *, whole: bool) -> Iterator[RawRecord | Broken]:
    """The whole records of a document that is not valid JSON."""
    start = 0 if text.startswith(b"[") else None
    if start is None:
        found = _RECORDS_ARRAY.search(text)
        start = found.end() - 1 if found else None
    if start is None:
        yield Broken(None, "not a CloudTrail log: neither JSON lines nor JSON with Records")
        return
    position, complete = 0, False
    for raw in _objects_in_array(text, start):
        complete = raw is None
        if raw is not None:
            yield RawRecord(position, None, raw)
            position += 1
    if not complete and whole:
        yield Broken(None, "the JSON breaks off: what stands after the break is lost")


def _objects_in_array(text: bytes, start: int) -> Iterator[bytes | None]:
    """Every object directly in the array that begins at ``start``; ``None`` once the array ends."""
    depth, begin = 0, 0
    for token in _TOKEN.finditer(text, start):
        sign = token[0]
        if sign in (b"{", b"["):
            depth += 1
            if depth == 2:
                begin = token.start()
        elif sign in (b"}", b"]"):
            depth -= 1
            if depth == 1:
                yield text[begin : token.end()]
            if depth == 0:
                yield None
                return
        elif sign == b'"':
            return
